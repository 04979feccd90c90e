//! `/admin/host`, but for its keys.

use super::{Admin, Call, Inventory, json, status};
use crate::host::dispatch::Dispatcher;
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::json;
use std::sync::Arc;

/// Answers below `/admin/host`.
pub(super) fn answer(
    admin: &Admin,
    call: &Call<'_>,
    rest: &[&str],
    inventory: &Inventory,
    dispatcher: &Arc<Dispatcher>,
) -> Response<Bytes> {
    match (call.method, rest) {
        (&Method::GET, ["status"]) => tell(admin, inventory),
        (&Method::GET, ["config"]) => json(StatusCode::OK, &inventory.config),
        (&Method::POST, ["drain"]) => {
            admin.control.drain(true);
            status(StatusCode::ACCEPTED)
        }
        (&Method::GET, ["drain", "status"]) => {
            let running = dispatcher.running();
            // A trigger that had begun to look for events may still find some.
            let rests = running == 0 && dispatcher.listening() == 0;
            let state = match (admin.control.is_drained(), rests) {
                (false, _) => "Disabled",
                (true, true) => "Completed",
                (true, false) => "InProgress",
            };
            json(StatusCode::OK, &json!({"state": state, "outstandingInvocations": running, "outstandingRetries": 0}))
        }
        (&Method::POST, ["resume"]) => {
            admin.control.drain(false);
            json(StatusCode::OK, &json!({"state": "Running"}))
        }
        (&Method::POST, ["restart"]) => {
            admin.control.restart();
            status(StatusCode::ACCEPTED)
        }
        // There is nobody to tell: triggers are known as soon as the app is read.
        (&Method::POST, ["synctriggers"]) => json(StatusCode::OK, &json!({"status": "success"})),
        _ => status(StatusCode::NOT_FOUND),
    }
}

/// As the Functions host's `HostStatus`.
fn tell(admin: &Admin, inventory: &Inventory) -> Response<Bytes> {
    let error = |function: &super::Described| function.error.as_ref().map(|error| format!("{}: {error}", function.name));
    let errors: Vec<_> = inventory.functions.iter().filter_map(error).collect();
    let told = json!({
        "id": admin.host_id,
        "state": "Running",
        "version": env!("CARGO_PKG_VERSION"),
        "versionDetails": concat!("snapfunc ", env!("CARGO_PKG_VERSION")),
        "instanceId": admin.instance_id,
        "processUptime": u64::try_from(admin.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "errors": errors,
    });
    json(StatusCode::OK, &told)
}
