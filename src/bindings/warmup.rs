//! The warm-up trigger: the host itself runs the function, when it is asked to warm up.

use super::Trigger;
use super::event::{Event, Runner, Value};
use crate::app::Binding;
use crate::sandbox::api::Datum;
use async_trait::async_trait;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
struct Warmup {
    name: String,
}

/// A `warmupTrigger`.
pub(super) fn trigger(binding: &Binding) -> Arc<dyn Trigger> {
    Arc::new(Warmup { name: binding.name.clone() })
}

#[async_trait]
impl Trigger for Warmup {
    async fn listen(&self, _: Arc<dyn Runner>, _: CancellationToken) {}

    async fn event(&self, _: &str) -> Result<Event, String> {
        Ok(Event::of(&self.name, Value::Datum(Datum::Json("{}".into()))))
    }
}
