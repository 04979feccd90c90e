//! The table input and output.

mod entity;
mod input;
mod output;

use super::{Making, Part, Template};
use crate::app::{Binding, FieldError};
use crate::storage::names;
use std::sync::Arc;

/// A `table` input: `tableName` with `partitionKey` and `rowKey` for one entity, or with `partitionKey`, `filter` and `take` for several.
pub(super) fn input(binding: &Binding, making: &Making<'_>) -> Result<Part, FieldError> {
    let filter = Template::optional(binding, "filter", making)?;
    let take = take(binding)?;
    let row_key = Template::optional(binding, "rowKey", making)?;
    if row_key.is_some() && (filter.is_some() || take.is_some()) {
        return Err(binding.error("rowKey", "names one entity, so there can be no filter and no take: remove either"));
    }
    if row_key.is_some() && binding.field("partitionKey").is_none() {
        return Err(binding.error("rowKey", "needs a partitionKey beside it: add it"));
    }
    Ok(Part::Input(Arc::new(input::TableInput {
        name: binding.name.clone(),
        table: Template::required(binding, "tableName", making)?.checked(binding, names::table)?,
        partition_key: Template::optional(binding, "partitionKey", making)?,
        row_key,
        filter,
        take,
        account: making.accounts.of(binding)?,
    })))
}

/// A `table` output: `tableName`, and `partitionKey` and `rowKey` for entities that don't have them.
pub(super) fn output(binding: &Binding, making: &Making<'_>) -> Result<Part, FieldError> {
    Ok(Part::Output(Arc::new(output::TableOutput {
        name: binding.name.clone(),
        table: Template::required(binding, "tableName", making)?.checked(binding, names::table)?,
        partition_key: Template::optional(binding, "partitionKey", making)?,
        row_key: Template::optional(binding, "rowKey", making)?,
        account: making.accounts.of(binding)?,
    })))
}

/// A number, or one as a text.
fn take(binding: &Binding) -> Result<Option<usize>, FieldError> {
    let Some(value) = binding.field("take") else { return Ok(None) };
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
    let number = number.and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0);
    number.map(Some).ok_or_else(|| binding.error("take", "must be a number of at least 1"))
}
