//! Six weeks of deliveries that people put away, day by day through the same services with the clock set back: something to
//! learn from, to plot and to forecast.

use std::collections::VecDeque;

use chrono::{DateTime, Days, TimeDelta, Utc};
use inventory::service::MovementBatch;
use inventory::{MovementRequest, NumberText};
use kernel::{Env, ErrorCode, Quantity, TenantId};
use platform::auth::Actor;
use platform::config::Switches;
use platform::database::Tx;
use platform::{App, Result};
use warehouse::experiments::{ArmInput, NewExperiment, service as experiments};
use warehouse::slotting::{OfFacility, service as slotting};
use warehouse::{Decision, Metric, NewReceipt, NewReceiptLine, PutawayRequest, Receive, Recommendation, putaways, receipts};

use super::{FACILITY, FAMILIES, exists, item_code, opening_stock, wanted};

const DAYS: u32 = 45;
const LINES: usize = 5;
const TRIAL: &str = "OPTIMAL-OR-BFD";
/// So many days ago it began.
const TRIAL_SINCE: u32 = 35;

/// Goods that were put away, until they are shipped.
struct Lying {
    until: u32,
    goods: MovementRequest,
}

/// Skips the days that an earlier, interrupted start has lived through.
pub(super) async fn live_through(app: &App, tenant: &TenantId) -> Result<()> {
    let switches = app.config.switches();
    let mut lying = VecDeque::new();
    for ago in (1..=DAYS).rev() {
        let morning = app.env.now() - TimeDelta::days(ago.into());
        let actor = Actor::system(tenant.clone(), Env::fixed(morning, u64::from_le_bytes(app.env.random_bytes())), "demo");
        let codes = deliveries(ago);
        let mut tx = app.db.begin(tenant).await?;
        if exists(receipts::get(&mut tx, &actor, &codes[0]).await)? {
            continue;
        }
        if ago == DAYS {
            let opening = MovementBatch { atomic: true, movements: opening_stock(morning) };
            inventory::service::record(&mut tx, &actor, &opening).await?;
        }
        if ago == TRIAL_SINCE {
            begin_trial(&mut tx, &actor, &switches).await?;
        }
        ship(&mut tx, &actor, &mut lying, ago).await?;
        for code in &codes {
            receipts::create(&mut tx, &actor, &delivery(code, morning)).await?;
            receipts::receive(&mut tx, &actor, code, &Receive { receive_all: true, ..Receive::default() }).await?;
        }
        tx.commit().await?;
        for code in &codes {
            let mut tx = app.db.begin(tenant).await?;
            put_away(&mut tx, &actor, &switches, code, ago, &mut lying).await?;
            tx.commit().await?;
        }
        let mut tx = app.db.begin(tenant).await?;
        slotting::take_snapshot(&mut tx, &actor, &OfFacility { facility: FACILITY.into() }).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Two a day, one on every seventh.
fn deliveries(ago: u32) -> Vec<String> {
    let count = if ago.is_multiple_of(7) { 1 } else { 2 };
    (0..count).map(|n| format!("GR-{:03}", (DAYS - ago) * 2 + n + 1)).collect()
}

fn delivery(code: &str, morning: DateTime<Utc>) -> NewReceipt {
    let number = code.trim_start_matches("GR-").parse().unwrap_or(0);
    let lines = (0..LINES).map(|line| {
        let (family, variant) = wanted(number * 11 + line * 37);
        let shelf_life = FAMILIES[family].7;
        NewReceiptLine {
            item: item_code(family, variant),
            lot_number: shelf_life.map(|_| format!("{code}-{line}")),
            expires_on: shelf_life.and_then(|days| morning.date_naive().checked_add_days(Days::new(days.into()))),
            expected: Quantity::from(4 + (number as u32 * 7 + line as u32 * 5) % 17),
            unit: None,
        }
    });
    NewReceipt {
        facility: FACILITY.into(),
        code: Some(code.into()),
        supplier: "Nordic Roasters".into(),
        expected_at: Some(morning),
        lines: lines.collect(),
    }
}

async fn begin_trial(tx: &mut Tx, actor: &Actor, switches: &Switches) -> Result<()> {
    let arm = |algorithm: &str| ArmInput { algorithm: algorithm.into(), weights: None };
    let trial = NewExperiment {
        code: TRIAL.into(),
        name: "Is the optimum better than best fit?".into(),
        hypothesis: "Whole batches that are optimised get better places than line by line.".into(),
        unit: None,
        facilities: Vec::new(),
        metric: Metric::Score,
        control: arm("BFD"),
        treatment: arm("OPTIMAL"),
        treatment_share: None,
        alpha: None,
        power: None,
        // Few enough deliveries that it has ended by today: while it ran, half of all answers would come from the other method.
        minimum_effect: Some(0.8),
        spending: None,
        looks: Some(4),
        max_days: None,
    };
    experiments::create(tx, actor, &trial).await?;
    experiments::start(tx, actor, switches, TRIAL).await.map(drop)
}

async fn put_away(
    tx: &mut Tx,
    actor: &Actor,
    switches: &Switches,
    code: &str,
    ago: u32,
    lying: &mut VecDeque<Lying>,
) -> Result<()> {
    let request = PutawayRequest {
        facility: FACILITY.into(),
        receipt: Some(code.into()),
        hold_minutes: Some(600),
        ..PutawayRequest::default()
    };
    let found = putaways::recommend(tx, actor, switches, &request).await?;
    for one in found.recommendations {
        actor.env.advance(TimeDelta::minutes(2 + i64::from(chance(actor) % 9)));
        let decided = decide(tx, actor, &one).await?;
        let place = decided.actual_location_code.or(decided.from_location_code).unwrap_or_default();
        let until = ago.saturating_sub(3 + chance(actor) % 16);
        let goods = MovementRequest {
            kind: "ISSUE".into(),
            item: one.item_code,
            lot: Some(one.lot_number).filter(|lot| !lot.is_empty()),
            quantity: NumberText(one.quantity.to_string()),
            from: Some(format!("{FACILITY}/{place}")),
            reference: Some(format!("shipped from {code}")),
            ..MovementRequest::default()
        };
        lying.push_back(Lying { until, goods });
    }
    // Between its looks nobody may see how a trial goes; before the first is due this is refused.
    match tx.attempt(async |tx| experiments::look(tx, actor, TRIAL).await).await {
        Err(error) if !matches!(error.code, ErrorCode::Conflict | ErrorCode::NotFound) => Err(error),
        _ => Ok(()),
    }
}

/// 0 to 99, the same for the same clock.
fn chance(actor: &Actor) -> u32 {
    u32::from_le_bytes(actor.env.random_bytes()) % 100
}

/// What people do here: heavy goods do not go up, the far end is not liked, and now and then somebody is in a hurry.
async fn decide(tx: &mut Tx, actor: &Actor, one: &Recommendation) -> Result<Recommendation> {
    let (is_high, is_heavy) =
        (one.location_code.ends_with(['3', '4']), one.item_code.starts_with("MA") || one.item_code.starts_with("DA"));
    let unliked = match (is_high, is_heavy) {
        (true, true) => 90,
        (true, false) => 10,
        (false, _) if one.location_code.starts_with(['E', 'F']) => 6,
        _ => 3,
    };
    let accept = Decision::Accept { feedback: String::new(), serials: Vec::new() };
    if chance(actor) >= unliked {
        return putaways::decide(tx, actor, one.recommendation_id, &accept).await;
    }
    let elsewhere = one.alternatives.first().map(|other| Decision::Override {
        location: format!("{FACILITY}/{}", other.location_code),
        feedback: if is_high { "too high to lift" } else { "too far" }.into(),
        serials: Vec::new(),
    });
    if let Some(elsewhere) = elsewhere
        && let Ok(decided) = tx.attempt(async |tx| putaways::decide(tx, actor, one.recommendation_id, &elsewhere).await).await
    {
        return Ok(decided);
    }
    putaways::decide(tx, actor, one.recommendation_id, &Decision::Reject { feedback: "no time".into() }).await
}

async fn ship(tx: &mut Tx, actor: &Actor, lying: &mut VecDeque<Lying>, ago: u32) -> Result<()> {
    let (due, rest): (VecDeque<_>, VecDeque<_>) = lying.drain(..).partition(|lying: &Lying| lying.until >= ago);
    *lying = rest;
    if due.is_empty() {
        return Ok(());
    }
    let batch = MovementBatch { atomic: true, movements: due.into_iter().map(|lying| lying.goods).collect() };
    inventory::service::record(tx, actor, &batch).await.map(drop)
}
