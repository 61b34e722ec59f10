//! Everybody adds one to the same balance while others read it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use futures::future::{join, try_join_all};
use serde_json::json;

use super::super::Lab;
use super::super::client::{CannotRun, Session};
use super::super::world::MOVEMENTS;
use super::{Faults, Outcome, Progress, unexpected};

const READERS: usize = 4;

/// What any reader of the counter may see: at least what was answered before it asked, at most what was begun before it
/// was told.
#[derive(Default)]
struct Bounds {
    begun: AtomicI64,
    answered: AtomicI64,
    over: AtomicBool,
}

pub async fn run(lab: &Lab, session: &Session, progress: &Progress) -> Result<Outcome, CannotRun> {
    let (clients, world) = (lab.settings.clients, &lab.world);
    let item = world.items(session, "INCR", 1).await?.remove(0);
    let place = world.place(0);
    let mut faults = Faults::default();
    let bounds = Bounds::default();
    let mut looks = 0;
    for round in 0..lab.settings.rounds {
        bounds.over.store(false, Ordering::SeqCst);
        let adding = async {
            let answers = try_join_all((0..clients).map(async |client| {
                let add = json!({ "kind": "RECEIPT", "item": item, "quantity": 1, "from": "SUPPLIER", "to": place,
                    "reference": format!("incr-{round}-{client}") });
                bounds.begun.fetch_add(1, Ordering::SeqCst);
                let answer = session.post(MOVEMENTS, &json!({ "movements": [add] })).await?;
                bounds.answered.fetch_add(i64::from(answer.is_created()), Ordering::SeqCst);
                Ok(answer)
            }))
            .await;
            bounds.over.store(true, Ordering::SeqCst);
            answers
        };
        let reading = try_join_all((0..READERS).map(|_| read(lab, session, &item, &bounds)));
        let (answers, read) = join(adding, reading).await;
        for answer in answers?.iter().filter(|answer| !answer.is_created()) {
            unexpected(&mut faults, round, answer);
        }
        for (seen, problems) in read? {
            looks += seen;
            problems.into_iter().for_each(|problem| faults.add(format!("round {round}: {problem}")));
        }
        let (counted, answered) = (world.stock(session, &item).await?[0].on_hand, bounds.answered.load(Ordering::SeqCst));
        faults.unless(counted == answered, || {
            format!("round {round}: {answered} increments were acknowledged, {counted} are there")
        });
        if !progress.round(&session.tally) || !faults.none() {
            break;
        }
    }
    let done = format!("{} rounds, {clients} clients each adding 1, {looks} looks meanwhile", progress.rounds());
    Ok(Outcome::Judged { done, faults })
}

/// Reads until the round is over: how often, and what was impossible.
async fn read(lab: &Lab, session: &Session, item: &str, bounds: &Bounds) -> Result<(usize, Vec<String>), CannotRun> {
    let (mut looks, mut problems, mut last) = (0, Vec::new(), 0);
    while !bounds.over.load(Ordering::SeqCst) {
        let least = bounds.answered.load(Ordering::SeqCst).max(last);
        let seen = lab.world.stock(session, item).await?[0].on_hand;
        let most = bounds.begun.load(Ordering::SeqCst);
        looks += 1;
        if !(least..=most).contains(&seen) {
            problems.push(format!("a reader saw {seen} when it had to be {least} to {most}"));
        }
        last = seen;
    }
    Ok((looks, problems))
}
