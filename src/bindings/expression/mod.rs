//! Binding expressions: texts in function.json such as `out/{rand-guid}-{order.id}.json`, filled in when a function runs.
//!
//! After the WebJobs SDK (Azure/azure-webjobs-sdk: `NameResolverExtensions`, `BindingTemplateParser`, `BindingTemplateToken`,
//! `BindingParameterResolver`, `SystemBindingData`, `BindingDataPathHelper`). `settings` replaces `%names%`, `template` parts the rest into texts and
//! braces, `parameter` is what braces hold, `format` is .NET's formats of dates, `data` is what a trigger brings.
//!
//! Knows nothing of bindings: any of them may use it, and those that have templates of another kind use the same [`template`].
//!
//! # What there is
//! - `%Setting%`, replaced first, once; what the setting holds may have braces of its own. Every `%` is one of a pair: there is no way to write
//!   one as text, and `%%` is a setting without a name, an error as in the SDK.
//! - `{{` and `}}` are braces as text.
//! - `{name}` and `{name.of.a.part}` are looked up in the trigger's data in any case.
//! - `{rand-guid}`, `{rand-guid:N}`, `{DateTime}`, `{DateTime:yyyy-MM}`, `{sys.utcnow}`, `{sys.randguid}`, `{sys.methodname}`, where the data has
//!   nothing of that name. All times of one evaluation are the same moment, in UTC.
//!
//! # How it differs from the SDK
//! - A format may hold dots: there `{DateTime:yyyy.MM}` loses what follows the dot.
//! - Only `DateTime` and `rand-guid` themselves are built in: there any name that begins so is too.
//! - Objects and lists are errors: there they become nothing, silently. Booleans are `true` and `false`, as in JSON: there `True` and `False`.

mod data;
mod error;
mod format;
mod parameter;
mod settings;
pub mod template;

pub use data::BindingData;
pub(super) use data::folded;
pub use error::{DateFormatError, ExpressionError};
pub use settings::replace_settings;

use jiff::Timestamp;
use parameter::Parameter;
use std::collections::HashSet;
use template::Piece;

/// A text with parameters, read once and evaluated at each invocation.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    parts: Vec<Part>,
}

/// What an evaluation knows besides the trigger's data.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The function's name: `{sys.methodname}`.
    pub method_name: &'a str,
    /// The present: `{DateTime}`, `{sys.utcnow}`.
    pub now: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Parameter(Parameter),
}

// === impl Expression ===

impl Expression {
    /// Reads an expression. `settings` gives the app settings by name.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence that goes on after the field's name. Values of settings are not shown.
    pub fn parse(text: &str, settings: &dyn Fn(&str) -> Option<String>) -> Result<Expression, ExpressionError> {
        let replaced = replace_settings(text, settings)?;
        Expression::of_template(&replaced).map_err(|error| error.without_text_beyond(text))
    }

    fn of_template(text: &str) -> Result<Expression, ExpressionError> {
        let parts = template::pieces(text)?.into_iter().map(|piece| match piece {
            Piece::Text(text) => Ok(Part::Text(text)),
            Piece::Braces(text) => Parameter::parse(text).map(Part::Parameter),
        });
        Ok(Expression { parts: parts.collect::<Result<_, _>>()? })
    }

    /// The names that only the trigger's data can fill, each once, in the expression's order: of `{a.b}` the `a`.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        let mut known = HashSet::new();
        for part in &self.parts {
            if let Part::Parameter(parameter) = part
                && let Some(name) = parameter.needs()
                && known.insert(folded(name))
            {
                names.push(name);
            }
        }
        names
    }

    /// The text, if it has no parameters.
    #[must_use]
    pub fn constant(&self) -> Option<String> {
        let text = |part: &Part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Parameter(_) => None,
        };
        self.parts.iter().map(text).collect()
    }

    /// The text with all parameters filled in.
    ///
    /// # Errors
    /// A parameter has no value, or one that is not a text, a number or a boolean. The sentence stands alone.
    pub fn evaluate(&self, data: &BindingData, context: &Context<'_>) -> Result<String, ExpressionError> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Parameter(parameter) => parameter.append_to(&mut text, data, context)?,
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
