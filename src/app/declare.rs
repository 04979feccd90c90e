//! The functions of programming model v2: they are known after the code of the entry file has run, from what it says of them.

use super::function::{BrokenFunction, FunctionError, read_definition};
use super::{App, ProgrammingModel};
use std::collections::HashMap;

/// So many names are told in one sentence.
const MOST_NAMED: usize = 20;
/// Bytes of a name that are told: twice as many as a function's name may have.
const LONGEST_NAMED: usize = 256;

impl App {
    /// The file with the functions of programming model v2, where it can be loaded.
    pub fn entry_file(&self) -> Option<&str> {
        match &self.model {
            ProgrammingModel::V2 { entry_file } if !self.unusable => Some(entry_file),
            ProgrammingModel::V1 | ProgrammingModel::V2 { .. } => None,
        }
    }

    /// Takes over the functions that the entry file declares: their names, and what a function.json would say of each, if that can be said.
    /// From then on the app is like one of model v1. Gives sentences for the user.
    pub fn declare<'a>(&mut self, declared: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Vec<String> {
        let Some(file) = self.entry_file().map(str::to_owned) else { return Vec::new() };
        let declared: Vec<_> = declared.into_iter().map(|(name, definition)| (beginning(name), definition)).collect();
        let names: Vec<_> = declared.iter().map(|(name, _)| *name).collect();
        // By the name that all spellings have in common: the code may declare any number.
        let mut seen: HashMap<String, &str> = HashMap::new();
        for (name, definition) in declared {
            if !self.selects(name) {
                continue;
            }
            let other = seen.get(&name.to_ascii_lowercase()).copied();
            let (name_owned, file) = (name.to_owned(), file.clone());
            let read = match (other, definition) {
                (Some(other), _) => Err(FunctionError::SameNameInCode { name: name_owned, other: other.to_owned(), file }),
                (None, Some(definition)) => read_definition(name, definition, &file, &self.settings),
                (None, None) => Err(FunctionError::Undescribed { name: name_owned, file }),
            };
            seen.entry(name.to_ascii_lowercase()).or_insert(name);
            match read {
                Ok(function) => self.functions.push(function),
                Err(error) => self.broken.push(BrokenFunction { name: name.to_owned(), error }),
            }
        }
        self.functions.sort_by(|a, b| a.name.cmp(&b.name));
        self.broken.sort_by(|a, b| a.name.cmp(&b.name));
        if names.is_empty() {
            return vec![format!("no functions: the FunctionApp in {file} has none: decorate some with it")];
        }
        let mut notices = self.unknown_names(&names);
        if seen.is_empty() {
            notices.push(format!("no functions: of the app's {} none is to run", in_words(&names)));
        }
        notices
    }

    /// Sentences about names that were selected and that none of the app's functions has. Both lists are the app's own: told in full, they would take the
    /// product of their lengths.
    pub(super) fn unknown_names(&self, known: &[&str]) -> Vec<String> {
        let is_known = |name: &&String| known.iter().any(|known| known.eq_ignore_ascii_case(name));
        let unknown = self.selected.iter().flatten().filter(|name| !is_known(name));
        let known = in_words(known);
        let mut unknown = unknown.map(|name| beginning(name));
        let about = "`functions` in host.json or the settings, or --functions, names";
        let told = unknown.by_ref().take(MOST_NAMED).map(|name| format!("{about} {name}, but the app has only {known}"));
        let mut sentences: Vec<_> = told.collect();
        let more = unknown.count();
        if more > 0 {
            sentences.push(format!("{about} {more} more functions that the app doesn't have"));
        }
        sentences
    }
}

/// As much of a name as is told: longer ones are no function's.
fn beginning(name: &str) -> &str {
    &name[..name.floor_char_boundary(LONGEST_NAMED)]
}

/// The first of many names, and how many there are beside them.
pub(super) fn in_words(names: &[&str]) -> String {
    let first = names.iter().take(MOST_NAMED).map(|name| beginning(name)).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
