//! Whether a movement names as many pieces as it moves, whatever is in stock.

use std::collections::HashSet;

use catalog::Item;
use kernel::{Code, FieldError, ItemId, Quantity};
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use rust_decimal::prelude::ToPrimitive as _;

use super::model::{MAX_SERIALS, MAX_SERIALS_TOGETHER, Serials};
use crate::model::Posting;
use crate::request::MovementRequest;

/// The numbers as they were written: trimmed, each 1 to 64 characters, none twice.
pub(crate) fn read(given: Option<&[String]>) -> Result<Vec<String>, FieldError> {
    let given = given.unwrap_or_default();
    if given.len() > MAX_SERIALS {
        return Err(FieldError::new("serials", format!("must be at most {MAX_SERIALS}; split the movement")));
    }
    let mut seen = HashSet::with_capacity(given.len());
    let mut numbers = Vec::with_capacity(given.len());
    for (index, text) in given.iter().enumerate() {
        let number = Code::parse(text).map_err(|invalid| invalid.at(format!("serials[{index}]")))?.into_string();
        if !seen.insert(number.clone()) {
            return Err(FieldError::new(format!("serials[{index}]"), format!("names {number:?} a second time")));
        }
        numbers.push(number);
    }
    Ok(numbers)
}

/// All movements of a request together must fit into one transaction.
pub(crate) fn refuse_too_many(movements: &[MovementRequest]) -> Result<()> {
    let total: usize = movements.iter().filter_map(|one| one.serials.as_ref()).map(Vec::len).sum();
    if total > MAX_SERIALS_TOGETHER {
        return Err(Error::field("movements", format!("must name at most {MAX_SERIALS_TOGETHER} serial numbers together")));
    }
    Ok(())
}

/// The pieces that a movement of the item names: as many as its quantity (base unit, its sign does not matter) when the item is
/// serial-tracked, else none.
pub(crate) fn named(numbers: Vec<String>, item: &Item, quantity: Quantity) -> Result<Serials, FieldError> {
    let quantity = if quantity < Quantity::ZERO { -quantity } else { quantity };
    fault(item.serial_tracked, &format!("item {:?}", item.code), numbers.len(), quantity)?;
    Ok(Serials::Named(numbers))
}

fn fault(is_tracked: bool, item: &str, named: usize, quantity: Quantity) -> Result<(), FieldError> {
    let told = |message: String| Err(FieldError::new("serials", message));
    match (is_tracked, named) {
        (false, 0) => Ok(()),
        (false, _) => told(format!("{item} is not serial-tracked; leave the serial numbers away")),
        (true, 0) => told(format!("{item} is serial-tracked; name the serial numbers of all {quantity} pieces")),
        (true, named) if quantity.decimal().to_usize() == Some(named) && quantity.decimal().fract().is_zero() => Ok(()),
        (true, named) => told(format!("{item} is serial-tracked: {quantity} pieces, but {named} serial numbers")),
    }
}

/// For postings of other contexts: the same, and none for items that are not serial-tracked where the posting leaves the
/// choice to us. Errors name their posting as `movements[i].serials`.
pub(crate) async fn checked(tx: &mut Tx, actor: &Actor, postings: &[Posting]) -> Result<Vec<Posting>> {
    let items: Vec<ItemId> = postings.iter().map(|posting| posting.item).collect::<HashSet<_>>().into_iter().collect();
    let tracked = catalog::service::serial_tracked(tx, actor.tenant(), &items).await?;
    let mut errors = Vec::new();
    let checked = postings.iter().enumerate().map(|(index, posting)| {
        let is_tracked = tracked.contains(&posting.item);
        let serials = one_checked(posting, is_tracked).unwrap_or_else(|fault| {
            errors.push(crate::service::at(index, fault));
            Serials::default()
        });
        Posting { serials, ..posting.clone() }
    });
    let checked = checked.collect();
    if errors.is_empty() { Ok(checked) } else { Err(Error::invalid(errors)) }
}

fn one_checked(posting: &Posting, is_tracked: bool) -> Result<Serials, FieldError> {
    match &posting.serials {
        Serials::InOrder if !is_tracked => Ok(Serials::default()),
        Serials::InOrder if posting.quantity.decimal().fract().is_zero() => Ok(Serials::InOrder),
        Serials::InOrder => Err(FieldError::new("quantity", "must be a whole number, because the item is serial-tracked")),
        Serials::Named(numbers) => {
            let numbers = read(Some(numbers))?;
            fault(is_tracked, "the item", numbers.len(), posting.quantity)?;
            Ok(Serials::Named(numbers))
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn item(serial_tracked: bool) -> Item {
        Item { serial_tracked, ..Item::new(ItemId(Uuid::from_u128(9)), "A-1".into(), DateTime::UNIX_EPOCH) }
    }

    #[test]
    fn numbers_are_trimmed_bounded_and_named_once() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(read(Some(&texts(&[" S1 ", "S2"]))).unwrap(), ["S1", "S2"]);
        assert_eq!(read(None).unwrap(), [""; 0]);
        assert_eq!(read(Some(&texts(&["S1", "S2", "S1"]))).unwrap_err().field, "serials[2]");
        assert_eq!(read(Some(&texts(&["S1", " "]))).unwrap_err().field, "serials[1]");
        assert_eq!(read(Some(&texts(&[&"x".repeat(65)]))).unwrap_err().field, "serials[0]");
        assert_eq!(read(Some(&vec!["x".to_owned(); 10_001])).unwrap_err().field, "serials");
    }

    #[test]
    fn pieces_are_named_exactly_when_the_item_has_them() {
        let numbers = |count: usize| (0..count).map(|n| format!("S{n}")).collect::<Vec<_>>();
        let fault = |count, tracked, quantity: &str| named(numbers(count), &item(tracked), quantity.parse().unwrap()).err();
        assert_eq!(fault(0, false, "2.5"), None);
        assert_eq!(fault(2, true, "2"), None);
        assert_eq!(fault(2, true, "-2"), None);
        for (count, tracked, quantity) in [(2, false, "2"), (0, true, "2"), (1, true, "2"), (3, true, "2"), (2, true, "2.5")] {
            assert_eq!(fault(count, tracked, quantity).unwrap().field, "serials", "{count} {tracked} {quantity}");
        }
    }
}
