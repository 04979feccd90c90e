//! What must hold of a function.json.

use super::read::{function, read_definition};
use super::{Function, FunctionError};
use crate::app::fields::Source;
use crate::app::fuzzing::check;
use crate::app::json::Document;
use crate::app::settings::Settings;
use crate::fuzzing::{sentence, text};
use serde_json::Value;

const NAME: &str = "f";
const SCRIPT: &str = "function_app.py";

/// A function.json. Gives the function, if it is one.
pub(crate) fn function_json(bytes: &[u8]) -> Option<Function> {
    let text = text(bytes)?;
    let settings: Settings = [("Off".to_owned(), "true".to_owned())].into_iter().collect();
    let document = match Document::parse("f/function.json", text.as_bytes()) {
        Ok(document) => document,
        Err(error) => {
            sentence(&error.to_string());
            return None;
        }
    };
    let source = Source::of(document);
    let read = source.root().map_err(FunctionError::from).and_then(|root| function(&root, NAME, |_| Ok(SCRIPT.to_owned()), &settings));
    let read = match read {
        Ok(read) => read,
        Err(error) => {
            sentence(&error.to_string());
            return None;
        }
    };
    check(&read);
    // In model v2 the same says the same.
    let again = read_definition(NAME, &Value::Object(read.config.clone()).to_string(), SCRIPT, &settings).ok();
    let parts = |function: &Function| {
        let bindings = function.bindings.iter().map(|of| (of.name.clone(), of.kind.clone(), of.direction, of.data_type, of.fields.clone()));
        let bindings: Vec<_> = bindings.collect();
        (function.entry_point.clone(), function.retry, function.disabled, function.config.clone(), bindings)
    };
    assert_eq!(again.as_ref().map(parts), Some(parts(&read)));
    Some(read)
}
