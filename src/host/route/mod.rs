//! Routes of HTTP triggers: which function a method and a path belong to, and the values that its template takes from the path.
//!
//! Templates are those of ASP.NET Core's attribute routes, which the Functions host uses. [`RouteTable::build`] reads them once, refuses those that
//! can't work with a sentence to act on, and sorts the rest; [`RouteTable::find`] tries them in that order. `parse` makes a `template` of a text,
//! `constraint` and `number`, `date_time` below it say which values fit, `matching` holds a path against a template, `table` is the whole.
//!
//! Knows methods and paths only, nothing of requests, bindings or keys.
//!
//! # How it differs from the Functions host
//! - The most literal template wins. The Functions host takes the first one that matches, in the order of the functions.
//! - One slash before a template is dropped. There it breaks the host where there is a prefix, but `AsgiFunctionApp` of the SDK has such a route.
//! - Two functions at one place are an error of both. There the second one only is refused, or, with other parameter names, never called.
//! - Regular expressions are those of the `regex` crate: no look-around, no back-references, and always in linear time. Those of
//!   an app take 64 MiB at most, one of them 16 MiB, and 8 KiB as it is written.
//! - A prefix has 1,024 bytes at most.
//! - `datetime` takes the usual forms, not each of .NET's; `guid` has no form with `0x`.

mod constraint;
mod date_time;
mod error;
mod matching;
mod number;
mod parse;
mod table;
mod template;

pub use error::{ConstraintError, RouteError, TemplateError};
pub use table::RouteTable;

use http::Method;

/// A function and where it wants to answer.
#[derive(Debug, Clone)]
pub struct Route<T> {
    /// The function's name.
    pub function: String,
    /// The route below the prefix, such as `products/{category:alpha}/{id:int?}`. A blank one is the function's name, `/` is the prefix itself.
    pub template: String,
    /// What it answers; nothing, or an empty list: all methods.
    pub methods: Option<Vec<Method>>,
    /// What [`RouteTable::find`] gives back.
    pub target: T,
}

/// What answers a request.
#[derive(Debug, Clone)]
pub struct Found<'a, T> {
    /// Of the route that matches.
    pub target: &'a T,
    /// What its parameters took from the path.
    pub values: RouteValues,
}

/// Names, as the template writes them, with their values, in the template's order. Values are percent-decoded, but for `%2F`, and keep their case. A
/// parameter that may be left out and was has its default, or is not here; so is a catch-all that had nothing to take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteValues(Vec<(String, String)>);

// === impl RouteValues ===

impl From<RouteValues> for Vec<(String, String)> {
    fn from(values: RouteValues) -> Self {
        values.0
    }
}

#[cfg(test)]
mod tests;
