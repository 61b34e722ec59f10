//! Decides, without the database, which line each counted quantity belongs to and whether it may be taken.

use std::collections::HashMap;

use catalog::Item;
use inventory::{LotDates, QualityStatus, WantedLot};
use kernel::{ItemId, Quantity, ReceiptLineId};
use platform::Result;

use super::model::{LINES_MAX, Receipt, ReceiptLine, Receive, ReceiveLine};
use crate::check::Checks;
use crate::words::ReceiptKind;

const LOT_MAX: usize = 64;

/// What to post, and the receipt's lines as they will be.
#[derive(Debug)]
pub(super) struct Plan {
    pub arrivals: Vec<Arrival>,
    /// Each lot once.
    pub lots: Vec<WantedLot>,
    /// Every line, new ones at the end.
    pub lines: Vec<ReceiptLine>,
    /// How many of `lines` exist already.
    pub known: usize,
}

#[derive(Debug)]
pub(super) struct Arrival {
    /// Index into [`Plan::lines`].
    pub line: usize,
    /// Index into [`Plan::lots`].
    pub lot: Option<usize>,
    pub quantity: Quantity,
    pub quality_status: Option<QualityStatus>,
    pub serials: Vec<String>,
}

/// `items` knows the items of the lines by id and those that the caller named by reference.
pub(super) struct Items {
    pub by_id: HashMap<ItemId, Item>,
    pub by_reference: HashMap<String, Item>,
}

/// The counted lines, or for "everything as announced" the lines that are still open.
pub(super) fn counted(receipt: &Receipt, input: &Receive) -> Result<Vec<ReceiveLine>> {
    let mut checks = Checks::default();
    if input.receive_all {
        checks.require(input.lines.is_empty(), "lines", "must be empty with receive_all");
        let open = receipt.lines.iter().filter(|line| !line.remaining().is_zero());
        let lines: Vec<ReceiveLine> = open
            .map(|line| ReceiveLine { line_id: Some(line.receipt_line_id), quantity: line.remaining(), ..ReceiveLine::default() })
            .collect();
        checks.require(!lines.is_empty(), "receive_all", "nothing is expected any more");
        return checks.done().map(|()| lines);
    }
    checks.require(!input.lines.is_empty(), "lines", "must not be empty");
    checks.require(input.lines.len() <= LINES_MAX, "lines", "must be at most 2,000; send the rest in another call");
    checks.done().map(|()| input.lines.clone())
}

/// Quantities for the same item and lot add up, within the call and with what came before.
pub(super) fn plan(
    receipt: &Receipt,
    input: &Receive,
    counted: &[ReceiveLine],
    items: &Items,
    mut new_id: impl FnMut() -> ReceiptLineId,
) -> Result<Plan> {
    let mut checks = Checks::default();
    let mut plan = Plan { arrivals: Vec::new(), lots: Vec::new(), lines: receipt.lines.clone(), known: receipt.lines.len() };
    for (n, given) in counted.iter().enumerate() {
        checks.inside(if input.receive_all { String::new() } else { format!("lines[{n}].") });
        let Some((line, item)) = plan.line_of(&mut checks, given, items, &mut new_id) else { continue };
        let no = plan.lines[line].line_no;
        let quantity = quantity_of(given);
        let Some(quantity) = in_base_unit(&mut checks, "quantity", "unit", quantity, given.unit.as_deref(), item) else {
            continue;
        };
        if input.receive_all && item.serial_tracked {
            let why = format!("line {no}: item {:?} is serial-tracked; receive it by itself with its serial numbers", item.code);
            checks.refuse("receive_all", why);
        }
        let lot = plan.lot_of(&mut checks, given, line, item, input.receive_all);
        let target = &mut plan.lines[line];
        if receipt.kind == ReceiptKind::Expected && !input.allow_over && quantity > target.remaining() {
            let (expected, received, rest) = (target.expected, target.received, target.remaining());
            let why = match expected.is_zero() {
                true => format!("item {:?} was not announced in this lot or at all; set allow_over to take it", item.code),
                false => format!("line {no} expects {expected} and has {received}: at most {rest} more, or set allow_over"),
            };
            checks.refuse("quantity", why);
        }
        match Quantity::new(target.received.decimal() + quantity.decimal()) {
            Ok(received) => target.received = received,
            Err(invalid) => checks.refuse("quantity", invalid.0),
        }
        let (quality_status, serials) = (given.quality_status, given.serials.clone());
        plan.arrivals.push(Arrival { line, lot, quantity, quality_status, serials });
    }
    checks.inside("").require(plan.lines.len() <= LINES_MAX, "lines", "a delivery has at most 2,000 lines");
    checks.done().map(|()| plan)
}

