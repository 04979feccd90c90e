//! The HTTP trigger and the HTTP output: a request becomes a datum, a datum becomes a response.

mod cookie;
mod endpoint;
mod request;
mod response;
mod trigger;

pub use endpoint::Endpoint;
pub use request::{binding_data, to_datum};
pub use response::{ResponseError, from_outcome, take_body};
pub use trigger::{AuthLevel, HttpTrigger};

/// The trigger's type in function.json.
pub const TRIGGER: &str = "httpTrigger";
/// The output's type in function.json.
pub const OUTPUT: &str = "http";
