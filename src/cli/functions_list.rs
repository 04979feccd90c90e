//! The list of an app's functions that `start` prints: a table for a person, the lines of Core Tools for a program.

use crate::host::Listed;
use crate::host::console::printable_line;
use anstyle::{AnsiColor, Style};
use std::fmt::Write;

const HEADING: Style = Style::new().bold();
const READY: Style = AnsiColor::Green.on_default();
const BROKEN: Style = AnsiColor::Red.on_default();

/// A table: name, trigger, methods, URL, status.
pub(super) fn table(functions: &[Listed], base_url: &str) -> String {
    let rows: Vec<[String; 5]> = functions
        .iter()
        .map(|function| {
            let status = function.status();
            [
                printable_line(&function.name),
                printable_line(&function.trigger),
                function.methods(),
                function.url(base_url).map(|url| printable_line(&url)).unwrap_or_default(),
                status.to_owned(),
            ]
        })
        .collect();
    let headings = ["Function", "Trigger", "Methods", "URL", "Status"].map(str::to_owned);
    let width = |column: usize| rows.iter().chain([&headings]).map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let mut text = String::new();
    // Writing to a String can't fail.
    let mut line = |row: &[String; 5], style: Style, status_style: Style| {
        for (column, cell) in row.iter().enumerate() {
            let style = if column == 4 { status_style } else { style };
            let padding = " ".repeat(widths[column] - cell.chars().count() + 2);
            let _ = write!(text, "{style}{cell}{style:#}{}", if column == 4 { "" } else { &padding });
        }
        text.push('\n');
    };
    line(&headings, HEADING, HEADING);
    for (row, function) in rows.iter().zip(functions) {
        line(row, Style::new(), if function.is_ready() { READY } else { BROKEN });
    }
    format!("\n{text}")
}

/// Core Tools' lines: `name: [GET,POST] http://…`.
pub(super) fn lines(functions: &[Listed], base_url: &str) -> String {
    let mut text = String::from("\nFunctions:\n\n");
    for function in functions {
        // What can't be a function is in the list too, by the name of its folder.
        let (name, trigger) = (printable_line(&function.name), printable_line(&function.trigger));
        let _ = match function.url(base_url).map(|url| printable_line(&url)) {
            Some(url) if function.is_ready() => writeln!(text, "\t{name}: [{}] {url}\n", function.methods()),
            Some(url) => writeln!(text, "\t{name}: [{}] {url} ({})\n", function.methods(), function.status()),
            None => writeln!(text, "\t{name}: {trigger} ({})\n", function.status()),
        };
    }
    text
}
