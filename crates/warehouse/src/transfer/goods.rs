//! Reads the lines of a call to ship or receive: which line, how much in the base unit, which lot and place.

use std::collections::HashMap;

use catalog::Item;
use inventory::QualityStatus;
use kernel::{ItemId, LotId, Quantity};
use platform::Result;
use platform::database::Tx;
use uuid::Uuid;

use super::input::{ReceiveTransferLine, ShipLine};
use super::model::Transfer;
use super::plan::{Asked, line_of};
use crate::check::Checks;
use crate::location::Location;
use crate::receiving::service::in_base_unit;

/// One line of either call.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    pub line_id: Option<Uuid>,
    pub line_no: Option<i32>,
    pub item: Option<String>,
    pub lot_number: Option<String>,
    pub quantity: String,
    pub unit: Option<String>,
    pub from: Option<String>,
    pub quality_status: Option<QualityStatus>,
}

impl From<&ShipLine> for Given {
    fn from(line: &ShipLine) -> Self {
        Self {
            line_id: line.line_id,
            line_no: line.line_no,
            item: line.item.clone(),
            lot_number: line.lot_number.clone(),
            quantity: line.quantity.clone(),
            unit: line.unit.clone(),
            from: line.from.clone(),
            quality_status: line.quality_status,
        }
    }
}

impl From<&ReceiveTransferLine> for Given {
    fn from(line: &ReceiveTransferLine) -> Self {
        Self {
            line_id: line.line_id,
            line_no: line.line_no,
            item: line.item.clone(),
            lot_number: line.lot_number.clone(),
            quantity: line.quantity.clone(),
            unit: line.unit.clone(),
            ..Self::default()
        }
    }
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// `open` says how much of a line (by index) may still be taken; `places` knows the locations that lines name.
pub(super) async fn read(
    tx: &mut Tx,
    transfer: &Transfer,
    lines: &[Given],
    places: &HashMap<String, Location>,
    checks: &mut Checks,
    open: impl Fn(usize) -> Quantity + Copy,
) -> Result<Vec<Asked>> {
    let tenant = tx.tenant().clone();
    let ids: Vec<ItemId> = transfer.lines.iter().map(|line| line.item_id).collect();
    let items: HashMap<ItemId, Item> = catalog::service::items_by_ids(tx, &tenant, &ids).await?;
    let mut named = Vec::with_capacity(lines.len());
    for (n, one) in lines.iter().enumerate() {
        checks.inside(format!("lines[{n}]."));
        named.push(line_of(checks, transfer, (one.line_id, one.line_no, given(&one.item)), open));
    }
    let number =
        |(one, line): (&Given, &Option<usize>)| Some((transfer.lines[(*line)?].item_id, given(&one.lot_number)?.to_owned()));
    let numbers: Vec<(ItemId, String)> = lines.iter().zip(&named).filter_map(number).collect();
    let lots: HashMap<(ItemId, String), LotId> = inventory::service::find_lots(tx, &tenant, &numbers).await?;
    let mut asked = Vec::with_capacity(lines.len());
    for (n, (one, line)) in lines.iter().zip(named).enumerate() {
        checks.inside(format!("lines[{n}]."));
        let Some(line) = line else { continue };
        let ordered = &transfer.lines[line];
        let Some(item) = items.get(&ordered.item_id) else { continue };
        let quantity = one.quantity.parse::<Quantity>();
        let Some(quantity) = checks.take("quantity", quantity) else { continue };
        let Some(quantity) = in_base_unit(checks, "quantity", "unit", quantity, one.unit.as_deref(), item) else { continue };
        let lot = match given(&one.lot_number) {
            None => ordered.lot_id,
            Some(number) => {
                let found = lots.get(&(item.item_id, number.to_owned())).copied();
                checks.require(found.is_some(), "lot_number", "is not a lot of this item");
                let differs = ordered.lot_id.is_some() && found.is_some() && found != ordered.lot_id;
                checks.require(!differs, "lot_number", "is not the lot that was ordered");
                found
            }
        };
        let from = given(&one.from).and_then(|place| places.get(place)).map(|place| place.location_id);
        let status = one.quality_status.unwrap_or(QualityStatus::Released);
        if status != QualityStatus::Released {
            checks.require(from.is_some(), "from", "must name the place of goods that are not released");
            checks.require(lot.is_some() || !item.lot_tracked, "lot_number", "must name the lot of goods that are not released");
        }
        asked.push(Asked { line, quantity, lot, from, status });
    }
    checks.inside("");
    Ok(asked)
}
