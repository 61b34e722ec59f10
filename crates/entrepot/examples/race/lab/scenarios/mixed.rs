//! Good requests and bad ones of all kinds come together, so that a server that writes several callers' movements at once
//! has them in one group; some callers hang up.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::try_join_all;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use super::super::Lab;
use super::super::client::{Answer, CannotRun, Session};
use super::super::world::{MOVEMENTS, whole};
use super::{Faults, Outcome, Progress, is_short};

/// Goods that lie at each of the two places at first; nobody can issue so many that a good issue fails.
const PLACES: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Receipt,
    /// Of goods that were put there beforehand, one for each.
    Issue,
    /// Far more than there is.
    TooMuch,
    UnknownItem,
    BadQuantity,
    UnknownPlace,
    /// Good, but the caller is gone before the answer, and comes again with the same key.
    HungUp,
}

impl Request {
    fn of(client: usize) -> Self {
        const KINDS: [Request; 10] = [
            Request::Receipt,
            Request::TooMuch,
            Request::Receipt,
            Request::HungUp,
            Request::Issue,
            Request::UnknownItem,
            Request::Receipt,
            Request::BadQuantity,
            Request::Issue,
            Request::UnknownPlace,
        ];
        KINDS[client % KINDS.len()]
    }

    fn is_good(self) -> bool {
        matches!(self, Self::Receipt | Self::Issue | Self::HungUp)
    }

    fn body(self, item: &str, place: &str, reference: &str) -> Value {
        let movement = match self {
            Self::Issue => json!({ "kind": "ISSUE", "item": item, "quantity": 1, "from": place, "reference": reference }),
            Self::TooMuch => json!({ "kind": "ISSUE", "item": item, "quantity": 900_000, "from": place, "reference": reference }),
            _ => {
                let item = if self == Self::UnknownItem { format!("{item}-NOT") } else { item.to_owned() };
                let place = if self == Self::UnknownPlace { format!("{place}-NOT") } else { place.to_owned() };
                let quantity = if self == Self::BadQuantity { "-3" } else { "1" };
                json!({ "kind": "RECEIPT", "item": item, "quantity": quantity, "to": place, "reference": reference })
            }
        };
        json!({ "movements": [movement] })
    }

    fn is_right(self, answer: &Answer) -> bool {
        match self {
            Self::TooMuch => is_short(answer),
            _ if self.is_good() => answer.is_created(),
            _ => matches!(answer.status, 404 | 422),
        }
    }
}

pub async fn run(lab: &Lab, session: &Session, progress: &Progress) -> Result<Outcome, CannotRun> {
    let (clients, world) = (lab.settings.clients, &lab.world);
    let mut rng = SmallRng::seed_from_u64(lab.settings.seed);
    let mut faults = Faults::default();
    for round in 0..lab.settings.rounds {
        let item = world.items(session, &format!("MIX-{round}"), 1).await?.remove(0);
        for place in 0..PLACES {
            world.receive(session, &item, &world.place(place), clients as i64).await?;
        }
        let patience: Vec<Duration> = (0..clients).map(|_| Duration::from_micros(rng.random_range(100..8000))).collect();
        let caller = |client: usize| Caller { lab, session, item: &item, round, client };
        let answers = try_join_all((0..clients).map(async |client| caller(client).call(patience[client]).await)).await?;
        for (client, answer) in answers.iter().enumerate() {
            let request = Request::of(client);
            faults.unless(request.is_right(answer), || {
                format!("round {round}: a request of kind {request:?} was answered {}", answer.story())
            });
        }
        audit(lab, session, &item, round, &answers, &mut faults).await?;
        if !progress.round(&session.tally) || !faults.none() {
            break;
        }
    }
    Ok(Outcome::Judged {
        done: format!("{} rounds, {clients} callers each, four in ten to be refused", progress.rounds()),
        faults,
    })
}

struct Caller<'a> {
    lab: &'a Lab,
    session: &'a Session,
    item: &'a str,
    round: usize,
    client: usize,
}

impl Caller<'_> {
    async fn call(&self, patience: Duration) -> Result<Answer, CannotRun> {
        let Self { round, client, .. } = self;
        let request = Request::of(*client);
        let body = request.body(self.item, &self.lab.world.place(client % PLACES), &format!("mix-{round}-{client}"));
        let key = format!("{}-mix-{round}-{client}", self.lab.world.facility);
        if request == Request::HungUp {
            self.session.post_and_hang_up(MOVEMENTS, &key, &body, patience).await;
        }
        self.session.post_with_key(MOVEMENTS, &key, &body).await
    }
}

/// Exactly what was acknowledged is in the ledger, once each, and the balances follow from it.
async fn audit(
    lab: &Lab,
    session: &Session,
    item: &str,
    round: usize,
    answers: &[Answer],
    faults: &mut Faults,
) -> Result<(), CannotRun> {
    let mut recorded: BTreeMap<String, usize> = BTreeMap::new();
    let mut sums = [0; PLACES];
    for movement in lab.world.movements(session, item, "").await? {
        *recorded.entry(movement["reference"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        let quantity = whole(&movement["quantity"])?;
        for (side, sign) in [("from", -1), ("to", 1)] {
            let place = movement[side]["location_code"].as_str().and_then(|code| code.strip_prefix('P')?.parse::<usize>().ok());
            if let Some(sum) = place.and_then(|place| sums.get_mut(place)) {
                *sum += sign * quantity;
            }
        }
    }
    for (client, answer) in answers.iter().enumerate() {
        let times = recorded.remove(&format!("mix-{round}-{client}")).unwrap_or_default();
        let due = usize::from(answer.is_created());
        faults.unless(times == due, || {
            format!(
                "round {round}: {:?} of client {client}, answered {}, is {times} times in the ledger",
                Request::of(client),
                answer.label()
            )
        });
    }
    let there: Vec<i64> = lab.world.stock(session, item).await?.iter().map(|stock| stock.on_hand).collect();
    faults.unless(there[..PLACES] == sums, || {
        format!("round {round}: the ledger of {item} adds up to {sums:?}, the balances are {there:?}")
    });
    Ok(())
}
