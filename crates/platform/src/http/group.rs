//! Group commit: concurrent calls of one tenant share a transaction, and each keeps its own answer, audit line, event and key.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use kernel::{TenantId, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::idempotency::{ATTEMPTS, IdempotencyKey, Stored, keep_all, stored_answers};
use crate::auth::Actor;
use crate::coalesce::{Coalescer, Work};
use crate::database::Tx;
use crate::{App, Error, Result};

/// A group that was cut in pieces gives up on the ones that are not done after this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// A use case whose calls may share a transaction.
pub trait Grouped: Default + Send + Sync + 'static {
    type Input: Send + Sync + 'static;
    type Output: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Names the use case in metrics.
    const NAME: &'static str;

    /// Decides the calls in the order given and stores what is accepted. An inner error refuses one call, which must then have
    /// left no trace in `tx`; an outer one spoils the transaction, and the calls are tried again in smaller groups.
    fn run<'a>(tx: &'a mut Tx, calls: &'a [(&'a Actor, &'a Self::Input)]) -> BoxFuture<'a, Result<Vec<Result<Self::Output>>>>;
}

/// As [`super::mutate`], in one transaction with whatever other calls of the tenant are waiting.
pub async fn mutate_grouped<G: Grouped>(
    app: &App,
    actor: &Actor,
    key: Option<&IdempotencyKey>,
    input: G::Input,
) -> Result<G::Output> {
    let call = Call { actor: actor.clone(), key: key.cloned(), input };
    app.the::<Coalescer<GroupCommit<G>>>().call(app, actor.tenant(), call).await
}

struct Call<I> {
    actor: Actor,
    key: Option<IdempotencyKey>,
    input: I,
}

struct GroupCommit<G>(PhantomData<fn() -> G>);

impl<G> Default for GroupCommit<G> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<G: Grouped> Work for GroupCommit<G> {
    type Call = Call<G::Input>;
    type Answer = G::Output;

    const NAME: &'static str = G::NAME;
    const MOST: usize = 256;
    const LANES: usize = 6;
    /// One: two groups of a tenant lock the same items and places at once, which costs the database more than it gains.
    const LANES_OF_TENANT: usize = 1;

    fn run(app: App, tenant: TenantId, calls: Vec<Self::Call>) -> BoxFuture<'static, Vec<Result<G::Output>>> {
        Box::pin(async move {
            let calls: Vec<&Call<G::Input>> = calls.iter().collect();
            settle::<G>(&app, &tenant, &calls, None).await
        })
    }
}

/// Why a transaction of a group came to nothing.
enum Spoiled {
    /// It is certain that nothing was committed.
    Undone(Error),
    /// Another request took one of the keys meanwhile; the next attempt finds its answer.
    KeyTaken,
    /// COMMIT was sent and its answer never came: repeating could double what calls without a key do.
    Unknown(Error),
}

/// Commits the calls together, and where that fails through no fault of the database, in ever smaller groups, so that the
/// call at fault ends up alone. `cut_at` is when the whole group failed.
fn settle<'a, G: Grouped>(
    app: &'a App,
    tenant: &'a TenantId,
    calls: &'a [&'a Call<G::Input>],
    cut_at: Option<Instant>,
) -> BoxFuture<'a, Vec<Result<G::Output>>> {
    Box::pin(async move {
        let mut attempt = 1;
        let error = loop {
            match once::<G>(app, tenant, calls, cut_at.is_some()).await {
                Ok(answers) => return answers,
                Err(Spoiled::KeyTaken) if attempt < ATTEMPTS => attempt += 1,
                Err(Spoiled::KeyTaken) => break Error::unavailable("many requests with the same idempotency key met at once"),
                Err(Spoiled::Undone(error)) if error.is_transient() && attempt < ATTEMPTS => attempt += 1,
                Err(Spoiled::Undone(error)) if calls.len() > 1 && !error.lost_connection() && is_patient(cut_at) => {
                    tracing::debug!(%error, calls = calls.len(), "a group of calls is cut in two");
                    let cut_at = cut_at.or_else(|| Some(Instant::now()));
                    let (first, second) = calls.split_at(calls.len() / 2);
                    let mut answers = settle::<G>(app, tenant, first, cut_at).await;
                    answers.extend(settle::<G>(app, tenant, second, cut_at).await);
                    return answers;
                }
                Err(Spoiled::Undone(error) | Spoiled::Unknown(error)) => break error,
            }
        };
        let mut answers: Vec<_> = calls.iter().skip(1).map(|_| Err(error.again())).collect();
        answers.push(Err(error));
        answers
    })
}

fn is_patient(cut_at: Option<Instant>) -> bool {
    cut_at.is_none_or(|cut_at| cut_at.elapsed() < PATIENCE)
}

/// What is to become of a call, before the transaction decides.
enum Plan {
    /// Known without running it.
    Known(Result<Value>),
    /// Run as the call with this number among those that run.
    Run(usize),
    /// The same request stands before it in the group; it gets that one's answer.
    SameAs(usize),
}

