//! Settings, storage keys, function keys and what requests carry are in no log, at any level, and in no file but those that are for them.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use base64::prelude::{BASE64_STANDARD, Engine};
use common::{App, own_cache, run_to_end, snapfunc};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;

const BINDINGS: &str = r#"[
    {"type": "httpTrigger", "name": "req", "authLevel": "function"},
    {"type": "queue", "direction": "out", "name": "msg", "queueName": "out", "connection": "AzureWebJobsStorage"},
    {"type": "http", "direction": "out", "name": "$return"}]"#;
const CODE: &str = "import os
def main(req, msg):
    if req.params.get('how') == 'raise':
        raise ValueError('the function says nothing of it')
    if req.params.get('how') == 'send':
        msg.set('text')
    return str(len(os.environ['MY_SECRET']))
";
const WAITING: &str =
    r#"[{"type": "queueTrigger", "direction": "in", "name": "msg", "queueName": "waiting", "connection": "AzureWebJobsStorage"}]"#;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn holds(path: &Path, marker: &str) -> bool {
    let content = fs::read(path).unwrap_or_default();
    let found = |content: &[u8]| memchr::memmem::find(content, marker.as_bytes()).is_some();
    found(&content) || unpacked(path, &content).is_some_and(|content| found(&content))
}

/// What is compressed in a snapshot: before it, a head of 16 bytes with the length of its header, and the header; behind it, a digest.
fn unpacked(path: &Path, content: &[u8]) -> Option<Vec<u8>> {
    if path.extension()? != "snap" {
        return None;
    }
    let length = u32::from_le_bytes(content[12..16].try_into().unwrap()) as usize;
    let mut pages = zstd::Decoder::new(&content[16 + length..content.len() - 32]).unwrap().single_frame();
    let mut unpacked = Vec::new();
    pages.read_to_end(&mut unpacked).unwrap();
    Some(unpacked)
}

/// A store that lets nobody in, and says the request back as some do.
fn refusing_store() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or(0);
            let head = format!("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
            let _ = stream.write_all(&[head.as_bytes(), &request[..length]].concat());
        }
    });
    port
}

#[test]
fn nothing_secret_is_written_anywhere() {
    let [setting, account, key, token, body] =
        ["setting", "account", "key", "token", "body"].map(|of| format!("marker-secret-of-{of}-0123456789"));
    let account_key = BASE64_STANDARD.encode(&account);
    let nobody = refusing_store();
    let storage =
        format!("DefaultEndpointsProtocol=http;AccountName=me;AccountKey={account_key};QueueEndpoint=http://127.0.0.1:{nobody}/me");
    let settings = serde_json::json!({"Values": {"MY_SECRET": setting, "AzureWebJobsStorage": storage}});
    let cache = own_cache();
    let app = App::new()
        .host_json(r#""logging": {"logLevel": {"default": "Trace"}}"#)
        .function("f", BINDINGS, CODE)
        .function("g", WAITING, "def main(msg): pass\n")
        .file("local.settings.json", settings.to_string());
    let file = app.path().join("log.json");
    let arguments = ["--enable-auth", "--json-output-file", file.to_str().unwrap(), "--user-log-level", "Debug"];
    let cached = cache.path().to_str().unwrap();
    {
        let host = app.start_with(&arguments, &[("SNAPFUNC_LOG", "trace"), ("SNAPFUNC_CACHE_DIR", cached)]);
        let headers = [("x-functions-key", key.as_str()), ("authorization", token.as_str()), ("cookie", token.as_str())];
        for path in ["/api/f", "/api/f?how=raise", "/api/f?how=send", "/admin/functions", "/admin/host/keys", "/nowhere"] {
            let with_code = format!("{path}{}code={key}", if path.contains('?') { '&' } else { '?' });
            assert!([401, 404].contains(&host.request("POST", &with_code, &headers, &body).status), "{path}");
        }
        let mut list = snapfunc(&[("SNAPFUNC_DATA_DIR", app.data().to_str().unwrap())]);
        list.args(["keys", "--app"]).arg(app.path()).args(["list", "--json"]);
        let keys: serde_json::Value = serde_json::from_slice(&run_to_end(list).stdout).unwrap();
        let master = keys["master"].as_str().unwrap();
        for (path, status) in [("/api/f", 200), ("/api/f?how=raise", 500), ("/api/f?how=send", 500)] {
            assert_eq!(
                host.request("POST", path, &[("x-functions-key", master), headers[1]], &body).status,
                status,
                "{path}\n{}",
                host.printed()
            );
        }
        host.wait_for_line("Exception: ValueError: the function says nothing of it");
        let printed = host.printed();
        for marker in [&setting, &account, &account_key, &key, &token, &body, &master.to_owned()] {
            assert!(!printed.contains(marker.as_str()), "{marker} is on the console:\n{printed}");
        }
        assert!(!holds(&file, master));
    }
    let mut found = Vec::new();
    files(app.path(), &mut found);
    files(app.data(), &mut found);
    files(cache.path(), &mut found);
    assert!(found.iter().any(|path| path == &file), "the log was written");
    // A text of the code, which the app's snapshot must hold: so secrets would be found there too.
    assert!(found.iter().any(|path| path.extension().is_some_and(|end| end == "snap") && holds(path, "the function says nothing of it")));
    for path in found.iter().filter(|path| !path.ends_with("local.settings.json")) {
        for marker in [&setting, &account, &account_key, &key, &token, &body] {
            assert!(!holds(path, marker), "{marker} is in {}", path.display());
        }
    }
}
