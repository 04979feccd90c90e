//! P4: the memory of live clones, and of apps that wait.

#[path = "report/app.rs"]
mod app;
mod report;

use app::{HELLO, Quiet, invocation, spec};
use report::process::own_pss;
use report::{Report, Result, is_quick};
use snapfunc::sandbox::{Runtime, Template};
use std::fs;
use std::sync::Arc;

fn main() -> Result<()> {
    let runtime = Arc::new(Runtime::open(&report::cache(), &Quiet)?);
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut report = Report::of("P4");
        apps(&runtime, &mut report).await?;
        clones(&runtime, &mut report).await?;
        report.save()
    })
}

/// Clones that have each served one invocation, and live on.
async fn clones(runtime: &Arc<Runtime>, report: &mut Report) -> Result<()> {
    let folder = app("")?;
    let (template, _) = Template::prepare(runtime.clone(), spec(folder.path())).await?;
    let steps: &[usize] = if is_quick() { &[100, 300] } else { &[100, 500, 1000, 2000, 3000, 4000, 5000] };
    let before = own_pss();
    let mut alive = Vec::new();
    for step in steps {
        while alive.len() < *step {
            let mut instance = template.instantiate().await?;
            instance.invoke(&mut invocation("Ada"), None).await?;
            alive.push(instance);
        }
        let all = own_pss() - before;
        report.add(&format!("private memory of a live clone, {step} alive"), all / *step as f64 / 1024.0, "KiB", *step);
        report.add(&format!("memory of {step} live clones"), all / 1024.0 / 1024.0, "MiB", *step);
    }
    Ok(())
}

/// Different apps, each with one instance that has served an invocation and is idle, as it is kept for the next one.
async fn apps(runtime: &Arc<Runtime>, report: &mut Report) -> Result<()> {
    let steps: &[usize] = if is_quick() { &[5, 20] } else { &[1, 10, 50, 100, 200] };
    let before = own_pss();
    let mut loaded = Vec::new();
    for step in steps {
        while loaded.len() < *step {
            let folder = app(&format!("NUMBER = {}\n", loaded.len()))?;
            let (template, _) = Template::prepare(runtime.clone(), spec(folder.path())).await?;
            let mut instance = template.instantiate().await?;
            instance.invoke(&mut invocation("Ada"), None).await?;
            // What becomes of it when nobody uses it for a while.
            instance.rest();
            template.rest();
            loaded.push((folder, template, instance));
        }
        // Snapshots that are still being written need memory.
        runtime.settle();
        let all = own_pss() - before;
        report.add(&format!("memory of an idle app, {step} loaded"), all / *step as f64 / 1024.0 / 1024.0, "MiB", *step);
        report.add(&format!("memory of {step} idle apps"), all / 1024.0 / 1024.0, "MiB", *step);
    }
    Ok(())
}

fn app(more: &str) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("hello"))?;
    fs::write(folder.path().join("hello/__init__.py"), format!("{HELLO}\n{more}"))?;
    Ok(folder)
}
