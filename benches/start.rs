//! P5 and P6: from the start of the program to the first answer, with a snapshot and without; and from an edit to its effect.

mod report;

use report::process::{Server, free_port, get};
use report::{Report, Result, median, quantile, times};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

const FUNCTION: &str =
    r#"{"bindings": [{"name": "req", "type": "httpTrigger", "authLevel": "anonymous"}, {"name": "$return", "type": "http"}]}"#;

fn main() -> Result<()> {
    // The guest is compiled, and the base image made.
    drop(start(app("warm")?.path())?);
    let known = app("known")?;
    drop(start(known.path())?);
    let mut p5 = Report::of("P5");
    let samples = (0..times(40)).map(|_| first_answer(known.path())).collect::<Result<Vec<_>>>()?;
    p5.add("start to first answer, snapshot there, median", median(&samples), "ms", samples.len());
    p5.add("start to first answer, snapshot there, p90", quantile(&samples, 0.9), "ms", samples.len());
    p5.save()?;

    let mut p6 = Report::of("P6");
    let mut samples = Vec::new();
    for number in 0..times(20) {
        samples.push(first_answer(app(&format!("{}-{number}", std::process::id()))?.path())?);
    }
    p6.add("first deploy: start to first answer of a new app, median", median(&samples), "ms", samples.len());
    p6.add("first deploy: start to first answer of a new app, p90", quantile(&samples, 0.9), "ms", samples.len());
    let samples = reloads(times(20))?;
    p6.add("reload: edit to its effect, median", median(&samples), "ms", samples.len());
    p6.add("reload: edit to its effect, p90", quantile(&samples, 0.9), "ms", samples.len());
    p6.save()
}

/// An app of its own whose answer is a word.
fn app(word: &str) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("hello"))?;
    fs::write(folder.path().join("hello/function.json"), FUNCTION)?;
    fs::write(folder.path().join("hello/__init__.py"), code(word))?;
    Ok(folder)
}

fn code(word: &str) -> String {
    format!("import azure.functions as func\n\n\ndef main(req: func.HttpRequest) -> str:\n    return '{word}'\n")
}

fn start(folder: &Path) -> Result<Server> {
    let port = free_port()?;
    let mut command = Command::new(report::program());
    command.args(["start", "--port", &port.to_string(), "--script-root"]).arg(folder);
    command.env("SNAPFUNC_CACHE_DIR", report::cache()).env("SNAPFUNC_DATA_DIR", report::folder().join("data"));
    Server::start(&mut command, port, "/api/hello")
}

/// Milliseconds.
fn first_answer(folder: &Path) -> Result<f64> {
    let began = Instant::now();
    let server = start(folder)?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    drop(server);
    Ok(took)
}

/// Milliseconds of each edit until the new code answers.
fn reloads(n: usize) -> Result<Vec<f64>> {
    let folder = app("before")?;
    let server = start(folder.path())?;
    let mut samples = Vec::new();
    for number in 0..n {
        let word = format!("edit {} {number}", std::process::id());
        let began = Instant::now();
        fs::write(folder.path().join("hello/__init__.py"), code(&word))?;
        while get(server.port, "/api/hello")?.1 != word {
            if began.elapsed() > Duration::from_secs(30) {
                return Err("an edit had no effect".into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        samples.push(began.elapsed().as_secs_f64() * 1e3);
        thread::sleep(Duration::from_millis(300));
    }
    Ok(samples)
}
