//! Runs pip, and reads what it says.

use super::guest::{MARKERS, PROVIDED, PYTHON};
use super::python::Python;
use super::requirements::{Requirements, normalised};
use super::{Progress, policy};
use serde_json::json;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

/// Makes pip answer for the guest.
const SCRIPT: &str = include_str!("pip.py");
/// What the script prints of its own.
const LEFT_OUT: &str = "snapfunc: left out ";
/// Wheels with native parts are chosen too, as many packages work without these. Any platform that packages are published for would do.
const PLATFORMS: [&str; 7] = ["2_34_x86_64", "2_31_x86_64", "2_28_x86_64", "2_27_x86_64", "2_24_x86_64", "2_17_x86_64", "2014_x86_64"];
/// Compilers that don't exist: what a package can do without, it then does without.
const NO_COMPILERS: [&str; 4] = ["CC", "CXX", "CARGO", "RUSTC"];

/// pip, for the packages of one app.
pub(super) struct Pip<'a> {
    pub(super) python: Python,
    pub(super) requirements: &'a Requirements,
    pub(super) progress: &'a dyn Progress,
}

/// A package that was not installed, and the one that wanted it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LeftOut {
    pub(super) package: String,
    pub(super) of: String,
}

/// Why pip could not.
#[derive(Debug)]
pub(super) enum Failure {
    /// It did not run.
    Run(io::Error),
    /// Its index did not answer.
    Unreachable,
    /// Nothing in the index can be installed for a requirement.
    NothingSuits {
        /// As pip writes it: `docopt>=0.6`.
        requirement: String,
        /// The package that has it, if it isn't the user's own.
        of: Option<String>,
        text: String,
    },
    /// Anything else, in its words.
    Other(String),
}

// === impl Pip ===

