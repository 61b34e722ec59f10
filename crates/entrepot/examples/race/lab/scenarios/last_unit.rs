//! Everybody buys the one unit that is there.

use futures::future::try_join_all;
use serde_json::json;

use super::super::Lab;
use super::super::client::{CannotRun, Session};
use super::super::world::MOVEMENTS;
use super::{Faults, Outcome, Progress, is_short, unexpected};

const ITEMS: usize = 4;

pub async fn run(lab: &Lab, session: &Session, progress: &Progress) -> Result<Outcome, CannotRun> {
    let (clients, world) = (lab.settings.clients, &lab.world);
    let items = world.items(session, "LAST", ITEMS).await?;
    let mut faults = Faults::default();
    for round in 0..lab.settings.rounds {
        let (item, number) = (&items[round % ITEMS], round / ITEMS);
        let place = world.place(number);
        world.receive(session, item, &place, 1).await?;
        let answers = try_join_all((0..clients).map(async |client| {
            let buy = json!({ "kind": "ISSUE", "item": item, "quantity": 1, "from": place, "to": "CUSTOMER",
                "reference": format!("last-{round}-{client}") });
            session.post(MOVEMENTS, &json!({ "movements": [buy] })).await
        }))
        .await?;
        let won = answers.iter().filter(|answer| answer.is_created()).count();
        faults.unless(won == 1, || {
            format!("round {round}: {won} buyers of one unit of {item} at {place} were told that they have it")
        });
        for answer in answers.iter().filter(|answer| !answer.is_created() && !is_short(answer)) {
            unexpected(&mut faults, round, answer);
        }
        let left: Vec<i64> = world.stock(session, item).await?.iter().map(|stock| stock.on_hand).collect();
        faults
            .unless(left.iter().all(|on_hand| *on_hand == 0), || format!("round {round}: {left:?} of {item} are left by place"));
        if !progress.round(&session.tally) || !faults.none() {
            break;
        }
    }
    let mut sold = 0;
    for item in &items {
        sold += world.movements(session, item, "&kind=ISSUE").await?.len();
    }
    faults.unless(sold == progress.rounds(), || format!("the ledger has {sold} issues after {} rounds", progress.rounds()));
    Ok(Outcome::Judged { done: format!("{} rounds, {clients} buyers each", progress.rounds()), faults })
}
