//! What becomes of bound goods when their order ends.

use std::collections::HashMap;

use inventory::Serials;
use inventory::reservation::service::{self as promises, Bound, Taken};
use kernel::{LocationId, LotId, MovementId, Quantity, ReservationId};
use platform::Result;
use platform::auth::Actor;
use platform::database::Tx;

use super::{service, store};
use crate::outbound::Order;

/// Ends what waits of the order and frees everything that is promised to it, wherever it lies.
pub(crate) async fn drop_all(tx: &mut Tx, actor: &Actor, order: &mut Order) -> Result<()> {
    let now = actor.env.now();
    let goods = bound(tx, actor, order).await?;
    promises::give_back(tx, actor, &goods).await?;
    store::cancel_all(tx, actor.tenant(), order.order_id, now, actor.principal.user).await?;
    for line in &mut order.lines {
        line.allocated = Quantity::ZERO;
    }
    Ok(())
}

async fn bound(tx: &mut Tx, actor: &Actor, order: &Order) -> Result<Vec<Bound>> {
    let reference = Order::promise_reference(&order.code);
    let found = promises::bound_under(tx, actor.tenant(), &[reference], actor.env.now()).await?;
    Ok(found.into_iter().map(|(_, goods)| goods).collect())
}

/// Issues to the customer what was picked to a staging place and is still there, and frees what is promised to the order besides.
pub(crate) async fn issue_staged(tx: &mut Tx, actor: &Actor, order: &mut Order) -> Result<Vec<MovementId>> {
    let mut left: HashMap<(ReservationId, LocationId, Option<LotId>), Bound> = HashMap::new();
    for goods in bound(tx, actor, order).await? {
        left.insert((goods.reservation, goods.location, goods.lot), goods);
    }
    let mut taken = Vec::new();
    for claim in store::claims(tx, actor.tenant(), &[order.order_id]).await?.into_iter().filter(|claim| claim.is_staged) {
        let Some(there) = left.get_mut(&(claim.goods.reservation, claim.goods.location, claim.goods.lot)) else { continue };
        let quantity = claim.goods.quantity.min(there.quantity);
        if quantity.is_zero() {
            continue;
        }
        there.quantity -= quantity;
        order.line_mut(claim.order_line_id)?.shipped += quantity;
        taken.push(Taken { goods: Bound { quantity, ..claim.goods }, serials: Serials::InOrder });
    }
    let movements = if taken.is_empty() {
        Vec::new()
    } else {
        promises::take(tx, actor, &taken, None, &order.code).await.map_err(service::without_index)?
    };
    let rest: Vec<Bound> = left.into_values().filter(|goods| !goods.quantity.is_zero()).collect();
    promises::give_back(tx, actor, &rest).await?;
    Ok(movements)
}
