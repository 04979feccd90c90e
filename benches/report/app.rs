//! Apps for benchmarks in this process: the guide's hello.

#![allow(dead_code)]

use snapfunc::sandbox::api::{
    Binding, DataType, Datum, Direction, FunctionSource, HttpRequest, Invocation, JoinedPairs, Level, TraceContext, paths,
};
use snapfunc::sandbox::{Limits, LogRecord, LogSink, Progress, Spec};
use std::path::Path;
use std::sync::Arc;

/// The hello of the guide, through the SDK's request and response.
pub(crate) const HELLO: &str = "import azure.functions as func\n\n\ndef main(req: func.HttpRequest) -> func.HttpResponse:\n    return func.HttpResponse(f\"Hello, {req.params['user']}!\")\n";

pub(crate) struct Quiet;

impl Progress for Quiet {
    fn compiling(&self) {}
    fn ready(&self) {}
}

impl LogSink for Quiet {
    fn record(&self, _: &LogRecord<'_>) {}
}

/// An app with one HTTP function, `hello`.
pub(crate) fn spec(root: &Path) -> Spec {
    let binding =
        |name: &str, kind: &str, direction| Binding { name: name.into(), kind: kind.into(), direction, data_type: DataType::Undefined };
    Spec {
        root: root.to_owned(),
        packages: None,
        package_paths: vec![],
        settings: vec![],
        platform: vec![],
        preload_packages: true,
        private_files: vec![],
        functions: vec![FunctionSource {
            name: "hello".into(),
            directory: format!("{}/hello", paths::APP),
            script_file: format!("{}/hello/__init__.py", paths::APP),
            entry_point: "main".into(),
            bindings: vec![binding("req", "httpTrigger", Direction::In), binding("$return", "http", Direction::Out)],
        }],
        entry_file: None,
        limits: Limits::default(),
        outbound: Arc::default(),
        log_level: Level::Information,
        logs: Arc::new(Quiet),
    }
}

/// A GET with 12 headers, as a browser sends it.
pub(crate) fn invocation(user: &str) -> Invocation {
    let headers = (0..12).map(|number| (format!("x-header-{number}"), format!("value {number}"))).collect::<Vec<_>>().into();
    let request = HttpRequest {
        method: "GET".into(),
        url: format!("http://localhost:7071/api/hello?user={user}"),
        headers,
        query: vec![("user".into(), user.into())].into(),
        route_params: JoinedPairs::default(),
        body: vec![],
    };
    Invocation {
        id: "7a2c9c4e-0000-0000-0000-000000000000".into(),
        function_name: "hello".into(),
        beginning: None,
        trace: TraceContext { traceparent: String::new(), tracestate: String::new() },
        retry: None,
        trigger_metadata: vec![],
        inputs: vec![("req".into(), Datum::HttpRequest(request))],
    }
}
