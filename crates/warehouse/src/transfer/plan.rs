//! Decides, without the database, which goods leave or arrive for each line of a call.

use std::collections::{BTreeMap, HashMap};

use inventory::QualityStatus;
use inventory::service::Free;
use kernel::{ItemId, LocationId, LotId, MovementId, Quantity};
use platform::Result;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use uuid::Uuid;

use super::model::{Shipment, Transfer};
use crate::check::{Checks, as_id};

/// Goods of one line, read and converted to the base unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Index into the transfer's lines.
    pub line: usize,
    pub quantity: Quantity,
    pub lot: Option<LotId>,
    pub from: Option<LocationId>,
    pub status: QualityStatus,
}

/// Which line a call means; the field at fault is told.
pub(super) fn line_of(
    checks: &mut Checks,
    transfer: &Transfer,
    (line_id, line_no, item): (Option<Uuid>, Option<i32>, Option<&str>),
    open: impl Fn(usize) -> Quantity,
) -> Option<usize> {
    match (line_id, line_no, item) {
        (Some(id), None, None) => {
            let found = transfer.lines.iter().position(|line| line.transfer_line_id.0 == id);
            checks.require(found.is_some(), "line_id", "is not a line of this transfer");
            found
        }
        (None, Some(no), None) => {
            let found = transfer.lines.iter().position(|line| line.line_no == no);
            checks.require(found.is_some(), "line_no", "is not a line of this transfer");
            found
        }
        (None, None, Some(item)) => {
            let text = item.trim();
            let fits = |n: &usize| {
                let line = &transfer.lines[*n];
                line.item_code == text || as_id(text) == Some(line.item_id.0)
            };
            let found = (0..transfer.lines.len()).filter(fits).min_by_key(|n| (open(*n).is_zero(), *n));
            checks.require(found.is_some(), "item", "is not on this transfer");
            found
        }
        _ => {
            checks.refuse("item", "exactly one of line_id, line_no and item must be given");
            None
        }
    }
}

/// Goods that leave one place for one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pick {
    pub line: usize,
    /// Index into what was asked.
    pub asked: usize,
    pub item: ItemId,
    pub lot: Option<LotId>,
    pub location: LocationId,
    pub status: QualityStatus,
    pub quantity: Quantity,
}

/// Takes free goods in the order given, first for those who name a place or a lot. Goods that are not released are taken as named.
/// The second answer says what is lacking, per asked.
pub(super) fn picks(transfer: &Transfer, asked: &[Asked], mut free: Vec<Free>) -> (Vec<Pick>, Vec<(usize, Quantity)>) {
    let (mut picks, mut short) = (Vec::new(), Vec::new());
    let mut order: Vec<usize> = (0..asked.len()).collect();
    order.sort_by_key(|n| (asked[*n].from.is_none(), asked[*n].lot.is_none(), *n));
    for n in order {
        let one = &asked[n];
        let item = transfer.lines[one.line].item_id;
        let pick = |lot, location, quantity| Pick { line: one.line, asked: n, item, lot, location, status: one.status, quantity };
        if let (Some(location), true) = (one.from, one.status != QualityStatus::Released) {
            picks.push(pick(one.lot, location, one.quantity));
            continue;
        }
        let mut rest = one.quantity;
        for goods in free.iter_mut().filter(|goods| {
            goods.item == item
                && one.from.is_none_or(|from| from == goods.location)
                && (one.lot.is_none() || one.lot == goods.lot)
        }) {
            let taken = rest.min(goods.available);
            if taken > Quantity::ZERO {
                picks.push(pick(goods.lot, goods.location, taken));
                goods.available -= taken;
                rest -= taken;
            }
        }
        if !rest.is_zero() {
            short.push((n, one.quantity - rest));
        }
    }
    picks.sort_by_key(|pick| pick.asked);
    (picks, short)
}

/// Goods in transit that one line of a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taking {
    /// Index into the shipments.
    pub shipment: usize,
    pub quantity: Quantity,
}

/// The shipments that asked goods are taken from, the oldest first; never more than is in transit.
pub(super) fn takings(
    checks: &mut Checks,
    transfer: &Transfer,
    shipments: &[Shipment],
    asked: &[Asked],
    names: &HashMap<LotId, String>,
) -> Vec<Taking> {
    let mut open: Vec<Quantity> = shipments.iter().map(Shipment::open).collect();
    let mut takings = Vec::new();
    for (n, one) in asked.iter().enumerate() {
        checks.inside(format!("lines[{n}]."));
        let line = &transfer.lines[one.line];
        let fits = |s: &usize| {
            let shipment = &shipments[*s];
            shipment.transfer_line_id == line.transfer_line_id && (one.lot.is_none() || shipment.lot_id == one.lot)
        };
        let candidates: Vec<usize> = (0..shipments.len()).filter(fits).filter(|s| !open[*s].is_zero()).collect();
        let mut lots: Vec<Option<LotId>> = candidates.iter().map(|s| shipments[*s].lot_id).collect();
        lots.sort_unstable();
        lots.dedup();
        let total: Quantity = candidates.iter().map(|s| open[*s]).sum();
        if one.quantity > total {
            checks.refuse("quantity", format!("line {} has {total} {} in transit, not more", line.line_no, line.base_unit));
            continue;
        }
        if lots.len() > 1 && one.quantity < total {
            let names: Vec<&str> = lots.iter().flatten().filter_map(|lot| names.get(lot)).map(String::as_str).collect();
            checks.refuse("lot_number", format!("several lots are in transit, say which: {}", names.join(", ")));
            continue;
        }
        let mut rest = one.quantity;
        for s in candidates {
            let taken = rest.min(open[s]);
            if taken > Quantity::ZERO {
                takings.push(Taking { shipment: s, quantity: taken });
                open[s] -= taken;
                rest -= taken;
            }
        }
    }
    checks.inside("");
    takings
}

