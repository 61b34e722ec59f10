//! From an order to a pick list: what is promised to it already, then what is free, the first to expire first.

use std::collections::HashMap;

use inventory::reservation::service::{self as promises, Bound, Terms, Wanted};
use kernel::{ErrorCode, FieldError, ItemId, LocationId, Quantity};
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result, audit};
use serde_json::json;

use super::dto::ReleasedDto;
use super::model::{PickLine, PickList};
use super::{service, store};
use crate::ORDERS_WRITE;
use crate::facility::Facility;
use crate::facility::service as facilities;
use crate::location::service as locations;
use crate::outbound::{Order, OrderLine, ReleaseOrder, service as orders};
use crate::words::{LocationType, OrderState};

/// Binds what is not covered yet and makes a pick list of it, as much as there is: what is lacking is told on the order's lines.
/// Nothing at all is a lack of stock; with `whole`, so is anything less than all.
pub async fn release(tx: &mut Tx, actor: &Actor, reference: &str, input: &ReleaseOrder) -> Result<ReleasedDto> {
    actor.require(ORDERS_WRITE)?;
    let mut order = orders::find_locked(tx, actor.tenant(), reference).await?;
    match order.state {
        OrderState::Open | OrderState::Picking | OrderState::Picked => {}
        OrderState::Draft => return Err(Error::conflict("the order is a draft; open it first")),
        state => return Err(Error::conflict(format!("the order is {state} already"))),
    }
    if order.lines.iter().all(|line| line.uncovered().is_zero()) {
        return Err(Error::conflict("everything of the order is picked or on a pick list already"));
    }
    let facility = facilities::find(tx, actor.tenant(), &order.facility_id.to_string()).await?;
    let to = destination(tx, actor, &facility, input.to.as_deref()).await?;
    let goods = bind(tx, actor, &order).await?;
    let lacking = cover(&mut order, &goods);
    if goods.is_empty() || input.whole && !lacking.is_empty() {
        return Err(insufficient(&order, &lacking));
    }
    let mut list = PickList::new(actor, &order, to);
    let lines: Vec<PickLine> =
        goods.iter().map(|(n, bound)| PickLine::new(actor, order.lines[*n].order_line_id, *bound)).collect();
    store::insert(tx, actor.tenant(), &list).await?;
    store::insert_lines(tx, actor.tenant(), list.pick_list_id, &lines).await?;
    service::load_lines(tx, actor.tenant(), &mut list).await?;
    if order.state != OrderState::Picking {
        order.become_state(OrderState::Picking)?;
    }
    let after = json!({ "order": order.code, "pick_list": list.code, "lines": list.lines.len(), "lacking": lacking.len() });
    tx.audit(actor, audit::Entry::new("order.release", "order", order.order_id).after(&after));
    service::write(tx, actor, &mut order, &list).await?;
    let (order, pick_list) = service::told(&order, list);
    Ok(ReleasedDto { order, pick_list })
}

async fn destination(tx: &mut Tx, actor: &Actor, facility: &Facility, to: Option<&str>) -> Result<Option<(LocationId, String)>> {
    let Some(text) = to.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let location = locations::find_in(tx, actor.tenant(), facility, text).await.map_err(|error| error.at("to"))?;
    if !matches!(location.fields.kind, LocationType::Staging | LocationType::Packing) {
        let message = format!("{:?} is a {} location; name a STAGING or PACKING one", location.fields.code, location.fields.kind);
        return Err(Error::field("to", message));
    }
    if !location.takes_goods() {
        let why = locations::why_closed(&location);
        return Err(Error::field("to", format!("{:?} takes no goods now: {why}", location.fields.code)));
    }
    Ok(Some((location.location_id, location.fields.code)))
}

/// Goods by the number of the order's line.
async fn bind(tx: &mut Tx, actor: &Actor, order: &Order) -> Result<ByLine<Bound>> {
    let tenant = actor.tenant();
    let own = [(order.order_id, order.code.clone())];
    let aside = service::aside(tx, tenant, &own, actor.env.now()).await?;
    let (mut goods, rest) = adopt(&order.lines, aside.into_iter().map(|(_, bound)| bound).collect());
    let avoid = locations::not_picked_from(tx, tenant, order.facility_id).await?;
    let reference = Order::promise_reference(&order.code);
    let terms = Terms {
        facility: order.facility_id,
        needed_at: order.due_at,
        priority: order.priority(),
        reference: &reference,
        avoid: &avoid,
    };
    let wanted: Vec<Wanted> = rest.iter().map(|(_, wanted)| *wanted).collect();
    let granted = promises::reserve_each(tx, actor, &terms, &wanted).await?;
    for ((n, _), granted) in rest.iter().zip(granted) {
        goods.extend(granted.goods.into_iter().map(|bound| (*n, bound)));
    }
    Ok(goods)
}

/// Each with the index of its order line.
type ByLine<T> = Vec<(usize, T)>;