impl Plan {
    /// The line that the goods count towards, made when nothing announced them, and its item.
    fn line_of<'a>(
        &mut self,
        checks: &mut Checks,
        given: &ReceiveLine,
        items: &'a Items,
        new_id: &mut impl FnMut() -> ReceiptLineId,
    ) -> Option<(usize, &'a Item)> {
        let named =
            [given.line_id.is_some(), given.line_no.is_some(), given.item.is_some()].into_iter().filter(|named| *named).count();
        if named != 1 {
            checks.refuse("item", "exactly one of line_id, line_no and item must be given");
            return None;
        }
        if let Some(reference) = &given.item {
            let Some(item) = items.by_reference.get(reference) else {
                checks.refuse("item", format!("item {reference:?} does not exist"));
                return None;
            };
            checks.require(item.is_active, "item", "is not active any more; activate it, or send the goods back");
            return Some((self.announced(given, item).unwrap_or_else(|| self.add(given, item, new_id())), item));
        }
        let is_it = |line: &ReceiptLine| given.line_id == Some(line.receipt_line_id) || given.line_no == Some(line.line_no);
        let Some(line) = self.lines.iter().position(is_it) else {
            checks.refuse(if given.line_id.is_some() { "line_id" } else { "line_no" }, "is not a line of this delivery");
            return None;
        };
        let item = items.by_id.get(&self.lines[line].item_id)?;
        let (announced, other) = (self.lines[line].lot_number.clone(), lot_text(given));
        if !announced.is_empty() && !other.is_empty() && announced != other {
            let message = format!(
                "line {} announces lot {announced:?}; for another lot name the item instead of the line",
                self.lines[line].line_no
            );
            checks.refuse("lot_number", message);
        }
        Some((line, item))
    }

    /// The line with this item and lot, else one of the item without a lot; one with something still open first.
    fn announced(&self, given: &ReceiveLine, item: &Item) -> Option<usize> {
        let lot = lot_text(given);
        let candidates = self.lines.iter().enumerate().filter(|(_, line)| line.item_id == item.item_id);
        let fitting = candidates.filter(|(_, line)| line.lot_number == lot || line.lot_number.is_empty() || lot.is_empty());
        fitting.min_by_key(|(_, line)| (line.remaining().is_zero(), line.lot_number != lot, line.line_no)).map(|(n, _)| n)
    }

    fn add(&mut self, given: &ReceiveLine, item: &Item, id: ReceiptLineId) -> usize {
        self.lines.push(ReceiptLine {
            receipt_line_id: id,
            line_no: self.lines.iter().map(|line| line.line_no).max().unwrap_or(0) + 1,
            item_id: item.item_id,
            item_code: item.code.clone(),
            item_name: item.name.clone(),
            base_unit: item.base_unit.clone(),
            lot_number: lot_text(given),
            expires_on: given.expires_on,
            expected: Quantity::ZERO,
            received: Quantity::ZERO,
        });
        self.lines.len() - 1
    }

    fn lot_of(&mut self, checks: &mut Checks, given: &ReceiveLine, line: usize, item: &Item, all: bool) -> Option<usize> {
        let line = &self.lines[line];
        let number = match lot_text(given) {
            number if number.is_empty() => line.lot_number.clone(),
            number => number,
        };
        if !item.lot_tracked {
            let message = "must be absent: the item is not lot-tracked";
            checks.require(number.is_empty() || given.lot_number.is_none(), "lot_number", message);
            return None;
        }
        if number.is_empty() {
            let field = if all { "receive_all" } else { "lot_number" };
            checks.refuse(field, format!("line {}: item {:?} is lot-tracked, a lot number is required", line.line_no, item.code));
            return None;
        }
        checks.text("lot_number", &number, LOT_MAX);
        let expires_on = given.expires_on.or(line.expires_on);
        if let (Some(made), Some(expires)) = (given.manufactured_on, expires_on) {
            checks.require(made <= expires, "expires_on", "must not be before manufactured_on");
        }
        let dates = LotDates { manufactured_on: given.manufactured_on, expires_on, quality_status: given.quality_status };
        let known = self.lots.iter().position(|lot| lot.item == item.item_id && lot.number == number);
        let Some(known) = known else {
            self.lots.push(WantedLot { item: item.item_id, number, dates });
            return Some(self.lots.len() - 1);
        };
        let before = &mut self.lots[known].dates;
        for (field, new, old) in [
            ("expires_on", dates.expires_on, &mut before.expires_on),
            ("manufactured_on", dates.manufactured_on, &mut before.manufactured_on),
        ] {
            match (*old, new) {
                (Some(old), Some(new)) if old != new => {
                    checks.refuse(field, format!("contradicts another line of the same lot, which says {old}"));
                }
                (None, Some(_)) => *old = new,
                _ => {}
            }
        }
        Some(known)
    }
}

