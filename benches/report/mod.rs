//! What the benchmarks measured: a table on the terminal, and `target/bench/report.json`, which keeps the figures of the other benchmarks.

#![allow(dead_code)] // each benchmark uses a part of it

pub(crate) mod process;

use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// One figure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// `P1 fresh clone, CPU, median`: what begins with the same letter and number belongs together.
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: String,
    /// Of how many measurements it is made.
    pub(crate) n: usize,
    /// For a ratio: with what it is compared, and what that had in the same run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peer_value: Option<f64>,
}

/// Where and with what.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) snapfunc: String,
    pub(crate) wasmtime: String,
    pub(crate) cpython: String,
    pub(crate) date: String,
    /// Whether it was a short run, whose figures say little.
    pub(crate) quick: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) figures: Vec<Figure>,
    #[serde(skip)]
    group: String,
    #[serde(skip)]
    new: Vec<Figure>,
}

/// Whether `SNAPFUNC_BENCH=quick` asks for a short run.
pub(crate) fn is_quick() -> bool {
    std::env::var("SNAPFUNC_BENCH").is_ok_and(|mode| mode == "quick")
}

/// So many, or a tenth in a short run.
pub(crate) fn times(n: usize) -> usize {
    if is_quick() { (n / 10).max(2) } else { n }
}

/// Where everything is written.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench")
}

/// The program, as cargo built it for the benchmarks.
pub(crate) fn program() -> &'static str {
    env!("CARGO_BIN_EXE_snapfunc")
}

/// The cache that all benchmarks share.
pub(crate) fn cache() -> PathBuf {
    folder().join("cache")
}

// === impl Report ===

impl Report {
    /// The report with new figures for a group, `P1`.
    pub(crate) fn of(group: &str) -> Self {
        let mut report = Report::read();
        report.machine = Machine::this();
        report.group = group.to_owned();
        report
    }

    /// As it was written last.
    pub(crate) fn read() -> Self {
        let text = fs::read_to_string(folder().join("report.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Adds a figure.
    pub(crate) fn add(&mut self, name: &str, value: f64, unit: &str, n: usize) {
        let name = format!("{} {name}", self.group);
        self.new.push(Figure { name, value, unit: unit.to_owned(), n, peer: None, peer_value: None });
    }

    /// Adds how much larger a figure is than a peer's of the same run.
    pub(crate) fn ratio(&mut self, name: &str, value: f64, n: usize, peer: &str, peer_value: f64) {
        let name = format!("{} {name}", self.group);
        self.new.push(Figure { name, value, unit: "x".into(), n, peer: Some(peer.to_owned()), peer_value: Some(peer_value) });
    }

    /// Prints the new figures and writes all.
    pub(crate) fn save(mut self) -> Result<()> {
        for figure in &self.new {
            let peer = figure.peer.as_ref().map(|peer| format!("  ({peer}: {:.2})", figure.peer_value.unwrap_or_default()));
            println!("{:<72}{:>12.2} {:<10} n={}{}", figure.name, figure.value, figure.unit, figure.n, peer.unwrap_or_default());
        }
        let prefix = format!("{} ", self.group);
        self.figures.retain(|figure| !figure.name.starts_with(&prefix));
        self.figures.append(&mut self.new);
        self.figures.sort_by(|a, b| a.name.split(' ').next().cmp(&b.name.split(' ').next()));
        fs::create_dir_all(folder())?;
        Ok(fs::write(folder().join("report.json"), serde_json::to_string_pretty(&self)?)?)
    }
}

// === impl Machine ===

impl Machine {
    fn this() -> Machine {
        let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Machine {
            processor: processor.map_or("unknown", |(_, name)| name).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            kernel: output("uname", &["-sr"]),
            snapfunc: env!("CARGO_PKG_VERSION").to_owned(),
            wasmtime: locked("wasmtime"),
            cpython: "3.14 (componentize-py)".to_owned(),
            date: output("date", &["-u", "+%Y-%m-%d"]),
            quick: is_quick(),
        }
    }
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

/// A dependency's version.
fn locked(name: &str) -> String {
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap_or_default();
    let entry = lock.split("[[package]]").find(|entry| entry.contains(&format!("name = \"{name}\"\n")));
    entry.and_then(|entry| entry.split("version = \"").nth(1)?.split('"').next().map(str::to_owned)).unwrap_or_default()
}

/// Of sorted or unsorted samples: the value below which this part of them is.
pub(crate) fn quantile(samples: &[f64], part: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
}

pub(crate) fn median(samples: &[f64]) -> f64 {
    quantile(samples, 0.5)
}
