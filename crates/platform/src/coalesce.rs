//! Many callers, few statements: calls of one tenant that arrive while others are under way wait together and are handed over
//! as one group. Nobody waits for a group to fill: a call that finds a free lane starts at once.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use kernel::TenantId;
use tokio::sync::oneshot;

use crate::{App, Error, Result};

/// Calls that may wait in one queue; further ones are told to come back.
const MOST_WAITING: usize = 8_192;
/// Of which one tenant may have so many.
const MOST_WAITING_OF_TENANT: usize = 2_048;

/// What is done with a group of calls of one tenant.
pub trait Work: Default + Send + Sync + 'static {
    type Call: Send + 'static;
    type Answer: Send + 'static;

    /// Names the work in metrics.
    const NAME: &'static str;
    /// Calls in one group.
    const MOST: usize;
    /// Groups under way at once, of all tenants.
    const LANES: usize;
    /// Groups under way at once of one tenant.
    const LANES_OF_TENANT: usize;

    /// One answer for each call, in their order.
    fn run(app: App, tenant: TenantId, calls: Vec<Self::Call>) -> BoxFuture<'static, Vec<Result<Self::Answer>>>;
}

/// The queue of one kind of work; one for the whole application, see [`App::the`].
#[derive(Default)]
pub struct Coalescer<W: Work> {
    state: Mutex<State<W>>,
}

type Waiting<W> = (<W as Work>::Call, oneshot::Sender<Result<<W as Work>::Answer>>);

struct State<W: Work> {
    waiting: HashMap<TenantId, VecDeque<Waiting<W>>>,
    /// Tenants with waiting calls, in the order in which their turn comes; each stands here once.
    turns: VecDeque<TenantId>,
    running: HashMap<TenantId, usize>,
    total_running: usize,
    total_waiting: usize,
}

struct Group<W: Work> {
    tenant: TenantId,
    calls: Vec<Waiting<W>>,
}

impl<W: Work> Coalescer<W> {
    /// Hands the call over and waits for its answer. A caller that goes away meanwhile cancels nothing.
    pub async fn call(self: Arc<Self>, app: &App, tenant: &TenantId, call: W::Call) -> Result<W::Answer> {
        let (reply, answer) = oneshot::channel();
        let group = {
            let mut state = self.state();
            state.enqueue(tenant, (call, reply))?;
            state.next()
        };
        if let Some(group) = group {
            tokio::spawn(self.work_off(app.clone(), group));
        }
        answer.await.unwrap_or_else(|_| Err(Error::unavailable("the server stops")))
    }