async fn once<G: Grouped>(
    app: &App,
    tenant: &TenantId,
    calls: &[&Call<G::Input>],
    is_piece: bool,
) -> Result<Vec<Result<G::Output>>, Spoiled> {
    let mut tx = app.db.begin_group(tenant, is_piece).await.map_err(Spoiled::Undone)?;
    let keys: Vec<(UserId, &IdempotencyKey)> =
        calls.iter().filter_map(|call| Some((call.actor.principal.user, call.key.as_ref()?))).collect();
    let stored = stored_answers(&mut tx, tenant, &keys).await.map_err(Spoiled::Undone)?;
    let (plans, running) = plan(calls, &stored);
    let run: Vec<(&Actor, &G::Input)> = running.iter().map(|call| (&call.actor, &call.input)).collect();
    let outcomes = if run.is_empty() { Ok(Ok(Vec::new())) } else { AssertUnwindSafe(G::run(&mut tx, &run)).catch_unwind().await };
    let outcomes = outcomes.unwrap_or_else(|_| Err(Error::internal("a group of calls panicked"))).map_err(Spoiled::Undone)?;
    if outcomes.iter().any(Result::is_ok) {
        keep(&mut tx, tenant, &running, &outcomes).await?;
        tx.flush().await.map_err(Spoiled::Undone)?;
        tx.commit().await.map_err(|error| match error.sqlstate() {
            Some(_) if !error.lost_connection() => Spoiled::Undone(error),
            _ => Spoiled::Unknown(error),
        })?;
    }
    answers(plans, outcomes).map_err(Spoiled::Undone)
}

fn plan<'a, I>(calls: &[&'a Call<I>], stored: &HashMap<(UserId, String), Stored>) -> (Vec<Plan>, Vec<&'a Call<I>>) {
    let mut running: Vec<&'a Call<I>> = Vec::with_capacity(calls.len());
    let mut leaders: HashMap<(UserId, &str), usize> = HashMap::new();
    let plans = calls.iter().map(|call| {
        let Some(key) = &call.key else {
            running.push(call);
            return Plan::Run(running.len() - 1);
        };
        let user = call.actor.principal.user;
        if let Some(stored) = stored.get(&(user, key.text().to_owned())) {
            return Plan::Known(stored.for_key(key));
        }
        match leaders.get(&(user, key.text())) {
            Some(leader) if running[*leader].key.as_ref() == Some(key) => Plan::SameAs(*leader),
            Some(_) => Plan::Known(Err(IdempotencyKey::reused())),
            None => {
                leaders.insert((user, key.text()), running.len());
                running.push(call);
                Plan::Run(running.len() - 1)
            }
        }
    });
    (plans.collect(), running)
}

/// Keeps the answers of the calls that were accepted and have a key.
async fn keep<I, O: Serialize>(
    tx: &mut Tx,
    tenant: &TenantId,
    running: &[&Call<I>],
    outcomes: &[Result<O>],
) -> Result<(), Spoiled> {
    let mut answers = Vec::new();
    for (call, outcome) in running.iter().zip(outcomes) {
        if let (Some(key), Ok(output)) = (&call.key, outcome) {
            let answer = serde_json::to_value(output).map_err(|error| Spoiled::Undone(Error::internal(error)))?;
            answers.push((&call.actor, key, answer));
        }
    }
    let all_kept = keep_all(tx, tenant, &answers).await.map_err(Spoiled::Undone)?;
    if all_kept { Ok(()) } else { Err(Spoiled::KeyTaken) }
}

fn answers<O: Serialize + DeserializeOwned>(plans: Vec<Plan>, outcomes: Vec<Result<O>>) -> Result<Vec<Result<O>>> {
    let value = |output: &O| serde_json::to_value(output).map_err(Error::internal);
    let mut repeated: Vec<Option<Result<Value>>> = outcomes.iter().map(|_| None).collect();
    for plan in &plans {
        if let Plan::SameAs(leader) = plan {
            repeated[*leader] = Some(outcomes[*leader].as_ref().map_err(Error::again).and_then(value));
        }
    }
    let mut outcomes: Vec<Option<Result<O>>> = outcomes.into_iter().map(Some).collect();
    let read = |value: Value| serde_json::from_value(value).map_err(Error::internal);
    plans
        .into_iter()
        .map(|plan| match plan {
            Plan::Known(answer) => Ok(answer.and_then(read)),
            Plan::Run(at) => {
                outcomes.get_mut(at).and_then(Option::take).ok_or_else(|| Error::internal("a call of a group has no outcome"))
            }
            Plan::SameAs(leader) => match &repeated[leader] {
                Some(Ok(value)) => Ok(read(value.clone())),
                Some(Err(error)) => Ok(Err(error.again())),
                None => Err(Error::internal("a repeated call of a group has no outcome")),
            },
        })
        .collect()
}
