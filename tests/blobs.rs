//! The blob trigger, input and output, on both stores.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::store::{Store, on_both_stores, unique, wait_for};
use common::{App, Host};
use serde_json::json;
use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

const HTTP: &str =
    r#"{"type": "httpTrigger", "name": "req", "authLevel": "anonymous", "route": "{verb}/{*name}"}, {"type": "http", "name": "$return"}"#;
/// What the Functions of Microsoft's tests move.
const LARGE: usize = 27 << 20;

on_both_stores!(
    a_blob_is_written_and_read,
    a_large_blob_goes_in_and_out_and_through_a_trigger,
    each_version_of_a_blob_runs_once,
    what_always_fails_is_told_in_the_poison_queue,
    blobs_that_were_there_before_are_found,
    the_beginning_of_a_huge_blob_is_read_alone,
);

/// Answers a request with a blob of a container, or `none`.
fn reader(container: &str, annotation: &str, data_type: &str, body: &str) -> App {
    let blob =
        format!(r#"{{"type": "blob", "direction": "in", "name": "blob", "path": "{container}/{{name}}", "dataType": "{data_type}"}}"#);
    let code = format!(
        "import azure.functions as func\n\ndef main(req: func.HttpRequest, blob: {annotation}) -> func.HttpResponse:\n    {body}\n"
    );
    App::new().function("read", &format!("[{}, {blob}]", HTTP.replace("{verb}", "read")), &code)
}

fn writer(app: App, container: &str) -> App {
    let blob = format!(r#"{{"type": "blob", "direction": "out", "name": "blob", "path": "{container}/{{name}}"}}"#);
    let code = "import azure.functions as func\n\ndef main(req: func.HttpRequest, blob: func.Out[bytes]) -> str:\n    blob.set(req.get_body())\n    return 'written'\n";
    app.function("write", &format!("[{}, {blob}]", HTTP.replace("{verb}", "write")), code)
}

/// Else who asks would wait for as long as calls to a storage may take.
#[test]
fn an_input_that_does_not_come_ends_at_the_time_out() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let endpoints: String = ["Blob", "Queue", "Table"].map(|kind| format!("{kind}Endpoint=http://127.0.0.1:{port}/a;")).concat();
    let connection = format!("DefaultEndpointsProtocol=http;AccountName=a;AccountKey=AAAA;{endpoints}");
    let blob = r#"{"type": "blob", "direction": "in", "name": "blob", "path": "inputs/{name}", "connection": "SILENT"}"#;
    let app = App::new()
        .function("read", &format!("[{}, {blob}]", HTTP.replace("{verb}", "read")), "def main(req, blob):\n    print('ran')\n")
        .host_json(r#""functionTimeout": "00:00:02""#);
    let host = app.start_with(&["--pass-env", "SILENT"], &[("SILENT", &connection)]);
    let started = Instant::now();
    assert_eq!(host.get("/api/read/x").status, 500);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    host.wait_for_line(
        "Exception: FunctionTimeoutException: function read: the input blob was not there within 2 s; see whether its storage answers",
    );
    assert!(!host.lines().iter().any(|line| line == "ran"), "{}", host.printed());
}

fn a_blob_is_written_and_read(store: Store) {
    let container = unique("simple");
    for (annotation, data_type, body) in [
        ("func.InputStream", "", "return func.HttpResponse(blob.read() if blob else 'none')"),
        ("func.InputStream", "binary", "return func.HttpResponse(b''.join(iter(lambda: blob.read(2), b'')) if blob else 'none')"),
        ("bytes", "binary", "return func.HttpResponse(blob if blob is not None else 'none')"),
        ("str", "string", "return func.HttpResponse(blob if blob is not None else 'none')"),
    ] {
        let host = store.start(&writer(reader(&container, annotation, data_type, body), &container));
        // Literal: no part of a name leads anywhere.
        for name in ["a.txt", "deep/er/b%20%C3%BC.txt", "x%2e%2e%2fy"] {
            let content = format!("content of {name}");
            assert_eq!(host.post(&format!("/api/write/{name}"), &content).status, 200, "{}", host.printed());
            assert_eq!(host.get(&format!("/api/read/{name}")).text(), content);
        }
        assert_eq!(host.get("/api/read/not-there").text(), "none");
    }
}

fn a_large_blob_goes_in_and_out_and_through_a_trigger(store: Store) {
    let (container, copies) = (unique("large"), unique("copies"));
    let code = "import azure.functions as func\n\ndef main(source: func.InputStream, copy: func.Out[bytes]):\n    content = source.read()\n    \
                print(source.name, source.length, len(content))\n    copy.set(content)\n";
    let bindings = json!([
        {"type": "blobTrigger", "direction": "in", "name": "source", "path": format!("{container}/{{name}}.{{kind}}")},
        {"type": "blob", "direction": "out", "name": "copy", "path": format!("{copies}/{{name}}-copy.{{kind}}")},
    ]);
    let body = "return func.HttpResponse(blob.read())";
    let app = writer(reader(&container, "func.InputStream", "", body), &container).function("copy", &bindings.to_string(), code);
    let host = store.start(&app);
    let content: Vec<u8> = (0..LARGE as u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    assert_eq!(host.post("/api/write/big.one.bin", &content).status, 200);
    assert!(host.get("/api/read/big.one.bin").body == content, "what was read differs");
    host.wait_for_line(&format!("{container}/big.one.bin {LARGE} {LARGE}"));
    let path = format!("{copies}/big.one-copy.bin");
    wait_for("the copy", || host.lines().iter().any(|line| line.contains("Executed 'Functions.copy' (Succeeded")).then_some(()));
    assert!(store.get(&app, &path) == content, "the copy differs");
}

/// An app that prints the name and content of each blob of a container.
fn watcher(container: &str) -> App {
    let code = "import azure.functions as func\n\ndef main(blob: func.InputStream):\n    print('saw', blob.name, blob.read().decode(), blob.uri.split('/')[-1])\n";
    App::new().function("watch", &json!([{"type": "blobTrigger", "name": "blob", "path": container}]).to_string(), code)
}

/// Azure has Event Grid tell of changes or looks for them itself.
#[test]
fn a_trigger_of_any_source_is_told_of_changes() {
    let trigger = |source: &str| json!([{"type": "blobTrigger", "name": "blob", "path": "box/{name}", "source": source}]).to_string();
    let code = |name: &str| format!("def main(blob):\n    print('{name}', blob.name)\n");
    let app = ["EventGrid", "LogsAndContainerScan"]
        .into_iter()
        .fold(App::new(), |app, source| app.function(source, &trigger(source), &code(source)));
    let host = app.start();
    Store::Embedded.put(&app, "box/thing", b"content");
    for source in ["EventGrid", "LogsAndContainerScan"] {
        host.wait_for_line(&format!("{source} box/thing"));
    }
}

fn saw(host: &Host) -> Vec<String> {
    host.lines().into_iter().filter_map(|line| line.strip_prefix("saw ").map(str::to_owned)).collect()
}

fn each_version_of_a_blob_runs_once(store: Store) {
    let container = unique("versions");
    let app = watcher(&container);
    let (first, second) = (store.start(&app), store.start(&app));
    let versions: Vec<_> = (0..4).map(|number| format!("version{number}")).collect();
    for version in &versions {
        store.put(&app, &format!("{container}/a"), version.as_bytes());
        wait_for(version, || [saw(&first), saw(&second)].concat().iter().any(|line| line.contains(version.as_str())).then_some(()));
    }
    drop((first, second));
    // A restart runs none of them again.
    let third = store.start(&app);
    store.put(&app, &format!("{container}/b"), b"last");
    third.wait_for_line(&format!("saw {container}/b last b"));
    assert_eq!(saw(&third).len(), 1, "{:?}", saw(&third));
}

fn what_always_fails_is_told_in_the_poison_queue(store: Store) {
    let container = unique("poison");
    let code = "import azure.functions as func\n\ndef main(blob: func.InputStream):\n    raise ValueError('no')\n";
    let app =
        App::new().function("f", &json!([{"type": "blobTrigger", "name": "blob", "path": format!("{container}/{{n}}")}]).to_string(), code);
    let host = store.start(&app);
    store.put(&app, &format!("{container}/bad"), b"x");
    host.wait_for_line("it failed 5 times");
    assert_eq!(host.lines().iter().filter(|line| line.starts_with("Exception: ValueError")).count(), 5);
    let told = wait_for("the message", || {
        let all = store.peek(&app, "webjobs-blobtrigger-poison");
        all.into_iter().find(|(_, text)| text.contains(&container))
    });
    let message: serde_json::Value = serde_json::from_str(&told.1).unwrap();
    assert_eq!((&message["BlobName"], &message["FunctionId"]), (&json!("bad"), &json!("Host.Functions.f")));
}

fn blobs_that_were_there_before_are_found(store: Store) {
    let container = unique("before");
    let app = watcher(&container);
    store.put(&app, &format!("{container}/x/y"), b"old");
    let host = store.start(&app);
    host.wait_for_line(&format!("saw {container}/x/y old y"));
}

fn the_beginning_of_a_huge_blob_is_read_alone(store: Store) {
    let size: u64 = if store == Store::Embedded { 1 << 30 } else { 128 << 20 };
    let container = unique("huge");
    let app = reader(&container, "func.InputStream", "", "return func.HttpResponse(str(blob.length) + ' ' + blob.read(8).decode())");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "12345678and so on").unwrap();
    file.as_file().set_len(size).unwrap();
    store.tool(&app, &["put", &format!("{container}/blob"), file.path().to_str().unwrap()], b"");
    let host = store.start(&app);
    host.get("/api/read/none");
    let before = peak_memory(&host);
    assert_eq!(host.get("/api/read/blob").text(), format!("{size} 12345678"));
    let grown = peak_memory(&host) - before;
    assert!(grown < 64 << 20, "the host grew by {} MiB", grown >> 20);
}

/// The most memory that the host ever had, in bytes.
fn peak_memory(host: &Host) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", host.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[test]
fn wrong_paths_are_said_with_their_place() {
    let code = "def main(b):\n    pass\n";
    let of = |kind: &str, path: &str| json!([{"type": kind, "name": "b", "path": path, "direction": "in"}]).to_string();
    let timer = |path: &str| {
        json!([{"type": "timerTrigger", "name": "t", "schedule": "0 0 0 1 1 *"}, {"type": "blob", "direction": "in", "name": "b", "path": path}]).to_string()
    };
    let app = App::new().function("f", &of("blobTrigger", "{container}/x"), code).function("g", &of("blobTrigger", "NO/{n}"), code);
    let host = app.function("h", &timer("container"), code).function("i", &timer("ok-container/{name}"), code).start();
    host.wait_for_line("`b.path` has a brace in its container");
    host.wait_for_line("`b.path` can't be used: \"NO\" is no name of a container");
    host.wait_for_line("`b.path` must be a container and a blob's name");
}
