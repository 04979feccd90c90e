//! Writes what `target/bench/report.json` holds into `docs/performance.md`, between its marks, and draws the plots. Measures nothing.

mod report;
#[path = "report/svg.rs"]
mod svg;

use report::{Figure, Report, Result};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use svg::{Line, plot};

fn main() -> Result<()> {
    // Only when asked to: `cargo bench` runs everything.
    if std::env::var_os("SNAPFUNC_BENCH_DOCS").is_none() {
        return Ok(());
    }
    let report = Report::read();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut page = fs::read_to_string(docs.join("performance.md"))?;
    let machine = &report.machine;
    let short = if machine.quick { " A short run, whose figures say little." } else { "" };
    let about = format!(
        "{}, {} cores, {}; snapfunc {}, wasmtime {}, CPython {}; {}.{short}\n",
        machine.processor, machine.cores, machine.kernel, machine.snapfunc, machine.wasmtime, machine.cpython, machine.date
    );
    page = replaced(&page, "machine", &about)?;
    for group in ["P1", "P2", "P4", "P5", "P6", "P7", "P8", "P9"] {
        page = replaced(&page, group, &table(&report, group))?;
    }
    page = replaced(&page, "P3", &requests(&report))?;
    page = replaced(&page, "P3 ratios", &table_of(report.figures.iter().filter(|figure| figure.name.starts_with("P3 best"))))?;
    fs::write(docs.join("performance.md"), page)?;
    draw(&report, &docs.join("performance"))
}

/// The page with other text between two marks.
fn replaced(page: &str, mark: &str, text: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- begin {mark} -->\n"), format!("<!-- end {mark} -->"));
    let (before, rest) = page.split_once(&begin).ok_or_else(|| format!("docs/performance.md has no mark {begin}"))?;
    let (_, after) = rest.split_once(&end).ok_or_else(|| format!("docs/performance.md has no mark {end}"))?;
    Ok(format!("{before}{begin}\n{text}\n{end}{after}"))
}

fn table(report: &Report, group: &str) -> String {
    table_of(report.figures.iter().filter(|figure| figure.name.starts_with(&format!("{group} "))))
}

fn table_of<'a>(figures: impl Iterator<Item = &'a Figure>) -> String {
    let mut text = String::from("| figure | value | n | beside |\n|---|---|---|---|\n");
    for figure in figures {
        let name = figure.name.split_once(' ').map_or("", |(_, name)| name);
        let peer = figure.peer.as_ref().map(|peer| format!("{peer}: {}", number(figure.peer_value.unwrap_or_default())));
        // Writing to a String can't fail.
        let _ = writeln!(text, "| {name} | {} {} | {} | {} |", number(figure.value), figure.unit, figure.n, peer.unwrap_or_default());
    }
    text
}

/// Of each server a line, of each number of connections a column.
fn requests(report: &Report) -> String {
    let mut text = String::new();
    for (what, unit) in
        [("requests", "requests a second"), ("p99", "p99 in ms"), ("requests per core used", "requests a second and core used")]
    {
        let rows = pivot(report, what);
        let columns: Vec<_> = rows.first().map(|(_, cells)| cells.keys().copied().collect()).unwrap_or_default();
        let _ = write!(text, "| {unit} |");
        columns.iter().for_each(|connections| _ = write!(text, " {connections} connections |"));
        let _ = write!(text, "\n|---|{}\n", "---|".repeat(columns.len()));
        for (server, cells) in rows {
            let _ = write!(text, "| {server} |");
            columns.iter().for_each(|column| _ = write!(text, " {} |", cells.get(column).map_or_else(String::new, |value| number(*value))));
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

/// By server, in the order of the report: by connections a value.
fn pivot(report: &Report, what: &str) -> Vec<(String, BTreeMap<u32, f64>)> {
    let mut rows: Vec<(String, BTreeMap<u32, f64>)> = Vec::new();
    for figure in report.figures.iter().filter(|figure| figure.name.starts_with("P3 ")) {
        let mut parts = figure.name.trim_start_matches("P3 ").split(", ");
        let (Some(server), Some(connections), Some(kind)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let Some(connections) = connections.strip_suffix(" connections").and_then(|number| number.parse().ok()) else { continue };
        if kind == what {
            match rows.iter_mut().find(|(known, _)| known == server) {
                Some((_, cells)) => _ = cells.insert(connections, figure.value),
                None => rows.push((server.to_owned(), BTreeMap::from([(connections, figure.value)]))),
            }
        }
    }
    rows
}

fn draw(report: &Report, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let lines: Vec<_> = pivot(report, "requests")
        .into_iter()
        .map(|(name, cells)| Line { name, points: cells.into_iter().map(|(x, y)| (f64::from(x), y)).collect() })
        .collect();
    fs::write(folder.join("http.svg"), plot("Requests a second by connections", true, &lines))?;
    for (file, prefix, end, title) in [
        ("clones.svg", "P4 memory of ", " live clones", "Memory of live clones in MiB, by their number"),
        ("apps.svg", "P4 memory of ", " idle apps", "Memory of idle apps in MiB, by their number"),
    ] {
        let of = |figure: &Figure| {
            let number = figure.name.strip_prefix(prefix)?.strip_suffix(end)?.parse().ok()?;
            Some((number, figure.value))
        };
        let line = Line { name: title.to_owned(), points: report.figures.iter().filter_map(of).collect() };
        fs::write(folder.join(file), plot(title, false, &[line]))?;
    }
    Ok(())
}

/// With as many digits as say something.
fn number(value: f64) -> String {
    let text = if value.abs() >= 1000.0 {
        format!("{value:.0}")
    } else if value.abs() >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    };
    let digits = text.split('.').next().map_or(0, str::len);
    if digits > 3 { format!("{},{}", &text[..digits - 3], &text[digits - 3..]) } else { text }
}
