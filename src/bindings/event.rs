//! What a trigger hands over, and to whom.

use super::expression::BindingData;
use crate::app::LogLevel;
use crate::sandbox::Content;
use crate::sandbox::api::Datum;
use async_trait::async_trait;
use std::fmt::Debug;
use std::sync::Arc;

/// Something happened that a function is for.
#[derive(Debug, Clone)]
pub struct Event {
    /// The trigger's binding, and its value.
    pub input: (String, Value),
    /// What the trigger knows beside it, for the function.
    pub metadata: Vec<(String, Datum)>,
    /// The same for binding expressions, with what the value itself holds.
    pub data: BindingData,
    /// W3C trace context, where it came with one.
    pub traceparent: Option<String>,
    /// The same: vendors' part.
    pub tracestate: Option<String>,
    /// Room that was counted for the value, and is free again when this is gone.
    pub room: Option<Arc<dyn Debug + Send + Sync>>,
}

/// The value of an input.
#[derive(Debug, Clone)]
pub enum Value {
    /// All of it.
    Datum(Datum),
    /// One that the function reads piece by piece.
    Stream(Arc<dyn Content>),
}

/// Runs one function for its trigger.
#[async_trait]
pub trait Runner: Send + Sync {
    /// Runs it with all its bindings, and again where its retry policy says so. The console has been told how it ended when this returns.
    async fn run(&self, event: Event) -> Result<(), NotRun>;

    /// Says something about the trigger on the console.
    fn tell(&self, level: LogLevel, text: &str);
}

/// Why an event was not dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRun {
    /// The function failed.
    Failed,
    /// It did not run, as there is no instance for it now: worth another try soon.
    Unavailable,
}

// === impl Event ===

impl Event {
    /// An event that came with nothing but a value.
    #[must_use]
    pub fn of(trigger: &str, value: Value) -> Event {
        Event {
            input: (trigger.to_owned(), value),
            metadata: Vec::new(),
            data: BindingData::default(),
            traceparent: None,
            tracestate: None,
            room: None,
        }
    }
}

/// A value for trigger metadata: texts and numbers as such, others as JSON.
#[must_use]
pub fn datum_of_json(value: &serde_json::Value) -> Datum {
    match value {
        serde_json::Value::String(text) => Datum::Text(text.clone()),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Datum::Int(integer),
            (None, Some(float)) => Datum::Float(float),
            (None, None) => Datum::Json(number.to_string()),
        },
        other => Datum::Json(other.to_string()),
    }
}
