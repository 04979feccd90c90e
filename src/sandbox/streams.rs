//! Inputs that stay with the host until the guest asks for them, piece by piece.

use super::api::streams;
use super::state::State;
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt;
use std::sync::{Arc, Weak};
use wasmtime::component::Resource;

/// The most that one call brings into the guest, in bytes, however much it asks for.
const LONGEST_PIECE: u32 = 8 << 20;
/// The longest name that an error repeats, in bytes. The name is the guest's choice, and what is made of it is not of the guest's memory.
const LONGEST_TOLD: usize = 256;

/// Bytes that are somewhere else.
#[async_trait]
pub trait Content: fmt::Debug + Send + Sync {
    /// How many there are.
    fn length(&self) -> u64;

    /// At most so many from an offset, none only at the end. Called at any time and in any order, while the guest waits. An error is told to the guest
    /// as it is.
    async fn read(&self, offset: u64, length: u32) -> Result<Bytes, String>;
}

/// An input by the name of its binding.
pub type Stream = (String, Arc<dyn Content>);

/// A stream that the guest has opened. Its content is the invocation's: whoever kept it finds nothing once that is over.
#[allow(unreachable_pub)] // the generated bindings name it
#[derive(Debug)]
pub struct Opened(Weak<dyn Content>);

impl streams::Host for State {
    fn open(&mut self, input: String) -> wasmtime::Result<Result<Resource<Opened>, String>> {
        let Some((_, content)) = self.streams.iter().find(|(name, _)| *name == input) else {
            let named = if input.len() > LONGEST_TOLD { "of such a long name".to_owned() } else { format!("{input:?}") };
            return Ok(Err(format!("there is no stream {named} now: it can be read only while its invocation runs")));
        };
        let opened = Opened(Arc::downgrade(content));
        Ok(Ok(self.table_mut().push(opened)?))
    }
}

impl streams::HostContent for State {
    async fn read(&mut self, content: Resource<Opened>, offset: u64, length: u32) -> wasmtime::Result<Result<Vec<u8>, String>> {
        let Some(content) = self.table_mut().get(&content)?.0.upgrade() else {
            return Ok(Err("its invocation is over: a stream can be read only while that runs".to_owned()));
        };
        Ok(content.read(offset, length.min(LONGEST_PIECE)).await.map(Vec::from))
    }

    fn drop(&mut self, content: Resource<Opened>) -> wasmtime::Result<()> {
        self.table_mut().delete(content)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::state;
    use super::*;
    use streams::Host as _;

    #[test]
    fn an_error_repeats_no_long_name() {
        let open = |name: &str| state().open(name.to_owned()).unwrap().unwrap_err();
        assert_eq!(open("a\n"), r#"there is no stream "a\n" now: it can be read only while its invocation runs"#);
        assert!(open(&"x".repeat(LONGEST_TOLD)).len() > LONGEST_TOLD);
        let told = open(&"\u{1}".repeat(LONGEST_TOLD + 1));
        assert_eq!(told, "there is no stream of such a long name now: it can be read only while its invocation runs");
    }
}
