//! Everybody reserves at once, more than there is; then everybody fulfils or gives back at once.

use futures::future::{join, try_join_all};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use super::super::Lab;
use super::super::client::{Answer, CannotRun, Session};
use super::super::world::Stock;
use super::reserve::{self, Promise};
use super::{Faults, Outcome, Progress, is_short, unexpected};

const ITEMS: usize = 4;
const PLACES: usize = 2;

#[derive(Clone, Copy)]
struct Wish {
    quantity: i64,
    allow_partial: bool,
}

pub async fn run(lab: &Lab, session: &Session, progress: &Progress) -> Result<Outcome, CannotRun> {
    let (clients, world) = (lab.settings.clients, &lab.world);
    let items = world.items(session, "RESV", ITEMS).await?;
    let mut rng = SmallRng::seed_from_u64(lab.settings.seed);
    let mut faults = Faults::default();
    let mut promised = 0;
    for round in 0..lab.settings.rounds {
        let item = &items[round % ITEMS];
        let before = fill(lab, session, item).await?;
        let wishes: Vec<Wish> =
            (0..clients).map(|_| Wish { quantity: rng.random_range(1..=4), allow_partial: rng.random_bool(0.3) }).collect();
        let answers = try_join_all(wishes.iter().enumerate().map(async |(client, wish)| {
            let mut body = reserve::body(item, &world.facility, wish.quantity, client);
            body["allow_partial"] = json!(wish.allow_partial);
            body["reference"] = json!(format!("resv-{round}-{client}"));
            session.post(reserve::RESERVATIONS, &body).await
        }))
        .await?;
        let promises = judge_promises(round, before, &wishes, &answers, &mut faults)?;
        let sum: i64 = promises.iter().map(|promise| promise.allocated).sum();
        promised += promises.len();
        let there = world.stock(session, item).await?;
        judge_stock(round, &there, before, sum, &mut faults);
        let issued = settle(session, round, &promises, &mut faults).await?;
        let there = world.stock(session, item).await?;
        judge_stock(round, &there, before - issued, 0, &mut faults);
        if !progress.round(&session.tally) || !faults.none() {
            break;
        }
    }
    let done = format!("{} rounds, {clients} clients each, {promised} reservations fulfilled or released", progress.rounds());
    Ok(Outcome::Judged { done, faults })
}

/// As many of the goods as there are clients, in two places; returns how many lie there.
async fn fill(lab: &Lab, session: &Session, item: &str) -> Result<i64, CannotRun> {
    let stock = lab.world.stock(session, item).await?;
    let each = lab.settings.clients.div_ceil(PLACES) as i64;
    for (place, there) in stock.iter().enumerate().take(PLACES) {
        if there.on_hand < each {
            lab.world.receive(session, item, &lab.world.place(place), each - there.on_hand).await?;
        }
    }
    Ok(lab.world.stock(session, item).await?.iter().map(|stock| stock.on_hand).sum())
}

/// Goods only become fewer during the storm: nobody may have been refused what is still free at its end.
fn judge_promises(
    round: usize,
    on_hand: i64,
    wishes: &[Wish],
    answers: &[Answer],
    faults: &mut Faults,
) -> Result<Vec<Promise>, CannotRun> {
    let (mut promises, mut problems) = (Vec::new(), Vec::new());
    let mut refused = Vec::new();
    for (wish, answer) in wishes.iter().zip(answers) {
        if answer.is_created() {
            let promise = Promise::read(answer, &mut problems)?;
            let is_whole = promise.asked == wish.quantity && (wish.allow_partial || promise.allocated == wish.quantity);
            faults.unless(is_whole, || format!("round {round}: asked for {} and was promised {}", wish.quantity, answer.story()));
            refused.push((wish, promise.allocated));
            promises.push(promise);
        } else if is_short(answer) {
            refused.push((wish, 0));
        } else {
            unexpected(faults, round, answer);
        }
    }
    problems.into_iter().for_each(|problem| faults.add(format!("round {round}: {problem}")));
    let sum: i64 = promises.iter().map(|promise| promise.allocated).sum();
    faults.unless(sum <= on_hand, || format!("round {round}: {sum} are promised, {on_hand} are there"));
    let free = on_hand - sum;
    for (wish, got) in refused {
        let could = if wish.allow_partial {
            wish.quantity.min(got + free)
        } else if free >= wish.quantity {
            wish.quantity
        } else {
            got
        };
        faults.unless(got >= could, || {
            format!("round {round}: {free} are still free, but who asked for {} was promised {got}", wish.quantity)
        });
    }
    Ok(promises)
}

fn judge_stock(round: usize, there: &[Stock], on_hand: i64, reserved: i64, faults: &mut Faults) {
    let sums = there.iter().fold((0, 0), |(a, b), stock| (a + stock.on_hand, b + stock.reserved));
    faults.unless(sums == (on_hand, reserved), || {
        format!("round {round}: on hand and reserved are {sums:?}, by the answers they are {:?}", (on_hand, reserved))
    });
    let within = there.iter().all(|stock| (0..=stock.on_hand).contains(&stock.reserved));
    faults.unless(within, || format!("round {round}: reserved exceeds on hand: {there:?}"));
}

/// Fulfils, releases, or does both at the same moment; returns how many goods left.
async fn settle(session: &Session, round: usize, promises: &[Promise], faults: &mut Faults) -> Result<i64, CannotRun> {
    let settled = try_join_all(promises.iter().enumerate().map(async |(number, promise)| {
        // What was promised nothing of cannot be fulfilled.
        let choice = if promise.allocated == 0 { 1 } else { number % 3 };
        let close =
            async |wanted: bool, how| if wanted { reserve::close(session, promise, how).await.map(Some) } else { Ok(None) };
        let (fulfilled, released) = join(close(choice != 1, "fulfil"), close(choice != 0, "release")).await;
        Ok::<_, CannotRun>((promise, fulfilled?, released?, reserve::state(session, promise).await?))
    }))
    .await?;
    let mut issued = 0;
    for (promise, fulfilled, released, state) in settled {
        let done = [&fulfilled, &released].map(|answer| answer.as_ref().is_some_and(reserve::is_done));
        let is_consistent = match done {
            [true, false] => state == "FULFILLED",
            [false, true] => state == "RELEASED",
            _ => false,
        };
        let story =
            || [&fulfilled, &released].map(|answer| answer.as_ref().map_or_else(|| "not asked".to_owned(), Answer::story));
        faults.unless(is_consistent, || {
            format!("round {round}: {}: fulfil and release were answered {:?}, the state is {state}", promise.id, story())
        });
        if done[0] {
            issued += promise.allocated;
        }
        for answer in [&fulfilled, &released]
            .into_iter()
            .flatten()
            .filter(|answer| !reserve::is_done(answer) && !reserve::is_too_late(answer))
        {
            unexpected(faults, round, answer);
        }
    }
    Ok(issued)
}
