use super::super::instance::Silent;
use super::*;
use std::future;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::{sleep, timeout};

/// Counts lookups.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

/// A lookup that runs.
struct Running(Count);

impl Count {
    fn begin(&self) -> Running {
        self.0.fetch_add(1, Ordering::SeqCst);
        Running(self.clone())
    }

    fn now(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    async fn becomes(&self, number: usize) {
        let waiting = async {
            while self.now() != number {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("{} are not {number}", self.now()));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn reach(entries: &[&str]) -> Arc<Reach> {
    let allowed: Vec<Destination> = entries.iter().map(|entry| entry.parse().unwrap()).collect();
    Reach::new(allowed.into(), Arc::new(Outlet::new(Arc::new(Silent))))
}

fn may(reach: &Reach, address: &str) -> bool {
    reach.may_connect(address.parse().unwrap())
}

fn resolves(reach: &Reach, name: &str, addresses: &[&str]) -> bool {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    let allowed = reach.may_resolve(name);
    if allowed {
        reach.remember(name, &addresses);
    }
    allowed
}

#[test]
fn an_address_must_have_come_of_an_allowed_name_with_that_port() {
    let reach = reach(&["https://api.example.com", "tcp://db.example.com:5432"]);
    assert!(!may(&reach, "8.8.8.8:443"));
    assert!(!resolves(&reach, "other.example.com", &["8.8.8.8"]));
    assert!(resolves(&reach, "API.example.com", &["8.8.8.8", "2606:4700::1111"]));
    assert!(may(&reach, "8.8.8.8:443") && may(&reach, "[2606:4700::1111]:443"));
    assert!(!may(&reach, "8.8.8.8:80") && !may(&reach, "8.8.8.8:5432"));
    assert!(resolves(&reach, "db.example.com", &["8.8.8.8"]));
    assert!(may(&reach, "8.8.8.8:5432") && may(&reach, "8.8.8.8:443"));
}

#[test]
fn a_name_that_leads_inside_leads_nowhere() {
    let reach = reach(&["https://rebinding.example.com", "https://*"]);
    let inside = ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "fe80::1"];
    assert!(resolves(&reach, "rebinding.example.com", &inside));
    for address in inside {
        let address = SocketAddr::new(address.parse().unwrap(), 443);
        assert!(!reach.may_connect(address), "{address}");
    }
    assert!(may(&reach, "8.8.8.8:443"), "any host was allowed");
}

#[test]
fn what_is_not_public_needs_its_own_entry() {
    let reach = reach(&["10.0.0.5:443", "192.168.0.0/16:*", "http://localhost:8080"]);
    assert!(may(&reach, "10.0.0.5:443") && may(&reach, "[::ffff:10.0.0.5]:443") && !may(&reach, "10.0.0.6:443"));
    assert!(may(&reach, "192.168.3.4:1") && may(&reach, "127.0.0.1:8080") && !may(&reach, "127.0.0.1:8081"));
    assert!(reach.may_resolve("localhost") && !reach.may_resolve("10.0.0.5"));
}

#[test]
fn nothing_is_allowed_by_default() {
    let reach = reach(&[]);
    assert!(!may(&reach, "8.8.8.8:443") && !reach.may_resolve("example.com"));
}

#[tokio::test]
async fn what_the_app_looked_up_before_it_was_copied_is_looked_up_again() {
    let reach = reach(&["https://api.example.com", "tcp://db.example.com:5432", "*.example.org:443"]);
    let resolve = async |name: String, _: Place| match name.as_str() {
        "api.example.com" => Ok(vec!["8.8.8.8".parse().unwrap(), "10.0.0.1".parse().unwrap()]),
        "db.example.com" => Err(ErrorCode::NameUnresolvable),
        name => panic!("{name} is none to ask for"),
    };
    let again = async |address: &str| reach.ask_again(address.parse().unwrap(), resolve).await;
    assert!(again("8.8.8.8:443").await && may(&reach, "8.8.8.8:443"));
    assert!(!again("9.9.9.9:443").await && !again("8.8.8.8:5432").await && !again("8.8.8.8:80").await);
    assert!(!again("10.0.0.1:443").await, "what is not public needs its own entry");
}

#[tokio::test]
async fn lookups_before_connections_are_few_and_end_with_their_sockets() {
    let mut reach = reach(&["https://api.example.com"]);
    // Not because their time is over.
    Arc::get_mut(&mut reach).unwrap().longest = Duration::from_secs(3600);
    let running = Count::default();
    let mut sockets = JoinSet::new();
    for _ in 0..100 {
        let running = running.clone();
        let hangs = move |_, _| {
            let running = running.begin();
            async move {
                let _running = running;
                future::pending().await
            }
        };
        sockets.spawn(reach.clone().admits("8.8.8.8:443".parse().unwrap(), hangs));
    }
    running.becomes(MOST_AGAIN).await;
    sleep(Duration::from_millis(50)).await;
    assert_eq!(running.now(), MOST_AGAIN);
    drop(sockets);
    running.becomes(0).await;
}

#[tokio::test]
async fn a_lookup_keeps_its_place_until_the_system_is_done_with_it() {
    let mut reach = reach(&["https://a.example.com", "https://b.example.com", "https://c.example.com"]);
    Arc::get_mut(&mut reach).unwrap().longest = Duration::from_millis(50);
    let kept = Arc::new(Mutex::new(Vec::new()));
    let admits = |ends: bool| {
        let kept = kept.clone();
        let resolve = move |_, place| {
            kept.lock().unwrap().push(place);
            async move { if ends { Ok(vec!["8.8.8.8".parse().unwrap()]) } else { future::pending().await } }
        };
        reach.clone().admits("8.8.8.8:443".parse().unwrap(), resolve)
    };
    for _ in 0..MOST_AGAIN {
        assert!(!admits(false).await, "the time is that of all names together");
    }
    assert_eq!(kept.lock().unwrap().len(), MOST_AGAIN);
    assert!(!admits(true).await, "the system is still at four");
    kept.lock().unwrap().clear();
    assert!(admits(true).await);
}

#[tokio::test]
async fn a_name_is_not_looked_up_again_for_each_connection() {
    let reach = reach(&["https://api.example.com"]);
    let asked = AtomicUsize::new(0);
    let resolve = async |_, _| {
        asked.fetch_add(1, Ordering::SeqCst);
        Ok(vec!["8.8.8.8".parse().unwrap()])
    };
    for last in 1..100 {
        assert!(!reach.ask_again(SocketAddr::from(([9, 9, 9, last], 443)), resolve).await);
    }
    assert!(reach.ask_again("8.8.8.8:443".parse().unwrap(), resolve).await);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}
