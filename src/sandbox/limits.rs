//! How much of the machine one instance may use.

use super::turns::Sign;
use async_trait::async_trait;
use std::sync::Arc;
use wasmtime::ResourceLimiterAsync;

/// How much one instance may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of linear memory: all that the interpreter and the app hold.
    pub memory_bytes: usize,
    /// Bytes of files in `/tmp`.
    pub tmp_bytes: u64,
    /// Files and folders in `/tmp`.
    pub tmp_nodes: usize,
}

impl Default for Limits {
    /// 512 MiB of memory; 64 MiB and 4,096 nodes in `/tmp`.
    fn default() -> Self {
        Limits { memory_bytes: 512 << 20, tmp_bytes: 64 << 20, tmp_nodes: 4096 }
    }
}

/// Refuses memory beyond the limit: the guest's allocator sees it and Python raises `MemoryError`. And is asked when a guest saw its sign raised.
#[derive(Debug)]
pub(super) struct MemoryLimiter {
    limit: usize,
    sign: Arc<Sign>,
}

impl MemoryLimiter {
    pub(super) fn new(limits: &Limits, sign: Arc<Sign>) -> Self {
        MemoryLimiter { limit: limits.memory_bytes, sign }
    }
}

#[async_trait]
impl ResourceLimiterAsync for MemoryLimiter {
    async fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        // No other memory is as small: the guest's has at least a page of 64 KiB.
        if current == Sign::BYTES {
            self.sign.take_down();
            tokio::task::yield_now().await;
            return Ok(false);
        }
        Ok(desired <= self.limit)
    }

    async fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        // The guest's one table holds its functions; nothing in CPython makes it grow.
        Ok(desired <= 1 << 20)
    }
}
