//! Packages of requirements.txt: installed with the machine's pip from its package index, and used by functions.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, EVAL, HTTP, Host, copy_folder, example, own_cache, snapfunc};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const SITE_PACKAGES: &str = ".python_packages/lib/site-packages";
/// An index that nobody offers.
const NOWHERE: [(&str, &str); 4] =
    [("PIP_CONFIG_FILE", "/dev/null"), ("PIP_INDEX_URL", "http://127.0.0.1:9/simple"), ("PIP_RETRIES", "1"), ("PIP_TIMEOUT", "2")];

/// What pip may need of this machine's settings.
fn pip_settings() -> Vec<(String, String)> {
    let counts = |name: &str| name.starts_with("PIP_") || name.to_ascii_lowercase().ends_with("_proxy") || name.ends_with("_CA_BUNDLE");
    std::env::vars().filter(|(name, _)| counts(name)).collect()
}

fn with_settings<'a>(settings: &'a [(String, String)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(more.iter().copied()).collect()
}

/// A copy of an example, without what was installed in it.
fn copy_of(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&example(name), folder.path());
    folder
}

/// Starts a host whose packages may take long to install.
fn start(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Host {
    let settings = pip_settings();
    let host = Host::start(folder, arguments, &with_settings(&settings, environment));
    assert!(!host.printed().contains("could not be loaded"), "{}", host.printed());
    host
}

/// Runs a command to its end. Downloads may take long.
fn run(arguments: &[&str], folder: &Path, environment: &[(&str, &str)]) -> (bool, String) {
    let settings = pip_settings();
    let mut command: Command = snapfunc(&with_settings(&settings, environment));
    let Output { status, stdout, stderr } = command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    (status.success(), format!("{}{}", String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap()))
}

fn install(folder: &Path) -> (bool, String) {
    run(&["packages", "install"], folder, &[])
}

fn app(requirements: &str) -> App {
    App::new().file("host.json", r#"{"version": "2.0"}"#).file("requirements.txt", requirements).function("f", HTTP, EVAL)
}

/// The names of what is installed, with versions, in order.
fn installed(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder.join(SITE_PACKAGES)) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(".dist-info")?.to_lowercase())).collect();
    names.sort();
    names
}

fn names(folder: &Path) -> Vec<String> {
    installed(folder).into_iter().map(|name| name.split('-').next().unwrap().to_owned()).collect()
}

