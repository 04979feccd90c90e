//! `/admin/functions` and `/admin/warmup`.

use super::{Call, Inventory, json, status};
use crate::host::dispatch::Dispatcher;
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What is told of a function.
#[derive(Debug, Clone)]
pub(in crate::host) struct Described {
    pub(in crate::host) name: String,
    /// Its function.json, or what stands for it.
    pub(in crate::host) config: Map<String, Value>,
    /// Where it answers, below the address.
    pub(in crate::host) path: Option<String>,
    pub(in crate::host) disabled: bool,
    /// Why it can't run.
    pub(in crate::host) error: Option<String>,
}

/// Answers below `/admin/functions`.
pub(super) async fn answer(call: &Call<'_>, rest: &[&str], inventory: &Inventory, dispatcher: &Arc<Dispatcher>) -> Response<Bytes> {
    match (call.method, rest) {
        (&Method::GET, []) => {
            let all = inventory.functions.iter().map(|function| function.describe(&call.base)).collect();
            json(StatusCode::OK, &Value::Array(all))
        }
        (&Method::POST, [name]) => status(inventory.by_hand.run(name, call.body, dispatcher).await),
        (&Method::GET, [name]) => tell(inventory, name, |function| function.describe(&call.base)),
        (&Method::GET, [name, "status"]) => tell(inventory, name, |function| json!({"errors": function.error.iter().collect::<Vec<_>>()})),
        _ => status(StatusCode::NOT_FOUND),
    }
}

/// Runs the app's warm-up function, if it has one.
pub(super) async fn warm_up(inventory: &Inventory, dispatcher: &Arc<Dispatcher>) -> Response<Bytes> {
    if let Some((function, trigger)) = &inventory.warmup
        && let Ok(event) = trigger.event("").await
    {
        // How it ended is on the console; the host is warm all the same.
        let _ = dispatcher.run(function, event).await;
    }
    status(StatusCode::OK)
}

fn tell(inventory: &Inventory, name: &str, what: impl FnOnce(&Described) -> Value) -> Response<Bytes> {
    match inventory.find(name) {
        Some(function) => json(StatusCode::OK, &what(function)),
        None => status(StatusCode::NOT_FOUND),
    }
}

// === impl Inventory ===

impl Inventory {
    /// A function by its name, whose case doesn't count.
    pub(super) fn find(&self, name: &str) -> Option<&Described> {
        self.functions.iter().find(|function| function.name.eq_ignore_ascii_case(name))
    }
}

// === impl Described ===

impl Described {
    /// As the Functions host's `FunctionMetadataResponse`.
    fn describe(&self, base: &str) -> Value {
        json!({
            "name": self.name,
            "href": format!("{base}/admin/functions/{}", self.name),
            "config": self.config,
            "invoke_url_template": self.path.as_ref().map(|path| format!("{base}{path}")),
            "language": "python",
            "files": null,
            "test_data": "",
            "isDisabled": self.disabled,
            "isDirect": false,
            "isProxy": false,
        })
    }
}