    /// Runs the group, then the ones whose turn it is, until nothing waits.
    async fn work_off(self: Arc<Self>, app: App, first: Group<W>) {
        let mut next = Some(first);
        while let Some(Group { tenant, calls }) = next {
            let (calls, replies): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
            metrics::histogram!("coalesced_calls", "work" => W::NAME).record(calls.len() as f64);
            let answers = AssertUnwindSafe(W::run(app.clone(), tenant.clone(), calls)).catch_unwind().await.unwrap_or_default();
            let mut answers = answers.into_iter();
            for reply in replies {
                let answer = answers.next().unwrap_or_else(|| Err(Error::internal("a group of calls ended without its answers")));
                // Who went away does not hear it.
                let _ = reply.send(answer);
            }
            let mut state = self.state();
            state.end(&tenant);
            next = state.next();
        }
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Work> Default for State<W> {
    fn default() -> Self {
        Self { waiting: HashMap::new(), turns: VecDeque::new(), running: HashMap::new(), total_running: 0, total_waiting: 0 }
    }
}

impl<W: Work> State<W> {
    fn enqueue(&mut self, tenant: &TenantId, waiting: Waiting<W>) -> Result<()> {
        let of_tenant = self.waiting.get(tenant).map_or(0, VecDeque::len);
        if self.total_waiting >= MOST_WAITING || of_tenant >= MOST_WAITING_OF_TENANT {
            return Err(Error::unavailable("too many requests of this kind are waiting"));
        }
        if of_tenant == 0 {
            self.turns.push_back(tenant.clone());
        }
        self.waiting.entry(tenant.clone()).or_default().push_back(waiting);
        self.total_waiting += 1;
        Ok(())
    }

    /// The next group when a lane is free: of the tenant that has waited longest since its last turn.
    fn next(&mut self) -> Option<Group<W>> {
        if self.total_running >= W::LANES {
            return None;
        }
        let is_free = |tenant: &TenantId| self.running.get(tenant).is_none_or(|running| *running < W::LANES_OF_TENANT);
        let turn = self.turns.iter().position(is_free)?;
        let tenant = self.turns.remove(turn)?;
        let queue = self.waiting.get_mut(&tenant)?;
        let calls: Vec<_> = queue.drain(..queue.len().min(W::MOST)).collect();
        if queue.is_empty() {
            self.waiting.remove(&tenant);
        } else {
            self.turns.push_back(tenant.clone());
        }
        self.total_waiting -= calls.len();
        self.total_running += 1;
        *self.running.entry(tenant.clone()).or_default() += 1;
        Some(Group { tenant, calls })
    }

    fn end(&mut self, tenant: &TenantId) {
        self.total_running -= 1;
        if let Some(running) = self.running.get_mut(tenant) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Nothing;

    impl Work for Nothing {
        type Call = usize;
        type Answer = usize;
        const NAME: &'static str = "nothing";
        const MOST: usize = 4;
        const LANES: usize = 3;
        const LANES_OF_TENANT: usize = 2;

        fn run(_: App, _: TenantId, calls: Vec<usize>) -> BoxFuture<'static, Vec<Result<usize>>> {
            Box::pin(async move { calls.into_iter().map(Ok).collect() })
        }
    }

    fn tenant(number: usize) -> TenantId {
        format!("t{number}").parse().unwrap()
    }

    fn add(state: &mut State<Nothing>, of: usize, call: usize) -> Result<()> {
        state.enqueue(&tenant(of), (call, oneshot::channel().0))
    }

    #[test]
    fn a_busy_tenant_does_not_keep_another_waiting() {
        let mut state = State::<Nothing>::default();
        (0..100).for_each(|call| add(&mut state, 0, call).unwrap());
        let (first, second) = (state.next().unwrap(), state.next().unwrap());
        assert_eq!((first.calls.len(), second.calls.len()), (4, 4));
        assert!(state.next().is_none(), "one tenant has no more than its lanes");
        add(&mut state, 1, 0).unwrap();
        assert_eq!(state.next().unwrap().tenant, tenant(1));
        add(&mut state, 1, 1).unwrap();
        assert!(state.next().is_none(), "all lanes are taken");
        state.end(&tenant(0));
        state.end(&tenant(1));
        let turns: Vec<_> = std::iter::from_fn(|| state.next()).map(|group| group.tenant).collect();
        assert_eq!(turns, [tenant(0), tenant(1)], "they take turns");
    }

    #[test]
    fn queues_are_bounded_and_say_so() {
        let mut state = State::<Nothing>::default();
        (0..MOST_WAITING_OF_TENANT).for_each(|call| add(&mut state, 0, call).unwrap());
        let error = add(&mut state, 0, 0).unwrap_err();
        assert_eq!((error.code, error.retry_after), (kernel::ErrorCode::Unavailable, Some(1)));
        assert!(add(&mut state, 1, 0).is_ok(), "the others have their own room");
    }

    proptest! {
        #[test]
        fn every_call_comes_out_once_in_the_order_of_its_tenant(steps in prop::collection::vec((0_usize..4, any::<bool>()), 0..400)) {
            let mut state = State::<Nothing>::default();
            let mut given = [0; 4];
            let mut seen: [Vec<usize>; 4] = Default::default();
            let mut running: Vec<TenantId> = Vec::new();
            let mut step = |state: &mut State<Nothing>, ends: bool| {
                if ends && let Some(tenant) = running.pop() {
                    state.end(&tenant);
                }
                while let Some(group) = state.next() {
                    let of: usize = group.tenant.as_str()[1..].parse().unwrap();
                    seen[of].extend(group.calls.iter().map(|(call, _)| *call));
                    running.push(group.tenant);
                }
                assert!(running.len() <= Nothing::LANES);
                running.is_empty()
            };
            for (of, ends) in steps {
                add(&mut state, of, given[of]).unwrap();
                given[of] += 1;
                step(&mut state, ends);
            }
            while !step(&mut state, true) {}
            prop_assert_eq!(state.total_waiting, 0);
            prop_assert!(state.waiting.is_empty() && state.turns.is_empty() && state.running.is_empty());
            for (given, seen) in given.iter().zip(&seen) {
                prop_assert_eq!(seen, &(0..*given).collect::<Vec<_>>());
            }
        }
    }
}
