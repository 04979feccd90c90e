//! Whole apps on disk.

use std::path::Path;

use super::*;

struct Site(tempfile::TempDir);

impl Site {
    fn new(files: &[(&str, &str)]) -> Site {
        let site = Site(tempfile::tempdir().unwrap());
        for (file, text) in files {
            let path = site.0.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        site
    }

    fn read(&self) -> App {
        self.read_with(&ReadOptions::default()).unwrap()
    }

    fn read_with(&self, options: &ReadOptions) -> Result<App, ReadError> {
        App::read(self.0.path(), options)
    }
}

const HOST: (&str, &str) = ("host.json", r#"{"version": "2.0"}"#);
const HTTP: &str = r#"{"bindings": [{"type": "httpTrigger", "name": "req"}]}"#;

fn names(app: &App) -> Vec<&str> {
    app.functions.iter().map(|function| function.name.as_str()).collect()
}

fn environment(of: &[(&str, &str)]) -> ReadOptions {
    ReadOptions::new(of.iter().map(|(name, value)| (name.into(), value.into())))
}

#[test]
fn reads_an_app() {
    let site = Site::new(&[
        HOST,
        ("local.settings.json", r#"{"Values": {"A": "1"}, "Host": {"LocalHttpPort": 8080}}"#),
        ("b/function.json", HTTP),
        ("b/__init__.py", ""),
        ("a/function.json", HTTP),
        ("a/__init__.py", ""),
        ("SharedCode/x.py", ""),
        (".python_packages/lib/site-packages/x.py", ""),
    ]);
    let app = site.read();
    assert_eq!(names(&app), ["a", "b"]);
    assert_eq!((app.model, app.local.port, app.settings.get("A")), (ProgrammingModel::V1, Some(8080), Some("1")));
    assert_eq!(app.root, site.0.path().canonicalize().unwrap());
    assert_eq!(app.packages, Some(app.root.join(".python_packages/lib/site-packages")));
    assert_eq!(app.notices, Vec::<String>::new());
}

#[test]
fn a_broken_function_leaves_the_others() {
    let mut files = vec![HOST, ("bad/function.json", "{"), ("good/function.json", HTTP), ("good/main.py", ""), ("1st/function.json", HTTP)];
    if cfg!(target_os = "linux") {
        files.extend([("GOOD/function.json", HTTP), ("GOOD/main.py", "")]);
    }
    let app = Site::new(&files).read();
    assert_eq!(app.functions.len(), 1);
    let broken: Vec<String> = app.broken.iter().map(|broken| format!("{}: {}", broken.name, broken.error)).collect();
    assert!(broken[0].starts_with("1st: the folder 1st holds a function.json, but its name can't be a function's"), "{broken:?}");
    assert!(broken[1].starts_with("bad: bad/function.json:1:1: "), "{broken:?}");
    assert!(broken.get(2).is_none_or(|error| error.contains("the folders GOOD and good are the same function")), "{broken:?}");
}

#[test]
fn an_app_without_functions_says_why() {
    let notice = |files: &[(&str, &str)]| Site::new(files).read().notices.join("\n");
    let plain = notice(&[HOST]);
    assert!(
        plain.starts_with("no functions: no folder directly below /") && plain.ends_with("and there is no function_app.py in it"),
        "{plain}"
    );
    assert!(notice(&[]).ends_with("it doesn't look like the folder of an Azure Functions app"));
    assert!(notice(&[("function.json", HTTP)]).ends_with("so it is a function's folder: give the folder above it"));
    assert!(notice(&[("app/f/function.json", HTTP)]).ends_with("there is app/f/function.json, so the app's folder may be app"));
    assert!(
        notice(&[HOST, ("helper.py", ""), ("main.py", "app = func.AsgiFunctionApp(app=api)")])
            .ends_with("main.py makes a FunctionApp: call it function_app.py, or name it in the setting PYTHON_SCRIPT_FILE_NAME")
    );
    assert!(notice(&[("app/function_app.py", "")]).ends_with("there is app/function_app.py, so the app's folder may be app"));
}

#[test]
fn functions_are_selected() {
    let site = |host| Site::new(&[("host.json", host), ("a/function.json", HTTP), ("a/main.py", ""), ("b/function.json", "")]);
    let listed = site(r#"{"version": "2.0", "functions": ["A", "x"]}"#);
    let app = listed.read();
    assert_eq!((names(&app), app.broken.len()), (vec!["a"], 0));
    assert_eq!(app.notices, ["`functions` in host.json or the settings, or --functions, names x, but the app has only a, b"]);
    assert!(app.selects("a") && !app.selects("b"));

    let only =
        |names: &[&str]| ReadOptions { only_functions: names.iter().map(|name| (*name).to_owned()).collect(), ..ReadOptions::default() };
    let app = listed.read_with(&only(&["b"])).unwrap();
    assert_eq!((names(&app), app.broken.len()), (vec![], 1));
    let error = listed.read_with(&only(&["a", "x"])).unwrap_err();
    assert_eq!(error.to_string(), "there is no function x: the app has a, b");

    let app = site(r#"{"version": "2.0", "functions": ["x"]}"#).read();
    assert_eq!(app.notices.last().unwrap(), "no functions: of the app's a, b none is to run");
}

#[test]
fn model_v2_is_where_its_file_is() {
    let site = Site::new(&[HOST, ("function_app.py", ""), ("other.py", ""), ("a/function.json", HTTP), ("a/main.py", "")]);
    let app = site.read();
    assert_eq!(app.model, ProgrammingModel::V2 { entry_file: "function_app.py".to_owned() });
    assert!(app.functions.is_empty());
    assert_eq!(app.notices, ["function_app.py makes this an app of programming model v2, so function.json is not read in a"]);

    let with = |name| site.read_with(&environment(&[("PYTHON_SCRIPT_FILE_NAME", name)])).unwrap();
    assert_eq!(with("other.py").model, ProgrammingModel::V2 { entry_file: "other.py".to_owned() });
    assert_eq!(names(&with("missing.py")), ["a"]);
    for name in ["main", "../x.py", "a/x.py", ".py"] {
        let app = with(name);
        assert!(app.unusable && app.functions.is_empty() && app.notices[0].contains("PYTHON_SCRIPT_FILE_NAME must be"), "{name}");
    }
}

#[test]
fn functions_of_model_v2_are_declared_by_code() {
    let site = |host: &str| Site::new(&[("host.json", host), ("function_app.py", "")]);
    let declared =
        [("b", Some("{\"bindings\": [{\"type\": \"httpTrigger\", \"name\": \"req\"}]}")), ("a", Some("[]")), ("B", None), ("c", None)];
    let folder = site(HOST.1);
    let mut app = folder.read();
    assert_eq!(app.entry_file(), Some("function_app.py"));
    assert_eq!(app.declare(declared), Vec::<String>::new());
    assert_eq!(names(&app), ["b"]);
    let broken: Vec<String> = app.broken.iter().map(|broken| broken.error.to_string()).collect();
    assert_eq!(
        broken,
        [
            "function_app.py: the functions b and B are the same, as case doesn't count: rename one",
            "function_app.py, function a: `(root)` must be an object `{…}`, not a list",
            "function_app.py: what the decorators of c say is nothing that a function.json could",
        ]
    );

    let folder = site(r#"{"version": "2.0", "functions": ["C", "x"]}"#);
    let mut app = folder.read();
    let notices = app.declare(declared);
    assert_eq!(notices, ["`functions` in host.json or the settings, or --functions, names x, but the app has only b, a, B, c"]);
    assert_eq!((app.functions.len(), app.broken.len()), (0, 1));
    let mut app = folder.read();
    assert_eq!(app.declare([("b", declared[0].1)]).last().unwrap(), "no functions: of the app's b none is to run");
    let mut app = folder.read();
    assert_eq!(app.declare([]), ["no functions: the FunctionApp in function_app.py has none: decorate some with it"]);
    let folder = Site::new(&[HOST, ("a/function.json", HTTP), ("a/main.py", "")]);
    let mut v1 = folder.read();
    assert_eq!(v1.declare(declared), Vec::<String>::new());
    assert_eq!((v1.entry_file(), names(&v1)), (None, vec!["a"]));
}

#[test]
fn pass_env_comes_from_host_json_its_overrides_and_the_options() {
    let site = Site::new(&[
        ("host.json", r#"{"version": "2.0", "snapfunc": {"passEnv": ["A_*"]}}"#),
        ("local.settings.json", r#"{"Values": {"AzureFunctionsJobHost__snapfunc__passEnv__1": "B_*", "OWN": "file"}}"#),
    ]);
    let mut options = environment(&[("A_1", "a"), ("B_1", "b"), ("C_1", "c"), ("D_1", "d"), ("OWN", "env")]);
    options.pass_env = vec!["*c*".to_owned()];
    let app = site.read_with(&options).unwrap();
    let get = |name| app.settings.get(name);
    assert_eq!((get("A_1"), get("B_1"), get("C_1"), get("D_1"), get("OWN")), (Some("a"), Some("b"), Some("c"), None, Some("env")));
}

#[test]
fn packages_of_a_virtual_environment() {
    let site = Site::new(&[HOST]);
    let venv = Site::new(&[("lib/python3.9/site-packages/x", ""), ("lib/python3.11/site-packages/x", ""), ("lib/python3.12/x", "")]);
    let options = environment(&[("VIRTUAL_ENV", venv.0.path().to_str().unwrap())]);
    let app = site.read_with(&options).unwrap();
    assert_eq!(app.packages, Some(venv.0.path().join("lib/python3.11/site-packages")));
    assert_eq!(app.settings.get("VIRTUAL_ENV"), None);
    assert_eq!(site.read_with(&environment(&[("VIRTUAL_ENV", "/nowhere")])).unwrap().packages, None);
}

#[cfg(unix)]
#[test]
fn a_virtual_environment_in_the_app_leads_nowhere_else() {
    let outside = Site::new(&[("lib/python3.11/site-packages/x", "")]);
    let packages = outside.0.path().join("lib/python3.11/site-packages");
    let site = Site::new(&[HOST, ("good/lib/python3.11/site-packages/x", ""), ("bad/lib/python3.11/x", ""), ("a/b", "")]);
    let root = site.0.path().canonicalize().unwrap();
    std::os::unix::fs::symlink(&packages, root.join("bad/lib/python3.11/site-packages")).unwrap();
    std::os::unix::fs::symlink(outside.0.path(), root.join("link")).unwrap();
    std::os::unix::fs::symlink(outside.0.path().join("lib"), root.join("a/lib")).unwrap();
    std::os::unix::fs::symlink("good", root.join("inner")).unwrap();
    let read = |name: &str| site.read_with(&environment(&[("VIRTUAL_ENV", root.join(name).to_str().unwrap())])).unwrap();
    assert_eq!(read("good").packages, Some(root.join("good/lib/python3.11/site-packages")));
    assert!(
        read("inner").packages.is_some_and(|packages| packages.canonicalize().unwrap() == root.join("good/lib/python3.11/site-packages"))
    );
    for name in ["bad", "link", "a"] {
        let app = read(name);
        assert_eq!(app.packages, None);
        let notice = format!("{name} leads out of the app's folder, so its packages are not used: install them into the app");
        assert!(app.notices.contains(&notice), "{:?}", app.notices);
    }
}

#[test]
fn an_app_that_cannot_be_read() {
    let fails = |root: &Path| App::read(root, &ReadOptions::default()).unwrap_err().to_string();
    let site = Site::new(&[("host.json", "{\"version\": 2}"), ("file", "")]);
    let root = site.0.path();
    assert_eq!(fails(root), "host.json:1: `version` must be \"2.0\", not 2");
    assert!(fails(&root.join("none")).ends_with("none does not exist: give the folder that holds host.json"));
    assert!(fails(&root.join("file")).ends_with("file is not a folder: give the folder that holds host.json"));

    std::fs::write(root.join("host.json"), vec![b' '; (1 << 20) + 1]).unwrap();
    assert_eq!(fails(root), "host.json: is larger than 1048576 bytes, which no configuration file should be");
    std::fs::write(root.join("local.settings.json"), r#"{"IsEncrypted": "true"}"#).unwrap();
    assert!(fails(root).starts_with("local.settings.json:1: `IsEncrypted` is true"));

    let node = Site::new(&[HOST]).read_with(&environment(&[("FUNCTIONS_WORKER_RUNTIME", "node")])).unwrap_err();
    assert_eq!(node.to_string(), "setting FUNCTIONS_WORKER_RUNTIME must be `python` (or unset): this host runs Python apps");
}

#[cfg(unix)]
#[test]
fn links_and_folders_in_the_place_of_files() {
    let other = Site::new(&[HOST]);
    let site = Site::new(&[]);
    let host_json = site.0.path().join("host.json");
    std::os::unix::fs::symlink(other.0.path().join("host.json"), &host_json).unwrap();
    let error = site.read_with(&ReadOptions::default()).unwrap_err().to_string();
    assert_eq!(error, "host.json: leads out of the app's folder, and only what is inside is read: copy the file into the app");
    std::fs::remove_file(&host_json).unwrap();
    std::fs::create_dir(&host_json).unwrap();
    assert_eq!(site.read_with(&ReadOptions::default()).unwrap_err().to_string(), "host.json: is not a regular file");
    // A link within the app is fine, and so is one to it.
    std::fs::remove_dir(&host_json).unwrap();
    std::fs::write(site.0.path().join("real.json"), HOST.1).unwrap();
    std::os::unix::fs::symlink("real.json", &host_json).unwrap();
    let link = other.0.path().join("link");
    std::os::unix::fs::symlink(site.0.path(), &link).unwrap();
    assert_eq!(App::read(&link, &ReadOptions::default()).unwrap().root, site.0.path().canonicalize().unwrap());

    std::os::unix::fs::symlink(other.0.path(), site.0.path().join(".python_packages")).unwrap();
    let app = site.read();
    assert_eq!(app.packages, None);
    assert!(app.notices[0].starts_with(".python_packages/lib/site-packages leads out of the app's folder"), "{:?}", app.notices);
}
