//! Which goods a request is about, and how much of them needs a place.

use std::collections::HashMap;

use catalog::Item;
use inventory::{BalanceRow, QualityStatus};
use kernel::{ItemId, LocationId, LotId, Quantity, ReceiptLineId, RecommendationId};
use optimization::putaway::Method;
use platform::auth::Actor;
use platform::{Error, Result};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::model::{Failure, Hold, LINES_MAX, PutawayItem, PutawayRequest};
use super::problem::{Goods, Size};
use super::told;
use crate::check::Checks;
use crate::facility::Facility;
use crate::location::Location;
use crate::receiving::service as receiving;
use crate::words::LocationType;

const MAX_UNIT_MM: i64 = 100_000;
const MAX_UNIT_G: i64 = 100_000_000;
const MAX_UNIT_CM3: i64 = 1_000_000_000_000;

/// The goods of a request: those that need a place, and the open recommendations that cover the rest.
#[derive(Default)]
pub(super) struct Asked {
    pub goods: Vec<Goods>,
    pub open: Vec<RecommendationId>,
    /// Lines that say nothing which a place could be found for.
    pub failures: Vec<Failure>,
    pub total: usize,
}

/// Stock in RECEIVING locations that the request names.
pub(super) async fn waiting(
    connection: &mut PgConnection,
    actor: &Actor,
    request: &PutawayRequest,
    holds: &[Hold],
    places: &[Location],
) -> Result<Asked> {
    let docks = places.iter().filter(|place| place.fields.kind == LocationType::Receiving);
    let docks: HashMap<LocationId, &Location> = docks.map(|place| (place.location_id, place)).collect();
    let ids: Vec<LocationId> = docks.keys().copied().collect();
    let mut stock = inventory::service::stock_at(connection, actor.tenant(), &ids).await?;
    stock.sort_by_key(|balance| balance.balance_id);
    let ids: Vec<ItemId> = stock.iter().map(|balance| balance.item_id).collect();
    let items = catalog::service::items_by_ids(connection, actor.tenant(), &ids).await?;
    let mut asked = Asked::default();
    let mut pick = |balance: &BalanceRow, most: Quantity, line: Option<ReceiptLineId>| {
        let dock = docks.get(&balance.location_id).map(|dock| (dock.location_id, dock.fields.code.clone()));
        asked.add(balance, most, line, dock, items.get(&balance.item_id), holds);
    };
    if let Some(reference) = &request.receipt {
        let receipt = receiving::find(connection, actor.tenant(), reference).await.map_err(|error| error.at("receipt"))?;
        for arrived in receiving::arrived(connection, actor.tenant(), receipt.receipt_id).await? {
            let is_it = |balance: &&BalanceRow| {
                (balance.item_id, balance.lot_id, balance.location_id) == (arrived.item, arrived.lot, arrived.location)
            };
            let mut rest = arrived.quantity;
            for balance in stock.iter().filter(is_it) {
                let taken = rest.min(balance.available());
                pick(balance, taken, Some(arrived.receipt_line_id));
                rest -= taken;
            }
        }
    } else if request.all_waiting {
        stock.iter().take(LINES_MAX).for_each(|balance| pick(balance, balance.available(), None));
    } else {
        let mut checks = Checks::default();
        for (n, id) in request.balances.iter().enumerate() {
            let repeated = request.balances[..n].contains(id);
            match stock.iter().find(|balance| balance.balance_id == *id) {
                Some(balance) if !repeated => pick(balance, balance.available(), None),
                Some(_) => checks.refuse(format_args!("balances[{n}]"), "is named twice"),
                None => checks.refuse(format_args!("balances[{n}]"), "is not stock in a RECEIVING location of the facility"),
            }
        }
        checks.done()?;
    }
    if asked.goods.len() > LINES_MAX {
        return Err(Error::conflict(format!("more than {LINES_MAX} lines wait; name balances, {LINES_MAX} at a time")));
    }
    Ok(asked)
}

impl Asked {
    /// At most `most` of the balance, without what open recommendations cover.
    fn add(
        &mut self,
        balance: &BalanceRow,
        most: Quantity,
        receipt_line: Option<ReceiptLineId>,
        from: Option<(LocationId, String)>,
        item: Option<&Item>,
        holds: &[Hold],
    ) {
        if most <= Quantity::ZERO {
            return;
        }
        self.total += 1;
        let goods_of = |place: Option<LocationId>, lot: Option<LotId>, status: &str| {
            (place, lot, status) == (Some(balance.location_id), balance.lot_id, balance.quality_status.as_str())
        };
        let covering =
            holds.iter().filter(|hold| hold.item == balance.item_id && goods_of(hold.from, hold.lot, &hold.quality_status));
        let mut covered = Quantity::ZERO;
        for hold in covering {
            covered += hold.quantity;
            if !self.open.contains(&hold.recommendation) {
                self.open.push(hold.recommendation);
            }
        }
        let quantity = most.min(balance.available() - covered);
        if quantity <= Quantity::ZERO {
            return;
        }
        self.goods.push(Goods {
            line_no: self.total as i32,
            reference: item.map_or_else(String::new, |item| item.code.clone()),
            size: item.map(Size::of).unwrap_or_default(),
            item: item.cloned(),
            lot: balance.lot_id,
            lot_number: balance.lot_number.clone().unwrap_or_default(),
            quality_status: balance.quality_status,
            quantity,
            from,
            receipt_line,
            request_hash: None,
            expires_on: balance.expires_on,
            order: None,
        });
    }
}