impl Pip<'_> {
    /// Installs the requirements into a folder.
    pub(super) fn install(&self, constraints: &Path, target: &Path) -> Result<Vec<LeftOut>, Failure> {
        let mut command = self.command(&json!({
            "markers": BTreeMap::from(MARKERS),
            "provided": PROVIDED,
            "left_out": policy::LEFT_OUT.map(|(name, parents, _)| (name, parents)).into_iter().collect::<BTreeMap<_, _>>(),
        }));
        command.args(["install", "--no-compile", "--no-warn-conflicts", "--progress-bar", "off", "--target"]).arg(target);
        command.args(["--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON]);
        command.args(PLATFORMS.into_iter().flat_map(|platform| ["--platform".to_owned(), format!("manylinux{}", suffix(platform))]));
        command.arg("--constraint").arg(constraints).arg("--requirement").arg(&self.requirements.file);
        let printed = self.run(command)?;
        let left_out = printed.lines().filter_map(|line| line.strip_prefix(LEFT_OUT)?.split_once(" of "));
        let mut left_out: Vec<_> = left_out.map(|(package, of)| LeftOut { package: package.into(), of: of.into() }).collect();
        left_out.sort_unstable();
        left_out.dedup();
        Ok(left_out)
    }

    /// A wheel without a platform for a requirement, in a new folder: one of the index, else one that is built without compilers. It may hold native
    /// parts all the same. Fails where the index has nothing for it.
    pub(super) fn pure_wheel(&self, requirement: &str, folder: &Path) -> Result<Option<PathBuf>, Failure> {
        let name = name_of(requirement);
        self.progress.step(&format!("looking for a pure wheel of {name}"));
        let for_guest = json!({"markers": BTreeMap::from(MARKERS), "provided": [], "left_out": {}});
        let mut download = self.command(&for_guest);
        download.args(["download", "--no-deps", "--only-binary=:all:", "--implementation", "py", "--abi", "none", "--platform", "any"]);
        download.args(["--python-version", PYTHON, "--dest"]).arg(folder).args(&self.requirements.sources).arg(requirement);
        // Built by the machine's Python, so its markers count.
        let mut build = self.command(&json!({"markers": {}, "provided": [], "left_out": {}}));
        build
            .args(["wheel", "--no-deps", "--use-pep517", "--no-binary", &name, "--wheel-dir"])
            .arg(folder)
            .args(&self.requirements.sources)
            .arg(requirement);
        build.envs(NO_COMPILERS.map(|name| (name, "no-compiler")));
        let done = match self.run(download) {
            Err(Failure::NothingSuits { .. } | Failure::Other(_)) => self.run(build),
            done => done,
        };
        match done {
            Ok(_) => wheel_in(folder).map_err(Failure::Run),
            Err(Failure::Other(_)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// pip with the user's settings, but for those that contradict what is to be done.
    fn command(&self, policy: &serde_json::Value) -> Command {
        let mut command = self.python.command();
        command.args(["-c", SCRIPT, &policy.to_string()]);
        // Paths in requirements.txt are relative to where pip runs.
        command.current_dir(self.requirements.file.parent().unwrap_or(Path::new(".")));
        for (name, value) in [
            ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
            ("PIP_NO_COLOR", "1"),
            ("PIP_NO_INPUT", "1"),
            ("PIP_REQUIRE_VIRTUALENV", "0"),
            ("PIP_ROOT_USER_ACTION", "ignore"),
            ("PIP_USER", "0"),
            ("PYTHONUTF8", "1"),
        ] {
            command.env(name, value);
        }
        command
    }

    /// Runs pip to its end, and gives what it printed.
    fn run(&self, mut command: Command) -> Result<String, Failure> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(Failure::Run)?;
        // Open until pip has ended: it ends when this process does.
        let stdin = child.stdin.take();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (printed, complaints) = thread::scope(|scope| {
            let complaints = scope.spawn(|| text(stderr));
            let mut printed = String::new();
            for line in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).split(b'\n').map_while(Result::ok)) {
                let line = String::from_utf8_lossy(&line);
                if let Some(step) = step(&line) {
                    self.progress.step(&step);
                }
                printed.push_str(line.trim_end());
                printed.push('\n');
            }
            (printed, complaints.join().unwrap_or_default())
        });
        let status = child.wait().map_err(Failure::Run)?;
        drop(stdin);
        if status.success() { Ok(printed) } else { Err(Failure::of(&printed, &complaints)) }
    }
}

// === impl Failure ===

impl Failure {
    /// What pip's output means.
    fn of(printed: &str, complaints: &str) -> Failure {
        let unreachable = |line: &str| line.starts_with("WARNING: Retrying (") || line.contains("Could not fetch URL");
        let nothing =
            complaints.lines().find_map(|line| line.strip_prefix("ERROR: Could not find a version that satisfies the requirement "));
        if complaints.lines().any(unreachable) && (nothing.is_some() || complaints.contains("Connection")) {
            return Failure::Unreachable;
        }
        let mut lines: Vec<&str> = complaints.lines().filter_map(|line| line.strip_prefix("ERROR: ")).collect();
        if lines.is_empty() {
            lines = complaints.lines().rev().take(5).collect();
            lines.reverse();
        }
        lines.extend(printed.lines().skip_while(|line| !line.starts_with("The conflict is caused by")).take_while(|line| !line.is_empty()));
        let text = lines.iter().map(|line| format!("  {}", shortened(line))).collect::<Vec<_>>().join("\n");
        match nothing.and_then(|rest| rest.split_once(" (from versions: ")) {
            Some((requirement, _)) => {
                let (requirement, of) = match requirement.rsplit_once(" (from ") {
                    Some((requirement, of)) => (requirement, Some(of.trim_end_matches(')')).filter(|of| !of.starts_with('-'))),
                    None => (requirement, None),
                };
                Failure::NothingSuits { requirement: requirement.to_owned(), of: of.map(name_of), text }
            }
            None => Failure::Other(text),
        }
    }
}

/// Without all the versions that there are but the last.
fn shortened(line: &str) -> String {
    match line.split_once(" (from versions: ").map(|(before, versions)| (before, versions.rsplit_once(", "))) {
        Some((before, Some((_, last)))) => format!("{before} (the newest is {last}"),
        _ => line.to_owned(),
    }
}

/// `2014_x86_64` or `_2_28_x86_64`.
fn suffix(platform: &str) -> String {
    if platform.starts_with("2014") { platform.to_owned() } else { format!("_{platform}") }
}

/// What a line of pip's means to whoever waits.
fn step(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("Collecting ") {
        return Some(format!("collecting {}", rest.split_whitespace().next()?));
    }
    line.starts_with("Installing collected packages").then(|| "putting them in place".to_owned())
}

/// The name that a requirement begins with, normalised.
pub(super) fn name_of(requirement: &str) -> String {
    let end = requirement.find(|other: char| !(other.is_ascii_alphanumeric() || "-_.".contains(other))).unwrap_or(requirement.len());
    normalised(&requirement[..end])
}

fn text(stream: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    // What was read until an error is worth as much.
    let _ = stream.map(|mut stream| stream.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The wheel in a folder. Its name then says that it is for any platform, or pip would not take it.
fn wheel_in(folder: &Path) -> io::Result<Option<PathBuf>> {
    let is_wheel = |path: &PathBuf| path.extension() == Some(OsStr::new("whl"));
    let Some(wheel) = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).find(is_wheel) else { return Ok(None) };
    let name = wheel.file_name().unwrap_or_default().to_string_lossy();
    let mut parts = name.split('-');
    let (Some(package), Some(version)) = (parts.next(), parts.next()) else { return Ok(None) };
    let pure = wheel.with_file_name(OsString::from(format!("{package}-{version}-py3-none-any.whl")));
    fs::rename(&wheel, &pure)?;
    Ok(Some(pure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_that_nothing_suits_is_told_from_a_network_that_is_gone() {
        let nothing = "ERROR: Could not find a version that satisfies the requirement docopt<1,>=0.6 (from mine[x]) (from versions: none)\n\
                       ERROR: No matching distribution found for docopt<1,>=0.6\n";
        let Failure::NothingSuits { requirement, of, .. } = Failure::of("", nothing) else { panic!() };
        assert_eq!((requirement.as_str(), of.as_deref()), ("docopt<1,>=0.6", Some("mine")));
        let own = "ERROR: Could not find a version that satisfies the requirement docopt (from versions: 0.1, 0.2)\n";
        let Failure::NothingSuits { requirement, of: None, text } = Failure::of("", own) else { panic!() };
        assert_eq!(requirement, "docopt");
        assert_eq!(text, "  Could not find a version that satisfies the requirement docopt (the newest is 0.2)");
        let warned = format!("WARNING: Retrying (Retry(total=4)) after connection broken\n{nothing}");
        assert!(matches!(Failure::of("", &warned), Failure::Unreachable));
    }

    #[test]
    fn other_failures_keep_the_words_of_pip() {
        let printed = "Collecting a\n\nThe conflict is caused by:\n    a depends on b\n    c depends on d\n\nTo fix this you could try\n";
        let complaints = "WARNING: x\nERROR: Cannot install a\nERROR: ResolutionImpossible\n";
        let Failure::Other(text) = Failure::of(printed, complaints) else { panic!() };
        let expected =
            "  Cannot install a\n  ResolutionImpossible\n  The conflict is caused by:\n      a depends on b\n      c depends on d";
        assert_eq!(text, expected);
    }
}
