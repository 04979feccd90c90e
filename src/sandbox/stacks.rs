//! The native stacks that guests run on: kept and used again, as mapping one anew costs more than a whole invocation.

use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap_anonymous, mprotect, munmap};
use std::io;
use std::ops::Range;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasmtime::{StackCreator, StackMemory};

/// Below a stack: touching it is a fault, not another stack's memory.
const GUARD: usize = 64 << 10;
/// What stays in memory of a stack that is free, from its top: more than an invocation usually touches.
const KEPT: usize = 128 << 10;
/// Free stacks beyond this many are unmapped.
const MOST_FREE: usize = 256;

/// Hands stacks to wasmtime.
#[derive(Debug, Default)]
pub(super) struct Stacks {
    free: Arc<Mutex<Vec<Stack>>>,
}

/// A stack: a guard, and above it `bytes` to be used from the top downwards.
#[derive(Debug)]
struct Stack {
    /// The guard's first byte.
    start: usize,
    bytes: usize,
}

/// A stack in use. It is free again when this is dropped.
struct Lent {
    /// Nothing only while it is dropped.
    stack: Option<Stack>,
    range: Range<usize>,
    free: Arc<Mutex<Vec<Stack>>>,
}

// === impl Stacks ===

// SAFETY: `new_stack` gives a stack of at least the size asked for, page-aligned, with a guard below, that nobody else uses until it is dropped.
#[allow(unsafe_code)]
unsafe impl StackCreator for Stacks {
    /// `zeroed` is not asked for: the engine's configuration does not, and guests can't read their native stack.
    fn new_stack(&self, size: usize, zeroed: bool) -> wasmtime::Result<Box<dyn StackMemory>> {
        let used = if zeroed { None } else { lock(&self.free).pop_if(|stack| stack.bytes >= size) };
        let stack = match used {
            Some(stack) => stack,
            None => Stack::map(size)?,
        };
        let bottom = stack.start + GUARD;
        Ok(Box::new(Lent { range: bottom..bottom + stack.bytes, stack: Some(stack), free: self.free.clone() }))
    }
}

fn lock(free: &Mutex<Vec<Stack>>) -> MutexGuard<'_, Vec<Stack>> {
    free.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Stack ===

#[allow(unsafe_code)]
impl Stack {
    fn map(size: usize) -> io::Result<Self> {
        let bytes = size.next_multiple_of(GUARD);
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: the kernel picks a range that is free; the guard is a part of it.
        unsafe {
            let start = mmap_anonymous(ptr::null_mut(), GUARD + bytes, ProtFlags::READ | ProtFlags::WRITE, flags)?;
            let stack = Stack { start: start as usize, bytes };
            mprotect(start, GUARD, MprotectFlags::empty())?;
            Ok(stack)
        }
    }

    /// Gives back the memory of what deep calls touched.
    fn trim(&self) {
        let deep = self.bytes.saturating_sub(KEPT);
        if deep > 0 {
            // SAFETY: the range is this stack's own and nobody uses the stack. An error only means that the memory is kept.
            let _ = unsafe { madvise((self.start + GUARD) as *mut _, deep, Advice::LinuxDontNeed) };
        }
    }
}

impl Drop for Stack {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: the range is this stack's own and nobody uses it any more.
        let _ = unsafe { munmap(self.start as *mut _, GUARD + self.bytes) };
    }
}

// === impl Lent ===

// SAFETY: the ranges are those of a mapping that lives until this is dropped; the guard lies directly below the stack.
#[allow(unsafe_code)]
unsafe impl StackMemory for Lent {
    fn top(&self) -> *mut u8 {
        self.range.end as *mut u8
    }

    fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    fn guard_range(&self) -> Range<*mut u8> {
        (self.range.start - GUARD) as *mut u8..self.range.start as *mut u8
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(stack) = self.stack.take() else { return };
        stack.trim();
        let mut free = lock(&self.free);
        if free.len() < MOST_FREE {
            free.push(stack);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_used_again_and_are_not_shared() {
        let stacks = Stacks::default();
        let a = stacks.new_stack(5 << 20, false).unwrap();
        let b = stacks.new_stack(5 << 20, false).unwrap();
        assert!(a.range().end <= b.guard_range().start as usize || b.range().end <= a.guard_range().start as usize);
        assert!(a.range().len() >= 5 << 20);
        assert_eq!(a.guard_range().end as usize, a.range().start);
        let top = a.top();
        drop(a);
        assert_eq!(stacks.new_stack(5 << 20, false).unwrap().top(), top);
        assert_ne!(stacks.new_stack(50 << 20, false).unwrap().top(), top);
    }
}
