//! `docs/compatibility.md` names tests: they must exist.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::fs;
use std::path::Path;

#[test]
fn every_line_names_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/compatibility.md")).unwrap();
    let mut named = 0;
    let mut of_features = false;
    for line in page.lines() {
        if line.starts_with("| feature") || !line.starts_with('|') {
            of_features = line.starts_with('|');
            continue;
        }
        if !of_features || line.starts_with("|-") {
            continue;
        }
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let (verdict, test) = (cells[1], cells[2].trim_end_matches('|').trim());
        assert!(["works", "differs", "not"].iter().any(|known| verdict.starts_with(known)), "{line}");
        let (file, name) = test.trim_matches('`').split_once("::").unwrap_or_else(|| panic!("no test: {line}"));
        let source = fs::read_to_string(root.join("tests").join(format!("{file}.rs"))).unwrap_or_else(|_| panic!("no file: {line}"));
        assert!(source.contains(&format!("fn {name}(")), "no such test: {line}");
        named += 1;
    }
    assert!(named > 50, "{named}");
}