/// As given; without a unit serial numbers count themselves.
fn quantity_of(given: &ReceiveLine) -> Quantity {
    let counts_itself = given.quantity.is_zero() && given.unit.is_none();
    if counts_itself { Quantity::from(u32::try_from(given.serials.len()).unwrap_or(u32::MAX)) } else { given.quantity }
}

fn lot_text(given: &ReceiveLine) -> String {
    given.lot_number.as_deref().unwrap_or_default().trim().to_owned()
}

/// `quantity` of `unit` in the item's base unit, exactly.
pub(crate) fn in_base_unit(
    checks: &mut Checks,
    quantity_field: &str,
    unit_field: &str,
    quantity: Quantity,
    unit: Option<&str>,
    item: &Item,
) -> Option<Quantity> {
    let quantity = checks.take(quantity_field, quantity.positive())?;
    let unit = unit.map(str::trim).filter(|unit| !unit.is_empty()).unwrap_or(&item.base_unit);
    let Some(factor) = item.factor_of(unit) else {
        let known: Vec<_> =
            std::iter::once(item.base_unit.as_str()).chain(item.units.iter().map(|unit| unit.unit.as_str())).collect();
        checks.refuse(unit_field, format!("item {:?} is not handled in {unit:?}; its units are {}", item.code, known.join(", ")));
        return None;
    };
    let Some(product) = quantity.decimal().checked_mul(factor.decimal()) else {
        checks.refuse(quantity_field, "is too large");
        return None;
    };
    checks.take(quantity_field, Quantity::new(product))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use kernel::{FacilityId, ReceiptId};
    use uuid::Uuid;

    use super::*;
    use crate::words::ReceiptState;

    fn item(n: u128, lot_tracked: bool) -> Item {
        let mut item = Item::new(ItemId(Uuid::from_u128(n)), format!("I{n}"), DateTime::UNIX_EPOCH);
        item.lot_tracked = lot_tracked;
        item.units.push(catalog::ItemUnit { unit: "CTN".into(), factor: Quantity::from(12) });
        item
    }

    fn line(no: i32, item: &Item, lot: &str, expected: u32) -> ReceiptLine {
        ReceiptLine {
            receipt_line_id: ReceiptLineId(Uuid::from_u128(no as u128)),
            line_no: no,
            item_id: item.item_id,
            item_code: item.code.clone(),
            item_name: String::new(),
            base_unit: "EA".into(),
            lot_number: lot.into(),
            expires_on: None,
            expected: expected.into(),
            received: Quantity::ZERO,
        }
    }

    fn receipt(kind: ReceiptKind, lines: Vec<ReceiptLine>) -> Receipt {
        Receipt {
            receipt_id: ReceiptId(Uuid::nil()),
            facility_id: FacilityId(Uuid::nil()),
            facility_code: "F".into(),
            code: "R".into(),
            kind,
            state: ReceiptState::Open,
            supplier: String::new(),
            expected_at: None,
            closed_at: None,
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            lines,
        }
    }

    fn run(receipt: &Receipt, input: &Receive) -> Result<Plan> {
        let items = [item(1, false), item(2, true)];
        let items = Items {
            by_id: items.iter().map(|item| (item.item_id, item.clone())).collect(),
            by_reference: items.iter().map(|item| (item.code.clone(), item.clone())).collect(),
        };
        let counted = counted(receipt, input)?;
        plan(receipt, input, &counted, &items, || ReceiptLineId(Uuid::from_u128(99)))
    }

    fn of_item(item: &str, lot: Option<&str>, quantity: u32) -> ReceiveLine {
        ReceiveLine {
            item: Some(item.into()),
            lot_number: lot.map(Into::into),
            quantity: quantity.into(),
            ..ReceiveLine::default()
        }
    }

    fn lines(lines: Vec<ReceiveLine>) -> Receive {
        Receive { lines, ..Receive::default() }
    }

    fn fields(result: Result<Plan>) -> Vec<String> {
        result.unwrap_err().fields.into_iter().map(|field| field.field).collect()
    }

    #[test]
    fn too_much_is_refused_naming_the_line_unless_allowed() {
        let receipt = receipt(ReceiptKind::Expected, vec![line(1, &item(1, false), "", 10)]);
        let mut input = lines(vec![of_item("I1", None, 6), of_item("I1", None, 5)]);
        let error = run(&receipt, &input).unwrap_err();
        assert_eq!(error.fields[0].field, "lines[1].quantity");
        assert!(error.fields[0].message.contains("line 1 expects 10 and has 6: at most 4 more"));
        input.allow_over = true;
        let plan = run(&receipt, &input).unwrap();
        assert_eq!((plan.lines[0].received, plan.lines[0].difference()), (Quantity::from(11), Quantity::from(1)));
    }

    #[test]
    fn the_same_lot_twice_adds_up_and_contradictions_are_named() {
        let receipt = receipt(ReceiptKind::Blind, vec![]);
        let mut input = lines(vec![of_item("I2", Some("L"), 6), of_item("I2", Some(" L "), 5)]);
        let plan = run(&receipt, &input).unwrap();
        assert_eq!((plan.lots.len(), plan.lines.len(), plan.lines[0].received), (1, 1, Quantity::from(11)));
        input.lines[0].expires_on = chrono::NaiveDate::from_ymd_opt(2027, 1, 1);
        input.lines[1].expires_on = chrono::NaiveDate::from_ymd_opt(2027, 1, 2);
        assert_eq!(fields(run(&receipt, &input)), ["lines[1].expires_on"]);
    }

    #[test]
    fn lots_are_required_exactly_for_lot_tracked_items() {
        let receipt = receipt(ReceiptKind::Blind, vec![]);
        let input = lines(vec![of_item("I2", None, 1), of_item("I1", Some("L"), 1), of_item("I9", None, 1)]);
        assert_eq!(fields(run(&receipt, &input)), ["lines[0].lot_number", "lines[1].lot_number", "lines[2].item"]);
    }

    #[test]
    fn units_are_converted_exactly() {
        let receipt = receipt(ReceiptKind::Expected, vec![line(1, &item(1, false), "", 24)]);
        let mut given = of_item("I1", None, 2);
        given.unit = Some("CTN".into());
        assert_eq!(run(&receipt, &lines(vec![given.clone()])).unwrap().lines[0].received, Quantity::from(24));
        given.unit = Some("PAL".into());
        assert_eq!(fields(run(&receipt, &lines(vec![given]))), ["lines[0].unit"]);
    }

    #[test]
    fn receive_all_takes_what_is_open_and_asks_for_missing_lots() {
        let (plain, tracked) = (item(1, false), item(2, true));
        let mut all = receipt(ReceiptKind::Expected, vec![line(1, &plain, "", 3), line(2, &tracked, "L", 4)]);
        let input = Receive { receive_all: true, ..Receive::default() };
        let plan = run(&all, &input).unwrap();
        assert!(plan.lines.iter().all(|line| line.received == line.expected) && plan.known == 2);
        all.lines[1].lot_number.clear();
        assert_eq!(fields(run(&all, &input)), ["receive_all"]);
    }

    #[test]
    fn another_lot_than_announced_is_a_line_of_its_own() {
        let receipt = receipt(ReceiptKind::Expected, vec![line(1, &item(2, true), "A", 3)]);
        let mut input = lines(vec![of_item("I2", Some("B"), 1)]);
        assert_eq!(fields(run(&receipt, &input)), ["lines[0].quantity"]);
        input.allow_over = true;
        let plan = run(&receipt, &input).unwrap();
        assert_eq!((plan.lines.len(), plan.lines[1].line_no, plan.lines[0].received), (2, 2, Quantity::ZERO));
    }

    proptest::proptest! {
        #[test]
        fn nothing_counted_is_lost(quantities in proptest::collection::vec((0_usize..2, 1_u32..100), 1..40), announced in 0_u32..200) {
            let receipt = receipt(ReceiptKind::Expected, vec![line(1, &item(1, false), "", announced)]);
            let given = quantities.iter().map(|(kind, quantity)| of_item(["I1", "I2"][*kind], [None, Some("L")][*kind], *quantity));
            let input = Receive { allow_over: true, ..lines(given.collect()) };
            let plan = run(&receipt, &input).unwrap();
            let counted: u32 = quantities.iter().map(|(_, quantity)| quantity).sum();
            let on_lines: Quantity = plan.lines.iter().map(|line| line.received).sum();
            let posted: Quantity = plan.arrivals.iter().map(|arrival| arrival.quantity).sum();
            proptest::prop_assert_eq!((on_lines, posted), (Quantity::from(counted), Quantity::from(counted)));
        }
    }
}