/// Goods that have not arrived. The same request finds its own open recommendations again.
pub(super) fn advised(
    request: &PutawayRequest,
    method: Method,
    facility: &Facility,
    items: &HashMap<String, Item>,
    holds: &[Hold],
) -> Result<Asked> {
    let hash = fingerprint(request, method, facility)?;
    let mut checks = Checks::default();
    let mut asked = Asked { total: request.items.len(), ..Asked::default() };
    for (n, given) in request.items.iter().enumerate() {
        checks.inside(format!("items[{n}]."));
        let line_no = n as i32 + 1;
        let item = items.get(&given.item);
        let Some(mut goods) = advice(&mut checks, given, item, line_no) else { continue };
        let quantity = match quantity_of(given, item) {
            Ok(quantity) => quantity,
            Err(reason) => {
                asked.failures.push(told::failure(&goods, "INVALID_QUANTITY", reason, Quantity::ZERO));
                continue;
            }
        };
        let mine = |hold: &&Hold| hold.request_hash.as_deref() == Some(hash.as_str()) && hold.line_no == Some(line_no);
        let mut covered = Quantity::ZERO;
        for hold in holds.iter().filter(mine) {
            covered += hold.quantity;
            asked.open.push(hold.recommendation);
        }
        if covered < quantity {
            goods.quantity = quantity - covered;
            goods.request_hash = Some(hash.clone());
            asked.goods.push(goods);
        }
    }
    checks.done()?;
    Ok(asked)
}

fn fingerprint(request: &PutawayRequest, method: Method, facility: &Facility) -> Result<String> {
    let asked = serde_json::to_vec(&(facility.facility_id, method.as_str(), &request.items)).map_err(Error::internal)?;
    Ok(Sha256::digest(asked).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// In the item's base unit, or what is wrong with it.
fn quantity_of(given: &PutawayItem, item: Option<&Item>) -> Result<Quantity, String> {
    let plain = given.quantity.0.parse::<Quantity>().and_then(Quantity::positive);
    let plain = plain.map_err(|invalid| format!("quantity {}", invalid.0))?;
    let Some(item) = item else { return Ok(plain) };
    let mut checks = Checks::default();
    let found = receiving::in_base_unit(&mut checks, "quantity", "unit", plain, given.unit.as_deref(), item);
    let fault = |error: Error| error.fields.first().map_or(error.detail, |field| format!("{} {}", field.field, field.message));
    checks.done().map_err(fault)?;
    found.ok_or_else(|| "quantity cannot be read".to_owned())
}

/// Without its quantity; absent when something of it was refused.
fn advice(checks: &mut Checks, given: &PutawayItem, item: Option<&Item>, line_no: i32) -> Option<Goods> {
    let lot_number = checks.text("lot_number", given.lot_number.as_deref().unwrap_or_default(), 64);
    let dims = given.dimensions.as_ref().map(|size| size.to_mm(checks, "dimensions", MAX_UNIT_MM));
    let volume = given.volume.as_ref().map(|volume| volume.to_cm3(checks, "volume", MAX_UNIT_CM3));
    let weight = given.weight.as_ref().map(|weight| weight.to_g(checks, "weight", MAX_UNIT_G));
    let master = item.map(Size::of).unwrap_or_default();
    let dims_mm = dims.map(|sides| sides.map(|sides| sides.map(i64::from)));
    let size = match (dims_mm, volume) {
        (Some(sides), volume) => {
            let product = sides.map(|sides| sides.into_iter().product());
            Size { dims_mm: sides, volume_mm3: volume.flatten().map(|cm3| cm3 * 1_000).or(product), weight_g: None }
        }
        // The volume given replaces the item's, whose dimensions then say nothing about these goods.
        (None, Some(volume)) => Size { dims_mm: None, volume_mm3: volume.map(|cm3| cm3 * 1_000), weight_g: None },
        (None, None) => master,
    };
    let goods = Goods {
        line_no,
        reference: given.item.clone(),
        item: item.cloned(),
        lot: None,
        lot_number,
        quality_status: given.quality_status.unwrap_or(QualityStatus::Released),
        quantity: Quantity::ZERO,
        size: Size { weight_g: weight.flatten().or(master.weight_g), ..size },
        from: None,
        receipt_line: None,
        request_hash: None,
        expires_on: None,
        order: None,
    };
    Some(goods)
}
