//! The blob trigger, input and output.
//!
//! - [`pattern`]: which blobs a trigger is for. `trigger` looks for new versions of them and runs the function, `receipt` makes each version run once.
//! - `content`: a blob as an input, small ones whole and large ones as a stream; `input` fetches one, `output` writes one.

mod content;
mod input;
mod output;
pub mod pattern;
mod receipt;
mod trigger;

use super::{Making, Part, Template, checked, resolved, text};
use crate::app::{Binding, FieldError};
use crate::storage::{BlobName, names};
use pattern::BlobPattern;
use std::sync::Arc;

/// A `blobTrigger`: `path` and `connection`.
pub(super) fn trigger(binding: &Binding, making: &Making<'_>) -> Result<Part, FieldError> {
    let pattern = BlobPattern::parse(&resolved(binding, "path", making)?).map_err(|error| binding.error("path", error.to_string()))?;
    checked(binding, "path", pattern.container(), names::container)?;
    let parallel = making.host.blobs.max_degree_of_parallelism.map(|degree| degree as usize);
    Ok(Part::Trigger(Arc::new(trigger::BlobTrigger {
        name: binding.name.clone(),
        function: making.function.to_owned(),
        pattern,
        account: making.accounts.of(binding)?,
        data_type: binding.data_type,
        host_id: making.host_id.to_owned(),
        parallel: parallel.unwrap_or_else(|| 8 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get)),
        tries: making.host.blobs.poison_blob_threshold,
    })))
}

/// A `blob` input: `path`, which may have parameters, and `connection`.
pub(super) fn input(binding: &Binding, making: &Making<'_>) -> Result<Part, FieldError> {
    Ok(Part::Input(Arc::new(input::BlobInput {
        name: binding.name.clone(),
        path: path(binding, making)?,
        account: making.accounts.of(binding)?,
        data_type: binding.data_type,
    })))
}

/// A `blob` output: the same fields.
pub(super) fn output(binding: &Binding, making: &Making<'_>) -> Result<Part, FieldError> {
    Ok(Part::Output(Arc::new(output::BlobOutput {
        name: binding.name.clone(),
        path: path(binding, making)?,
        account: making.accounts.of(binding)?,
    })))
}

fn path(binding: &Binding, making: &Making<'_>) -> Result<Template, FieldError> {
    let template = Template::required(binding, "path", making)?;
    let container = text(binding, "path")?.and_then(|path| path.split_once('/')).map(|(container, _)| container);
    match container {
        None if template.constant().is_some() => {
            Err(binding.error("path", "must be a container and a blob's name, like `samples/{name}.txt`"))
        }
        Some(container) if !container.contains(['%', '{']) => checked(binding, "path", container, names::container).map(|()| template),
        _ => Ok(template),
    }
}

/// The blob of a path that was filled in. What is in it is taken literally: no part of it leads anywhere else.
fn blob_name(path: &str) -> Result<BlobName, String> {
    let (container, blob) = path.split_once('/').unwrap_or((path, ""));
    if container.is_empty() || blob.is_empty() {
        return Err(format!("the path {path:?} is not a container and a blob's name, like `samples/name.txt`"));
    }
    Ok(BlobName::new(container, blob))
}
