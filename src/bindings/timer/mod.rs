//! The timer trigger: [`schedule`] says when it runs, `trigger` waits and runs, `status` remembers over restarts.

pub mod schedule;
mod status;
mod trigger;

use super::{Making, Part, flag, resolved};
use crate::app::{Binding, FieldError};
use schedule::{Schedule, zone};
use std::sync::Arc;

/// A `timerTrigger`: `schedule`, `runOnStartup` and `useMonitor`.
pub(super) fn trigger(binding: &Binding, making: &Making<'_>) -> Result<Part, FieldError> {
    let schedule =
        Schedule::parse(&resolved(binding, "schedule", making)?).map_err(|error| binding.error("schedule", error.to_string()))?;
    let zone = zone::from_settings(|name| making.settings.get(name))
        .map_err(|error| binding.error("schedule", format!("can't be used: {error}")))?;
    // Status and lease are in the host's own account, whatever the function's other bindings use.
    let account = making.accounts.named(super::account::DEFAULT).map_err(|problem| {
        binding.error("type", format!("is {}, which needs the app's storage: its connection {problem}", binding.kind))
    })?;
    Ok(Part::Trigger(Arc::new(trigger::TimerTrigger {
        name: binding.name.clone(),
        function: making.function.to_owned(),
        schedule,
        zone,
        run_on_startup: flag(binding, "runOnStartup", false)?,
        use_monitor: flag(binding, "useMonitor", true)?,
        account,
        host_id: making.host_id.to_owned(),
    })))
}
