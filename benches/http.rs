//! P3 and P9: requests over HTTP on loopback, beside native Python servers and a plain WebAssembly component; and a burst of cold requests.

#[path = "report/load.rs"]
mod load;
mod report;
#[path = "peers/wasi_http.rs"]
mod wasi_http;

use load::load;
use report::process::{Server, free_port};
use report::{Report, Result, is_quick};
use std::path::Path;
use std::process::Command;

const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
const PATH: &str = "/api/hello?user=Ada";

/// A server and the command that starts it at a port.
struct Rival {
    name: &'static str,
    start: Box<dyn Fn(u16) -> Result<Command>>,
}

/// What a rival did with most connections that suit it.
struct Best {
    name: &'static str,
    rate: f64,
    rate_per_core: f64,
}

fn main() -> Result<()> {
    wasi_http::serve_if_asked()?;
    if load::ran_as_generator()? {
        return Ok(());
    }
    raise_descriptor_limit();
    let mut report = Report::of("P3");
    let mut best = Vec::new();
    for rival in rivals()? {
        best.push(rival.measure(&mut report)?);
    }
    compare(&mut report, &best);
    report.save()?;
    burst()
}

fn rivals() -> Result<Vec<Rival>> {
    let mut rivals = vec![snapfunc("snapfunc reuse", "instance"), snapfunc("snapfunc fresh", "invocation")];
    let python = report::folder().join("peers/bin/python");
    if python.exists() {
        for (name, module) in [("raw ASGI on uvicorn", "asgi_hello:app"), ("FastAPI on uvicorn", "fastapi_hello:app")] {
            let python = python.clone();
            let start = move |port: u16| {
                let mut command = Command::new(&python);
                let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
                command.args(["-m", "uvicorn", module, "--port", &port.to_string(), "--workers", &workers.to_string()]);
                command.args(["--no-access-log", "--log-level", "error"]);
                command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers"));
                Ok(command)
            };
            rivals.push(Rival { name, start: Box::new(start) });
        }
    } else {
        println!("skipped: uvicorn ({} is not there: `make bench` installs it, with Python 3.12 or later)", python.display());
    }
    if let Some(component) = wasi_http::build()? {
        rivals.push(Rival { name: "plain wasi:http component", start: Box::new(move |port| wasi_http::command(&component, port)) });
    }
    Ok(rivals)
}

fn snapfunc(name: &'static str, isolation: &'static str) -> Rival {
    let start = move |port: u16| {
        let mut command = Command::new(report::program());
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/typed-hello");
        command.args(["start", "--no-build", "--isolation", isolation, "--port", &port.to_string(), "--script-root"]).arg(example);
        command.env("SNAPFUNC_CACHE_DIR", report::cache()).env("SNAPFUNC_DATA_DIR", report::folder().join("data"));
        Ok(command)
    };
    Rival { name, start: Box::new(start) }
}

// === impl Rival ===

impl Rival {
    fn measure(&self, report: &mut Report) -> Result<Best> {
        let port = free_port()?;
        let server = Server::start(&mut (self.start)(port)?, port, PATH)?;
        let seconds = if is_quick() { 1.0 } else { 5.0 };
        load(port, PATH, 16, Some(seconds / 4.0))?;
        let mut best = Best { name: self.name, rate: 0.0, rate_per_core: 0.0 };
        for connections in CONNECTIONS {
            let before = server.cpu_seconds();
            let seen = load(port, PATH, connections, Some(seconds))?;
            let cores = (server.cpu_seconds() - before) / seen.seconds;
            let rate = seen.requests as f64 / seen.seconds;
            let name = format!("{}, {connections} connections", self.name);
            report.add(&format!("{name}, requests"), rate, "/s", seen.requests);
            report.add(&format!("{name}, p99"), seen.p99_ms, "ms", seen.requests);
            report.add(&format!("{name}, requests per core used"), rate / cores, "/s", seen.requests);
            if seen.errors > 0 {
                report.add(&format!("{name}, errors"), seen.errors as f64, "", seen.requests);
            }
            best.rate = best.rate.max(rate);
            best.rate_per_core = best.rate_per_core.max(rate / cores);
        }
        Ok(best)
    }
}

fn compare(report: &mut Report, all: &[Best]) {
    let of = |name: &str| all.iter().find(|best| best.name == name);
    let (reuse, fresh) = (of("snapfunc reuse"), of("snapfunc fresh"));
    for (own, what) in [(fresh, "fresh"), (reuse, "reuse")] {
        for peer in ["FastAPI on uvicorn", "raw ASGI on uvicorn", "plain wasi:http component"] {
            let (Some(own), Some(peer)) = (own, of(peer)) else { continue };
            report.ratio(&format!("best rate of {what} to {}", peer.name), own.rate / peer.rate, 1, peer.name, peer.rate);
            let name = format!("best rate per core of {what} to {}", peer.name);
            report.ratio(&name, own.rate_per_core / peer.rate_per_core, 1, peer.name, peer.rate_per_core);
        }
    }
}

/// 1,000 connections at once, right after the start.
fn burst() -> Result<()> {
    let mut report = Report::of("P9");
    for (name, isolation) in [("fresh", "invocation"), ("reuse", "instance")] {
        let port = free_port()?;
        let server = Server::start(&mut (snapfunc(name, isolation).start)(port)?, port, "/admin/host/ping")?;
        let seen = load(port, PATH, 1000, None)?;
        report.add(&format!("burst of 1,000, {name}, p99"), seen.p99_ms, "ms", seen.requests);
        report.add(&format!("burst of 1,000, {name}, errors"), seen.errors as f64, "", 1000);
        report.add(&format!("burst of 1,000, {name}, peak memory"), server.memory("VmHWM"), "MiB", 1);
    }
    report.save()
}

/// For a thousand connections of the generator.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}
