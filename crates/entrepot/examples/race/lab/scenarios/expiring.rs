//! Reservations expire within a second or two while everybody tries to get what becomes free.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use super::super::Lab;
use super::super::client::{Answer, CannotRun, Session};
use super::reserve::{self, Promise};
use super::{Faults, Outcome, Progress, is_short};

/// What lies at each of the two places at first; a quarter of the clients can have one.
const CLIENTS_PER_UNIT: usize = 4;
const PLACES: usize = 2;
/// All rounds together last at least as long as several lives of a reservation.
const AT_LEAST: Duration = Duration::from_secs(5);
/// The longest life of a reservation, with a little for rounding.
const LIFE: Duration = Duration::from_millis(2200);
/// All of it can be reserved again within this time after the last one expired.
const FREE_WITHIN: Duration = Duration::from_secs(30);

/// A change of what is certainly taken, or of what may be there, in the client's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    at: Instant,
    /// Positive: certainly taken from here on; negative: may be free again.
    taken: i64,
    /// May have been added from here on.
    added: i64,
}

#[derive(Default)]
struct Diary(Mutex<Vec<Change>>);

impl Diary {
    fn note(&self, at: Instant, taken: i64, added: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Change { at, taken, added });
    }

    /// The largest excess of what was certainly taken over what may have been there, if there ever was one.
    ///
    /// Certainly taken is a promise from its answer to the earliest moment at which it can have ended; whatever interval
    /// is in doubt counts for the server.
    fn worst_excess(&self, at_first: i64) -> Option<(i64, i64)> {
        let mut changes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Of what happens at the same moment, what frees and adds comes first.
        changes.sort_by_key(|change| (change.at, change.taken - change.added));
        let (mut taken, mut there) = (0, at_first);
        let mut worst = None;
        for change in changes {
            taken += change.taken;
            there += change.added;
            if taken > there && worst.is_none_or(|(t, h)| taken - there > t - h) {
                worst = Some((taken, there));
            }
        }
        worst
    }
}

pub async fn run(lab: &Lab, session: &Session, progress: &Progress) -> Result<Outcome, CannotRun> {
    let (clients, world) = (lab.settings.clients, &lab.world);
    let item = world.items(session, "EXPI", 1).await?.remove(0);
    let each = (clients / CLIENTS_PER_UNIT / PLACES).max(2) as i64;
    for place in 0..PLACES {
        world.receive(session, &item, &world.place(place), each).await?;
    }
    let diary = Diary::default();
    let mut faults = Faults::default();
    let mut promised = 0;
    for round in 0..lab.settings.rounds {
        let began = Instant::now();
        let attempts = try_join_all((0..clients).map(|client| {
            let rng = SmallRng::seed_from_u64(lab.settings.seed ^ ((round * clients + client) as u64) << 8);
            attempt(Client { lab, session, item: &item, diary: &diary, client }, rng)
        }));
        for (got, answers) in attempts.await? {
            promised += usize::from(got);
            answers.iter().for_each(|problem| faults.add(format!("round {round}: {problem}")));
        }
        let there = world.stock(session, &item).await?;
        let within = there.iter().all(|stock| (0..=stock.on_hand).contains(&stock.reserved));
        faults.unless(within, || format!("round {round}: reserved exceeds on hand: {there:?}"));
        if !progress.round(&session.tally) || !faults.none() {
            break;
        }
        tokio::time::sleep((AT_LEAST / lab.settings.rounds as u32).saturating_sub(began.elapsed())).await;
    }
    if let Some((taken, there)) = diary.worst_excess(each * PLACES as i64) {
        faults.add(format!("at one moment {taken} were promised or gone, of at most {there} that were there"));
    }
    all_is_free_again(lab, session, &item, &diary, each * PLACES as i64, &mut faults).await?;
    let done = format!("{} rounds, {clients} clients each, {promised} reservations of 1 or 2 seconds", progress.rounds());
    Ok(Outcome::Judged { done, faults })
}

struct Client<'a> {
    lab: &'a Lab,
    session: &'a Session,
    item: &'a str,
    diary: &'a Diary,
    client: usize,
}

