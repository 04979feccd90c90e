//! What an invocation costs in CPU time, in this process and without HTTP: in an instance that runs already, and in a new one.
//!
//! Prints medians, 99th percentiles and the ratio of the two. `make bench` runs it.

use rustix::time::{ClockId, clock_gettime};
use snapfunc::sandbox::api::{Binding, DataType, Datum, Direction, FunctionSource, HttpRequest, Invocation, Level, TraceContext, paths};
use snapfunc::sandbox::{Limits, LogRecord, LogSink, Progress, Runtime, Spec, Template};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

const WARM: usize = 5000;
const NEW: usize = 5000;

/// The hello of the guide, through the SDK's request and response.
const CODE: &str = "import azure.functions as func\n\n\ndef main(req: func.HttpRequest) -> func.HttpResponse:\n    return func.HttpResponse(f\"Hello, {req.params['user']}!\")\n";

struct Quiet;

impl Progress for Quiet {
    fn compiling(&self) {}
    fn ready(&self) {}
}

impl LogSink for Quiet {
    fn record(&self, _: &LogRecord<'_>) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    let app = tempfile::tempdir()?;
    fs::create_dir(app.path().join("hello"))?;
    fs::write(app.path().join("hello/__init__.py"), CODE)?;
    let runtime = Arc::new(Runtime::open(&cache, &Quiet)?);
    // One thread, so that its CPU time is all that an invocation costs.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let (template, _) = Template::prepare(runtime, spec(app.path())).await?;
        measure(&template).await
    })
}

async fn measure(template: &Template) -> Result<(), Box<dyn Error>> {
    let mut invocation = invocation();
    let mut instance = template.instantiate().await?;
    let mut warm = Vec::with_capacity(WARM);
    for _ in 0..WARM {
        let before = cpu_micros();
        instance.invoke(&mut invocation, None).await?;
        warm.push(cpu_micros() - before);
    }
    let [mut new, mut making, mut invoking, mut dropping] = [(); 4].map(|()| Vec::with_capacity(NEW));
    for _ in 0..NEW {
        let before = cpu_micros();
        let mut instance = template.instantiate().await?;
        let made = cpu_micros();
        instance.invoke(&mut invocation, None).await?;
        let invoked = cpu_micros();
        drop(instance);
        let after = cpu_micros();
        new.push(after - before);
        making.push(made - before);
        invoking.push(invoked - made);
        dropping.push(after - invoked);
    }
    let (warm, new) = (Figures::of(warm), Figures::of(new));
    println!("{:<34}{:>8}{:>16}{:>14}", "CPU time of one invocation", "n", "median (µs)", "p99 (µs)");
    warm.print("in an instance that runs already");
    new.print("in a new instance");
    Figures::of(making).print("  of that: making it");
    Figures::of(invoking).print("  of that: the invocation");
    Figures::of(dropping).print("  of that: cleaning up");
    println!("a new instance costs {:.1} times as much", new.median / warm.median);
    Ok(())
}

struct Figures {
    n: usize,
    median: f64,
    p99: f64,
}

// === impl Figures ===

impl Figures {
    fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let n = samples.len();
        Figures { n, median: samples[n / 2], p99: samples[n * 99 / 100] }
    }

    fn print(&self, what: &str) {
        println!("{what:<34}{:>8}{:>16.1}{:>14.1}", self.n, self.median, self.p99);
    }
}

fn cpu_micros() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

fn spec(root: &Path) -> Spec {
    let binding =
        |name: &str, kind: &str, direction| Binding { name: name.into(), kind: kind.into(), direction, data_type: DataType::Undefined };
    Spec {
        root: root.to_owned(),
        packages: None,
        package_paths: vec![],
        settings: vec![],
        platform: vec![],
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
        log_level: Level::Information,
        logs: Arc::new(Quiet),
    }
}

/// A GET with 12 headers, as a browser sends it.
fn invocation() -> Invocation {
    let headers = (0..12).map(|number| (format!("x-header-{number}"), format!("value {number}"))).collect();
    let request = HttpRequest {
        method: "GET".into(),
        url: "http://localhost:7071/api/hello?user=Ada".into(),
        headers,
        query: vec![("user".into(), "Ada".into())],
        route_params: vec![],
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
