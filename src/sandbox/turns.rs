//! Has guests that compute give way to others, and makes it possible to stop them.
//!
//! The build puts looks at a [`Sign`] into the guest's code (`build/flatten/turns.rs`). A thread raises the signs of the guests that run, each [`TICK`]; a guest
//! that sees its own raised asks the host for memory that it does not get (`limits`), and meanwhile others get the thread. A future that is dropped then is
//! a guest that was stopped. One that does not look for longer than any single instruction takes ([`Sign::new`]) is ended by a trap.

use super::cpu_clock::CpuClock;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::thread::{self, Thread};
use std::time::Duration;

/// How long a guest computes before others get a turn.
const TICK: Duration = Duration::from_millis(5);
/// How much CPU time a guest may take to see its sign. All code that a compiler makes sees it at the next turn of a loop: this is for bytecode that is made by hand.
const PATIENCE: Duration = Duration::from_millis(500);
/// And how much more for each GiB of its memory, as one instruction may fill or copy all of it, for the first time at that.
const PATIENCE_A_GIB: Duration = Duration::from_secs(2);

/// What an instance's code looks at: two numbers, zero while it may go on. The guest can't write them, and sees nothing else of this.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Sign {
    /// Whether it is to give way.
    turn: AtomicU32,
    /// Whether it is to end.
    stop: AtomicU32,
    /// How much CPU time it has to see that it is to give way.
    patience: Duration,
}

/// A thread that raises signs while guests run and sleeps while none does.
#[derive(Debug)]
pub(super) struct Ticker {
    running: Arc<AtomicUsize>,
    thread: Thread,
}

/// Keeps the ticker going as long as it lives.
#[derive(Debug)]
pub(super) struct Turn(Arc<AtomicUsize>);

/// A future that runs guest code, whose sign is raised at the next tick after each time that it is polled.
#[derive(Debug)]
pub(super) struct Interruptible<F> {
    future: F,
    sign: Arc<Sign>,
}

/// Where a thread shows the sign of the guest that it runs.
#[derive(Debug)]
struct Post {
    shown: Mutex<Option<Shown>>,
    /// Of the thread, which may wait in the host, or for the machine: time does not count that it did not compute.
    clock: CpuClock,
}

/// The sign of a guest that runs.
#[derive(Debug)]
struct Shown {
    sign: Arc<Sign>,
    /// How much the thread had computed when it was raised first.
    raised: Option<Duration>,
}

/// Takes the sign down that a post shows, also on a panic.
struct Leaving<'a>(&'a Post);

/// The posts of all threads that ever ran a guest and still live.
static POSTS: Mutex<Vec<Weak<Post>>> = Mutex::new(Vec::new());

thread_local! {
    static POST: Arc<Post> = Post::of_this_thread();
}

// === impl Sign ===

impl Sign {
    /// How many there are for the guest.
    pub(super) const BYTES: usize = 2 * size_of::<AtomicU32>();

    /// For an instance of so much memory at the most.
    pub(super) fn new(memory_bytes: usize) -> Sign {
        let mebibytes = u32::try_from(memory_bytes >> 20).unwrap_or(u32::MAX);
        Sign { turn: AtomicU32::new(0), stop: AtomicU32::new(0), patience: PATIENCE + PATIENCE_A_GIB / 1024 * mebibytes }
    }

    /// Has the guest give way at its next look.
    fn raise(&self) {
        self.turn.store(1, Ordering::Relaxed);
    }

    /// Has it go on.
    pub(super) fn take_down(&self) {
        self.turn.store(0, Ordering::Relaxed);
    }

    /// Ends the guest where it does not look whether to give way.
    fn stop(&self) {
        self.stop.store(1, Ordering::Relaxed);
    }

    /// Whether the guest was to end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) != 0
    }

    /// Where the bytes are, for as long as the sign lives.
    pub(super) fn bytes(&self) -> *mut u8 {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// Lets the ticker interrupt a future that runs the guest's code.
    pub(super) fn over<F: Future + Unpin>(self: &Arc<Self>, future: F) -> Interruptible<F> {
        Interruptible { future, sign: self.clone() }
    }
}

// === impl Interruptible ===

impl<F: Future + Unpin> Future for Interruptible<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        POST.with(|post| {
            *post.shown() = Some(Shown { sign: self.sign.clone(), raised: None });
            let _leaving = Leaving(post);
            Pin::new(&mut self.future).poll(context)
        })
    }
}

// === impl Post ===

impl Post {
    fn of_this_thread() -> Arc<Post> {
        let post = Arc::new(Post { shown: Mutex::default(), clock: CpuClock::of_this_thread() });
        let mut posts = POSTS.lock().unwrap_or_else(PoisonError::into_inner);
        posts.retain(|post| post.strong_count() > 0);
        posts.push(Arc::downgrade(&post));
        post
    }

    fn shown(&self) -> MutexGuard<'_, Option<Shown>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Raises the sign that is shown, if one is.
    fn tick(&self) {
        if let Some(shown) = &mut *self.shown() {
            shown.sign.raise();
            let now = self.clock.now();
            if now.saturating_sub(*shown.raised.get_or_insert(now)) > shown.sign.patience {
                shown.sign.stop();
            }
        }
    }
}

// === impl Leaving ===

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        *self.0.shown() = None;
    }
}

// === impl Ticker ===

impl Ticker {
    /// Starts the thread. It ends when the ticker is gone.
    pub(super) fn start() -> std::io::Result<Self> {
        let running = Arc::new(AtomicUsize::new(0));
        let weak = Arc::downgrade(&running);
        let handle = thread::Builder::new().name("turns".into()).spawn(move || tick(&weak))?;
        Ok(Ticker { running, thread: handle.thread().clone() })
    }

    /// To be held while a guest runs.
    pub(super) fn turn(&self) -> Turn {
        if self.running.fetch_add(1, Ordering::AcqRel) == 0 {
            self.thread.unpark();
        }
        Turn(self.running.clone())
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // Wakes the thread after the count is gone, or it would sleep on; a wake-up just before is harmless: it looks again within a second.
        self.thread.unpark();
    }
}

// === impl Turn ===

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn tick(running: &Weak<AtomicUsize>) {
    while let Some(count) = running.upgrade() {
        let guests = count.load(Ordering::Acquire);
        drop(count);
        if guests == 0 {
            // An `unpark` between the check and here makes this return at once.
            thread::park_timeout(Duration::from_secs(1));
        } else {
            let posts = POSTS.lock().unwrap_or_else(PoisonError::into_inner);
            posts.iter().filter_map(Weak::upgrade).for_each(|post| post.tick());
            drop(posts);
            thread::sleep(TICK);
        }
    }
}