/// Reserves once; then leaves it to expire, gives it back, or takes the goods and replaces them.
async fn attempt(this: Client<'_>, mut rng: SmallRng) -> Result<(bool, Vec<String>), CannotRun> {
    let Client { lab, session, item, diary, client } = this;
    let (quantity, seconds) = (rng.random_range(1..=2), rng.random_range(1..=2));
    let mut body = reserve::body(item, &lab.world.facility, quantity, client);
    body["expires_in_seconds"] = json!(seconds);
    let mut problems = Vec::new();
    let mut faults = Faults::default();
    let asked = Instant::now();
    let answer = session.post(reserve::RESERVATIONS, &body).await?;
    let told = Instant::now();
    if !answer.is_created() {
        judge(&answer, is_short, &mut faults);
        return Ok((false, faults.examples));
    }
    let promise = Promise::read(&answer, &mut problems)?;
    // It was made after it was asked for, so it lives at least until then; a little is granted for rounding.
    let expires = asked + Duration::from_millis(seconds * 1000 - 20);
    let end = match rng.random_range(0..10) {
        0 => {
            let asked = Instant::now();
            let answer = reserve::close(session, &promise, "release").await?;
            judge(&answer, reserve::is_too_late, &mut faults);
            asked.min(expires)
        }
        1 => {
            tokio::time::sleep(Duration::from_millis(rng.random_range(0..seconds * 1100))).await;
            let answer = reserve::close(session, &promise, "fulfil").await?;
            judge(&answer, reserve::is_too_late, &mut faults);
            if reserve::is_done(&answer) {
                diary.note(told, promise.allocated, 0);
                diary.note(Instant::now(), 0, promise.allocated);
                lab.world.receive(session, item, &lab.world.place(client % PLACES), promise.allocated).await?;
                told
            } else {
                expires
            }
        }
        _ => expires,
    };
    if end > told {
        diary.note(told, promise.allocated, 0);
        diary.note(end, -promise.allocated, 0);
    }
    problems.append(&mut faults.examples);
    Ok((true, problems))
}

fn judge(answer: &Answer, is_refused_rightly: fn(&Answer) -> bool, faults: &mut Faults) {
    if !reserve::is_done(answer) && !is_refused_rightly(answer) {
        faults.add(format!("an answer that nobody should get: {}", answer.story()));
    }
}

/// Takes all there is in one reservation once the last one has expired, and gives it back; then nothing may be reserved.
async fn all_is_free_again(
    lab: &Lab,
    session: &Session,
    item: &str,
    diary: &Diary,
    at_first: i64,
    faults: &mut Faults,
) -> Result<(), CannotRun> {
    tokio::time::sleep(LIFE).await;
    let changes = diary.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let due = at_first + changes.iter().map(|change| change.added - change.taken).sum::<i64>();
    let on_hand: i64 = lab.world.stock(session, item).await?.iter().map(|stock| stock.on_hand).sum();
    faults.unless(on_hand == due, || format!("{on_hand} are on hand at the end, by the answers {due}"));
    let everything = reserve::body(item, &lab.world.facility, on_hand, 0);
    let until = Instant::now() + FREE_WITHIN;
    let mut answer = session.post(reserve::RESERVATIONS, &everything).await?;
    while is_short(&answer) && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(500)).await;
        answer = session.post(reserve::RESERVATIONS, &everything).await?;
    }
    if !answer.is_created() {
        let limit = FREE_WITHIN.as_secs();
        faults.add(format!(
            "not free again {limit} s after all expired: a reservation of all {on_hand} was answered {}",
            answer.story()
        ));
        return Ok(());
    }
    let mut problems = Vec::new();
    let promise = Promise::read(&answer, &mut problems)?;
    problems.into_iter().for_each(|problem| faults.add(problem));
    let released = reserve::close(session, &promise, "release").await?;
    judge(&released, |_| false, faults);
    let reserved: i64 = lab.world.stock(session, item).await?.iter().map(|stock| stock.reserved).sum();
    faults.unless(reserved == 0, || format!("{reserved} are reserved although everything expired or was released"));
    Ok(())
}
