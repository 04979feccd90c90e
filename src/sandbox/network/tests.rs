use super::super::instance::Silent;
use super::*;

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
    let resolve = async |name: String| match name.as_str() {
        "api.example.com" => Ok(vec!["8.8.8.8".parse().unwrap(), "10.0.0.1".parse().unwrap()]),
        "db.example.com" => Err(ErrorCode::NameUnresolvable),
        name => panic!("{name} is none to ask for"),
    };
    let again = async |address: &str| reach.ask_again(address.parse().unwrap(), resolve).await;
    assert!(again("8.8.8.8:443").await && may(&reach, "8.8.8.8:443"));
    assert!(!again("9.9.9.9:443").await && !again("8.8.8.8:5432").await && !again("8.8.8.8:80").await);
    assert!(!again("10.0.0.1:443").await, "what is not public needs its own entry");
}
