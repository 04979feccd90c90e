//! One module a binding type: its fields in function.json, its way from an event to a datum, and from a datum to an effect.
//!
//! A binding answers up to three questions, each a trait: how does it start its function ([`Trigger`]), where does an input come from ([`Input`]),
//! where does an output go ([`Output`]). [`make`] is the list of all types. HTTP is the exception: its requests are answered where they arrive, so the
//! host's router asks [`http`] directly.
//!
//! A binding knows nothing of other bindings. Only [`http`] knows HTTP. What several need is no binding: [`expression`] fills in texts, [`account`] finds
//! storage, [`event`] is what triggers hand over, [`backoff`] says when to look again.

pub mod account;
pub mod backoff;
pub mod blob;
pub mod event;
pub mod expression;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
pub mod http;
pub mod queue;
pub mod table;
pub mod timer;
pub mod warmup;

use crate::app::{Binding, Direction, FieldError, HostConfig, Settings};
use crate::sandbox::api::Datum;
use crate::storage::StorageError;
use account::{AccountError, Accounts};
use async_trait::async_trait;
use event::{Event, Runner, Value};
use expression::{BindingData, Context, Expression, ExpressionError};
use std::fmt;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How a function is started.
#[async_trait]
pub trait Trigger: fmt::Debug + Send + Sync {
    /// Runs the function at each event until `stop`. Called once for each function that is served, and polled all the time; returns when nothing that it
    /// has begun is under way. Errors of its own it tells the runner, and tries again.
    async fn listen(&self, runner: Arc<dyn Runner>, stop: CancellationToken);

    /// An event as if it had come by itself, for whoever runs the function by hand: `input` is what the trigger would bring, as a text. Fails with a
    /// sentence.
    async fn event(&self, input: &str) -> Result<Event, String>;
}

/// Where an input comes from.
#[async_trait]
pub trait Input: fmt::Debug + Send + Sync {
    /// The input's value. Called before each run; large values should be streams.
    async fn fetch(&self, scope: &Scope<'_>) -> Result<Value, BindingError>;
}

/// Where an output goes.
#[async_trait]
pub trait Output: fmt::Debug + Send + Sync {
    /// Stores what the function set. Called after each run that succeeded and set it; when it returns, the effect lasts.
    async fn store(&self, value: Datum, scope: &Scope<'_>) -> Result<(), BindingError>;
}

/// What binding expressions are filled in from.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// What the trigger brought.
    pub data: &'a BindingData,
    /// The rest.
    pub context: Context<'a>,
}

/// Why an input is not there, or an output was not stored: a sentence.
#[derive(Debug, thiserror::Error)]
pub enum BindingError {
    /// A field's text can't be filled in.
    #[error("{binding}: {field}: {error}")]
    Expression {
        /// The binding's name.
        binding: String,
        /// Its field.
        field: &'static str,
        /// What is wrong.
        error: ExpressionError,
    },
    /// See there.
    #[error("{binding}: {error}")]
    Account {
        /// The binding's name.
        binding: String,
        /// What went wrong.
        error: AccountError,
    },
    /// The function gave something that the binding can't take.
    #[error("{binding}: {problem}")]
    Value {
        /// The binding's name.
        binding: String,
        /// What is wrong.
        problem: String,
    },
}

/// What bindings are made with.
#[derive(Debug, Clone, Copy)]
pub struct Making<'a> {
    /// The function's name.
    pub function: &'a str,
    /// The app's settings.
    pub settings: &'a Settings,
    /// host.json.
    pub host: &'a HostConfig,
    /// The app's storage accounts.
    pub accounts: &'a Accounts,
    /// Tells this app's records in a shared storage account from those of others.
    pub host_id: &'a str,
}

/// A binding that was made.
#[derive(Debug, Clone)]
pub enum Part {
    /// It starts the function.
    Trigger(Arc<dyn Trigger>),
    /// It fetches an input.
    Input(Arc<dyn Input>),
    /// It stores an output.
    Output(Arc<dyn Output>),
    /// The router sees to it.
    Http,
}

/// A text of a binding that is filled in when the function runs.
#[derive(Debug, Clone)]
pub struct Template {
    binding: String,
    field: &'static str,
    expression: Expression,
}

