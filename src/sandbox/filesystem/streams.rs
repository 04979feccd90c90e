//! Streams from and to files of `/tmp`. Memory is always ready, so nothing waits.

use super::Handle;
use super::tree::TreeError;
use bytes::Bytes;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

/// Bytes that one read or write moves at the most.
pub(super) const CHUNK: usize = 64 << 10;

/// Reads a file from a position on.
pub(super) struct Reader {
    handle: Handle,
    position: u64,
}

/// Writes a file from a position on.
pub(super) struct Writer {
    handle: Handle,
    position: Position,
}

#[derive(Clone, Copy)]
pub(super) enum Position {
    At(u64),
    End,
}

// === impl Reader ===

impl Reader {
    pub(super) fn new(handle: Handle, position: u64) -> Self {
        Reader { handle, position }
    }
}

#[async_trait::async_trait]
impl Pollable for Reader {
    async fn ready(&mut self) {}
}

impl InputStream for Reader {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let data = self.handle.tree.lock().read(self.handle.node, self.position, size.min(CHUNK)).map_err(failed)?;
        if data.is_empty() && size > 0 {
            return Err(StreamError::Closed);
        }
        self.position += data.len() as u64;
        Ok(data.into())
    }
}

// === impl Writer ===

impl Writer {
    pub(super) fn new(handle: Handle, position: Position) -> Self {
        Writer { handle, position }
    }
}

#[async_trait::async_trait]
impl Pollable for Writer {
    async fn ready(&mut self) {}
}

impl OutputStream for Writer {
    /// What fails leaves the stream as it was: like a file of any system, it takes more when there is room again.
    fn write(&mut self, data: Bytes) -> StreamResult<()> {
        let mut tree = self.handle.tree.lock();
        match &mut self.position {
            Position::End => tree.append(self.handle.node, &data).map_err(failed),
            Position::At(position) => {
                tree.write(self.handle.node, *position, &data).map_err(failed)?;
                *position = position.saturating_add(data.len() as u64);
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

/// The error that `filesystem-error-code` finds again.
fn failed(error: TreeError) -> StreamError {
    StreamError::LastOperationFailed(wasmtime::Error::new(error))
}
