//! Five apps in the shape of Microsoft's quickstarts: each from a fresh folder with one command, packages installed on the way.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::store::wait_for;
use common::{App, Host, free_port, snapfunc};
use serde_json::json;

const HOST_JSON: &str = r#"{
  "version": "2.0",
  "logging": {"applicationInsights": {"samplingSettings": {"isEnabled": true, "excludedTypes": "Request"}}},
  "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"}
}"#;
const WITHOUT_PREFIX: &str = r#"{
  "version": "2.0",
  "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"},
  "extensions": {"http": {"routePrefix": ""}}
}"#;
const SETTINGS: &str = r#"{
  "IsEncrypted": false,
  "Values": {"AzureWebJobsStorage": "", "FUNCTIONS_WORKER_RUNTIME": "python", "AzureWebJobsFeatureFlags": "EnableWorkerIndexing"}
}"#;

/// What every quickstart begins with.
fn quickstart(requirements: &str) -> App {
    App::new()
        .file("host.json", HOST_JSON)
        .file("local.settings.json", SETTINGS)
        .file("requirements.txt", requirements)
        .file(".funcignore", ".venv\n.vscode\nlocal.settings.json\ntest\n")
}

/// `snapfunc start` in the app's folder, and nothing else. Packages may take long to install.
fn start(app: &App) -> Host {
    let counts = |name: &str| name.starts_with("PIP_") || name.to_ascii_lowercase().ends_with("_proxy") || name.ends_with("_CA_BUNDLE");
    let settings: Vec<_> = std::env::vars().filter(|(name, _)| counts(name)).collect();
    let mut environment: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    environment.push(("SNAPFUNC_DATA_DIR", app.data().to_str().unwrap()));
    let port = free_port();
    let mut command = snapfunc(&environment);
    command.args(["start", "--port", &port.to_string()]).current_dir(app.path());
    let host = Host::spawn(command, port);
    assert!(!host.printed().contains("could not be loaded"), "{}", host.printed());
    host
}

