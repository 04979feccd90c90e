//! P7: what pure Python costs in the guest, with its time limits on, beside the machine's own CPython.

#[path = "report/app.rs"]
mod app;
mod report;

use app::{Quiet, invocation, spec};
use report::{Report, Result, times};
use snapfunc::sandbox::api::Datum;
use snapfunc::sandbox::{Runtime, Template};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// Seconds, and the value that was computed.
type Results = BTreeMap<String, (f64, serde_json::Value)>;

fn main() -> Result<()> {
    let workloads = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/workloads.py");
    let runs = times(20);
    let guest = in_guest(&workloads, runs)?;
    let mut report = Report::of("P7");
    let Some((python, version)) = native_python() else {
        println!("skipped: no Python 3.12 or later to compare with");
        return Ok(());
    };
    let output = Command::new(python).arg(&workloads).arg(runs.to_string()).output()?;
    let native: Results = serde_json::from_slice(&output.stdout)?;
    let mut product = 0.0;
    for (name, (seconds, value)) in &guest {
        let (native_seconds, native_value) = native.get(name).ok_or("a workload is missing")?;
        if value != native_value {
            return Err(format!("{name} computes {value} in the guest, {native_value} natively").into());
        }
        let ratio = seconds / native_seconds;
        product += ratio.ln();
        report.ratio(&format!("{name}, time in the guest to native"), ratio, runs, &format!("{version}, ms"), native_seconds * 1e3);
    }
    let mean = (product / guest.len() as f64).exp();
    report.ratio("geometric mean of the time in the guest to native", mean, guest.len(), &version, 1.0);
    report.save()
}

fn in_guest(workloads: &Path, runs: usize) -> Result<Results> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("hello"))?;
    fs::copy(workloads, folder.path().join("hello/__init__.py"))?;
    let runtime = Arc::new(Runtime::open(&report::cache(), &Quiet)?);
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let (template, _) = Template::prepare(runtime, spec(folder.path())).await?;
        let mut instance = template.instantiate().await?;
        let mut invocation = invocation("");
        if let Some((_, Datum::HttpRequest(request))) = invocation.inputs.first_mut() {
            request.query = vec![("runs".into(), runs.to_string())].into();
        }
        // With a deadline, as functions have one.
        let outcome = instance.invoke(&mut invocation, Some(Duration::from_secs(1800))).await?;
        match outcome.return_value {
            Datum::Text(text) => Ok(serde_json::from_str(&text)?),
            other => Err(format!("not a text: {other:?}").into()),
        }
    })
}

/// The newest of the machine's: that of the peers, else by name.
fn native_python() -> Option<(PathBuf, String)> {
    let names = ["python3.14", "python3.13", "python3.12"].map(PathBuf::from);
    let candidates = [report::folder().join("peers/bin/python")].into_iter().chain(names);
    candidates.into_iter().find_map(|python| {
        let output = Command::new(&python).arg("--version").output().ok()?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some((python, version))
    })
}
