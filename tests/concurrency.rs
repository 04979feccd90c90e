//! Several requests at once: one invocation an instance at a time, several instances in parallel.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, Host};
use serde_json::Value;
use std::collections::BTreeSet;
use std::thread;

const CODE: &str = r"
import json, time, uuid

instance = None
count = 0


def main(req):
    global count, instance
    # Not at import: the instances are copies of the memory after that.
    instance = instance or str(uuid.uuid4())
    count += 1
    started = time.time()
    time.sleep(float(req.params.get('sleep', '0')))
    return json.dumps({'instance': instance, 'count': count, 'from': started, 'to': time.time()})
";

fn at_once(host: &Host, number: usize, path: &str) -> Vec<Value> {
    thread::scope(|scope| {
        let requests: Vec<_> = (0..number).map(|_| scope.spawn(|| host.get(path))).collect();
        requests
            .into_iter()
            .map(|request| {
                let answer = request.join().unwrap();
                assert_eq!(answer.status, 200, "{}", host.printed());
                answer.json()
            })
            .collect()
    })
}

fn instances(answers: &[Value]) -> usize {
    answers.iter().map(|answer| answer["instance"].as_str().unwrap()).collect::<BTreeSet<_>>().len()
}

/// Whether any two ran at the same time in one instance, and in different ones.
fn overlaps(answers: &[Value]) -> (bool, bool) {
    let mut same_and_other = (false, false);
    for (number, a) in answers.iter().enumerate() {
        for b in &answers[number + 1..] {
            if a["from"].as_f64() < b["to"].as_f64() && b["from"].as_f64() < a["to"].as_f64() {
                if a["instance"] == b["instance"] { same_and_other.0 = true } else { same_and_other.1 = true }
            }
        }
    }
    same_and_other
}

#[test]
fn module_state_lasts_in_one_instance() {
    let host = App::with(CODE).start();
    let answers: Vec<_> = (0..5).map(|_| host.get("/api/f").json()).collect();
    assert_eq!(instances(&answers), 1);
    assert_eq!(answers.iter().map(|answer| answer["count"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
}

#[test]
fn requests_that_wait_run_side_by_side() {
    let host = App::with(CODE).start();
    let answers = at_once(&host, 6, "/api/f?sleep=1.5");
    let (in_one, in_several) = overlaps(&answers);
    assert!(!in_one, "an instance ran two invocations at once: {answers:?}");
    assert!(in_several, "no two ran at once: {answers:?}");
}

#[test]
fn two_functions_run_at_once_where_a_worker_has_two_threads_or_there_are_two_workers() {
    let v2 = CODE.replace("def main(req):", "import azure.functions as func\napp = func.FunctionApp()\n\n@app.route()\ndef f(req):");
    for app in [App::with(CODE), App::new().file("function_app.py", v2)] {
        for setting in ["PYTHON_THREADPOOL_THREAD_COUNT", "FUNCTIONS_WORKER_PROCESS_COUNT"] {
            let answers = at_once(&app.start_with(&[], &[(setting, "2")]), 2, "/api/f?sleep=1");
            assert_eq!(overlaps(&answers), (false, true), "{setting}: {answers:?}");
        }
    }
}

#[test]
fn the_number_of_instances_is_limited() {
    let host = App::with(CODE).host_json(r#""snapfunc": {"maxInstances": 2}"#).start();
    let answers = at_once(&host, 12, "/api/f?sleep=0.05");
    assert!(instances(&answers) <= 2, "{answers:?}");
    assert!(!overlaps(&answers).0, "{answers:?}");
}

#[test]
fn busy_functions_leave_others_their_turn() {
    let app = App::with(CODE).function("busy", common::HTTP, "def main(req):\n    while True: pass\n");
    let host = app.host_json(r#""functionTimeout": "00:00:08""#).start();
    thread::scope(|scope| {
        let busy: Vec<_> = (0..3).map(|_| scope.spawn(|| host.get("/api/busy"))).collect();
        thread::sleep(std::time::Duration::from_secs(1));
        for _ in 0..5 {
            assert_eq!(host.get("/api/f").status, 200);
        }
        assert!(busy.iter().all(|request| !request.is_finished()), "the others did not keep the cores busy");
        for request in busy {
            assert_eq!(request.join().unwrap().status, 500);
        }
    });
}

#[test]
fn a_crowd_is_served() {
    let host = App::with(CODE).host_json(r#""snapfunc": {"maxInstances": 4}"#).start();
    let answers = at_once(&host, 200, "/api/f");
    assert_eq!(answers.len(), 200);
}

#[test]
fn with_isolation_by_invocation_nothing_is_left_of_the_one_before() {
    let isolated = App::with(CODE).host_json(r#""snapfunc": {"isolation": "invocation", "maxInstances": 4}"#);
    let host = isolated.start();
    let answers: Vec<_> = (0..20).map(|_| host.get("/api/f").json()).chain(at_once(&host, 40, "/api/f")).collect();
    assert!(answers.iter().all(|answer| answer["count"] == 1), "{answers:?}");
    assert_eq!(instances(&answers), answers.len());
    let shared = isolated.start_with(&["--isolation", "instance"], &[]);
    assert_eq!([1, 2, 3].map(|_| shared.get("/api/f").json()["count"].as_u64()), [Some(1), Some(2), Some(3)]);
}

#[test]
fn who_finds_no_place_in_the_queue_is_turned_away() {
    let limits = r#""snapfunc": {"maxInstances": 1}, "extensions": {"http": {"maxOutstandingRequests": 2}}"#;
    let host = App::with(CODE).host_json(limits).start();
    let mut statuses = thread::scope(|scope| {
        let requests: Vec<_> = (0..5).map(|_| scope.spawn(|| host.get("/api/f?sleep=1").status)).collect();
        requests.into_iter().map(|request| request.join().unwrap()).collect::<Vec<_>>()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 429, 429, 429]);
    assert_eq!(host.get("/api/f").status, 200);
}
