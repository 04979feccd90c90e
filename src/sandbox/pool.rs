//! An app's instances, each lent to one invocation at a time.
//!
//! The one that was used last is taken first, so that module state lasts and the others can be let go. Where no invocation may find anything of another, an instance is
//! made anew in between. Who finds none free gets a seat, the right to
//! make one, while there are seats; then they queue. Beyond the number that the cores can keep busy they queue for a moment first: where functions
//! compute, one will be free sooner than a new one could do anything. A seat is given on when its instance is gone: after a death, or after each invocation where
//! none may follow another. Those that nobody uses rest after a while, and are let go after a longer one.

use super::instance::Instance;
use super::template::{Template, TemplateError};
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Where in such a time no instance became free for anybody, functions wait for something, and more instances are of use.
const MOMENT: Duration = Duration::from_millis(2);
/// But nobody waits for more than so many of them before one may be made.
const MOST_MOMENTS: u32 = 10;
/// An instance that nobody used for so long is let go.
const IDLE_LIMIT: Duration = Duration::from_secs(60);
/// And one that nobody used for so long rests: it needs less memory, and a little longer for its next invocation.
const REST_LIMIT: Duration = Duration::from_secs(10);
/// How often both is looked at.
const SWEEP: Duration = Duration::from_secs(10);

/// What an instance may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// One invocation of the app after the other: what one leaves in memory the next may find, as on Azure.
    #[default]
    Instance,
    /// One invocation only: the next finds memory, files and all else as they were when the app was loaded.
    Invocation,
}

/// How many instances an app may have, and how they are used.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// See there.
    pub isolation: Isolation,
    /// Alive at once. At least 1.
    pub instances: usize,
    /// Made without waiting for one to become free: as many as there are cores.
    pub eager: usize,
    /// Kept even if nobody uses them.
    pub warm: usize,
    /// Invocations that may wait for an instance; more are turned away.
    pub queue: usize,
}

/// Why no instance could be had.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// Making one failed.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// All instances are busy, and as many invocations wait as may.
    #[error("all instances are busy and too many invocations wait already")]
    Full,
    /// The host is shutting down.
    #[error("the host is stopping")]
    Closed,
}

/// The instances of one app.
#[derive(Debug, Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

/// An instance on loan: when this is dropped it goes back, or is let go if it died or was for one invocation only.
#[derive(Debug)]
pub struct Lease {
    instance: Option<Box<Instance>>,
    seat: Option<Seat>,
}

/// The right to have one instance. It goes to whoever waits longest when this is dropped.
#[derive(Debug)]
struct Seat {
    shared: Arc<Shared>,
    given_up: bool,
}

/// What one who asks gets: an instance, or the right to make one.
#[derive(Debug)]
enum Grant {
    Lease(Lease),
    Seat(Seat),
}

/// The answer to one who asks.
enum Answer {
    Now(Grant),
    Later(oneshot::Receiver<Grant>),
}

#[derive(Debug)]
struct Shared {
    template: Template,
    limits: PoolLimits,
    state: Mutex<State>,
}

/// Invariants: `seats` counts the idle instances, those on loan and those being made, and is never above the limit; where someone waits, nothing is idle; of the idle
/// ones those that rest come first, and each is idle for longer than the next.
#[derive(Debug, Default)]
struct State {
    idle: Vec<Idle>,
    waiting: VecDeque<oneshot::Sender<Grant>>,
    seats: usize,
    /// How often something was handed on.
    handed_on: u64,
    growth: Growth,
}

/// How many instances came to be of late beside those that the cores can keep busy. A burst of a thousand would make a thousand, of which most get in the way.
#[derive(Debug, Default)]
struct Growth {
    /// When the moment began, and how many there were then.
    moment: Option<(Instant, usize)>,
    /// Since then.
    made: usize,
}

/// An instance that waits for an invocation.
#[derive(Debug)]
struct Idle {
    instance: Box<Instance>,
    since: Instant,
    rests: bool,
}

// === impl Pool ===

