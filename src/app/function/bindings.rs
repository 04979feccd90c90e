//! A function's bindings together: exactly one trigger, and no name twice.

use std::collections::HashSet;

use thiserror::Error;

use super::Binding;

/// The bindings of one function: one of them is a trigger, and their names differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Bindings {
    trigger: Binding,
    /// How many of the others come before the trigger.
    before: usize,
    others: Vec<Binding>,
}

/// Why bindings don't make a function.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BindingsError {
    /// There are none.
    #[error("`bindings` is empty: add a trigger, like {{\"type\": \"httpTrigger\", \"name\": \"req\"}}")]
    None,
    /// Nothing would start the function.
    #[error("`bindings` has no trigger: add one, like {{\"type\": \"httpTrigger\", \"name\": \"req\"}}")]
    NoTrigger,
    /// A function has one.
    #[error(
        "`bindings` has two triggers, {first} and {second}: a function has one, so remove the other or put it in a function of its own"
    )]
    TwoTriggers {
        /// A trigger's name.
        first: String,
        /// Another's.
        second: String,
    },
    /// Names tell bindings apart.
    #[error("`bindings` has the name {name} twice: rename one")]
    SameName {
        /// The name.
        name: String,
    },
}

// === impl Bindings ===

impl Bindings {
    /// Makes sure of what the type promises.
    ///
    /// # Errors
    /// What is wrong with `all` first, in the order of [`BindingsError`].
    pub fn new(all: Vec<Binding>) -> Result<Bindings, BindingsError> {
        if all.is_empty() {
            return Err(BindingsError::None);
        }
        let mut names = HashSet::new();
        if let Some(second) = all.iter().find(|binding| !names.insert(binding.name.as_str())) {
            return Err(BindingsError::SameName { name: second.name.clone() });
        }
        let mut triggers = all.iter().filter(|binding| binding.is_trigger());
        if let (Some(first), Some(second)) = (triggers.next(), triggers.next()) {
            return Err(BindingsError::TwoTriggers { first: first.name.clone(), second: second.name.clone() });
        }
        let before = all.iter().position(Binding::is_trigger).ok_or(BindingsError::NoTrigger)?;
        let mut others = all;
        let trigger = others.remove(before);
        Ok(Bindings { trigger, before, others })
    }

    /// The one that starts the function.
    pub fn trigger(&self) -> &Binding {
        &self.trigger
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Binding> {
        let (before, after) = self.others.split_at(self.before);
        before.iter().chain([&self.trigger]).chain(after)
    }

    /// The one of that name.
    pub fn get(&self, name: &str) -> Option<&Binding> {
        self.iter().find(|binding| binding.name == name)
    }
}
