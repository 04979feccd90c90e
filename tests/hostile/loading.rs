//! From inside, while an app is loaded: its code runs then too, and what it says of itself is told.

use super::common::{App, HTTP};
use std::time::{Duration, Instant};

/// Of a function that is there beside the code that does harm.
const OK: &str = "\ndef main(req):\n    return 'ok'\n";

/// Starts an app whose one function has this code before it, and sees that the function is served.
fn starts(code: &str) -> String {
    let host = App::with(&format!("{code}{OK}")).start();
    assert_eq!(host.get("/api/f").text(), "ok", "{code}\n{}", host.printed());
    host.printed()
}

#[test]
fn classes_that_can_not_be_looked_at_are_left_alone() {
    starts(
        "
class Meta(type):
    def __getattr__(self, name): raise KeyError(name)
    def __eq__(self, other): raise KeyError(other)
    __hash__ = type.__hash__
class Kept(metaclass=Meta): pass
kept = [Kept()]
",
    );
}

#[test]
fn what_the_host_asks_after_loading_is_bounded_in_time() {
    let started = Instant::now();
    let endless = "
import snapfunc_worker.lasting
def addresses():
    while True: pass
snapfunc_worker.lasting.addresses = addresses
";
    starts(endless);
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}
