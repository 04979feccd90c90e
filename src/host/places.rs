//! Places for connections: as many as there may be, and who goes where there is no other for a newcomer.
//!
//! A connection on which nothing is under way, which waits for a request or for the rest of one's head, is worth less than one that has just come: it
//! gives up its place. One that has a request under way never does. Of all that may go it is one of the client that holds the most places, so that
//! whoever takes them all takes them from itself, and of those the one that has rested longest. It is told to end before it is dropped, and the
//! newcomer does not wait for that.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

/// How long a newcomer waits for the place of one that rests, or until one does, before it looks for another.
const LOOK: Duration = Duration::from_millis(20);
/// One that has rested for less has just come, and its first request is on its way, or has just answered.
const LEAST_REST: Duration = Duration::from_secs(1);
/// How long one that is to go may take for it: a client of HTTP/2 answers first, and may have sent a request before it knew.
const FAREWELL: Duration = Duration::from_secs(1);
/// One in so many, beyond the places that there are, may be taking that time.
const LEAVING: usize = 8;

/// All places. Locked when a connection comes and when it goes, not by its requests.
#[derive(Clone)]
pub(super) struct Places(Arc<Shared>);

struct Shared {
    most: usize,
    least_rest: Duration,
    table: Mutex<Table>,
    freed: Notify,
    /// Cancelled once all connections are to end.
    end: CancellationToken,
    /// What `Activity::since` counts from.
    began: Instant,
}

/// Who sits where.
#[derive(Default)]
struct Table {
    taken: usize,
    /// Connections that gave up their places and are not gone yet.
    leaving: usize,
    /// By client; none is empty.
    seats: HashMap<IpAddr, Vec<Seat>>,
}

struct Seat {
    activity: Arc<Activity>,
    /// `None` once the place was asked back.
    recall: Option<oneshot::Sender<()>>,
}

/// A connection's place, given back when this is dropped, or before.
pub(super) struct Place {
    places: Places,
    client: IpAddr,
    activity: Arc<Activity>,
    end: CancellationToken,
    /// Whether it was given back already.
    leaving: bool,
    /// `None` once it was asked back.
    recall: Option<oneshot::Receiver<()>>,
}

/// What a connection does.
pub(super) struct Activity {
    /// Requests whose answers are not written yet, and writes that wait for the client.
    under_way: AtomicUsize,
    /// Milliseconds until it began to rest.
    since: AtomicU64,
    began: Instant,
}

/// Something that is under way on a connection, as long as this lives.
pub(super) struct Busy(Arc<Activity>);

