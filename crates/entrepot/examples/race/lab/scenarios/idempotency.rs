//! Everybody sends the same request under the same key, then once more later; some send another request under it.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use serde_json::{Value, json};

use super::super::Lab;
use super::super::client::{Answer, CannotRun, Session};
use super::super::world::MOVEMENTS;
use super::{Faults, Outcome, Progress};

const ITEMS: usize = 4;
/// Clients on one key in rounds with several keys.
const CROWD: usize = 25;

pub async fn run(lab: &Lab, session: &Session, progress: &Progress) -> Result<Outcome, CannotRun> {
    let clients = lab.settings.clients;
    let items = lab.world.items(session, "IDEM", ITEMS).await?;
    let mut faults = Faults::default();
    let mut expected = vec![0; items.len()];
    let mut keys = 0;
    for round in 0..lab.settings.rounds {
        let item = &items[round % ITEMS];
        // All on one key, then many keys beside each other, in turns; in every second pair of rounds with a rival request.
        let crowd = if round % 2 == 0 { clients } else { CROWD.min(clients) };
        let has_rival = round % 4 >= 2;
        let storms = (0..clients / crowd).map(|number| Storm { lab, session, item, round, number, crowd, has_rival });
        let storms: Vec<Storm<'_>> = storms.collect();
        keys += storms.len();
        for (added, problems) in try_join_all(storms.iter().map(Storm::rage)).await? {
            expected[round % ITEMS] += added;
            problems.into_iter().for_each(|problem| faults.add(format!("round {round}: {problem}")));
        }
        let there = lab.world.stock(session, item).await?[0].on_hand;
        let due = expected[round % ITEMS];
        faults.unless(there == due, || format!("round {round}: the keys add up to {due}, {there} are there"));
        if !progress.round(&session.tally) || !faults.none() {
            break;
        }
    }
    let done = format!("{} rounds, {clients} clients on {keys} keys", progress.rounds());
    Ok(Outcome::Judged { done, faults })
}

/// One key with all who use it.
struct Storm<'a> {
    lab: &'a Lab,
    session: &'a Session,
    item: &'a str,
    round: usize,
    number: usize,
    crowd: usize,
    has_rival: bool,
}

impl Storm<'_> {
    fn key(&self) -> String {
        format!("{}-storm-{}-{}", self.lab.world.facility, self.round, self.number)
    }

    fn reference(&self) -> String {
        format!("storm-{}-{}", self.round, self.number)
    }

    /// A receipt of so many; the rival's differs in nothing but the quantity.
    fn body(&self, quantity: i64) -> Value {
        json!({ "movements": [{ "kind": "RECEIPT", "item": self.item, "quantity": quantity, "from": "SUPPLIER",
            "to": self.lab.world.place(0), "reference": self.reference() }] })
    }

    fn quantity(&self, client: usize) -> i64 {
        if self.has_rival && client % 10 == 9 { 2 } else { 1 }
    }

    async fn send(&self, quantity: i64) -> Result<Answer, CannotRun> {
        self.session.post_with_key(MOVEMENTS, &self.key(), &self.body(quantity)).await
    }

    /// What the key added, and what was wrong.
    async fn rage(&self) -> Result<(i64, Vec<String>), CannotRun> {
        let answers = try_join_all((0..self.crowd).map(|client| self.send(self.quantity(client)))).await?;
        let winners: BTreeSet<i64> = answers
            .iter()
            .enumerate()
            .filter(|(_, answer)| answer.is_created())
            .map(|(client, _)| self.quantity(client))
            .collect();
        let [winner] = winners.iter().copied().collect::<Vec<_>>()[..] else {
            return Ok((0, vec![format!("{}: requests with {} different bodies were accepted", self.key(), winners.len())]));
        };
        let mut all: Vec<(i64, Answer)> =
            answers.into_iter().enumerate().map(|(client, answer)| (self.quantity(client), answer)).collect();
        for quantity in [winner, winner + 5] {
            all.push((quantity, self.send(quantity).await?));
        }
        let first = all.iter().find(|(_, answer)| answer.is_created()).map_or("", |(_, answer)| answer.text.as_str());
        let mut problems = Vec::new();
        for (quantity, answer) in &all {
            if *quantity == winner && !(answer.is_created() && answer.text == first) {
                problems.push(format!("{}: the same request was answered {first} and {}", self.key(), answer.story()));
            } else if *quantity != winner && !answer.is(422, "KEY_REUSED") {
                problems.push(format!("{}: another request under the key was answered {}", self.key(), answer.story()));
            }
        }
        let more = format!("&reference={}", self.reference());
        let effects = self.lab.world.movements(self.session, self.item, &more).await?.len();
        if effects != 1 {
            problems.push(format!("{}: one key had {effects} effects", self.key()));
        }
        Ok((winner, problems))
    }
}
