//! P5 and P6: from the start of the program to the first answer, with a snapshot and without; and from an edit to its effect. Also for an app that imports
//! FastAPI and reads a setting meanwhile, so that it has no snapshot: with its packages preloaded, and with them imported each time.

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
    let (preloaded, imported) = (with_packages(true)?, with_packages(false)?);
    let n = times(20);
    let [here, each_time] = [&preloaded, &imported].map(|app| (0..n).map(|_| first_answer(app.path())).collect::<Result<Vec<_>>>());
    let (here, each_time) = (median(&here?), median(&each_time?));
    p5.add("start to first answer, FastAPI preloaded, a setting read, median", here, "ms", n);
    p5.ratio("the same with FastAPI imported at each start, to that", each_time / here, n, "preloaded, ms", here);
    p5.save()?;

    let mut p6 = Report::of("P6");
    let mut samples = Vec::new();
    for number in 0..times(20) {
        samples.push(first_answer(app(&format!("{}-{number}", std::process::id()))?.path())?);
    }
    p6.add("first deploy: start to first answer of a new app, median", median(&samples), "ms", samples.len());
    p6.add("first deploy: start to first answer of a new app, p90", quantile(&samples, 0.9), "ms", samples.len());
    let samples = reloads(app("before")?.path(), code, times(20))?;
    p6.add("reload: edit to its effect, median", median(&samples), "ms", samples.len());
    p6.add("reload: edit to its effect, p90", quantile(&samples, 0.9), "ms", samples.len());
    let [here, each_time] = [&preloaded, &imported].map(|app| reloads(app.path(), code_with_packages, n));
    let (here, each_time) = (median(&here?), median(&each_time?));
    p6.add("reload: edit to its effect, FastAPI preloaded, median", here, "ms", n);
    p6.ratio("the same with FastAPI imported at each reload, to that", each_time / here, n, "preloaded, ms", here);
    p6.save()
}

/// An app that imports FastAPI and reads a setting; once its packages are preloaded, where they may be.
fn with_packages(preload: bool) -> Result<tempfile::TempDir> {
    let folder = app("")?;
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
    write("hello/__init__.py", &code_with_packages("before"))?;
    write("host.json", &format!(r#"{{"version": "2.0", "snapfunc": {{"preloadPackages": {preload}}}}}"#))?;
    write("local.settings.json", r#"{"Values": {"LEVEL": "high"}}"#)?;
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fastapi/requirements.txt"), folder.path().join("requirements.txt"))?;
    if !Command::new(report::program()).args(["packages", "install"]).arg(folder.path()).status()?.success() {
        return Err("FastAPI can't be installed".into());
    }
    let whole = |file: &fs::DirEntry| file.path().extension().is_some_and(|extension| extension == "snap");
    let kept = || fs::read_dir(report::cache().join("preloaded")).map_or(0, |files| files.flatten().filter(whole).count());
    let before = kept();
    let server = start(folder.path())?;
    let began = Instant::now();
    while preload && kept() == before {
        if began.elapsed() > Duration::from_secs(60) {
            return Err("nothing was preloaded".into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    drop(server);
    Ok(folder)
}

fn code_with_packages(word: &str) -> String {
    format!("import os\n\nimport fastapi\n\nLEVEL = os.environ['LEVEL']\n\n{}", code(word))
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

/// Milliseconds of each edit of an app until the new code answers.
fn reloads(folder: &Path, code: impl Fn(&str) -> String, n: usize) -> Result<Vec<f64>> {
    let server = start(folder)?;
    let mut samples = Vec::new();
    for number in 0..n {
        let word = format!("edit {} {number}", std::process::id());
        let began = Instant::now();
        fs::write(folder.join("hello/__init__.py"), code(&word))?;
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
