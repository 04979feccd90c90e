//! Streams from and to files of `/tmp`, and from those of the host. Memory is always ready and local files are read at once, so nothing waits.

use super::Handle;
use super::tree::TreeError;
use bytes::Bytes;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

/// Bytes that one read or write moves at the most.
pub(super) const CHUNK: usize = 64 << 10;

/// Reads a file from a position on.
pub(super) struct Reader {
    handle: Handle,
    position: u64,
}

/// Reads a file of the host from a position on. It holds nothing that was read: a guest may have thousands of these, and wasmtime-wasi's hold 64 KiB each.
pub(super) struct HostReader {
    file: Arc<File>,
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

// === impl HostReader ===

impl HostReader {
    pub(super) fn new(file: Arc<File>, position: u64) -> Self {
        HostReader { file, position }
    }
}

#[async_trait::async_trait]
impl Pollable for HostReader {
    async fn ready(&mut self) {}
}

impl InputStream for HostReader {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let mut data = vec![0; size.min(CHUNK)];
        let length = loop {
            match self.file.read_at(&mut data, self.position) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The error that `filesystem-error-code` finds again.
                Err(error) => return Err(StreamError::LastOperationFailed(error.into())),
                Ok(length) => break length,
            }
        };
        if length == 0 && size > 0 {
            return Err(StreamError::Closed);
        }
        data.truncate(length);
        self.position += length as u64;
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