impl Pool {
    /// Makes the instances that are to be kept. Must be called within a tokio runtime.
    pub async fn start(template: Template, limits: PoolLimits) -> Result<Pool, TemplateError> {
        let shared = Arc::new(Shared { template, limits, state: Mutex::default() });
        for _ in 0..limits.warm.min(limits.instances) {
            let instance = Box::new(shared.template.instantiate().await?);
            let mut state = shared.lock();
            state.idle.push(Idle::new(instance));
            state.seats += 1;
        }
        tokio::spawn(sweep(Arc::downgrade(&shared)));
        Ok(Pool { shared })
    }

    /// Takes an instance; makes one where none is free, and waits where no more may be made.
    pub async fn take(&self) -> Result<Lease, PoolError> {
        let waiting = match self.shared.ask()? {
            Answer::Now(grant) => return grant.lease().await,
            Answer::Later(waiting) => waiting,
        };
        tokio::pin!(waiting);
        for moments in 1.. {
            let before = self.shared.lock().handed_on;
            if let Ok(grant) = tokio::time::timeout(MOMENT, &mut waiting).await {
                return grant.map_err(|_| PoolError::Closed)?.lease().await;
            }
            let mut state = self.shared.lock();
            let (goes_on, seats) = (state.handed_on != before, state.seats);
            if (!goes_on || moments >= MOST_MOMENTS) && state.growth.allows(goes_on, seats) {
                break;
            }
        }
        // Whoever makes one after all stays in the queue; a grant that comes to it goes to the next.
        match self.shared.claim_seat() {
            Some(seat) => Ok(seat.fill().await?),
            None => waiting.await.map_err(|_| PoolError::Closed)?.lease().await,
        }
    }
}

#[cfg(test)]
impl Pool {
    /// Lets all idle instances rest. Gives how many do.
    pub(super) fn rest_now(&self) -> usize {
        self.shared.rest(Duration::ZERO);
        self.shared.lock().idle.iter().filter(|idle| idle.rests).count()
    }
}

/// Lets go what was idle for too long and lets rest what was for a while, as long as the pool lives.
async fn sweep(pool: Weak<Shared>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(pool) = pool.upgrade() else { return };
        drop(pool.take_idle(IDLE_LIMIT));
        pool.rest(REST_LIMIT);
    }
}

// === impl Shared ===

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An instance, a seat, or a place in the queue.
    fn ask(self: &Arc<Self>) -> Result<Answer, PoolError> {
        let mut state = self.lock();
        if let Some(Idle { instance, .. }) = state.idle.pop() {
            return Ok(Answer::Now(Grant::Lease(Lease { instance: Some(instance), seat: Some(self.seat()) })));
        }
        if state.seats < self.limits.eager.min(self.limits.instances) {
            state.seats += 1;
            return Ok(Answer::Now(Grant::Seat(self.seat())));
        }
        // Those who have given up waiting don't count.
        state.waiting.retain(|waiter| !waiter.is_closed());
        let seats_left = self.limits.instances - state.seats;
        if state.waiting.len() >= self.limits.queue + seats_left {
            return Err(PoolError::Full);
        }
        let (sender, receiver) = oneshot::channel();
        state.waiting.push_back(sender);
        Ok(Answer::Later(receiver))
    }

    /// A seat, if one is left.
    fn claim_seat(self: &Arc<Self>) -> Option<Seat> {
        let mut state = self.lock();
        let left = state.seats < self.limits.instances;
        state.seats += usize::from(left);
        left.then(|| self.seat())
    }

    /// A seat that is counted already.
    fn seat(self: &Arc<Self>) -> Seat {
        Seat { shared: self.clone(), given_up: false }
    }

    /// Gives to whoever waits longest, or keeps it.
    fn hand_on(&self, mut grant: Grant) {
        self.lock().handed_on += 1;
        loop {
            let waiter = {
                let mut state = self.lock();
                match state.waiting.pop_front() {
                    Some(waiter) => waiter,
                    None => return state.keep(grant),
                }
            };
            match waiter.send(grant) {
                Ok(()) => return,
                // Whoever waited has gone.
                Err(back) => grant = back,
            }
        }
    }

    /// The instances that were idle for so long, but for those to be kept. The oldest lie at the bottom.
    fn take_idle(&self, limit: Duration) -> Vec<Idle> {
        let mut state = self.lock();
        let most = state.seats.saturating_sub(self.limits.warm);
        let old = state.idle.iter().take_while(|idle| idle.since.elapsed() >= limit).count().min(most);
        state.seats -= old;
        state.idle.drain(..old).collect()
    }

    /// Lets the instances rest that were idle for so long, and what they are made from if all do.
    fn rest(&self, limit: Duration) {
        // Nobody gets an instance meanwhile, so it is one at a time.
        while self.lock().rest_one(limit) {}
        self.template.trim();
        if self.lock().all_rest() {
            self.template.rest();
        }
    }
}

