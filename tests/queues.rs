//! The queue trigger and output, on both stores.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::App;
use common::store::{Store, on_both_stores, unique, wait_for};
use serde_json::json;

const HTTP: &str = r#"{"type": "httpTrigger", "name": "req", "authLevel": "anonymous"}, {"type": "http", "name": "$return"}"#;

on_both_stores!(
    a_message_goes_from_a_request_to_a_function,
    what_functions_give_out_become_messages,
    a_function_knows_its_message,
    what_always_fails_goes_to_the_poison_queue,
    a_message_may_be_asked_for_as_text_or_bytes,
    messages_sent_before_the_start_are_found,
    what_is_given_out_is_stored_within_the_time_of_its_function,
);

fn out(queue: &str) -> String {
    format!(r#"{{"type": "queue", "direction": "out", "name": "out", "queueName": "{queue}"}}"#)
}

fn trigger(queue: &str) -> String {
    format!(r#"[{{"type": "queueTrigger", "direction": "in", "name": "msg", "queueName": "{queue}"}}]"#)
}

/// An app with a function that sends what its request's body makes of `out`.
fn sender(queue: &str) -> App {
    let code = "import azure.functions as func\n\ndef main(req: func.HttpRequest, out: func.Out[func.QueueMessage]) -> str:\n    \
                exec(req.get_body().decode(), {'out': out, 'func': func})\n    return 'sent'\n";
    App::new().function("send", &format!("[{HTTP}, {}]", out(queue)), code)
}

fn a_message_goes_from_a_request_to_a_function(store: Store) {
    let queue = unique("way");
    let code = "import logging\nimport azure.functions as func\n\ndef main(msg: func.QueueMessage):\n    logging.info('got %s', msg.get_body().decode())\n";
    let app = sender(&queue).function("receive", &trigger(&queue), code);
    let host = store.start(&app);
    for number in 0..3 {
        let sent = std::time::Instant::now();
        assert_eq!(host.post("/api/send", format!("out.set('message {number} ü')")).status, 200);
        host.wait_for_line(&format!("got message {number} ü"));
        assert!(sent.elapsed().as_secs() < 5, "it took {:?}", sent.elapsed());
    }
    wait_for("the messages to be deleted", || (store.length(&app, &queue) == 0).then_some(()));
}

#[test]
fn a_connection_may_be_among_the_connection_strings() {
    let trigger = trigger("some").replace("\"queueName\"", "\"connection\": \"Other\", \"queueName\"");
    let code = "import os\n\ndef main(msg):\n    print('got', msg.get_body(), os.environ['ConnectionStrings:Other'])\n";
    let sender = sender("some");
    let send = std::fs::read_to_string(sender.path().join("send/function.json")).unwrap();
    let app = sender
        .file("send/function.json", send.replace("\"queueName\"", "\"connection\": \"Other\", \"queueName\""))
        .function("receive", &trigger, code)
        .file("local.settings.json", r#"{"Values": {}, "ConnectionStrings": {"Other": "UseSnapfuncStorage=true"}}"#);
    let host = app.start();
    assert_eq!(host.post("/api/send", "out.set('text')").status, 200);
    host.wait_for_line("got b'text' UseSnapfuncStorage=true");
}

fn a_message_may_be_asked_for_as_text_or_bytes(store: Store) {
    let (text, bytes) = (unique("text"), unique("bytes"));
    let code = |kind: &str| format!("import logging\n\ndef main(msg: {kind}) -> None:\n    logging.info('%s', repr(msg))\n");
    let send = "import azure.functions as func\n\ndef main(req: func.HttpRequest, out: func.Out[str], more: func.Out[bytes]) -> str:\n    \
                out.set({'a': 1})\n    more.set(req.get_body())\n    return 'sent'\n";
    let more = out(&bytes).replace("\"out\", \"queueName\"", "\"more\", \"queueName\"");
    let app = App::new()
        .function("send", &format!("[{HTTP}, {}, {more}]", out(&text)), send)
        .function("text", &trigger(&text), &code("str"))
        .function("bytes", &trigger(&bytes), &code("bytes"));
    let host = store.start(&app);
    assert_eq!(host.post("/api/send", "ü").status, 200, "{}", host.printed());
    host.wait_for_line("'{\"a\": 1}'");
    host.wait_for_line("b'\\xc3\\xbc'");
}

fn what_functions_give_out_become_messages(store: Store) {
    let queue = unique("out");
    let app = sender(&queue);
    let host = store.start(&app);
    for code in [
        "out.set('text')",
        "out.set('{\"a\": 1}')",
        "out.set('[\"one\", {\"two\": 2}]')",
        "out.set(b'bytes')",
        "out.set(func.QueueMessage(body='of the SDK'))",
        "out.set(['first', func.QueueMessage(body='second')])",
        "pass",
    ] {
        assert_eq!(host.post("/api/send", code).status, 200, "{code}\n{}", host.printed());
    }
    let texts: Vec<_> = store.peek(&app, &queue).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["text", r#"{"a": 1}"#, "one", r#"{"two": 2}"#, "bytes", "of the SDK", "first", "second"]);
}

fn a_function_knows_its_message(store: Store) {
    let (queue, results) = (unique("known"), unique("results"));
    let code = "import json\nimport azure.functions as func\n\ndef main(msg: func.QueueMessage) -> str:\n    times = [msg.insertion_time, msg.expiration_time, msg.time_next_visible]\n    \
                return json.dumps({'body': msg.get_json(), 'count': msg.dequeue_count, 'id': len(msg.id), 'receipt': bool(msg.pop_receipt), 'ordered': times[0] <= times[2] <= times[1]})\n";
    let returned = format!(r#"{{"type": "queue", "direction": "out", "name": "$return", "queueName": "{{kind}}{results}"}}"#);
    let bindings = format!(r#"[{{"type": "queueTrigger", "direction": "in", "name": "msg", "queueName": "%QUEUE%"}}, {returned}]"#);
    let app = App::new().function("f", &bindings, code);
    let app = app.file("local.settings.json", json!({"Values": {"QUEUE": queue.to_uppercase()}}).to_string());
    let _host = store.start(&app);
    store.tool(&app, &["send", &queue, r#"{"kind": "a", "id": "not the message's"}"#], b"");
    let found = wait_for("the result", || store.peek(&app, &format!("a{results}")).pop());
    let result: serde_json::Value = serde_json::from_str(&found.1).unwrap();
    assert_eq!(result, json!({"body": {"kind": "a", "id": "not the message's"}, "count": 1, "id": 36, "receipt": true, "ordered": true}));
}

fn what_always_fails_goes_to_the_poison_queue(store: Store) {
    let queue = unique("bad");
    let code = "import azure.functions as func\n\ndef main(msg: func.QueueMessage):\n    raise ValueError(f'try {msg.dequeue_count}')\n";
    let app = App::new().function("f", &trigger(&queue), code);
    let host = store.start(&app);
    let text = r#"{"exactly": "this",  "ü": "☃"}"#;
    store.tool(&app, &["send", &queue, "-"], text.as_bytes());
    let poison = wait_for("the poison message", || store.peek(&app, &format!("{queue}-poison")).pop());
    assert_eq!(poison.1, text);
    host.wait_for_line("message has reached MaxDequeueCount of 5");
    for number in 1..=5 {
        host.wait_for_line(&format!("Exception: ValueError: try {number}"));
    }
    assert!(!host.printed().contains("try 6"));
    wait_for("the message to be gone", || (store.length(&app, &queue) == 0).then_some(()));
}

fn messages_sent_before_the_start_are_found(store: Store) {
    let queue = unique("before");
    let code = "import azure.functions as func\n\ndef main(msg: func.QueueMessage):\n    print('got', msg.get_body())\n";
    let app = App::new().function("f", &trigger(&queue), code);
    let bytes = [0xFF, 0x00, 0x61];
    store.tool(&app, &["send", &queue, "-"], &bytes);
    let host = store.start(&app);
    host.wait_for_line(r"got b'\xff\x00a'");
}

/// Else a hundred thousand messages would be written for as long as that takes, whoever waits for it.
fn what_is_given_out_is_stored_within_the_time_of_its_function(store: Store) {
    let (queue, many) = (unique("times"), unique("many"));
    let code = "import azure.functions as func\n\ndef main(msg: func.QueueMessage, out: func.Out[str]):\n    out.set(['x'] * 100_000)\n";
    let bindings = trigger(&queue).replace("}]", &format!("}}, {}]", out(&many)));
    let options = r#""functionTimeout": "00:00:02", "extensions": {"queues": {"maxDequeueCount": 2, "visibilityTimeout": "00:00:01"}}"#;
    let app = sender(&many).function("f", &bindings, code).host_json(options);
    let host = store.start(&app);
    let started = std::time::Instant::now();
    assert_eq!(host.post("/api/send", "out.set(['x'] * 100_000)").status, 500);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    host.wait_for_line("FunctionTimeoutException: function send: what it gave to out was not stored within 2 s of its start; some of it may be: give out less");
    let stored = store.length(&app, &many);
    assert!((1..100_000).contains(&stored), "{stored}");
    assert_eq!(store.length(&app, &many), stored, "nothing is written afterwards");
    assert_eq!(host.post("/api/send", "out.set(['x'] * 10)").status, 200, "{}", host.printed());
    // A message is tried again, as after any failure.
    store.tool(&app, &["send", &queue, "poison"], b"");
    let poison = wait_for("the poison message", || store.peek(&app, &format!("{queue}-poison")).pop());
    assert_eq!(poison.1, "poison");
    let failed = "FunctionTimeoutException: function f: what it gave to out";
    assert_eq!(host.lines().iter().filter(|line| line.contains(failed)).count(), 2, "{}", host.printed());
}

/// Of what is large there is no more in the host's memory than instances could have made at a time.
#[test]
fn an_instance_serves_nobody_until_what_is_large_is_stored() {
    let limits = r#""functionTimeout": "00:00:03", "snapfunc": {"maxInstances": 1}"#;
    let app = sender("queue").function("g", &format!("[{HTTP}]"), "def main(req):\n    return 'served'\n").host_json(limits);
    let host = app.start();
    let mark = host.mark();
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(host.post("/api/send", "print('giving'); out.set(['x'] * 100_000)").status, 500));
        host.wait_for_line("giving");
        assert_eq!(host.get("/api/g").text(), "served");
    });
    let ends = host.lines_since(mark).into_iter().filter(|line| line.contains("Executed 'Functions.")).collect::<Vec<_>>();
    assert!(ends[0].contains("Executed 'Functions.send' (Failed") && ends[1].contains("Executed 'Functions.g' (Succeeded"), "{ends:?}");
}

#[test]
fn host_json_sets_how_queues_are_read() {
    let code = "import azure.functions as func\n\ndef main(msg: func.QueueMessage):\n    raise ValueError(msg.get_body().decode())\n";
    let options = r#""extensions": {"queues": {"maxDequeueCount": 2, "messageEncoding": "none"}}"#;
    let app = App::new().function("f", &trigger("plain"), code).host_json(options);
    let host = app.start();
    Store::Embedded.tool(&app, &["send", "plain", "not in Base64"], b"");
    host.wait_for_line("message has reached MaxDequeueCount of 2");
    assert_eq!(Store::Embedded.peek(&app, "plain-poison"), [(0, "not in Base64".to_owned())]);
}

#[test]
fn what_can_not_be_a_message_fails_the_invocation() {
    let app = sender("queue").host_json(r#""extensions": {"queues": {"messageEncoding": "none"}}"#);
    let host = app.start();
    assert_eq!(host.post("/api/send", "out.set(b'\\xff')").status, 500);
    host.wait_for_line("Exception: BindingError: out: a queue message holds bytes that are not UTF-8");
    assert_eq!(host.post("/api/send", "out.set('x' * 70000)").status, 500);
    host.wait_for_line("more than the 65536 that are allowed");
}

#[test]
fn wrong_fields_are_said_with_their_place() {
    let code = "def main(msg):\n    pass\n";
    let bindings = "[\n{\"type\": \"queueTrigger\", \"name\": \"msg\",\n\"queueName\": \"queue\", \"connection\": \"NOT_SET\"}]";
    let host = App::new().function("f", bindings, code).function("g", r#"[{"type": "queueTrigger", "name": "msg"}]"#, code).start();
    host.wait_for_line("f/function.json:3: `msg.connection` names the app setting NOT_SET, which is not set");
    host.wait_for_line("`msg.queueName` is missing: add it");
}
