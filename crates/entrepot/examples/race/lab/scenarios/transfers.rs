//! Goods go in circles among few places, in both directions and in batches, so that requests want the same places in
//! different orders.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::{join, try_join_all};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use super::super::Lab;
use super::super::client::{Answer, CannotRun, Session};
use super::super::world::{MOVEMENTS, PLACES};
use super::{Faults, Outcome, Progress, is_short, unexpected};

const READERS: usize = 3;
/// Places that the goods circle through.
const CIRCLE: usize = 4;
/// At each place at first: so few that many a batch is refused, often at its second or third hop.
const EACH: i64 = 5;

/// One line of a batch.
#[derive(Clone, Copy)]
struct Hop {
    from: usize,
    to: usize,
    quantity: i64,
}

pub async fn run(lab: &Lab, session: &Session, progress: &Progress) -> Result<Outcome, CannotRun> {
    let (clients, world) = (lab.settings.clients, &lab.world);
    let item = world.items(session, "CIRC", 1).await?.remove(0);
    for place in 0..CIRCLE {
        world.receive(session, &item, &world.place(place), EACH).await?;
    }
    let mut rng = SmallRng::seed_from_u64(lab.settings.seed);
    let mut faults = Faults::default();
    let mut expected = [0; PLACES];
    expected[..CIRCLE].fill(EACH);
    let mut looks = 0;
    for round in 0..lab.settings.rounds {
        let batches: Vec<Vec<Hop>> = (0..clients).map(|client| batch(&mut rng, client % 2 == 0)).collect();
        let over = AtomicBool::new(false);
        let moving = async {
            let answers = try_join_all(batches.iter().map(|hops| transfer(lab, session, &item, hops))).await;
            over.store(true, Ordering::SeqCst);
            answers
        };
        let reading = try_join_all((0..READERS).map(|_| watch(lab, session, &item, &over)));
        let (answers, read) = join(moving, reading).await;
        for (hops, answer) in batches.iter().zip(answers?) {
            if answer.is_created() {
                for hop in hops {
                    expected[hop.from] -= hop.quantity;
                    expected[hop.to] += hop.quantity;
                }
            } else if !is_short(&answer) {
                unexpected(&mut faults, round, &answer);
            }
        }
        for (seen, problems) in read? {
            looks += seen;
            problems.into_iter().for_each(|problem| faults.add(format!("round {round}: {problem}")));
        }
        let there: Vec<i64> = world.stock(session, &item).await?.iter().map(|stock| stock.on_hand).collect();
        faults.unless(there == expected, || {
            format!("round {round}: by the answers {expected:?} lie at the places, in truth {there:?}")
        });
        if !progress.round(&session.tally) || !faults.none() {
            break;
        }
    }
    for (label, count) in session.tally.counts().iter().filter(|(label, _)| label.contains("many changes met")) {
        faults.add(format!("{count} requests were told of a deadlock: {label}"));
    }
    let done = format!(
        "{} rounds, {clients} batches each in both directions around {CIRCLE} places, {looks} looks meanwhile",
        progress.rounds()
    );
    Ok(Outcome::Judged { done, faults })
}

/// Two or three hops from a random place onwards, all in one direction.
fn batch(rng: &mut SmallRng, clockwise: bool) -> Vec<Hop> {
    let step = if clockwise { 1 } else { CIRCLE - 1 };
    let start = rng.random_range(0..CIRCLE);
    let hop = |n: usize, quantity| Hop { from: (start + n * step) % CIRCLE, to: (start + (n + 1) * step) % CIRCLE, quantity };
    (0..rng.random_range(2..=3)).map(|n| hop(n, rng.random_range(1..=4))).collect()
}

async fn transfer(lab: &Lab, session: &Session, item: &str, hops: &[Hop]) -> Result<Answer, CannotRun> {
    let place = |number| lab.world.place(number);
    let movements: Vec<_> = hops
        .iter()
        .map(|hop| json!({ "kind": "TRANSFER", "item": item, "quantity": hop.quantity, "from": place(hop.from), "to": place(hop.to) }))
        .collect();
    session.post(MOVEMENTS, &json!({ "atomic": true, "movements": movements })).await
}

/// Looks at all places at once until the round is over.
async fn watch(lab: &Lab, session: &Session, item: &str, over: &AtomicBool) -> Result<(usize, Vec<String>), CannotRun> {
    let (mut looks, mut problems) = (0, Vec::new());
    while !over.load(Ordering::SeqCst) {
        let seen: Vec<i64> = lab.world.stock(session, item).await?.iter().map(|stock| stock.on_hand).collect();
        looks += 1;
        if seen.iter().sum::<i64>() != EACH * CIRCLE as i64 {
            problems.push(format!("a look at all places found {seen:?}, which is not {} together", EACH * CIRCLE as i64));
        }
        if seen.iter().any(|on_hand| *on_hand < 0) {
            problems.push(format!("a look found a negative balance: {seen:?}"));
        }
    }
    Ok((looks, problems))
}
