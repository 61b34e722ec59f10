//! What pickers say: taken, or not all there.

use std::collections::BTreeSet;

use inventory::Serials;
use inventory::reservation::service::{self as promises, Bound, Taken};
use kernel::{LocationId, MovementId, PickId, Quantity};
use platform::auth::Actor;
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result, audit};
use serde_json::json;
use uuid::Uuid;

use super::dto::PickListDto;
use super::input::{ConfirmPicks, ShortPick};
use super::model::{Pick, PickLine, PickList};
use super::{release, service, store};
use crate::PICK;
use crate::check::Checks;
use crate::outbound::{Order, TEXT_MAX};
use crate::words::{OrderState, PickLineState, PickListState};

const LINES_MAX: usize = 2_000;

/// Goods to take for a line of the list.
struct Asked {
    line: usize,
    quantity: Quantity,
    serials: Serials,
}

/// Takes goods as the list says, all that is asked or nothing: issued to the customer, or brought to the list's staging place.
/// Whoever comes second for a line is refused.
pub async fn confirm(tx: &mut Tx, actor: &Actor, reference: &str, input: &ConfirmPicks) -> Result<PickListDto> {
    actor.require(PICK)?;
    let (mut order, mut list) = service::find_locked(tx, actor.tenant(), reference).await?;
    let asked = asked(&list, input)?;
    pick(tx, actor, &mut order, &mut list, &asked).await?;
    let picked: Vec<&PickLine> = asked.iter().map(|one| &list.lines[one.line]).collect();
    let decided: BTreeSet<Uuid> = picked.iter().map(|line| line.pick_line_id.0).collect();
    for line in picked {
        let wanted = order.line_mut(line.order_line_id)?;
        wanted.allocated -= line.quantity;
    }
    let after = json!({ "pick_list": list.code, "order": order.code, "lines": decided });
    tx.audit(actor, audit::Entry::new("pick.confirm", "pick list", list.pick_list_id).after(&after));
    settle(tx, actor, &mut order, &mut list, &decided).await?;
    Ok(PickListDto::whole(list))
}

fn asked(list: &PickList, input: &ConfirmPicks) -> Result<Vec<Asked>> {
    let mut checks = Checks::default();
    if input.confirm_all {
        checks.require(input.lines.is_empty(), "lines", "must be empty with confirm_all");
        checks.done()?;
        let open = list.lines.iter().enumerate().filter(|(_, line)| line.is_open());
        let all: Vec<Asked> =
            open.map(|(n, line)| Asked { line: n, quantity: line.quantity, serials: Serials::InOrder }).collect();
        return if all.is_empty() { Err(Error::conflict("nothing of the list waits to be picked")) } else { Ok(all) };
    }
    checks.require(!input.lines.is_empty(), "lines", "must not be empty");
    checks.require(input.lines.len() <= LINES_MAX, "lines", "must be at most 2,000; send the rest in another call");
    checks.done()?;
    let mut checks = Checks::default();
    let (mut all, mut seen) = (Vec::new(), BTreeSet::new());
    for (n, given) in input.lines.iter().enumerate() {
        let checks = checks.inside(format!("lines[{n}]."));
        let Some(line) = place_of(list, given.line_id, checks)? else { continue };
        checks.require(seen.insert(line), "line_id", "stands in the call twice");
        let wanted = list.lines[line].quantity;
        if let Some(text) = &given.quantity {
            let quantity = checks.take("quantity", text.parse::<Quantity>());
            let is_whole = quantity.is_none_or(|quantity| quantity == wanted);
            checks.require(is_whole, "quantity", &format!("must be the line's {wanted}; report a short pick when less is there"));
        }
        all.push(Asked { line, quantity: wanted, serials: pieces(&given.serials) });
    }
    checks.done()?;
    Ok(all)
}

/// The line that a call means, which must wait still.
fn place_of(list: &PickList, id: Uuid, checks: &mut Checks) -> Result<Option<usize>> {
    let found = list.lines.iter().position(|line| line.pick_line_id.0 == id);
    checks.require(found.is_some(), "line_id", "is not a line of this pick list");
    let Some(line) = found.map(|n| &list.lines[n]).filter(|line| !line.is_open()) else { return Ok(found) };
    let what = format!("item {:?} in {:?} is {} already", line.item_code, line.location_code, line.state);
    Err(Error::conflict(format!("{what}; somebody was faster")).at("line_id"))
}

fn pieces(named: &[String]) -> Serials {
    if named.is_empty() { Serials::InOrder } else { Serials::Named(named.to_vec()) }
}