fn native_files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "so" || extension == "pyd") {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

// === the examples ===

#[test]
fn flask_serves_pages_and_sessions() {
    let folder = copy_of("flask");
    let host = start(folder.path(), &[], &[]);
    assert!(host.printed().contains("snapfunc: installing the packages of requirements.txt"), "{}", host.printed());
    assert_eq!(host.get("/double/21").json(), json!({"number": 21, "doubled": 42}));
    assert!(host.get("/").text().contains("Hello, whoever you are!"));
    assert_eq!(host.get("/double/x").status, 404);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let wrong = host.request("POST", "/login", &form, "user=ada&password=x");
    assert_eq!((wrong.status, wrong.text()), (403, "Wrong name or password.\n"));
    let right = host.request("POST", "/login", &form, "user=ada&password=lovelace");
    assert_eq!((right.status, right.header("location")), (302, Some("/")));
    let cookie = right.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert!(host.request("GET", "/", &[("cookie", &cookie)], "").text().contains("Hello, ada!"));
}

#[test]
fn fastapi_serves_functions_of_both_kinds_and_its_documentation() {
    let folder = copy_of("fastapi");
    let host = start(folder.path(), &[], &[]);
    assert_eq!(host.get("/items/tea").json(), json!({"name": "tea", "price": 4.2, "tags": []}));
    let missing = host.get("/items/milk");
    assert_eq!((missing.status, missing.json()), (404, json!({"detail": "There is no milk."})));
    let added = host.post("/items", r#"{"name": "coffee", "price": 5.04}"#);
    assert_eq!((added.status, &added.json()["name"]), (201, &json!("coffee")));
    host.wait_for_line("added coffee");
    let wrong = host.post("/items", r#"{"name": "x", "price": -1}"#);
    assert_eq!((wrong.status, &wrong.json()["detail"][0]["loc"]), (422, &json!(["body", "price"])));
    assert_eq!(host.get("/receipt").text(), "tea 4.20\ncoffee 5.04\n");
    let documentation = host.get("/docs");
    assert_eq!(documentation.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(documentation.text().contains("SwaggerUIBundle"));
    assert_eq!(host.get("/openapi.json").json()["info"]["title"], "A small shop");
    assert!(!host.printed().contains("Warning"), "{}", host.printed());
}

#[test]
fn packages_work_without_their_native_parts() {
    let folder = copy_of("packages");
    let host = start(folder.path(), &[], &[]);
    let left_out = "cryptography (wanted by azure-storage-blob, azure-storage-queue) was left out";
    assert!(host.printed().contains(left_out), "{}", host.printed());
    assert_eq!(host.post("/api/to_json", "tea: 4.2\nmilk: [1, 2]\n").json(), json!({"tea": 4.2, "milk": [1, 2]}));
    assert_eq!(host.post("/api/to_json", "{").status, 400);
    assert_eq!(host.post("/api/links", "<p>See <a href='/menu'>the menu</a>").text(), "the menu: /menu\n");
    assert_eq!(host.get("/api/page?name=%3CAda%3E").text(), "<h1>Good morning, &lt;Ada&gt;!</h1>");
    let versions = host.get("/api/versions").json();
    assert_eq!(versions["blob"], "http://localhost/b/c/b.txt");
    assert_eq!(versions["queue"], "http://localhost/q/q");
    assert_eq!(versions["requests"], "https://example.org/?q=a+b");
    assert_eq!(native_files(folder.path()), Vec::<String>::new());
    assert!(!folder.path().join(SITE_PACKAGES).join("azure/functions").exists());
}

#[test]
fn a_second_start_needs_neither_a_network_nor_python() {
    let (folder, cache) = (copy_of("flask"), own_cache());
    let cache = ("SNAPFUNC_CACHE_DIR", cache.path().to_str().unwrap());
    drop(start(folder.path(), &[], &[cache]));
    let host = start(folder.path(), &[], &[cache, ("PYTHON", "/nowhere/python")]);
    assert!(!host.printed().contains("installing"), "{}", host.printed());
    assert_eq!(host.get("/double/2").json()["doubled"], 4);
    let kept = fs::read_dir(Path::new(cache.1).join("snapshots")).unwrap().count();
    assert!(kept > 0, "the app's memory is kept for the next start");
}

#[test]
fn a_bundle_has_the_packages_in_it() {
    let folder = copy_of("flask");
    let (succeeded, printed) = run(&["build", "--output", "flask.snap"], folder.path(), &[]);
    assert!(succeeded, "{printed}");
    let elsewhere = tempfile::tempdir().unwrap();
    let bundle = elsewhere.path().join("flask.snap");
    fs::rename(folder.path().join("flask.snap"), &bundle).unwrap();
    let port = common::free_port();
    let mut command = snapfunc(&[("PYTHON", "/nowhere/python")]);
    command.arg("start").arg(&bundle).args(["--port", &port.to_string()]);
    assert_eq!(Host::spawn(command, port).get("/double/3").json()["doubled"], 6);
}

// === what is installed ===

#[test]
fn markers_are_those_of_the_guest_and_files_are_included() {
    let app = app("azure-functions\nitsdangerous; sys_platform == 'wasi' and python_version == '3.14'\n\
                   six; sys_platform == 'linux' or python_version < '3.14'\n-r more/web.txt\n-c limits.txt\n")
    .file("more/web.txt", "click # any\npython-dotenv[cli]\n")
    .file("limits.txt", "click<8.2\nitsdangerous==2.1.2\n");
    let (succeeded, printed) = install(app.path());
    assert!(succeeded, "{printed}");
    let installed = installed(app.path());
    assert_eq!(names(app.path()), ["click", "itsdangerous", "python_dotenv"]);
    assert!(installed.contains(&"itsdangerous-2.1.2".to_owned()) && installed[0].starts_with("click-8.1"), "{installed:?}");
    assert!(printed.ends_with("snapfunc: installed 3 packages of requirements.txt\n"), "{printed}");
    let (_, again) = install(app.path());
    assert_eq!(again, "snapfunc: the packages of requirements.txt are installed already\n");
}

#[test]
fn modules_of_the_app_are_not_run_on_the_machine() {
    let mut app = app("itsdangerous\n");
    for module in ["json", "os", "pip", "threading", "sitecustomize"] {
        app = app.file(&format!("{module}.py"), "open('ran', 'w')\nraise SystemExit(3)\n");
    }
    let (succeeded, printed) = install(app.path());
    assert!(succeeded, "{printed}");
    assert!(!app.path().join("ran").exists());
}

#[test]
fn what_has_no_wheel_is_built() {
    let app = app("docopt==0.6.2\n");
    let (succeeded, printed) = install(app.path());
    assert!(succeeded, "{printed}");
    assert_eq!(installed(app.path()), ["docopt-0.6.2"]);
    assert_eq!(app.start().eval("import docopt; result = docopt.docopt('Usage: x [--all]', ['--all'])['--all']"), json!(true));
}

#[test]
fn versions_are_chosen_that_can_run() {
    let app = app("fastapi\nazure-functions==1.21.3\n");
    let (succeeded, printed) = install(app.path());
    assert!(succeeded, "{printed}");
    assert!(printed.contains("was chosen, as pydantic 2 is native code") && printed.contains("fastapi 0.118"), "{printed}");
    assert!(printed.contains("azure-functions is 2.3.0, which is built in; 1.21.3 of requirements.txt is not installed"), "{printed}");
    assert!(installed(app.path()).iter().any(|name| name.starts_with("pydantic-1.")), "{:?}", installed(app.path()));
    let host = app.start();
    let code = "
import asyncio, fastapi, anyio.to_thread, importlib.metadata
async def wait():
    return await anyio.to_thread.run_sync(lambda: 42)
result = [asyncio.run(wait()), importlib.metadata.version('azure-functions')]";
    assert_eq!(host.eval(code), json!([42, "2.3.0"]));
}

#[test]
fn an_apps_own_version_of_what_came_along_is_used() {
    let app = app("flask==2.3.3\nwerkzeug==2.3.8\n");
    let (succeeded, printed) = install(app.path());
    assert!(succeeded, "{printed}");
    let code = "
import flask, werkzeug, werkzeug.urls, importlib.metadata
app = flask.Flask('x')
app.add_url_rule('/', view_func=lambda: 'hello')
result = [importlib.metadata.version('werkzeug'), hasattr(werkzeug.urls, 'url_quote'), app.test_client().get('/').text]";
    assert_eq!(app.start().eval(code), json!(["2.3.8", true, "hello"]));
}

// === what is refused ===

#[test]
fn native_packages_are_refused_by_name() {
    let app = app("orjson\nnumpy\nfastapi>=0.128\n");
    let (succeeded, printed) = install(app.path());
    assert!(!succeeded);
    for part in [
        "requirements.txt can't be installed:",
        "(needed by requirements.txt) needs native code, which can't be loaded in the sandbox: use json of the standard library",
        "\n  numpy ",
        "\n  pydantic-core ",
        "(needed by pydantic 2.",
        "use `pydantic<2`",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    assert!(!app.path().join(SITE_PACKAGES).exists());
}

#[test]
fn a_native_package_that_nobody_knows_is_refused_after_a_search() {
    let app = app("editdistance==0.8.1\n");
    let (succeeded, printed) = install(app.path());
    assert!(!succeeded, "{printed}");
    assert!(printed.contains("editdistance") && printed.contains("(needed by requirements.txt)"), "{printed}");
    assert_eq!(installed(app.path()), Vec::<String>::new());
}

#[test]
fn what_pip_says_is_told_and_nothing_changes() {
    let app = app("itsdangerous\n");
    assert!(install(app.path()).0);
    let before = installed(app.path());
    let wrong = format!("itsdangerous==2.2.0 --hash=sha256:{}\n", "0".repeat(64));
    for (requirements, told) in
        [("itsdangerous==99\n", "No matching distribution found for itsdangerous==99"), (&wrong, "DO NOT MATCH THE HASHES")]
    {
        fs::write(app.path().join("requirements.txt"), requirements).unwrap();
        let (succeeded, printed) = install(app.path());
        assert!(!succeeded && printed.contains(told), "{printed}");
        assert_eq!(installed(app.path()), before);
    }
    assert!(!app.path().join(".python_packages/.snapfunc-new").exists());
    fs::write(app.path().join("requirements.txt"), "-r nowhere.txt\n").unwrap();
    assert_eq!(install(app.path()), (false, "error: requirements.txt, line 1: there is no nowhere.txt\n".to_owned()));
}

#[test]
fn files_outside_of_the_app_are_not_shown() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.txt");
    fs::write(&secret, "root:the-hash-of-a-password:0:\n").unwrap();
    let secret = secret.to_str().unwrap();
    let app = app("");
    std::os::unix::fs::symlink(secret, app.path().join("link.txt")).unwrap();
    for line in [
        format!("-r {secret}"),
        format!("-c {secret}"),
        format!("--req={secret}"),
        "-r link.txt".to_owned(),
        // What only pip takes for what it is.
        format!("--pre -r {secret}"),
        format!("--pre '-r' file://{secret}"),
        "--pre --constrain link.txt".to_owned(),
        format!("--no-index \"-r{secret}\""),
    ] {
        fs::write(app.path().join("requirements.txt"), format!("six\n{line}\n")).unwrap();
        let (succeeded, printed) = run(&["packages", "install"], app.path(), &NOWHERE);
        assert!(!succeeded && printed.contains("leads out of the app's folder"), "{line}: {printed}");
        assert!(!printed.contains("the-hash-of-a-password"), "{line}: {printed}");
    }
    // The user's own settings may name any file.
    fs::write(app.path().join("requirements.txt"), "six\n").unwrap();
    let (_, printed) = run(&["packages", "install"], app.path(), &[&NOWHERE[..], &[("PIP_CONSTRAINT", secret)]].concat());
    assert!(printed.contains("the-hash-of-a-password"), "{printed}");
}

#[test]
fn serve_installs_nothing_unless_it_is_asked() {
    let app = app("itsdangerous\n");
    let serve = |flags: &[&str], environment: &[(&str, &str)]| {
        let data = app.data().to_str().unwrap();
        let arguments = [&["serve", "--port", "0"], flags].concat();
        let (succeeded, printed) = run(&arguments, app.path(), &[environment, &[("SNAPFUNC_DATA_DIR", data)]].concat());
        assert!(!succeeded, "{printed}");
        printed
    };
    let told = serve(&[], &[("PYTHON", "/nowhere/python")]);
    assert!(told.contains("the packages of requirements.txt are not installed, and serve installs none"), "{told}");
    assert!(told.contains("`--build` does it here, and `--no-build` goes on without them"), "{told}");
    let tried = serve(&["--build"], &[("PYTHON", "/nowhere/python")]);
    assert!(tried.contains("PYTHON names /nowhere/python, which is not there"), "{tried}");
    let both = serve(&["--build", "--no-build"], &[]);
    assert!(both.contains("cannot be used with"), "{both}");
    assert!(!app.path().join(".python_packages").join("lib").exists());
}

#[test]
fn a_wheel_writes_nothing_outside_of_the_folder_of_packages() {
    let app = app("evil==1\n").file(
        "make.py",
        "import zipfile\nwith zipfile.ZipFile('wheels/evil-1-py3-none-any.whl', 'w') as wheel:\n\
         \x20   for name, text in {'evil.py': '', '../../../../escaped.py': 'x = 1', 'evil-1.dist-info/WHEEL': 'Wheel-Version: 1.0\\nTag: py3-none-any\\n',\n\
         \x20           'evil-1.dist-info/METADATA': 'Metadata-Version: 2.1\\nName: evil\\nVersion: 1\\n',\n\
         \x20           'evil-1.dist-info/RECORD': 'evil.py,,\\n../../../../escaped.py,,\\n'}.items():\n\
         \x20       wheel.writestr(name, text)\n",
    );
    fs::create_dir(app.path().join("wheels")).unwrap();
    assert!(Command::new("python3").arg("make.py").current_dir(app.path()).status().unwrap().success());
    fs::write(app.path().join("requirements.txt"), "--no-index\n-f wheels\nevil==1\n").unwrap();
    let (succeeded, printed) = install(app.path());
    assert!(!succeeded && printed.contains("outside"), "{printed}");
    assert!(!app.path().join("escaped.py").exists() && !app.path().join(SITE_PACKAGES).exists());
}

#[test]
fn without_an_index_nothing_starts_but_with_no_build() {
    let app = app("itsdangerous\n");
    let (succeeded, printed) = run(&["start", "--port", &common::free_port().to_string()], app.path(), &NOWHERE);
    assert!(!succeeded);
    assert!(printed.contains("--no-build goes on without them"), "{printed}");
    assert!(printed.contains("the package index can't be reached"), "{printed}");
    let host = start(app.path(), &["--no-build"], &NOWHERE);
    assert_eq!(host.eval("result = 1 + 1"), json!(2));
    assert!(!app.path().join(SITE_PACKAGES).exists());
}

#[test]
fn without_python_it_is_told_where_one_is_looked_for() {
    let app = app("itsdangerous\n");
    let (succeeded, printed) = run(&["packages", "install"], app.path(), &[("PYTHON", "/nowhere/python")]);
    assert!(!succeeded && printed.contains("PYTHON names /nowhere/python, which is not there"), "{printed}");
    let (succeeded, printed) = run(&["packages", "install"], app.path(), &[("PATH", "/nowhere")]);
    assert!(!succeeded && printed.contains("there is no python3 in PATH; install one"), "{printed}");
}

// === when nothing is installed ===

#[test]
fn the_sdk_alone_needs_no_installation() {
    let app = app("# the SDK\nazure-functions\n");
    let host = start(app.path(), &[], &[("PYTHON", "/nowhere/python")]);
    assert_eq!(host.eval("import azure.functions; result = 1"), json!(1));
    assert!(!app.path().join(".python_packages").exists());
}

#[test]
fn a_folder_that_somebody_else_filled_is_left_alone() {
    let app = app("itsdangerous\n").file(&format!("{SITE_PACKAGES}/mine.py"), "x = 1\n");
    let host = start(app.path(), &[], &[("PYTHON", "/nowhere/python")]);
    assert!(host.printed().contains("delete it to have requirements.txt installed"), "{}", host.printed());
    assert_eq!(host.eval("import mine; result = mine.x"), json!(1));
    let (succeeded, printed) = install(app.path());
    assert!(!succeeded && printed.contains("was not installed by snapfunc, so it is left alone"), "{printed}");
    assert!(app.path().join(SITE_PACKAGES).join("mine.py").exists());
}

#[test]
fn a_virtual_environment_is_the_users_own() {
    let environment = tempfile::tempdir().unwrap();
    let packages = environment.path().join("lib/python3.14/site-packages");
    fs::create_dir_all(&packages).unwrap();
    fs::write(packages.join("mine.py"), "x = 1\n").unwrap();
    let app = app("itsdangerous\n");
    let host = start(app.path(), &[], &[("PYTHON", "/nowhere/python"), ("VIRTUAL_ENV", environment.path().to_str().unwrap())]);
    assert_eq!(host.eval("import mine; result = mine.x"), json!(1));
    assert!(!app.path().join(".python_packages").exists());
}

#[test]
fn a_changed_requirements_txt_is_installed_anew() {
    let app = app("itsdangerous\n");
    assert!(install(app.path()).0);
    fs::create_dir_all(app.path().join(".python_packages/.snapfunc-new/lib")).unwrap();
    fs::write(app.path().join("requirements.txt"), "python-dotenv\n").unwrap();
    let host = start(app.path(), &["--no-build"], &[]);
    assert!(host.printed().contains("the packages of the app are not those that requirements.txt asks for"), "{}", host.printed());
    drop(host);
    let host = start(app.path(), &[], &[]);
    assert_eq!(names(app.path()), ["python_dotenv"]);
    assert_eq!(host.eval("import dotenv; result = 1"), json!(1));
    assert!(!app.path().join(".python_packages/.snapfunc-new").exists());
}
