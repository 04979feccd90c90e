//! A range of address space that is unmapped when it is dropped.

use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::ptr::{self, NonNull};

/// A range of address space that nobody else uses.
#[derive(Debug)]
pub(super) struct Mapping {
    start: NonNull<u8>,
    bytes: usize,
}

/// What a part of a file is mapped for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Access {
    /// To be read.
    Read,
    /// To be read, and written without changing the file.
    Private,
}

// SAFETY: a mapping is memory of the process, not of a thread, and this type has no way to read or write it by itself.
#[allow(unsafe_code)]
unsafe impl Send for Mapping {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for Mapping {}

#[allow(unsafe_code)]
impl Mapping {
    /// A range without memory behind it: each access is a fault.
    pub(super) fn reserve(bytes: usize) -> io::Result<Self> {
        // SAFETY: the kernel picks a range that is free, so no memory of anybody's is replaced.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), bytes, ProtFlags::empty(), MapFlags::PRIVATE | MapFlags::NORESERVE)? };
        Mapping::of(start, bytes)
    }

    fn of(start: *mut std::ffi::c_void, bytes: usize) -> io::Result<Self> {
        NonNull::new(start.cast()).map(|start| Mapping { start, bytes }).ok_or_else(|| io::Error::other("the kernel mapped the address 0"))
    }

    /// Puts a range of a file at the same place of this range: to be read, or to be read and written, and then what is written is not in the file. What was there
    /// before is gone. The file must not change any more.
    ///
    /// The caller has no reference into the range.
    pub(super) fn map(&self, file: &File, range: Range<usize>, access: Access) -> io::Result<()> {
        assert!(range.start <= range.end && range.end <= self.bytes, "the file's part does not fit the range");
        let (protection, sharing) = match access {
            Access::Read => (ProtFlags::READ, MapFlags::SHARED),
            Access::Private => (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::NORESERVE),
        };
        // SAFETY: the range is this mapping's own (checked above), nothing refers into it (the caller's promise).
        unsafe {
            let start = self.start.as_ptr().add(range.start).cast();
            mmap(start, range.len(), protection, sharing | MapFlags::FIXED, file, range.start as u64)?;
        }
        Ok(())
    }

    /// The range's first byte.
    pub(super) fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// The range's length.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Mapping {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: the range is this mapping's own, and whoever used it has given it back to drop it. Nothing can be done about an error.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.bytes) };
    }
}
