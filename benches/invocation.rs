//! P1 and P2: what an invocation costs in this process and without HTTP, in a new clone and in an instance that runs already; beside `pyeryx`.

#[path = "report/app.rs"]
mod app;
mod report;

use app::{HELLO, Quiet, invocation, spec};
use report::{Report, Result, median, quantile, times};
use rustix::time::{ClockId, clock_gettime};
use snapfunc::sandbox::{Isolation, Pool, PoolLimits, Runtime, Template};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

/// What one part of an invocation took.
#[derive(Clone, Copy)]
struct Taken {
    cpu: f64,
    wall: f64,
}

#[derive(Default)]
struct Samples(Vec<Taken>);

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("hello"))?;
    fs::write(folder.path().join("hello/__init__.py"), HELLO)?;
    let runtime = Arc::new(Runtime::open(&report::cache(), &Quiet)?);
    // One thread, so that its CPU time is all that an invocation costs.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let (template, _) = Template::prepare(runtime, spec(folder.path())).await?;
        measure(template).await
    })
}

async fn measure(template: Template) -> Result<()> {
    let mut invocation = invocation("Ada");
    let mut instance = template.instantiate().await?;
    let mut warm = Samples::default();
    for _ in 0..times(10_000) {
        let before = now();
        instance.invoke(&mut invocation, None).await?;
        warm.add(before);
    }
    drop(instance);
    // The first clones find slots that nobody has used.
    for _ in 0..times(500) {
        template.instantiate().await?.invoke(&mut invocation, None).await?;
    }
    let mut from_nothing = Samples::default();
    for _ in 0..times(10_000) {
        let before = now();
        template.instantiate().await?.invoke(&mut invocation, None).await?;
        from_nothing.add(before);
    }
    // As a host has it whose `snapfunc.isolation` is `invocation`.
    let limits = PoolLimits { isolation: Isolation::Invocation, instances: 1, eager: 1, warm: 1, queue: 1 };
    let pool = Pool::start(template, limits).await?;
    for _ in 0..times(500) {
        pool.take().await?.invoke(&mut invocation, None).await?;
    }
    let [mut new, mut making, mut invoking, mut dropping] = [(); 4].map(|()| Samples::default());
    for _ in 0..times(10_000) {
        let before = now();
        let mut instance = pool.take().await?;
        making.add(before);
        let made = now();
        instance.invoke(&mut invocation, None).await?;
        invoking.add(made);
        let invoked = now();
        drop(instance);
        dropping.add(invoked);
        new.add(before);
    }
    // In a loop of its own, as looking takes time.
    let (before, looked) = (faults(), times(2000));
    for _ in 0..looked {
        pool.take().await?.invoke(&mut invocation, None).await?;
    }
    let faults = (faults() - before) / looked as f64;
    let mut p1 = Report::of("P1");
    new.tell(&mut p1, "fresh clone");
    p1.add("fresh clone, page faults, mean", faults, "faults", looked);
    for (samples, part) in [(&making, "taking it"), (&invoking, "the invocation"), (&dropping, "making it new")] {
        p1.add(&format!("fresh clone, CPU of {part}, median"), samples.median(|taken| taken.cpu), "µs", samples.0.len());
    }
    from_nothing.tell(&mut p1, "another instance for each, made from nothing");
    let fresh = new.median(|taken| taken.cpu);
    if let Some((n, eryx)) = pyeryx()? {
        p1.add("pyeryx 0.11: new Sandbox and execute, CPU, median", eryx, "µs", n);
        p1.ratio("CPU of pyeryx to that of a fresh clone", eryx / fresh, n, "pyeryx 0.11, µs", eryx);
    }
    p1.save()?;
    let mut p2 = Report::of("P2");
    warm.tell(&mut p2, "warm instance");
    p2.ratio(
        "CPU of a fresh clone to that of a warm instance",
        fresh / warm.median(|taken| taken.cpu),
        new.0.len(),
        "fresh clone, µs",
        fresh,
    );
    p2.save()
}

/// The peer: a new sandbox for each run of the same hello. Nothing where it can't be had.
fn pyeryx() -> Result<Option<(usize, f64)>> {
    let python = report::folder().join("peers/bin/python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/eryx_hello.py");
    if !python.exists() {
        println!("skipped: pyeryx ({} is not there: `make bench` installs it, with Python 3.12 or later)", python.display());
        return Ok(None);
    }
    let output = Command::new(python).arg(script).arg(times(300).to_string()).output()?;
    if !output.status.success() {
        println!("skipped: pyeryx ({})", String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default());
        return Ok(None);
    }
    let samples: Vec<f64> = serde_json::from_slice(&output.stdout)?;
    Ok(Some((samples.len(), median(&samples))))
}

// === impl Samples ===

impl Samples {
    fn add(&mut self, before: (f64, Instant)) {
        let (cpu, wall) = now();
        self.0.push(Taken { cpu: cpu - before.0, wall: wall.duration_since(before.1).as_secs_f64() * 1e6 });
    }

    fn all(&self, what: impl Fn(&Taken) -> f64) -> Vec<f64> {
        self.0.iter().map(what).collect()
    }

    fn median(&self, what: impl Fn(&Taken) -> f64) -> f64 {
        median(&self.all(what))
    }

    fn tell(&self, report: &mut Report, what: &str) {
        let n = self.0.len();
        let (cpu, wall) = (self.all(|taken| taken.cpu), self.all(|taken| taken.wall));
        report.add(&format!("{what}, CPU, median"), median(&cpu), "µs", n);
        report.add(&format!("{what}, CPU, p99"), quantile(&cpu, 0.99), "µs", n);
        report.add(&format!("{what}, latency, median"), median(&wall), "µs", n);
        report.add(&format!("{what}, latency, p99"), quantile(&wall, 0.99), "µs", n);
    }
}

/// CPU time of this thread in µs, and the time.
fn now() -> (f64, Instant) {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    (time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3, Instant::now())
}

/// Minor page faults of this thread so far: the tenth field of its `stat`.
fn faults() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    fields.split_whitespace().nth(7).and_then(|faults| faults.parse().ok()).unwrap_or(f64::NAN)
}
