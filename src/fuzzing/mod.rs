//! What must hold of each parser, whatever the bytes: the bodies of the fuzz targets in `fuzz/`, and the test that runs them over the corpus there.
//!
//! It is in the crate's own tests and in builds with `--cfg fuzzing`, which cargo-fuzz sets, and in no other: the program and the library don't have it.
//! A body is beside what it is about, in a room's `fuzzing.rs`; here is the list of them, and what they have in common. It takes any bytes, gives up where
//! they say nothing to it, and panics where something is wrong that must never be. That something takes too long or too much memory is for libFuzzer to see.

#[cfg(test)]
mod replay;

use std::borrow::Cow;
use std::sync::LazyLock;

/// What stands between the parts of an input that has several.
const SEPARATOR: char = '\u{1e}';
/// What stands before and behind the middle of an input that is to be stretched.
const STRETCH: char = '\u{1}';
/// Bytes of an input that was stretched: when fuzzing enough for what takes the square of its length to take seconds, in tests what takes no time.
const STRETCHED: usize = if cfg!(fuzzing) { 128 << 10 } else { 8 << 10 };
/// What settings hold in the second run of a target that looks for them in errors. No message has it.
pub(crate) const SECRET: char = '§';

macro_rules! targets {
    ($($name:ident: $body:path, $what:literal;)*) => {
        $(#[doc = $what] pub fn $name(bytes: &[u8]) { $body(bytes); })*

        /// All targets, by name.
        pub const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $name)),*];
    };
}

targets! {
    blob_path: crate::bindings::fuzzing::blob_path, "A blob trigger's path, and a blob's name: what was taken out of the name makes it again.";
    bundle: crate::sandbox::fuzzing::bundle, "A file of `snapfunc build` with any entries: nothing is made outside of the cache folder, and what it gives lies in it.";
    connection_string: crate::storage::fuzzing::connection_string, "A connection string: its parts make it again, and no words show its secrets.";
    definitions: crate::app::fuzzing::definitions, "What a worker tells of the functions of model v2: each is taken over or broken, once.";
    destination: crate::app::fuzzing::destination, "An entry of `snapfunc.outbound`: it is read as it is shown, and names nothing beyond itself.";
    expression: crate::bindings::fuzzing::expression, "A binding expression, the data for it and settings.";
    filter: crate::storage::fuzzing::filter, "A filter of the table service: it is read as it is shown, and `not` turns it.";
    function_json: whole_function, "A function.json with the fields of all bindings.";
    host_json: crate::app::fuzzing::host_json, "A host.json, and settings over it: reading the result again gives the same, and no error shows a setting.";
    json: crate::app::fuzzing::json, "JSON with comments: each of its values is found in its text.";
    local_settings: crate::app::fuzzing::local_settings, "A local.settings.json: no error shows a value.";
    log_text: crate::host::fuzzing::log_text, "What is logged: nothing in it controls a terminal.";
    queue_message: crate::bindings::fuzzing::queue_message, "Queue messages in Base64 and without, and texts that become several.";
    request: crate::bindings::fuzzing::request, "A request: what a function and its bindings get of it.";
    requirements: crate::packages::fuzz_requirements, "Lines of a requirements.txt: what is a name is nothing that pip takes for an option.";
    response: crate::bindings::fuzzing::response, "What a function gives out, as bytes on the connection: one response with the headers that were meant.";
    route: crate::host::fuzzing::route, "Route templates and a path.";
    schedule: crate::bindings::fuzzing::schedule, "A timer's schedule: it is read as it is shown, and each next run is the first one after what is before it.";
    snapshot: crate::sandbox::fuzzing::snapshot, "A snapshot's bytes: they are refused, or make a snapshot that is written and read as the same.";
    storage_answer: crate::storage::fuzzing::storage_answer, "What a storage service answers: XML that is read as it is written, and errors in a line.";
    time_span: crate::app::fuzzing::time_span, "A time span: it is read as it is shown.";
}

/// The function first, then what its bindings make of their fields.
fn whole_function(bytes: &[u8]) {
    if let Some(function) = crate::app::fuzzing::function_json(bytes) {
        crate::bindings::fuzzing::all_of(&function);
    }
}

/// The text of an input: nothing where it is none. One with two marks has what is between them over and over, so that time and memory show that grow faster
/// than an input does; as that is slow, a fuzzer does it only where the environment asks for it.
pub(crate) fn text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    static STRETCHES: LazyLock<bool> = LazyLock::new(|| cfg!(test) || std::env::var_os("SNAPFUNC_FUZZ_STRETCH").is_some());
    let text = std::str::from_utf8(bytes).ok()?;
    let mut pieces = text.splitn(3, STRETCH);
    let (Some(before), Some(middle), Some(after)) = (pieces.next(), pieces.next(), pieces.next()) else { return Some(text.into()) };
    if middle.is_empty() || !*STRETCHES {
        return None;
    }
    // A `#` in the middle is a number that differs each time.
    let times = STRETCHED / middle.len();
    let middle: String = (0..times).map(|time| middle.replace('#', &time.to_string())).collect();
    Some(format!("{before}{middle}{after}").into())
}

/// The parts of a text.
pub(crate) fn parts(text: &str) -> Vec<&str> {
    text.split(SEPARATOR).collect()
}

/// Names and values: a part `NAME=VALUE` is one of them.
pub(crate) fn pairs<'t>(parts: &[&'t str]) -> Vec<(&'t str, &'t str)> {
    parts.iter().filter_map(|part| part.split_once('=')).filter(|(name, _)| !name.is_empty()).collect()
}

/// What must hold of an error: it says something. It may repeat what the user wrote, so it may have several lines: who prints it sees to that.
pub(crate) fn sentence(error: &str) {
    assert!(!error.trim().is_empty(), "an error says nothing");
}
