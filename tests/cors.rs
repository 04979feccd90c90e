//! Pages of other origins.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{Answer, App, Host};

const CODE: &str = "def main(req):\n    if req.method == 'POST':\n        raise ValueError()\n    return req.method\n";

fn ask(host: &Host, method: &str, origin: &str) -> Answer {
    let preflight = [("Origin", origin), ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "x-a, x-b")];
    host.request(method, "/api/f", &preflight[..if method == "OPTIONS" { 3 } else { 1 }], "")
}

#[test]
fn local_settings_name_the_origins() {
    let settings = r#"{"Host": {"CORS": "https://a.example,http://localhost:3000", "CORSCredentials": true}}"#;
    let host = App::with(CODE).file("local.settings.json", settings).start();
    let preflight = ask(&host, "OPTIONS", "http://localhost:3000");
    assert_eq!((preflight.status, preflight.text()), (204, ""), "it was answered by the function");
    assert_eq!(preflight.header("access-control-allow-origin"), Some("http://localhost:3000"));
    assert_eq!(preflight.header("access-control-allow-methods"), Some("PUT"));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("x-a, x-b"));
    assert_eq!(preflight.header("access-control-allow-credentials"), Some("true"));
    for (method, status) in [("GET", 200), ("POST", 500)] {
        let answer = ask(&host, method, "https://a.example");
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, Some("https://a.example")));
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
    let other = ask(&host, "GET", "https://evil.example");
    assert_eq!((other.status, other.header("access-control-allow-origin")), (200, None));
    let missing = host.request("GET", "/api/none", &[("Origin", "https://a.example")], "");
    assert_eq!((missing.status, missing.header("access-control-allow-origin")), (404, Some("https://a.example")));
}

#[test]
fn what_functions_say_a_response_varies_by_holds_too() {
    let code = "import azure.functions as func\ndef main(req):\n    return func.HttpResponse('x', headers={'Vary': 'Accept-Language', 'Access-Control-Allow-Origin': '*'})\n";
    let host = App::with(code).start_with(&["--cors", "https://a.example"], &[]);
    let answer = ask(&host, "GET", "https://a.example");
    assert_eq!(answer.all("vary"), ["Accept-Language", "Origin"]);
    assert_eq!(answer.all("access-control-allow-origin"), ["https://a.example"]);
}

#[test]
fn flags_win_and_a_star_is_for_all() {
    let settings = r#"{"Host": {"CORS": "https://a.example"}}"#;
    let host = App::with(CODE).file("local.settings.json", settings).start_with(&["--cors", "*"], &[]);
    assert_eq!(ask(&host, "GET", "https://anyone.example").header("access-control-allow-origin"), Some("*"));
    assert_eq!(ask(&host, "GET", "null").header("access-control-allow-credentials"), None);
}

#[test]
fn without_origins_functions_see_to_it_themselves() {
    let host = App::with(CODE).start();
    let answer = ask(&host, "OPTIONS", "https://a.example");
    assert_eq!((answer.status, answer.text(), answer.header("access-control-allow-origin")), (200, "OPTIONS", None));
}

#[test]
fn credentials_for_everybody_are_refused() {
    let output = App::with(CODE).run_to_end(&["--cors", "*", "--cors-credentials"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("CORS can't allow every origin"), "{text}");
}
