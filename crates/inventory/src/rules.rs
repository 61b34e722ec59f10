//! Which movements make sense, whatever is in stock: sides, statuses, texts and times. Fields are named relative to the movement.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{FieldError, LocationId, Quantity};

use crate::model::{LocationKind, Lot, LotDates, MovementKind, Place, Posting, QualityStatus};

pub const MAX_TEXT_CHARS: usize = 200;
/// Clocks of callers may run this far ahead of ours.
const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(60);
/// 2000-01-01, older than any stock: an earlier time is a mistake in the caller's conversion.
const EARLIEST_SECONDS: i64 = 946_684_800;

/// The virtual place that stands on the open side of this kind, if it has one.
fn counterpart(kind: MovementKind) -> Option<LocationKind> {
    match kind {
        MovementKind::Receipt => Some(LocationKind::Supplier),
        MovementKind::Issue => Some(LocationKind::Customer),
        MovementKind::Adjustment => Some(LocationKind::Adjustment),
        MovementKind::Scrap => Some(LocationKind::Scrap),
        MovementKind::Production => Some(LocationKind::Production),
        MovementKind::Transfer | MovementKind::StatusChange => None,
    }
}

pub fn virtual_place(kind: LocationKind, id: LocationId) -> Place {
    Place {
        id,
        kind,
        facility_id: None,
        facility_code: String::new(),
        code: kind.as_str().to_owned(),
        is_active: true,
        is_transit: false,
    }
}

/// Both sides of a movement and its quantity, which is greater than zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sides {
    pub from: Place,
    pub to: Place,
    pub quantity: Quantity,
}

/// Completes the sides that a caller may leave out: the virtual one, or the other half of a status change.
/// An adjustment with only `to` may be signed: what is negative is taken from there.
pub fn complete(kind: MovementKind, quantity: Quantity, from: Option<Place>, to: Option<Place>) -> Result<Sides, FieldError> {
    let open = counterpart(kind).and_then(|kind| kind.virtual_id().map(|id| virtual_place(kind, id)));
    let is_signed = kind == MovementKind::Adjustment && from.is_none();
    if quantity.is_zero() {
        return Err(FieldError::new("quantity", "must not be 0"));
    }
    if quantity < Quantity::ZERO && !is_signed {
        let mend = if kind == MovementKind::Adjustment { "; to take away, name the place in `to` only" } else { "" };
        return Err(FieldError::new("quantity", format!("must be greater than 0{mend}")));
    }
    let (from, to) = match (from, to, open) {
        (None, Some(to), Some(open)) if quantity < Quantity::ZERO => (to, open),
        (None, Some(to), Some(open)) if kind != MovementKind::Issue && kind != MovementKind::Scrap => (open, to),
        (Some(from), None, Some(open)) if kind != MovementKind::Receipt => (from, open),
        (Some(place), None, None) | (None, Some(place), None) if kind == MovementKind::StatusChange => (place.clone(), place),
        (Some(from), Some(to), _) => (from, to),
        (None, ..) if kind != MovementKind::Receipt => {
            return Err(FieldError::new("from", "must name the place that gives the goods"));
        }
        _ => return Err(FieldError::new("to", "must name the place that takes the goods")),
    };
    let quantity = if quantity < Quantity::ZERO { -quantity } else { quantity };
    Ok(Sides { from, to, quantity })
}

/// Everything about a posting that can be judged without looking at stock.
pub fn check(posting: &Posting, from: &Place, to: &Place, now: DateTime<Utc>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut fault = |field: &str, message: String| errors.push(FieldError::new(field, message));
    if let Err(invalid) = Quantity::new(posting.quantity.decimal()).and_then(Quantity::positive) {
        fault("quantity", invalid.0);
    }
    if let Some((field, message)) = sides_fault(posting, from, to) {
        fault(field, message);
    }
    if !to.is_active && posting.from != posting.to {
        fault("to", format!("location {:?} is not active and takes no goods", to.name()));
    }
    if posting.kind == MovementKind::Adjustment && posting.reason.trim().is_empty() {
        fault("reason", "must say why the stock is adjusted".into());
    }
    for (field, text) in [("reason", &posting.reason), ("reference", &posting.reference)] {
        if text.chars().count() > MAX_TEXT_CHARS {
            fault(field, format!("must be at most {MAX_TEXT_CHARS} characters long"));
        } else if text.chars().any(char::is_control) {
            fault(field, "must not contain control characters".into());
        }
    }
    if let Some(at) = posting.effective_at {
        if at > now + CLOCK_SKEW {
            fault("effective_at", "must not be in the future".into());
        } else if at.timestamp() < EARLIEST_SECONDS {
            fault("effective_at", "must not be before the year 2000".into());
        }
    }
    errors
}