/// What a place in transit holds of one item and lot, by status.
pub(super) type Statuses = HashMap<(ItemId, Option<LotId>), Vec<(QualityStatus, Quantity)>>;

/// The pieces that each shipment brought into transit and that are there still, in the order of their numbers.
pub(super) type Pieces = HashMap<MovementId, Vec<(String, QualityStatus)>>;

/// Goods of one shipment that have one status; with their numbers where it is known which pieces it brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub status: QualityStatus,
    pub quantity: Quantity,
    pub serials: Option<Vec<String>>,
}

/// The shipment's own pieces, the lowest numbers first; goods without numbers by [`by_status`].
pub(super) fn parts_of(held: &mut Statuses, pieces: &mut Pieces, shipment: &Shipment, quantity: Quantity) -> Result<Vec<Part>> {
    let own = pieces.entry(shipment.movement_id).or_default();
    let count = quantity.decimal().to_usize().filter(|_| quantity.decimal().fract().is_zero());
    match count.filter(|count| *count <= own.len()) {
        Some(count) => {
            let mut named: BTreeMap<QualityStatus, Vec<String>> = BTreeMap::new();
            own.drain(..count).for_each(|(number, status)| named.entry(status).or_default().push(number));
            let part = |(status, numbers): (QualityStatus, Vec<String>)| {
                let quantity = Quantity::from_db(Decimal::from(numbers.len()));
                Part { status, quantity, serials: Some(numbers) }
            };
            Ok(named.into_iter().map(part).collect())
        }
        None => {
            let parts = by_status(held, shipment, quantity)?;
            Ok(parts.into_iter().map(|(status, quantity)| Part { status, quantity, serials: None }).collect())
        }
    }
}

