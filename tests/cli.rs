//! The command line: how tools that know Core Tools start a host.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, EVAL, HTTP, Host, free_port, run_to_end, snapfunc};

const OK: &str = "def main(req):\n    return 'ok'\n";

fn printed(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = snapfunc(&[]);
    command.args(arguments);
    let output = run_to_end(command);
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn it_says_what_it_is_and_what_it_takes() {
    let (code, version) = printed(&["--version"]);
    assert_eq!((code, version.trim()), (Some(0), concat!("snapfunc ", env!("CARGO_PKG_VERSION"))));
    let (code, help) = printed(&["start", "--help"]);
    assert_eq!(code, Some(0));
    for flag in ["--port", "--address", "--script-root", "--functions", "--memory-mb", "--pass-env", "--user-log-level"] {
        assert!(help.contains(flag), "{flag}: {help}");
    }
    let (code, error) = printed(&["start", "--prot", "1"]);
    assert!(code == Some(2) && error.contains("--port"), "{error}");
}

#[test]
fn it_starts_as_core_tools_do() {
    let app = App::with(OK);
    let port = free_port();
    let port_text = port.to_string();
    let started = |arguments: &[&str]| {
        let mut command = snapfunc(&[]);
        command.args(arguments).current_dir(app.path());
        assert_eq!(Host::spawn(command, port).get("/api/f").text(), "ok", "{arguments:?}");
    };
    started(&["host", "start", "--verbose", "--port", &port_text]);
    started(&["start", "-p", &port_text, "--no-build", "--language-worker", "python", "--timeout", "60", "--runtime", "default"]);
    started(&["start", "-p", &port_text, "--address", "127.0.0.1", "-t", "60", "--cors", "*"]);
    started(&["start", "-p", &port_text, "--python", "--skip-azure-storage-check"]);
    started(&["start", "-p", &port_text, "--pause-on-error", "--dotnet-isolated-debug"]);
}

#[test]
fn it_says_that_it_has_started_as_editors_expect_it() {
    let host = App::with(OK).start();
    host.wait_for_line("Worker process started and initialized.");
    assert_eq!(host.get("/api/f").text(), "ok");
}

#[test]
fn a_debugger_that_is_asked_for_is_told_to_be_none() {
    let host = App::with(OK).start_with(&[], &[("languageWorkers__python__arguments", "-m debugpy --listen 127.0.0.1:9091")]);
    host.wait_for_line(
        "snapfunc: languageWorkers__python__arguments is passed over: Python runs in the sandbox, where no debugger can wait for an editor",
    );
    // As Core Tools take it: the value looks like flags.
    let host = App::with(OK).start_with(&["--language-worker", "--", "-m debugpy --listen 127.0.0.1:9091"], &[]);
    host.wait_for_line("snapfunc: --language-worker is passed over: Python runs in the sandbox, where no debugger can wait for an editor");
    assert_eq!(host.get("/api/f").text(), "ok");
}

#[test]
fn settings_that_the_environment_has_otherwise_are_told_by_name() {
    let app = App::with(OK).file("local.settings.json", r#"{"Values": {"A": "file", "B": "same", "C": "file"}}"#);
    let host = app.start_with(&[], &[("A", "secret"), ("B", "same")]);
    host.wait_for_line("snapfunc: the environment's values are used, not those of local.settings.json, for A");
    assert!(!host.printed().contains("secret"), "{}", host.printed());
}

#[test]
fn references_to_other_services_are_told_by_name() {
    let reference = "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/s)";
    let app = App::with(OK).file("local.settings.json", format!("{{\"Values\": {{\"A\": \"{reference}\", \"B\": \"plain\"}}}}"));
    let host = app.start_with(&[], &[("WEBSITE_X", "@Microsoft.AppConfiguration(Endpoint=https://c.example; Key=k)")]);
    host.wait_for_line(
        "snapfunc: references to Key Vault or App Configuration are not resolved here, so put the values themselves into the settings A, WEBSITE_X",
    );
    assert!(!host.printed().contains("vault.example"), "{}", host.printed());
}

#[test]
fn proxies_are_told_to_be_passed_over() {
    let host = App::with(OK).file("proxies.json", r#"{"proxies": {}}"#).start();
    host.wait_for_line("snapfunc: proxies.json is passed over: there are no proxies, as in the Functions host since 4.0");
    assert_eq!(host.get("/api/f").text(), "ok");
}

#[test]
fn the_app_and_the_port_can_come_from_elsewhere() {
    let port = free_port();
    let app = App::with(OK).file("local.settings.json", format!("{{\"Values\": {{}}, \"Host\": {{\"LocalHttpPort\": {port}}}}}"));
    let mut command = snapfunc(&[("AzureWebJobsScriptRoot", app.path().to_str().unwrap())]);
    command.arg("start");
    let host = Host::spawn(command, port);
    assert_eq!(host.get("/api/f").text(), "ok");
}

#[test]
fn only_the_functions_that_are_asked_for_run() {
    let app = ["a", "b", "c"].into_iter().fold(App::new(), |app, name| app.function(name, HTTP, OK));
    let host = app.start_with(&["--functions", "a", "C"], &[]);
    assert_eq!(["a", "b", "c"].map(|name| host.get(&format!("/api/{name}")).status), [200, 404, 200]);
    let host = app.host_json(r#""functions": ["b"]"#).start();
    assert_eq!(["a", "b", "c"].map(|name| host.get(&format!("/api/{name}")).status), [404, 200, 404]);
}

#[test]
fn disabled_functions_are_listed_and_do_not_run() {
    let app = ["a", "b", "c"].into_iter().fold(App::new(), |app, name| app.function(name, HTTP, OK));
    let app = app.file("b/function.json", format!("{{\"disabled\": true, \"bindings\": {HTTP}}}"));
    let host = app.start_with(&[], &[("AzureWebJobs.a.Disabled", "true")]);
    assert_eq!(["a", "b", "c"].map(|name| host.get(&format!("/api/{name}")).status), [404, 404, 200]);
    host.wait_for_line("a: httpTrigger (disabled)");
    host.wait_for_line("b: httpTrigger (disabled)");
}

#[test]
fn wrong_values_of_flags_are_told() {
    for (arguments, sentence) in [
        (&["--port", "70000"][..], "70000"),
        (&["--memory-mb", "1"], "64"),
        (&["--user-log-level", "Loud"], "Information"),
        (&["--address", "nowhere"], "nowhere"),
        (&["--functions", "missing"], "missing"),
    ] {
        let output = App::with(OK).run_to_end(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(sentence), "{arguments:?}: {error}");
    }
}

#[test]
fn two_hosts_share_a_cache() {
    let cache = tempfile::tempdir().unwrap();
    let app = App::with(OK);
    let environment = [("SNAPFUNC_CACHE_DIR", cache.path().to_str().unwrap())];
    std::thread::scope(|scope| {
        let hosts: Vec<_> = (0..2).map(|_| scope.spawn(|| app.start_with(&[], &environment))).collect();
        for host in hosts {
            assert_eq!(host.join().unwrap().get("/api/f").text(), "ok");
        }
    });
    let again = app.start_with(&[], &environment);
    assert!(!again.printed().contains("compiling"), "{}", again.printed());
}

#[test]
fn packages_come_from_the_app_or_the_virtual_environment() {
    let own = App::with(EVAL)
        .file(".python_packages/lib/site-packages/thing/__init__.py", "where = 'the app'")
        .file("thing.py", "where = 'the root'");
    assert_eq!(own.start().eval("import thing; result = thing.where"), "the app");
    let environment = App::new().file("lib/python3.11/site-packages/thing.py", "where = 'the environment'").file("pyvenv.cfg", "");
    let app = App::with(EVAL);
    let host = app.start_with(&[], &[("VIRTUAL_ENV", environment.path().to_str().unwrap())]);
    assert_eq!(host.eval("import thing; result = thing.where"), "the environment");
}