/// Gives each line what is promised already, in the order of the lines; answers that, and what the lines want besides.
fn adopt(lines: &[OrderLine], mut aside: Vec<Bound>) -> (ByLine<Bound>, ByLine<Wanted>) {
    let (mut goods, mut rest) = (Vec::new(), Vec::new());
    for (n, line) in lines.iter().enumerate() {
        let mut missing = line.uncovered();
        for bound in aside.iter_mut().filter(|bound| bound.item == line.item_id) {
            let quantity = missing.min(bound.quantity);
            if !quantity.is_zero() {
                goods.push((n, Bound { quantity, ..*bound }));
                bound.quantity -= quantity;
                missing -= quantity;
            }
        }
        if !missing.is_zero() {
            rest.push((n, Wanted { item: line.item_id, quantity: missing }));
        }
    }
    (goods, rest)
}

/// A line of an order that lacks goods.
struct Lacking {
    line: usize,
    found: Quantity,
    wanted: Quantity,
}

/// Notes on the order's lines what was bound for them, and why not more.
fn cover(order: &mut Order, goods: &[(usize, Bound)]) -> Vec<Lacking> {
    let mut found: HashMap<usize, Quantity> = HashMap::new();
    for (n, bound) in goods {
        *found.entry(*n).or_default() += bound.quantity;
    }
    let mut lacking = Vec::new();
    for (n, line) in order.lines.iter_mut().enumerate() {
        let (wanted, found) = (line.uncovered(), found.get(&n).copied().unwrap_or_default());
        line.allocated += found;
        line.short_reason.clear();
        if found < wanted {
            line.short_reason = format!("{found} of {wanted} {} were free in {}", line.base_unit, order.facility_code);
            lacking.push(Lacking { line: n, found, wanted });
        }
    }
    lacking
}

fn insufficient(order: &Order, lacking: &[Lacking]) -> Error {
    let fault = |one: &Lacking| {
        let line = &order.lines[one.line];
        let message = format!(
            "item {:?}: {} {} can be bound in {}, {} wanted",
            line.item_code, one.found, line.base_unit, order.facility_code, one.wanted
        );
        FieldError::new(format!("lines[{}]", one.line), message)
    };
    let faults: Vec<FieldError> = lacking.iter().map(fault).collect();
    let detail = faults.first().map_or_else(String::new, |fault| fault.message.clone());
    Error { fields: faults, ..Error::new(ErrorCode::StockInsufficient, detail) }
}

/// What else can be had of an item for a line of the order, away from these places.
pub(super) async fn bind_elsewhere(
    tx: &mut Tx,
    actor: &Actor,
    order: &Order,
    item: ItemId,
    quantity: Quantity,
    places: impl IntoIterator<Item = LocationId>,
) -> Result<Vec<Bound>> {
    let mut avoid = locations::not_picked_from(tx, actor.tenant(), order.facility_id).await?;
    avoid.extend(places);
    let reference = Order::promise_reference(&order.code);
    let terms = Terms {
        facility: order.facility_id,
        needed_at: order.due_at,
        priority: order.priority(),
        reference: &reference,
        avoid: &avoid,
    };
    let granted = promises::reserve_each(tx, actor, &terms, &[Wanted { item, quantity }]).await?;
    Ok(granted.into_iter().flat_map(|granted| granted.goods).collect())
}

#[cfg(test)]
mod tests {
    use kernel::{OrderLineId, ReservationId};
    use uuid::Uuid;

    use super::*;

    fn line(item: u128, quantity: u32) -> OrderLine {
        OrderLine {
            order_line_id: OrderLineId(Uuid::nil()),
            line_no: 1,
            item_id: ItemId(Uuid::from_u128(item)),
            item_code: String::new(),
            item_name: String::new(),
            base_unit: "EA".into(),
            quantity: quantity.into(),
            allocated: Quantity::ZERO,
            picked: Quantity::ZERO,
            shipped: Quantity::ZERO,
            short_reason: String::new(),
        }
    }

    fn bound(item: u128, quantity: u32) -> Bound {
        Bound {
            reservation: ReservationId(Uuid::from_u128(item)),
            item: ItemId(Uuid::from_u128(item)),
            location: LocationId(Uuid::from_u128(7)),
            lot: None,
            quantity: quantity.into(),
        }
    }

    #[test]
    fn promised_goods_are_used_before_others_and_only_once() {
        let lines = [line(1, 5), line(2, 2), line(1, 4)];
        let (goods, rest) = adopt(&lines, vec![bound(1, 3), bound(1, 4), bound(3, 9)]);
        assert_eq!(goods, [(0, bound(1, 3)), (0, bound(1, 2)), (2, bound(1, 2))]);
        let wanted = |n, item, quantity: u32| (n, Wanted { item: ItemId(Uuid::from_u128(item)), quantity: quantity.into() });
        assert_eq!(rest, [wanted(1, 2, 2), wanted(2, 1, 2)]);
    }
}