/// Splits a quantity among the statuses that the goods have by now: as they were shipped, as far as that goes.
fn by_status(held: &mut Statuses, shipment: &Shipment, quantity: Quantity) -> Result<Vec<(QualityStatus, Quantity)>> {
    let rows = held.entry((shipment.item_id, shipment.lot_id)).or_default();
    rows.sort_by_key(|(status, _)| *status != shipment.quality_status);
    let (mut parts, mut rest) = (Vec::new(), quantity);
    for (status, on_hand) in rows {
        let taken = rest.min(*on_hand);
        if taken > Quantity::ZERO {
            parts.push((*status, taken));
            *on_hand -= taken;
            rest -= taken;
        }
    }
    if rest.is_zero() {
        return Ok(parts);
    }
    Err(platform::Error::conflict("the goods in transit have just been moved or reserved; load the transfer again"))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use kernel::{FacilityId, TransferId, TransferLineId};
    use proptest::prelude::*;

    use super::*;
    use crate::transfer::model::TransferLine;
    use crate::words::TransferState;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn transfer(items: &[u128]) -> Transfer {
        let line = |(n, item): (usize, &u128)| TransferLine {
            transfer_line_id: TransferLineId(id(n as u128 + 1)),
            line_no: n as i32 + 1,
            item_id: ItemId(id(*item)),
            item_code: format!("I{item}"),
            item_name: String::new(),
            base_unit: "EA".into(),
            lot_id: None,
            lot_number: None,
            quantity: 10.into(),
            shipped: 10.into(),
            received: Quantity::ZERO,
            missing: Quantity::ZERO,
            returned: Quantity::ZERO,
        };
        Transfer {
            transfer_id: TransferId(id(9)),
            code: "T".into(),
            from_facility_id: FacilityId(id(1)),
            from_facility_code: "A".into(),
            to_facility_id: FacilityId(id(2)),
            to_facility_code: "B".into(),
            state: TransferState::InTransit,
            reference: String::new(),
            reason: String::new(),
            shipped_at: None,
            closed_at: None,
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            lines: items.iter().enumerate().map(line).collect(),
        }
    }

    fn shipment(line: u128, lot: Option<u128>, quantity: u32, settled: u32) -> Shipment {
        Shipment {
            movement_id: MovementId(id(77)),
            transfer_line_id: TransferLineId(id(line)),
            item_id: ItemId(id(7)),
            lot_id: lot.map(|lot| LotId(id(lot))),
            quality_status: QualityStatus::Released,
            quantity: quantity.into(),
            settled: settled.into(),
            from_location_id: LocationId(id(20)),
            transit_location_id: LocationId(id(21)),
            shipped_at: DateTime::UNIX_EPOCH,
        }
    }

    fn asked(quantity: u32, lot: Option<u128>) -> Asked {
        Asked {
            line: 0,
            quantity: quantity.into(),
            lot: lot.map(|lot| LotId(id(lot))),
            from: None,
            status: QualityStatus::Released,
        }
    }

    fn free(lot: Option<u128>, location: u128, available: u32) -> Free {
        let lot = lot.map(|lot| LotId(id(lot)));
        Free { item: ItemId(id(7)), lot, location: LocationId(id(location)), expires_on: None, available: available.into() }
    }

    #[test]
    fn who_names_a_place_is_served_before_who_takes_anything() {
        let stock = vec![free(Some(1), 20, 5), free(Some(2), 21, 5)];
        let named = Asked { from: Some(LocationId(id(20))), ..asked(4, None) };
        let (picked, short) = picks(&transfer(&[7]), &[asked(6, None), named], stock);
        let taken: Vec<_> =
            picked.iter().map(|pick| (pick.asked, pick.location.0.as_u128(), pick.quantity.to_string())).collect();
        assert_eq!(taken, [(0, 20, "1".into()), (0, 21, "5".into()), (1, 20, "4".into())]);
        assert!(short.is_empty());
        let (_, short) = picks(&transfer(&[7]), &[asked(11, None)], vec![free(None, 20, 9)]);
        assert_eq!(short, [(0, 9.into())]);
    }

    #[test]
    fn no_more_arrives_than_is_in_transit_and_a_lot_is_named_where_there_are_several() {
        let order = transfer(&[7]);
        let fields = |shipments: &[Shipment], asked: &[Asked]| {
            let mut checks = Checks::default();
            takings(&mut checks, &order, shipments, asked, &HashMap::new());
            checks.done().map_or_else(|error| error.fields.into_iter().map(|field| field.field).collect(), |()| Vec::new())
        };
        let one = [shipment(1, None, 5, 2)];
        assert!(fields(&one, &[asked(3, None)]).is_empty());
        assert_eq!(fields(&one, &[asked(4, None)]), ["lines[0].quantity"]);
        assert_eq!(fields(&one, &[asked(2, None), asked(2, None)]), ["lines[1].quantity"], "within one call too");
        let two = [shipment(1, Some(1), 5, 0), shipment(1, Some(2), 5, 0)];
        assert_eq!(fields(&two, &[asked(3, None)]), ["lines[0].lot_number"]);
        assert!(fields(&two, &[asked(3, Some(2))]).is_empty());
        assert!(fields(&two, &[asked(10, None)]).is_empty(), "all of them needs no name");
    }

    #[test]
    fn goods_that_changed_status_on_the_way_arrive_with_the_new_one() {
        let key = (ItemId(id(7)), Some(LotId(id(1))));
        let mut held = Statuses::from([(key, vec![(QualityStatus::Hold, 4.into()), (QualityStatus::Released, 1.into())])]);
        let parts = by_status(&mut held, &shipment(1, Some(1), 5, 0), 3.into()).unwrap();
        assert_eq!(parts, [(QualityStatus::Released, 1.into()), (QualityStatus::Hold, 2.into())]);
        assert!(by_status(&mut held, &shipment(1, Some(1), 5, 0), 3.into()).is_err());
    }

    proptest! {
        #[test]
        fn picks_and_takings_never_exceed_what_is_there(
            stock in prop::collection::vec((1_u128..4, 20_u128..23, 0_u32..9), 0..6),
            wanted in prop::collection::vec((1_u32..9, prop::option::of(1_u128..4)), 1..5),
        ) {
            let order = transfer(&[7]);
            let calls: Vec<Asked> = wanted.iter().map(|(quantity, lot)| asked(*quantity, *lot)).collect();
            let stock: Vec<Free> = stock.into_iter().map(|(lot, place, available)| free(Some(lot), place, available)).collect();
            let (picked, short) = picks(&order, &calls, stock.clone());
            let there: Quantity = stock.iter().map(|one| one.available).sum();
            let taken: Quantity = picked.iter().map(|one| one.quantity).sum();
            prop_assert!(taken <= there);
            for (n, call) in calls.iter().enumerate() {
                let got: Quantity = picked.iter().filter(|pick| pick.asked == n).map(|pick| pick.quantity).sum();
                let lacks = short.iter().find(|(asked, _)| *asked == n);
                prop_assert_eq!(got, lacks.map_or(call.quantity, |(_, had)| *had));
                prop_assert!(picked.iter().filter(|pick| pick.asked == n).all(|pick| call.lot.is_none() || pick.lot == call.lot));
            }
        }
    }
}