/// Moves the goods, and notes on lines and order what was taken. What is allocated is the caller's to correct.
async fn pick(tx: &mut Tx, actor: &Actor, order: &mut Order, list: &mut PickList, asked: &[Asked]) -> Result<()> {
    // Goods that wait in the staging place already, as cross-docking leaves them, need not move.
    let moves: Vec<&Asked> = asked.iter().filter(|one| Some(list.lines[one.line].location_id) != list.to_location_id).collect();
    let taken: Vec<Taken> =
        moves.iter().map(|one| Taken { goods: list.lines[one.line].goods(one.quantity), serials: one.serials.clone() }).collect();
    let movements = if taken.is_empty() {
        Vec::new()
    } else {
        promises::take(tx, actor, &taken, list.to_location_id, &order.code).await.map_err(service::without_index)?
    };
    let moved: Vec<(usize, MovementId)> = moves.iter().map(|one| one.line).zip(movements).collect();
    let mut picks = Vec::with_capacity(asked.len());
    for one in asked {
        let movement = moved.iter().find(|(line, _)| *line == one.line).map(|(_, movement)| *movement);
        let line = &mut list.lines[one.line];
        picks.push(record(actor, order, line, one.quantity, movement));
        let is_whole = one.quantity == line.quantity;
        line.decide(actor, if is_whole { PickLineState::Picked } else { PickLineState::Short }, one.quantity);
        let wanted = order.line_mut(line.order_line_id)?;
        wanted.picked += one.quantity;
        if list.to_location_id.is_none() {
            wanted.shipped += one.quantity;
        }
    }
    order.first_picked_at = order.first_picked_at.or(Some(actor.env.now()));
    store::insert_picks(tx, actor.tenant(), &picks).await
}

fn record(actor: &Actor, order: &Order, line: &PickLine, quantity: Quantity, movement: Option<MovementId>) -> Pick {
    Pick {
        pick_id: PickId(actor.env.new_id()),
        facility_id: order.facility_id,
        order_id: order.order_id,
        order_line_id: line.order_line_id,
        item_id: line.item_id,
        lot_id: line.lot_id,
        location_id: Some(line.location_id),
        quantity,
        picked_at: actor.env.now(),
        picked_by: actor.principal.user,
        movement_id: movement,
    }
}

/// Writes what was decided; the list ends with its last line, and picking of the order with its last list.
async fn settle(tx: &mut Tx, actor: &Actor, order: &mut Order, list: &mut PickList, decided: &BTreeSet<Uuid>) -> Result<()> {
    if list.state == PickListState::Open && !list.lines.iter().any(PickLine::is_open) {
        list.state = PickListState::Done;
        list.closed_at = Some(actor.env.now());
    }
    let nothing_waits = order.lines.iter().all(|line| line.allocated.is_zero());
    if nothing_waits && order.state == OrderState::Picking {
        order.become_state(order.state_after_picking())?;
    }
    let lines: Vec<&PickLine> = list.lines.iter().filter(|line| decided.contains(&line.pick_line_id.0)).collect();
    store::update(tx, actor.tenant(), list, &lines).await?;
    service::write(tx, actor, order, list).await
}

/// Takes what is there and says why that is less. The rest is bound elsewhere where that is possible, on new lines of the same
/// list; else it is short.
pub async fn short(tx: &mut Tx, actor: &Actor, reference: &str, input: &ShortPick) -> Result<PickListDto> {
    actor.require(PICK)?;
    let (mut order, mut list) = service::find_locked(tx, actor.tenant(), reference).await?;
    let (at, picked, reason) = read_short(tx, actor, &list, input).await?;
    let line = list.lines[at].clone();
    let lost = line.quantity - picked;
    // Lots and pieces are locked before the balances of other places are.
    promises::lock_goods(tx, actor.tenant(), &[line.goods(line.quantity)]).await?;
    let found = replacement(tx, actor, &order, &list, &line, lost).await?;
    if picked.is_zero() {
        list.lines[at].decide(actor, PickLineState::Short, Quantity::ZERO);
    } else {
        let asked = Asked { line: at, quantity: picked, serials: pieces(&input.serials) };
        pick(tx, actor, &mut order, &mut list, &[asked]).await?;
    }
    promises::give_back(tx, actor, &[line.goods(lost)]).await?;
    list.lines[at].reason.clone_from(&reason);
    note_short(&mut order, &line, &found, &reason)?;
    let lines: Vec<PickLine> = found.iter().map(|goods| PickLine::new(actor, line.order_line_id, *goods)).collect();
    store::insert_lines(tx, actor.tenant(), list.pick_list_id, &lines).await?;
    list.lines.extend(lines);
    let again: Quantity = found.iter().map(|goods| goods.quantity).sum();
    let after = json!({
        "pick_list": list.code, "order": order.code, "item": line.item_code, "location": line.location_code, "lot": line.lot_number,
        "asked": line.quantity, "picked": picked, "found_elsewhere": again, "reason": reason,
    });
    tx.audit(actor, audit::Entry::new("pick.short", "pick list", list.pick_list_id).after(&after));
    let payload =
        json!({ "pick_list_id": list.pick_list_id, "item_id": line.item_id, "location_id": line.location_id, "missing": lost });
    tx.publish(actor, Event::new("warehouse.pick.short", line.pick_line_id, payload));
    settle(tx, actor, &mut order, &mut list, &BTreeSet::from([line.pick_line_id.0])).await?;
    service::load_lines(tx, actor.tenant(), &mut list).await?;
    Ok(PickListDto::whole(list))
}