// === impl Places ===

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Places::with(most, LEAST_REST)
    }

    fn with(most: usize, least_rest: Duration) -> Self {
        let (table, freed, end) = (Mutex::default(), Notify::new(), CancellationToken::new());
        Places(Arc::new(Shared { most, least_rest, table, freed, end, began: Instant::now() }))
    }

    /// A place for a connection of this client, once there is one: a free one, or one that is taken back. To be waited for by one newcomer at a time.
    pub(super) async fn take(&self, client: IpAddr) -> Place {
        let mut asked: Option<Instant> = None;
        loop {
            if self.lock().taken < self.0.most {
                return self.extra(client);
            }
            // One at a time: that a place was given back may have been long ago.
            if asked.is_none_or(|at| at.elapsed() >= LOOK) {
                self.lock().recall(self.0.least_rest);
                asked = Some(Instant::now());
            }
            let _ = tokio::time::timeout(LOOK, self.0.freed.notified()).await;
        }
    }

    /// A place beyond those that there may be.
    pub(super) fn extra(&self, client: IpAddr) -> Place {
        let activity = Activity::new(self.0.began);
        let (client, (sender, recall)) = (network(client), oneshot::channel());
        let mut table = self.lock();
        table.taken += 1;
        table.seats.entry(client).or_default().push(Seat { activity: activity.clone(), recall: Some(sender) });
        Place { places: self.clone(), client, activity, end: self.0.end.child_token(), leaving: false, recall: Some(recall) }
    }

    pub(super) fn are_empty(&self) -> bool {
        let table = self.lock();
        table.taken + table.leaving == 0
    }

    /// Has all connections end, and waits until they have.
    pub(super) async fn end(&self) {
        self.0.end.cancel();
        while !self.are_empty() {
            self.0.freed.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who is counted as one: an address, and of IPv6 the network that a customer gets whole.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

// === impl Table ===

impl Table {
    /// Asks one that rests for its place, if there is one. Where it has not rested for so long, nobody is asked: others of a client that holds fewer go no earlier.
    fn recall(&mut self, least_rest: Duration) {
        let longest = |seats: &[Seat]| {
            let resting = seats.iter().enumerate().filter(|(_, seat)| seat.recall.is_some());
            resting.filter_map(|(at, seat)| Some((seat.activity.resting()?, at))).min()
        };
        let chosen = self.seats.values_mut().filter_map(|seats| longest(seats).map(|(since, at)| (seats, since, at)));
        let chosen = chosen.max_by(|(a, since_a, _), (b, since_b, _)| a.len().cmp(&b.len()).then(since_b.cmp(since_a)));
        let seat = chosen.and_then(|(seats, _, at)| seats.get_mut(at)).filter(|seat| seat.activity.has_rested(least_rest));
        if let Some(recall) = seat.and_then(|seat| seat.recall.take()) {
            // Nobody is told where it goes by itself just now.
            let _ = recall.send(());
        }
    }

    fn leave(&mut self, client: IpAddr, activity: &Arc<Activity>) {
        let Some(seats) = self.seats.get_mut(&client) else { return };
        if let Some(at) = seats.iter().position(|seat| Arc::ptr_eq(&seat.activity, activity)) {
            seats.swap_remove(at);
            self.taken -= 1;
        }
        if seats.is_empty() {
            self.seats.remove(&client);
        }
    }
}

// === impl Place ===

impl Place {
    pub(super) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// Cancelled once the connection is to end, as soon as nothing is under way on it.
    pub(super) fn end(&self) -> &CancellationToken {
        &self.end
    }

    /// Ends when the connection has to be dropped: another is to have the place, and it did not end when it was told to. Never while something is
    /// under way. To be polled by the connection's own task, each time after the connection: then all that there was to write is written, or counts
    /// as under way.
    pub(super) async fn lost(&mut self) {
        self.recalled().await;
        self.end.cancel();
        if self.give_up() {
            tokio::time::sleep(FAREWELL).await;
        } else {
            // Time to be told, but not to answer.
            tokio::task::yield_now().await;
        }
        while self.activity.resting().is_none() {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Gives the place back while the connection is still there, unless there are many such already. Says whether it did.
    fn give_up(&mut self) -> bool {
        let mut table = self.places.lock();
        if !self.leaving && table.leaving < (self.places.0.most / LEAVING).max(1) {
            table.leave(self.client, &self.activity);
            table.leaving += 1;
            self.leaving = true;
            self.places.0.freed.notify_one();
        }
        self.leaving
    }

    /// Ends when another is to have the place and nothing was under way here for a while.
    async fn recalled(&mut self) {
        if let Some(recall) = &mut self.recall {
            // Its sender is in the table as long as this lives, or has said it.
            let _ = recall.await;
            self.recall = None;
        }
        while !self.activity.has_rested(self.places.0.least_rest) {
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.places.lock();
        if self.leaving {
            table.leaving -= 1;
        } else {
            table.leave(self.client, &self.activity);
        }
        self.places.0.freed.notify_one();
    }
}

// === impl Activity ===

impl Activity {
    /// It rests at first. Times are counted from when all `began`.
    pub(super) fn new(began: Instant) -> Arc<Self> {
        let activity = Activity { under_way: AtomicUsize::new(0), since: AtomicU64::new(0), began };
        activity.rests();
        Arc::new(activity)
    }

    /// Something begins.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.under_way.fetch_add(1, Ordering::AcqRel);
        Busy(self.clone())
    }

    /// Since when nothing is under way, if so.
    fn resting(&self) -> Option<u64> {
        (self.under_way.load(Ordering::Acquire) == 0).then(|| self.since.load(Ordering::Relaxed))
    }

    /// Whether that is for so long at the least.
    fn has_rested(&self, least: Duration) -> bool {
        self.resting().is_some_and(|since| self.began.elapsed() >= Duration::from_millis(since) + least)
    }

    fn rests(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.since.store(now, Ordering::Relaxed);
    }
}

// === impl Busy ===

impl Busy {
    /// The same goes on elsewhere.
    pub(super) fn share(&self) -> Busy {
        self.0.begin()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        // First, so that whoever sees a connection rest sees since when.
        self.0.rests();
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{sleep, timeout};

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    async fn is_recalled(place: &mut Place) -> bool {
        timeout(Duration::from_millis(50), place.recalled()).await.is_ok()
    }

    /// Connections of these clients, one after the other.
    async fn connections(places: &Places, clients: &[&str]) -> Vec<Place> {
        let mut all = Vec::new();
        for client in clients {
            all.push(places.take(address(client)).await);
            sleep(Duration::from_millis(3)).await;
        }
        all
    }

    /// Which of them are asked for their places, one after the other, when newcomers want some.
    async fn order(places: &Places, mut seated: Vec<Place>) -> Vec<usize> {
        let (mut order, mut numbers): (Vec<_>, Vec<_>) = (vec![], (0..seated.len()).collect());
        while !seated.is_empty() {
            places.lock().recall(Duration::ZERO);
            let mut at = 0;
            while at < seated.len() && !is_recalled(&mut seated[at]).await {
                at += 1;
            }
            if at == seated.len() {
                break;
            }
            order.push(numbers.remove(at));
            seated.remove(at);
        }
        order
    }

    #[tokio::test]
    async fn who_holds_most_goes_first_and_who_rests_longest() {
        let places = Places::with(10, Duration::ZERO);
        let seated = connections(&places, &["192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.2", "192.0.2.1", "192.0.2.3"]).await;
        // What has just answered has rested least.
        drop(seated[1].activity().begin());
        assert_eq!(order(&places, seated).await, [2, 0, 3, 4, 5, 1]);
        let table = places.lock();
        assert_eq!((table.taken, table.seats.len()), (0, 0));
    }

    #[tokio::test]
    async fn a_network_of_ipv6_is_one_client() {
        let places = Places::with(10, Duration::ZERO);
        let seated = connections(&places, &["192.0.2.1", "2001:db8::1", "2001:db8::2:3:4:5", "2001:db8:0:1::1"]).await;
        assert_eq!(order(&places, seated).await, [1, 0, 2, 3]);
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }

    #[tokio::test]
    async fn what_is_under_way_is_left() {
        let places = Places::with(1, Duration::ZERO);
        let mut first = places.take(address("192.0.2.1")).await;
        let busy = first.activity().begin();
        let shared = busy.share();
        let newcomer = tokio::spawn({
            let places = places.clone();
            async move { places.take(address("192.0.2.2")).await }
        });
        assert!(!is_recalled(&mut first).await);
        drop(busy);
        assert!(!is_recalled(&mut first).await);
        drop(shared);
        assert!(timeout(Duration::from_secs(10), first.recalled()).await.is_ok());
        assert!(!newcomer.is_finished());
        drop(first);
        newcomer.await.unwrap();
    }

    #[tokio::test]
    async fn a_newcomer_has_one_place_taken_back() {
        let places = Places::with(2, Duration::ZERO);
        // That it went is noticed late.
        drop(places.take(address("192.0.2.1")).await);
        let mut seated = connections(&places, &["192.0.2.1", "192.0.2.2"]).await;
        let newcomer = places.take(address("192.0.2.3"));
        tokio::pin!(newcomer);
        assert!(timeout(LOOK / 2, &mut newcomer).await.is_err());
        assert!(is_recalled(&mut seated[0]).await && !is_recalled(&mut seated[1]).await);
        seated.remove(0);
        newcomer.await;
    }

    /// Between the choice and the end of the one that was chosen.
    #[tokio::test]
    async fn a_request_that_comes_when_the_place_was_asked_back_is_answered() {
        let places = Places::with(1, Duration::ZERO);
        let mut place = places.take(address("192.0.2.1")).await;
        places.lock().recall(Duration::ZERO);
        let busy = place.activity().begin();
        assert!(!is_recalled(&mut place).await);
        drop(busy);
        assert!(is_recalled(&mut place).await);
    }

    /// A place that was asked back, and whose connection rests.
    async fn recalled(places: &Places) -> Place {
        let place = places.take(address("192.0.2.1")).await;
        places.lock().recall(Duration::ZERO);
        place
    }

    async fn is_lost(place: &mut Place) -> bool {
        timeout(Duration::from_millis(50), place.lost()).await.is_ok()
    }

    #[tokio::test]
    async fn nobody_waits_for_who_leaves_but_only_some_have_time_to() {
        let places = Places::with(1, Duration::ZERO);
        let mut first = recalled(&places).await;
        assert!(!is_lost(&mut first).await && first.end().is_cancelled());
        let mut second = recalled(&places).await;
        assert!(is_lost(&mut second).await && second.end().is_cancelled());
        drop(second);
        assert!(!places.are_empty());
        drop(first);
        assert!(places.are_empty());
    }

    #[tokio::test]
    async fn a_request_that_comes_when_a_connection_leaves_is_answered() {
        let places = Places::with(1, Duration::ZERO);
        let mut place = recalled(&places).await;
        let (activity, end) = (place.activity().clone(), place.end().clone());
        let leaving = async {
            place.lost().await;
            Instant::now()
        };
        let request = async {
            end.cancelled().await;
            let busy = activity.begin();
            sleep(FAREWELL + 2 * LOOK).await;
            let answered = Instant::now();
            drop(busy);
            answered
        };
        let (left, answered) = tokio::join!(leaving, request);
        assert!(left >= answered);
    }

    #[tokio::test]
    async fn who_has_just_come_or_answered_keeps_the_place_for_a_while() {
        let places = Places::with(1, Duration::from_millis(100));
        let mut place = places.take(address("192.0.2.1")).await;
        places.lock().recall(Duration::from_millis(100));
        assert!(place.recall.as_mut().unwrap().try_recv().is_err());
        places.lock().recall(Duration::ZERO);
        sleep(Duration::from_millis(100)).await;
        drop(place.activity().begin());
        assert!(!is_recalled(&mut place).await);
        assert!(timeout(Duration::from_secs(10), place.recalled()).await.is_ok());
    }
}