fn sides_fault(posting: &Posting, from: &Place, to: &Place) -> Option<(&'static str, String)> {
    use LocationKind::{Adjustment, Customer, Physical, Production, Scrap, Supplier};
    let (one_of_from, one_of_to): (&[LocationKind], &[LocationKind]) = match posting.kind {
        MovementKind::Receipt => (&[Supplier], &[Physical]),
        MovementKind::Issue => (&[Physical], &[Customer]),
        MovementKind::Transfer | MovementKind::StatusChange => (&[Physical], &[Physical]),
        MovementKind::Scrap => (&[Physical], &[Scrap]),
        MovementKind::Adjustment if from.kind == Adjustment => (&[Adjustment], &[Physical]),
        MovementKind::Adjustment => (&[Physical], &[Adjustment]),
        MovementKind::Production if from.kind == Production => (&[Production], &[Physical]),
        MovementKind::Production => (&[Physical], &[Production]),
    };
    let kind = posting.kind;
    if !one_of_from.contains(&from.kind) {
        return Some(("from", format!("a movement of kind {kind} cannot come from {}", from.name())));
    }
    if !one_of_to.contains(&to.kind) {
        return Some(("to", format!("a movement of kind {kind} cannot go to {}", to.name())));
    }
    match kind {
        MovementKind::StatusChange if from.id != to.id => {
            Some(("to", "a status change stays in one place; transfer the goods before or after".into()))
        }
        MovementKind::StatusChange if posting.from_status == posting.to_status => {
            Some(("to_status", format!("must differ from the present status {}", posting.from_status)))
        }
        MovementKind::StatusChange => None,
        MovementKind::Transfer if from.id == to.id => Some(("to", "must be another place than `from`".into())),
        _ if posting.from_status != posting.to_status => {
            Some(("to_status", format!("only a {} changes the quality status", MovementKind::StatusChange)))
        }
        MovementKind::Issue if posting.from_status != QualityStatus::Released => {
            let status = posting.from_status;
            Some(("quality_status", format!("only released goods may be issued, these are {status}; release or scrap them")))
        }
        _ => None,
    }
}