type Make = fn(&Binding, &Making<'_>) -> Result<Part, FieldError>;

/// All types of bindings, with their way if they have one.
const TYPES: [(&str, Option<Direction>, Make); 10] = [
    (http::TRIGGER, None, |_, _| Ok(Part::Http)),
    (http::OUTPUT, None, |_, _| Ok(Part::Http)),
    ("queueTrigger", None, queue::trigger),
    ("queue", Some(Direction::Out), queue::output),
    ("blobTrigger", None, blob::trigger),
    ("blob", Some(Direction::In), blob::input),
    ("blob", Some(Direction::Out), blob::output),
    ("timerTrigger", None, timer::trigger),
    ("table", Some(Direction::In), table::input),
    ("table", Some(Direction::Out), table::output),
];
/// The one whose events come from the host itself.
const WARMUP: &str = "warmupTrigger";

/// Makes a binding.
///
/// # Errors
/// A field is wrong, or there is no such type.
pub fn make(binding: &Binding, making: &Making<'_>) -> Result<Part, FieldError> {
    if binding.is(WARMUP) {
        return Ok(Part::Trigger(warmup::trigger(binding)));
    }
    let mut of_type = TYPES.iter().filter(|(kind, ..)| binding.is(kind)).peekable();
    if of_type.peek().is_none() {
        let known = "it knows httpTrigger, queueTrigger, blobTrigger, timerTrigger, warmupTrigger, http, queue, blob and table";
        return Err(binding.error("type", format!("is {}, which snapfunc can't serve: {known}", binding.kind)));
    }
    match of_type.find(|(_, direction, _)| direction.is_none_or(|direction| direction == binding.direction)) {
        Some((_, _, make)) => make(binding, making),
        None => Err(binding.error("direction", possible_directions(binding))),
    }
}

/// Of a type that doesn't have the binding's direction.
fn possible_directions(binding: &Binding) -> String {
    let name = |direction: Direction| match direction {
        Direction::In => "in",
        Direction::Out => "out",
        Direction::InOut => "inout",
    };
    let of_type = TYPES.iter().filter(|(kind, ..)| binding.is(kind)).filter_map(|(_, direction, _)| *direction);
    let problem = format!("must be {} for the type {}", of_type.map(name).collect::<Vec<_>>().join(" or "), binding.kind);
    // The words of Microsoft's worker.
    if binding.direction == Direction::InOut { problem + ": \"inout\" bindings are not supported" } else { problem }
}

/// A type's name as the SDK has it, whose converters are found by the exact name; the host ignores case.
#[must_use]
pub fn canonical_kind(kind: &str) -> &str {
    TYPES.iter().map(|(known, ..)| *known).chain([WARMUP]).find(|known| known.eq_ignore_ascii_case(kind)).unwrap_or(kind)
}

// === impl Template ===

impl Template {
    /// A field that must be there.
    ///
    /// # Errors
    /// It is missing, no text, or no expression.
    pub fn required(binding: &Binding, field: &'static str, making: &Making<'_>) -> Result<Template, FieldError> {
        Template::optional(binding, field, making)?.ok_or_else(|| binding.error(field, "is missing: add it"))
    }

    /// A field that may be absent.
    ///
    /// # Errors
    /// It is no text, or no expression.
    pub fn optional(binding: &Binding, field: &'static str, making: &Making<'_>) -> Result<Option<Template>, FieldError> {
        let Some(text) = text(binding, field)? else { return Ok(None) };
        let setting = |name: &str| making.settings.get(name).map(str::to_owned);
        let expression = Expression::parse(text, &setting).map_err(|error| binding.error(field, error.to_string()))?;
        Ok(Some(Template { binding: binding.name.clone(), field, expression }))
    }

    /// The text, if it has no parameters.
    fn constant(&self) -> Option<String> {
        self.expression.constant()
    }

    /// Makes sure of a text that has no parameters; of others no more is known than when they are filled in.
    fn checked(self, binding: &Binding, check: impl FnOnce(&str) -> Result<(), StorageError>) -> Result<Template, FieldError> {
        match self.constant() {
            Some(text) => checked(binding, self.field, &text, check).map(|()| self),
            None => Ok(self),
        }
    }

    /// The text.
    ///
    /// # Errors
    /// A parameter has no value.
    pub fn fill_in(&self, scope: &Scope<'_>) -> Result<String, BindingError> {
        let error = |error| BindingError::Expression { binding: self.binding.clone(), field: self.field, error };
        self.expression.evaluate(scope.data, &scope.context).map_err(error)
    }
}

/// A field that is a text, if it is there and not empty.
fn text<'a>(binding: &'a Binding, field: &str) -> Result<Option<&'a str>, FieldError> {
    match binding.field(field) {
        None => Ok(None),
        Some(value) => {
            value.as_str().map(|text| Some(text).filter(|text| !text.is_empty())).ok_or_else(|| binding.error(field, "must be a text"))
        }
    }
}

/// A text field with app settings in place of `%names%`, and without parameters.
fn resolved(binding: &Binding, field: &'static str, making: &Making<'_>) -> Result<String, FieldError> {
    let text = text(binding, field)?.ok_or_else(|| binding.error(field, "is missing: add it"))?;
    let setting = |name: &str| making.settings.get(name).map(str::to_owned);
    expression::replace_settings(text, &setting).map_err(|error| binding.error(field, error.to_string()))
}

/// Makes sure of a name that a storage account will be asked for.
fn checked(binding: &Binding, field: &str, name: &str, check: impl FnOnce(&str) -> Result<(), StorageError>) -> Result<(), FieldError> {
    check(name).map_err(|error| binding.error(field, format!("can't be used: {error}")))
}

/// A field that is true or false.
fn flag(binding: &Binding, field: &str, default: bool) -> Result<bool, FieldError> {
    match binding.field(field) {
        None => Ok(default),
        Some(serde_json::Value::Bool(flag)) => Ok(*flag),
        Some(serde_json::Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(serde_json::Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(_) => Err(binding.error(field, "must be true or false")),
    }
}