// === impl State ===

impl State {
    /// Whether there was one that was idle for so long and did not rest yet.
    fn rest_one(&mut self, limit: Duration) -> bool {
        let resting = self.idle.partition_point(|idle| idle.rests);
        let Some(idle) = self.idle.get_mut(resting).filter(|idle| idle.since.elapsed() >= limit) else { return false };
        idle.instance.rest();
        idle.rests = true;
        true
    }

    fn all_rest(&self) -> bool {
        self.seats == self.idle.len() && self.idle.last().is_none_or(|idle| idle.rests)
    }

    fn keep(&mut self, grant: Grant) {
        match grant {
            Grant::Lease(mut lease) => {
                lease.seat.iter_mut().for_each(|seat| seat.given_up = true);
                self.idle.extend(lease.instance.take().map(Idle::new));
            }
            Grant::Seat(mut seat) => {
                seat.given_up = true;
                self.seats -= 1;
            }
        }
    }
}

// === impl Growth ===

impl Growth {
    /// Whether one more may be made: one in a moment where instances become free at all, else as many again as there are.
    fn allows(&mut self, goes_on: bool, seats: usize) -> bool {
        let (_, before) = match self.moment {
            Some(moment) if moment.0.elapsed() < MOMENT => moment,
            _ => {
                self.made = 0;
                *self.moment.insert((Instant::now(), seats))
            }
        };
        let allowed = self.made < if goes_on { 1 } else { before.max(1) };
        self.made += usize::from(allowed);
        allowed
    }
}

// === impl Idle ===

impl Idle {
    fn new(instance: Box<Instance>) -> Self {
        Idle { instance, since: Instant::now(), rests: false }
    }
}

// === impl Grant ===

impl Grant {
    async fn lease(self) -> Result<Lease, PoolError> {
        match self {
            Grant::Lease(lease) => Ok(lease),
            Grant::Seat(seat) => Ok(seat.fill().await?),
        }
    }
}

// === impl Seat ===

impl Seat {
    async fn fill(self) -> Result<Lease, TemplateError> {
        let instance = Box::new(self.shared.template.instantiate().await?);
        Ok(Lease { instance: Some(instance), seat: Some(self) })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.given_up {
            // This one's count goes over to the one that is handed on.
            self.shared.hand_on(Grant::Seat(self.shared.seat()));
        }
    }
}

// === impl Lease ===

impl Drop for Lease {
    fn drop(&mut self) {
        let (Some(mut instance), Some(seat)) = (self.instance.take(), self.seat.take()) else { return };
        let useful = match seat.shared.limits.isolation {
            Isolation::Instance => instance.is_alive(),
            Isolation::Invocation => instance.renew(),
        };
        if useful {
            let shared = seat.shared.clone();
            shared.hand_on(Grant::Lease(Lease { instance: Some(instance), seat: Some(seat) }));
        } else {
            // First the instance, whose memory the next one may take, then the seat.
            drop(instance);
            drop(seat);
        }
    }
}

impl Deref for Lease {
    type Target = Instance;

    #[allow(clippy::expect_used)] // only `drop` and `keep` take it out
    fn deref(&self) -> &Instance {
        self.instance.as_ref().expect("a lease holds its instance until it is dropped")
    }
}

impl DerefMut for Lease {
    #[allow(clippy::expect_used)] // only `drop` and `keep` take it out
    fn deref_mut(&mut self) -> &mut Instance {
        self.instance.as_mut().expect("a lease holds its instance until it is dropped")
    }
}
