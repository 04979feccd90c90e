//! What a trigger brings for binding expressions.

use serde_json::{Map, Value};
use std::collections::HashSet;

/// Values by name: properties of a JSON payload, route values, a message's id, … Names are found in any case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BindingData(Map<String, Value>);

// === impl BindingData ===

impl BindingData {
    /// A value by its name, with the same spelling if there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        member(&self.0, name)
    }

    /// Adds a value, in place of one whose name differs in case only.
    pub fn insert(&mut self, name: &str, value: impl Into<Value>) {
        self.0.retain(|known, _| !same_name(known, name));
        self.0.insert(name.to_owned(), value.into());
    }

    /// The same with several, of which the last one of a name counts. Takes time in proportion to all values, however many there are on both sides.
    pub fn insert_all(&mut self, values: Vec<(String, Value)>) {
        let mut names = HashSet::new();
        let mut last: Vec<_> = values.into_iter().rev().filter(|(name, _)| names.insert(folded(name))).collect();
        self.0.retain(|known, _| !names.contains(&folded(known)));
        last.reverse();
        self.0.extend(last);
    }
}

impl From<Map<String, Value>> for BindingData {
    fn from(values: Map<String, Value>) -> Self {
        BindingData(values)
    }
}

impl FromIterator<(String, Value)> for BindingData {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(values: I) -> Self {
        BindingData(values.into_iter().collect())
    }
}

/// An object's member, with the same spelling if there is one.
pub(super) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.iter().find(|(known, _)| same_name(known, name)).map(|(_, value)| value))
}

/// Whether two names differ in case at most, letter by letter, as .NET's ordinal comparison has it.
fn same_name(one: &str, other: &str) -> bool {
    one.chars().flat_map(char::to_uppercase).eq(other.chars().flat_map(char::to_uppercase))
}

/// What all names have in common that differ in case at most.
pub(in crate::bindings) fn folded(name: &str) -> String {
    name.chars().flat_map(char::to_uppercase).collect()
}