async fn read_short(tx: &mut Tx, actor: &Actor, list: &PickList, input: &ShortPick) -> Result<(usize, Quantity, String)> {
    let mut checks = Checks::default();
    let at = place_of(list, input.line_id, &mut checks)?;
    let reason = checks.name("reason", &input.reason, TEXT_MAX);
    let text = input.picked.as_deref().map(str::trim).filter(|text| !text.is_empty()).unwrap_or("0");
    let picked = checks.take("picked", text.parse::<Quantity>());
    if let (Some(at), Some(picked)) = (at, picked) {
        let line = &list.lines[at];
        let is_less = picked >= Quantity::ZERO && picked < line.quantity;
        checks.require(is_less, "picked", &format!("must be 0 or more and less than {}; else confirm the line", line.quantity));
        let is_fraction = !picked.decimal().fract().is_zero();
        if is_fraction && !catalog::service::serial_tracked(tx, actor.tenant(), &[line.item_id]).await?.is_empty() {
            checks.refuse("picked", "must be a whole number, because the item is serial-tracked");
        }
    }
    checks.done()?;
    let (at, picked) = at.zip(picked).expect("what is absent was refused");
    Ok((at, picked, reason))
}

/// Goods for what is missing, away from where somebody looked in vain.
async fn replacement(
    tx: &mut Tx,
    actor: &Actor,
    order: &Order,
    list: &PickList,
    line: &PickLine,
    lost: Quantity,
) -> Result<Vec<Bound>> {
    let looked = list.lines.iter().filter(|one| one.item_id == line.item_id && one.state == PickLineState::Short);
    let places: Vec<LocationId> = looked.map(|one| one.location_id).chain([line.location_id]).collect();
    release::bind_elsewhere(tx, actor, order, line.item_id, lost, places).await
}

fn note_short(order: &mut Order, line: &PickLine, found: &[Bound], reason: &str) -> Result<()> {
    let again: Quantity = found.iter().map(|goods| goods.quantity).sum();
    let wanted = order.line_mut(line.order_line_id)?;
    wanted.allocated = wanted.allocated - line.quantity + again;
    wanted.short_reason = match wanted.uncovered() {
        short if short.is_zero() => String::new(),
        short => format!("{short} {} missing in {}: {reason}; no more is free elsewhere", wanted.base_unit, line.location_code),
    };
    Ok(())
}

/// Gives back what is not picked yet. The order is open again, or picked when something was.
pub async fn cancel(tx: &mut Tx, actor: &Actor, reference: &str) -> Result<PickListDto> {
    actor.require(PICK)?;
    let (mut order, mut list) = service::find_locked(tx, actor.tenant(), reference).await?;
    if list.state != PickListState::Open {
        return Err(Error::conflict(format!("the pick list is {} already", list.state)));
    }
    let waiting: Vec<usize> = (0..list.lines.len()).filter(|n| list.lines[*n].is_open()).collect();
    let goods: Vec<Bound> = waiting.iter().map(|n| list.lines[*n].goods(list.lines[*n].quantity)).collect();
    promises::give_back(tx, actor, &goods).await?;
    for n in &waiting {
        let line = &mut list.lines[*n];
        line.decide(actor, PickLineState::Cancelled, Quantity::ZERO);
        let wanted = order.line_mut(line.order_line_id)?;
        wanted.allocated -= line.quantity;
    }
    list.state = PickListState::Cancelled;
    list.closed_at = Some(actor.env.now());
    let decided: BTreeSet<Uuid> = waiting.iter().map(|n| list.lines[*n].pick_line_id.0).collect();
    let after = json!({ "pick_list": list.code, "order": order.code, "given_back": decided });
    tx.audit(actor, audit::Entry::new("pick.cancel", "pick list", list.pick_list_id).after(&after));
    settle(tx, actor, &mut order, &mut list, &decided).await?;
    Ok(PickListDto::whole(list))
}