#[test]
fn two_functions_of_model_v1() {
    let bindings = |route: &str, methods: &str| {
        format!(
            "[{{\"authLevel\": \"function\", \"type\": \"httpTrigger\", \"direction\": \"in\", \"name\": \"req\", \"route\": \"{route}\", \"methods\": {methods}}},
              {{\"type\": \"http\", \"direction\": \"out\", \"name\": \"$return\"}}]"
        )
    };
    let greet = "import logging\n\nimport azure.functions as func\n\nfrom ..shared import words\n\n\n\
                 def main(req: func.HttpRequest) -> func.HttpResponse:\n    logging.info('A request came.')\n    name = req.params.get('name')\n    \
                 if not name:\n        try:\n            name = req.get_json().get('name')\n        except ValueError:\n            pass\n    \
                 if not name:\n        return func.HttpResponse('Who are you?', status_code=400)\n    return func.HttpResponse(words.greeting(name))\n";
    let double = "import azure.functions as func\nfrom shared import words\n\n\ndef main(req: func.HttpRequest) -> str:\n    \
                  return words.doubled(int(req.route_params['number']))\n";
    let app = quickstart("azure-functions\npython-dateutil\n")
        .function("HttpExample", &bindings("HttpExample", r#"["get", "post"]"#), greet)
        .function("Double", &bindings("double/{number:int}", r#"["get"]"#), double)
        .file("shared/__init__.py", "")
        .file(
            "shared/words.py",
            "import dateutil\n\n\ndef greeting(name):\n    return f'Hello, {name}.'\n\n\ndef doubled(number):\n    return f'{number} * 2 = {number * 2}'\n",
        );
    let host = start(&app);
    assert!(host.printed().contains("snapfunc: installed "), "{}", host.printed());
    assert_eq!(host.get("/api/HttpExample?name=Ada").text(), "Hello, Ada.");
    assert_eq!(host.post("/api/HttpExample", r#"{"name": "Grace"}"#).text(), "Hello, Grace.");
    assert_eq!(host.get("/api/HttpExample").status, 400);
    assert_eq!(host.get("/api/double/21").text(), "21 * 2 = 42");
    assert_eq!((host.get("/api/double/x").status, host.post("/api/double/2", "").status), (404, 404));
    host.wait_for_line("A request came.");
}

#[test]
fn a_blueprint_of_model_v2() {
    let app = quickstart("azure-functions\njinja2\n")
        .file(
            "function_app.py",
            "import azure.functions as func\n\nfrom http_blueprint import bp\n\napp = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)\n\
             app.register_functions(bp)\n\n\n@app.function_name(name='HttpTrigger1')\n@app.route(route='hello')\n\
             def hello(req: func.HttpRequest) -> func.HttpResponse:\n    return func.HttpResponse(f\"Hello, {req.params['name']}.\")\n",
        )
        .file(
            "http_blueprint.py",
            "import azure.functions as func\nimport jinja2\n\nbp = func.Blueprint()\nPAGE = jinja2.Template('<p>{{ name | e }}</p>')\n\n\n\
             @bp.route(route='page/{name}', auth_level=func.AuthLevel.ANONYMOUS)\ndef page(req: func.HttpRequest) -> func.HttpResponse:\n    \
             return func.HttpResponse(PAGE.render(name=req.route_params['name']), mimetype='text/html')\n",
        );
    let host = start(&app);
    assert!(host.printed().contains("snapfunc: installed "), "{}", host.printed());
    assert_eq!(host.get("/api/hello?name=Ada").text(), "Hello, Ada.");
    let page = host.get("/api/page/%3CAda%3E");
    assert_eq!((page.text(), page.header("content-type")), ("<p>&lt;Ada&gt;</p>", Some("text/html; charset=utf-8")));
}

#[test]
fn fastapi_behind_asgi_function_app() {
    let app = quickstart("azure-functions\nfastapi\n")
        .file("host.json", WITHOUT_PREFIX)
        .file(
            "function_app.py",
            "import azure.functions as func\nfrom WrapperFunction import app as fastapi_app\n\n\
             app = func.AsgiFunctionApp(app=fastapi_app, http_auth_level=func.AuthLevel.ANONYMOUS)\n",
        )
        .file(
            "WrapperFunction/__init__.py",
            "import fastapi\n\napp = fastapi.FastAPI()\n\n\n@app.get('/sample')\nasync def index():\n    return {'info': 'Try /hello/Ada.'}\n\n\n\
             @app.get('/hello/{name}')\nasync def hello(name: str):\n    return {'name': name}\n",
        );
    let host = start(&app);
    assert_eq!(host.get("/sample").json(), json!({"info": "Try /hello/Ada."}));
    assert_eq!(host.get("/hello/Ada").json(), json!({"name": "Ada"}));
    assert_eq!(host.get("/none").json(), json!({"detail": "Not Found"}));
}

#[test]
fn flask_behind_wsgi_function_app() {
    let app = quickstart("azure-functions\nFlask\n")
        .file("host.json", WITHOUT_PREFIX)
        .file(
            "function_app.py",
            "import azure.functions as func\nfrom FlaskApp import app as flask_app\n\n\
             app = func.WsgiFunctionApp(app=flask_app.wsgi_app, http_auth_level=func.AuthLevel.ANONYMOUS)\n",
        )
        .file(
            "FlaskApp/__init__.py",
            "from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.route('/')\ndef index():\n    return 'Try /hello/Ada.'\n\n\n\
             @app.route('/hello/<name>', methods=['GET'])\ndef hello(name: str):\n    return f'hello {name}'\n",
        );
    let host = start(&app);
    assert_eq!(host.get("/hello/Ada").text(), "hello Ada");
    assert_eq!(host.get("/").text(), "Try /hello/Ada.");
    let missing = host.get("/none");
    assert_eq!((missing.status, missing.header("content-type")), (404, Some("text/html; charset=utf-8")));
}

#[test]
fn a_request_becomes_a_message_and_the_message_a_blob() {
    let app = quickstart("azure-functions\n").file(
        "function_app.py",
        "import logging\n\nimport azure.functions as func\n\napp = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n\n\n\
         @app.route(route='order')\n@app.queue_output(arg_name='msg', queue_name='outqueue', connection='AzureWebJobsStorage')\n\
         def order(req: func.HttpRequest, msg: func.Out[str]) -> func.HttpResponse:\n    msg.set(req.params['name'])\n    \
         return func.HttpResponse('ordered', status_code=202)\n\n\n\
         @app.queue_trigger(arg_name='azqueue', queue_name='outqueue', connection='AzureWebJobsStorage')\n\
         @app.blob_output(arg_name='outputblob', path='orders/{id}.txt', connection='AzureWebJobsStorage')\n\
         @app.blob_output(arg_name='last', path='orders/last.txt', connection='AzureWebJobsStorage')\n\
         def keep(azqueue: func.QueueMessage, outputblob: func.Out[str], last: func.Out[str]):\n    \
         logging.info('Kept %s', azqueue.get_body().decode())\n    outputblob.set(azqueue.get_body())\n    last.set(azqueue.get_body().decode())\n\n\n\
         @app.route(route='last')\n@app.blob_input(arg_name='last', path='orders/last.txt', connection='AzureWebJobsStorage')\n\
         def show(req: func.HttpRequest, last: func.InputStream) -> str:\n    return last.read().decode() if last else ''\n",
    );
    let host = start(&app);
    let ordered = host.post("/api/order?name=tea", "");
    assert_eq!((ordered.status, ordered.text()), (202, "ordered"));
    host.wait_for_line("Kept tea");
    wait_for("the blob", || (host.get("/api/last").text() == "tea").then_some(()));
}