/// Takes over what the lot did not know yet, and refuses what contradicts it. Says whether the lot changed.
pub fn agree(lot: &mut Lot, dates: &LotDates) -> Result<bool, FieldError> {
    let mut merged = lot.clone();
    for (field, known, given) in [
        ("manufactured_on", &mut merged.manufactured_on, dates.manufactured_on),
        ("expires_on", &mut merged.expires_on, dates.expires_on),
    ] {
        match (*known, given) {
            (Some(known), Some(given)) if known != given => {
                return Err(FieldError::new(
                    field,
                    format!("lot {:?} has {known}, not {given}; leave it empty or correct it", lot.number),
                ));
            }
            (None, given @ Some(_)) => *known = given,
            _ => {}
        }
    }
    if let (Some(made), Some(expires)) = (merged.manufactured_on, merged.expires_on)
        && made > expires
    {
        return Err(FieldError::new("expires_on", format!("must not be before the day of manufacture, {made}")));
    }
    let changed = merged != *lot;
    *lot = merged;
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use kernel::{FacilityId, ItemId, LotId};
    use uuid::Uuid;

    use super::*;

    fn place(n: u128) -> Place {
        Place {
            id: LocationId(Uuid::from_u128(n)),
            kind: LocationKind::Physical,
            facility_id: Some(FacilityId(Uuid::from_u128(50))),
            facility_code: "WH1".into(),
            code: format!("A-{n}"),
            is_active: true,
            is_transit: false,
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn faults(kind: MovementKind, sides: &Sides) -> Vec<String> {
        let item = ItemId(Uuid::from_u128(9));
        let posting = Posting::transfer(item, None, sides.quantity, sides.from.id, sides.to.id, QualityStatus::Released);
        let posting = Posting { kind, ..posting.with_reason("counted") };
        check(&posting, &sides.from, &sides.to, now()).into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn the_open_side_is_completed_for_each_kind() {
        let q = Quantity::from(3);
        let sides = |kind, from, to| complete(kind, q, from, to).unwrap();
        for (kind, from, to) in [
            (MovementKind::Receipt, None, Some(place(11))),
            (MovementKind::Issue, Some(place(11)), None),
            (MovementKind::Scrap, Some(place(11)), None),
            (MovementKind::Production, None, Some(place(11))),
            (MovementKind::Production, Some(place(11)), None),
            (MovementKind::Adjustment, None, Some(place(11))),
            (MovementKind::Adjustment, Some(place(11)), None),
            (MovementKind::Transfer, Some(place(11)), Some(place(12))),
        ] {
            let sides = sides(kind, from, to);
            assert_eq!(faults(kind, &sides), Vec::<String>::new(), "{kind}: {sides:?}");
        }
    }

    #[test]
    fn a_side_that_cannot_be_guessed_is_asked_for() {
        let q = Quantity::from(3);
        let field = |kind, from, to| complete(kind, q, from, to).unwrap_err().field;
        assert_eq!(field(MovementKind::Receipt, None, None), "to");
        assert_eq!(field(MovementKind::Receipt, Some(place(11)), None), "to");
        assert_eq!(field(MovementKind::Issue, None, Some(place(11))), "from");
        assert_eq!(field(MovementKind::Transfer, Some(place(11)), None), "to");
        assert_eq!(field(MovementKind::Transfer, None, Some(place(11))), "from");
        assert_eq!(field(MovementKind::StatusChange, None, None), "from");
    }

    #[test]
    fn a_negative_adjustment_takes_away() {
        let sides = complete(MovementKind::Adjustment, -Quantity::from(2), None, Some(place(11))).unwrap();
        assert_eq!(
            (sides.from.code.as_str(), sides.to.kind, sides.quantity),
            ("A-11", LocationKind::Adjustment, Quantity::from(2))
        );
        assert_eq!(complete(MovementKind::Adjustment, -Quantity::from(2), Some(place(11)), None).unwrap_err().field, "quantity");
        assert_eq!(complete(MovementKind::Receipt, -Quantity::from(2), None, Some(place(11))).unwrap_err().field, "quantity");
        assert_eq!(complete(MovementKind::Receipt, Quantity::ZERO, None, Some(place(11))).unwrap_err().field, "quantity");
    }

    #[test]
    fn wrong_sides_are_named() {
        let supplier = virtual_place(LocationKind::Supplier, crate::model::SUPPLIER);
        let q = Quantity::from(1);
        let sides = |from: &Place, to: &Place| Sides { from: from.clone(), to: to.clone(), quantity: q };
        assert_eq!(faults(MovementKind::Receipt, &sides(&place(11), &place(12))), ["from"]);
        assert_eq!(faults(MovementKind::Issue, &sides(&place(11), &supplier)), ["to"]);
        assert_eq!(faults(MovementKind::Transfer, &sides(&place(11), &place(11))), ["to"]);
        assert_eq!(faults(MovementKind::StatusChange, &sides(&place(11), &place(11))), ["to_status"]);
        let closed = Place { is_active: false, ..place(12) };
        assert_eq!(faults(MovementKind::Transfer, &sides(&place(11), &closed)), ["to"]);
        assert_eq!(faults(MovementKind::Transfer, &sides(&closed, &place(11))), Vec::<String>::new());
    }

    #[test]
    fn texts_and_times_are_bounded() {
        let base = Posting::issue(ItemId(Uuid::from_u128(9)), None, Quantity::from(1), place(11).id);
        let customer = virtual_place(LocationKind::Customer, crate::model::CUSTOMER);
        let fields = |posting: Posting| -> Vec<String> {
            check(&posting, &place(11), &customer, now()).into_iter().map(|error| error.field).collect()
        };
        assert_eq!(
            fields(Posting { reason: "x".repeat(201), reference: "a\u{0}".into(), ..base.clone() }),
            ["reason", "reference"]
        );
        assert_eq!(fields(Posting { effective_at: Some(now() + TimeDelta::minutes(5)), ..base.clone() }), ["effective_at"]);
        assert_eq!(fields(Posting { effective_at: Some(DateTime::UNIX_EPOCH), ..base.clone() }), ["effective_at"]);
        let held = Posting { from_status: QualityStatus::Hold, to_status: QualityStatus::Hold, ..base };
        assert_eq!(fields(held), ["quality_status"]);
    }

    #[test]
    fn lot_dates_fill_gaps_and_never_contradict() {
        let day = |d| NaiveDate::from_ymd_opt(2027, 1, d);
        let mut lot = Lot {
            lot_id: LotId(Uuid::from_u128(1)),
            item_id: ItemId(Uuid::from_u128(2)),
            number: "L1".into(),
            quality_status: QualityStatus::Released,
            received_at: now(),
            manufactured_on: None,
            expires_on: None,
            created_at: now(),
        };
        let dates = |made, expires| LotDates { manufactured_on: made, expires_on: expires, quality_status: None };
        assert_eq!(agree(&mut lot, &dates(None, None)), Ok(false));
        assert_eq!(agree(&mut lot, &dates(None, day(9))), Ok(true));
        assert_eq!(agree(&mut lot, &dates(None, day(9))), Ok(false));
        assert_eq!(agree(&mut lot, &dates(None, day(8))).unwrap_err().field, "expires_on");
        assert_eq!(agree(&mut lot, &dates(day(10), None)).unwrap_err().field, "expires_on");
        assert_eq!(lot.manufactured_on, None);
    }
}
