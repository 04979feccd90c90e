//! The queue trigger and the queue output.
//!
//! [`text`] is what is in a message, `trigger` takes messages, `output` sends them.

mod output;
pub mod text;
mod trigger;

use super::account::Account;
use super::{Making, Part, Template, checked, resolved};
use crate::app::{Binding, DataType, FieldError};
use crate::storage::names;
use std::sync::Arc;

/// A `queueTrigger`: `queueName` and `connection`.
pub(super) fn trigger(binding: &Binding, making: &Making<'_>) -> Result<Part, FieldError> {
    // Names of queues are in lower case; the host makes them so.
    let queue = resolved(binding, "queueName", making)?.to_lowercase();
    checked(binding, "queueName", &queue, names::queue)?;
    let account = making.accounts.of(binding)?;
    Ok(Part::Trigger(Arc::new(trigger::QueueTrigger {
        name: binding.name.clone(),
        queue,
        lease: trigger::QueueTrigger::lease(making.host.snapfunc.message_lease_seconds, &account),
        account,
        wants_bytes: binding.data_type == DataType::Binary,
        options: making.host.queues.clone(),
    })))
}

/// A `queue` output: `queueName`, which may have parameters, and `connection`.
pub(super) fn output(binding: &Binding, making: &Making<'_>) -> Result<Part, FieldError> {
    Ok(Part::Output(Arc::new(output::QueueOutput {
        name: binding.name.clone(),
        queue: Template::required(binding, "queueName", making)?.checked(binding, |name| names::queue(&name.to_lowercase()))?,
        account: making.accounts.of(binding)?,
        encoding: making.host.queues.message_encoding,
    })))
}

/// A queue of an account.
#[derive(Debug, Clone)]
struct Queue {
    account: Account,
    name: String,
}
