//! Which module a function's script is, and what it can import (programming model v1).

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{App, HTTP};

/// Answers with its module's name.
const NAME: &str = "def main(req):\n    return __name__\n";

fn bindings(fields: &str) -> String {
    format!("{{{fields} \"bindings\": {HTTP}}}")
}

/// Asks the one function of an app.
fn answer(app: App) -> String {
    let host = app.start();
    let answer = host.get("/api/f");
    assert_eq!(answer.status, 200, "{}", host.printed());
    answer.text().to_owned()
}

#[test]
fn a_module_is_named_after_folder_and_script() {
    let named = |fields: &str, file: &str| answer(App::new().file("f/function.json", bindings(fields)).file(file, NAME));
    assert_eq!(named("", "f/__init__.py"), "__app__.f");
    assert_eq!(named("", "f/main.py"), "__app__.f.main");
    assert_eq!(named(r#""scriptFile": "main.py","#, "f/main.py"), "__app__.f.main");
    assert_eq!(named(r#""scriptFile": "sub/main.py","#, "f/sub/main.py"), "__app__.f.sub.main");
    assert_eq!(named(r#""scriptFile": "../shared/main.py","#, "shared/main.py"), "__app__.shared.main");
    assert_eq!(named(r#""scriptFile": "..\\shared\\main.py","#, "shared/main.py"), "__app__.shared.main");
}

#[test]
fn the_entry_point_can_have_another_name() {
    let app = App::new().file("f/function.json", bindings(r#""entryPoint": "other","#));
    assert_eq!(answer(app.file("f/__init__.py", "def other(req):\n    return 'other'\n")), "other");
}

#[test]
fn relative_imports_work_from_a_subfolder_and_to_one() {
    let to_sub = App::new()
        .file("f/function.json", bindings(r#""scriptFile": "main.py","#))
        .file("f/sub/module.py", "NAME = __name__\n")
        .file("f/main.py", "from .sub.module import NAME\n\ndef main(req):\n    return NAME\n");
    assert_eq!(answer(to_sub), "__app__.f.sub.module");
    let to_parent = App::new()
        .file("f/function.json", bindings(r#""scriptFile": "sub/main.py","#))
        .file("f/module.py", "NAME = __name__\n")
        .file("f/sub/main.py", "from ..module import NAME\nfrom __app__.f import module\n\ndef main(req):\n    return module.NAME if module.NAME == NAME else 'two'\n");
    assert_eq!(answer(to_parent), "__app__.f.module");
    let beside = App::new()
        .file("f/function.json", bindings(r#""scriptFile": "main.py","#))
        .file("f/relative.py", NAME)
        .file("f/main.py", "from . import relative\n\ndef main(req):\n    return relative.main(req)\n");
    assert_eq!(answer(beside), "__app__.f.relative");
}

#[test]
fn code_runs_once_however_it_is_imported() {
    for script in ["__init__.py", "main.py"] {
        let module = if script == "main.py" { "__app__.f.main" } else { "__app__.f" };
        let code = format!(
            "from .count import up\nTOTAL = up()\n\ndef main(req):\n    import {module}\n    return f'executed count = {{up.total}}'\n"
        );
        let app = App::new()
            .file("f/function.json", bindings(""))
            .file(&format!("f/{script}"), code)
            .file("f/count.py", "def up():\n    up.total += 1\n    return up.total\nup.total = 0\n");
        // Two scripts in the folder: the one that is named __init__.py or main.py is the function's.
        assert_eq!(answer(app), "executed count = 1", "{script}");
    }
}

#[test]
fn functions_see_each_other_and_shared_code() {
    let app = App::new().function("stub", HTTP, "def main(req):\n    return 'stub'\n").function(
        "f",
        HTTP,
        "from __app__.stub import main as other\nfrom stub import main as again\n\ndef main(req):\n    return other(req) + again(req)\n",
    );
    assert_eq!(answer(app), "stubstub");
}

#[test]
fn third_party_packages_come_before_the_apps_root() {
    let app = || {
        App::new().function("thing", HTTP, "NAME = 'the function'\ndef main(req):\n    pass\n").function(
            "f",
            HTTP,
            "import thing\nfrom __app__.thing import NAME\n\ndef main(req):\n    return f'{thing.NAME}, {NAME}'\n",
        )
    };
    assert_eq!(answer(app()), "the function, the function");
    let with_package = app().file(".python_packages/lib/site-packages/thing/__init__.py", "NAME = 'the package'\n");
    assert_eq!(answer(with_package), "the package, the function");
}

#[test]
fn packages_of_azure_are_found_beside_the_sdk() {
    let code = "import azure.functions as func\nimport azure.made_up\n\ndef main(req):\n    return f'{azure.made_up.NAME} {func.HttpResponse.__module__}'\n";
    for init in [None, Some(""), Some("__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n")] {
        let app = App::with(code).file(".python_packages/lib/site-packages/azure/made_up/__init__.py", "NAME = __name__\n");
        let app = init.into_iter().fold(app, |app, init| app.file(".python_packages/lib/site-packages/azure/__init__.py", init));
        assert_eq!(app.start().get("/api/f").text(), "azure.made_up azure.functions._http", "{init:?}");
    }
}

#[test]
fn a_function_json_with_comments_and_trailing_commas_can_change_while_it_is_served() {
    let json = |route: &str| {
        format!(
            "{{ // a comment\n  \"bindings\": [\n    {{\"type\": \"httpTrigger\", \"name\": \"req\", \"route\": \"{route}\",}}, /* and */\n    \
             {{\"type\": \"http\", \"direction\": \"out\", \"name\": \"$return\"}},\n  ],\n}}"
        )
    };
    let app = App::new().file("f/function.json", json("first")).file("f/__init__.py", NAME);
    let host = app.start();
    assert_eq!(host.get("/api/first").text(), "__app__.f");
    std::fs::write(app.path().join("f/function.json"), json("second")).unwrap();
    host.wait_for_line("snapfunc: the app has changed: its new code is served");
    assert_eq!((host.get("/api/first").status, host.get("/api/second").text()), (404, "__app__.f"));
}
