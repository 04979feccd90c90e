//! One module a binding type: its fields in function.json, its way from an event to a datum, and from a datum to an effect.
//!
//! A binding knows nothing of other bindings. Only [`http`] knows HTTP. [`expression`] is no binding: it fills in the texts that several have.

pub mod blob;
pub mod expression;
pub mod http;
pub mod queue;
pub mod timer;
