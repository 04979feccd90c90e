//! Messages survive hosts that are killed, and storage that is not there for a while.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::azurite::Azurite;
use common::store::{Store, unique, wait_for, wait_so_long};
use common::{App, Host, free_port};
use serde_json::json;
use std::collections::HashMap;
use std::env;
use std::thread;
use std::time::Duration;

/// How often hosts are killed.
const KILLS: usize = 10;

#[test]
fn no_message_is_lost_when_the_host_is_killed() {
    kill_hosts(Store::Embedded, 1, 600);
}

#[test]
fn no_message_is_lost_when_one_of_two_hosts_is_killed() {
    kill_hosts(Store::Embedded, 2, 600);
}

#[test]
fn no_message_is_lost_on_azurite() {
    kill_hosts(Store::Azurite, 1, 200);
}

/// Sends messages through a function while hosts are killed and started again; each must have had its effect. `SNAPFUNC_TEST_MESSAGES` sets another number.
fn kill_hosts(store: Store, hosts: usize, messages: usize) {
    let messages = env::var("SNAPFUNC_TEST_MESSAGES").ok().and_then(|number| number.parse().ok()).unwrap_or(messages);
    let (queue, done) = (unique("kill"), unique("done"));
    let send = "import azure.functions as func, json\n\ndef main(req: func.HttpRequest, out: func.Out[str]) -> str:\n    \
                out.set(json.dumps([{'number': number} for number in range(int(req.params['from']), int(req.params['to']))]))\n    return 'sent'\n";
    let receive = "import azure.functions as func, time\n\ndef main(msg: func.QueueMessage, done: func.Out[str]):\n    time.sleep(0.02)\n    \
                   done.set('x')\n    print('ran', msg.get_json()['number'])\n";
    let app = App::new()
        .function(
            "send",
            &json!([
                {"type": "httpTrigger", "name": "req", "authLevel": "anonymous"},
                {"type": "http", "name": "$return"},
                {"type": "queue", "direction": "out", "name": "out", "queueName": queue},
            ])
            .to_string(),
            send,
        )
        .function(
            "receive",
            &json!([
                {"type": "queueTrigger", "name": "msg", "queueName": queue},
                {"type": "blob", "direction": "out", "name": "done", "path": format!("{done}/{{number}}")},
            ])
            .to_string(),
            receive,
        )
        // What a killed host had taken is seen again after so long.
        .host_json(r#""snapfunc": {"messageLeaseSeconds": 2}"#);
    let mut running: Vec<Host> = (0..hosts).map(|_| store.start(&app)).collect();
    let mut printed = Vec::new();
    for from in (0..messages).step_by(100) {
        let to = (from + 100).min(messages);
        assert_eq!(running[0].get(&format!("/api/send?from={from}&to={to}")).status, 200);
    }
    for kill in 0..KILLS {
        // Some odd times, the same in each run: what is under way then is chance enough.
        thread::sleep(Duration::from_millis(60 + (kill as u64 * 137) % 240));
        let mut host = running.remove(0);
        host.signal("KILL");
        host.wait();
        printed.push(host);
        running.push(store.start(&app));
    }
    let patience = Duration::from_secs(30) + Duration::from_millis(20) * messages as u32;
    wait_so_long("all messages to have run", patience, || {
        thread::sleep(Duration::from_micros(200_000 + 200 * messages as u64));
        (store.blobs(&app, &done).len() == messages).then_some(())
    });
    wait_for("the queue to be empty", || (store.length(&app, &queue) == 0).then_some(()));
    let mut runs: HashMap<String, usize> = HashMap::new();
    for host in printed.iter().chain(&running) {
        for number in host.lines().iter().filter_map(|line| line.strip_prefix("ran ")) {
            *runs.entry(number.to_owned()).or_default() += 1;
        }
    }
    let again: usize = runs.values().map(|times| times - 1).sum();
    println!("{messages} messages, {KILLS} kills, {hosts} hosts: none lost, {again} ran again");
    assert_eq!(store.length(&app, &format!("{queue}-poison")), 0);
}

fn storage_app(queue: &str) -> App {
    let hello = r#"[{"type": "httpTrigger", "name": "req", "authLevel": "anonymous"}, {"type": "http", "name": "$return"}]"#;
    App::new().function("hello", hello, "def main(req):\n    return 'hello'\n").function(
        "receive",
        &json!([{"type": "queueTrigger", "name": "msg", "queueName": queue}]).to_string(),
        "import azure.functions as func\n\ndef main(msg: func.QueueMessage):\n    print('got', msg.get_body().decode())\n",
    )
}

#[test]
fn storage_that_is_down_is_told_and_waited_for() {
    let ports = [free_port(), free_port(), free_port()];
    let [blobs, queues, tables] = ports.map(|port| format!("http://127.0.0.1:{port}/devstoreaccount1"));
    let key = common::azurite::KEY;
    let connection =
        format!("AccountName=devstoreaccount1;AccountKey={key};BlobEndpoint={blobs};QueueEndpoint={queues};TableEndpoint={tables}");
    let app = storage_app("down").file("local.settings.json", json!({"Values": {"AzureWebJobsStorage": connection}}).to_string());
    let host = app.start();
    host.wait_for_line("receive: queue down: setting AzureWebJobsStorage: the storage at");
    assert_eq!(host.get("/api/hello").text(), "hello");

    let azurite = Azurite::start_on(ports);
    host.wait_for_line("queue down: the storage is there again");
    Store::Embedded.tool(&app, &["send", "down", "first"], b"");
    host.wait_for_line("got first");
    let mark = host.mark();
    drop(azurite);
    host.lines_until(mark, "queue down: setting AzureWebJobsStorage: the storage at");
    assert_eq!(host.get("/api/hello").text(), "hello");

    let mark = host.mark();
    let _azurite = Azurite::start_on(ports);
    host.lines_until(mark, "queue down: the storage is there again");
    Store::Embedded.tool(&app, &["send", "down", "second"], b"");
    host.wait_for_line("got second");
    assert!(!host.printed().contains(key), "the key was printed");
}

#[test]
fn a_wrong_key_is_told_with_its_setting() {
    let wrong = "d3Jvbmc=";
    let connection = Azurite::shared().with(&format!("AccountName=devstoreaccount1;AccountKey={wrong}"));
    let app = storage_app("wrong").file("local.settings.json", json!({"Values": {"AzureWebJobsStorage": connection}}).to_string());
    let host = app.start();
    let line = host.wait_for_line("queue wrong: setting AzureWebJobsStorage: the storage at");
    assert!(
        line.contains("refuses access: 403 AuthorizationFailure") || line.contains("refuses access: 403 AuthenticationFailed"),
        "{line}"
    );
    assert!(!host.printed().contains(wrong));
}
