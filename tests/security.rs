//! `docs/security.md` names tests: they must exist.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::fs;
use std::path::{Path, PathBuf};

/// What is to be seen in no test, with how it was seen.
const BY_HAND: &str = "by hand";

#[test]
fn every_line_names_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let mut named = 0;
    for line in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what")) {
        let tests = line.trim_matches('|').rsplit(" | ").next().unwrap().trim();
        let tests: Vec<_> = tests.split(", ").collect();
        for test in tests.iter().filter(|test| !test.starts_with(BY_HAND)) {
            let path = test.strip_prefix('`').and_then(|test| test.strip_suffix('`'));
            assert!(path.is_some_and(|path| is_there(root, path)), "no such test: {test}\n{line}");
            named += 1;
        }
    }
    assert!(named > 50, "{named}");
}

/// Whether `file::name` is a test of `tests/`, or `module::name` one of `src/`: in the module's own file or those of its tests.
fn is_there(root: &Path, path: &str) -> bool {
    let Some((module, name)) = path.rsplit_once("::") else { return false };
    let module: PathBuf = module.split("::").collect();
    let mut files = Vec::new();
    for folder in ["tests", "src"].map(|folder| root.join(folder)) {
        files.push(folder.join(&module).with_extension("rs"));
        files.push(folder.join(&module).join("mod.rs"));
        for entry in fs::read_dir(folder.join(&module).join("tests")).into_iter().flatten() {
            files.push(entry.unwrap().path());
        }
        files.push(folder.join(&module).join("tests.rs"));
    }
    let is_test = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap_or_default();
        // Those of properties have their attributes inside of a macro.
        text.contains(&format!("fn {name}(")) && ["#[test]", "#[tokio::test"].iter().any(|attribute| text.contains(attribute))
    };
    files.iter().any(is_test)
}
