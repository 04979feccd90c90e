//! A range of address space that is unmapped when it is dropped.

use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};
use std::fs::File;
use std::io;
use std::ptr::{self, NonNull};

/// A range of address space that nobody else uses.
#[derive(Debug)]
pub(super) struct Mapping {
    start: NonNull<u8>,
    bytes: usize,
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

    /// A file's first bytes, to be read. The file must not change any more.
    pub(super) fn read_only(file: &File, bytes: usize) -> io::Result<Self> {
        // SAFETY: as above.
        let start = unsafe { mmap(ptr::null_mut(), bytes, ProtFlags::READ, MapFlags::SHARED, file, 0)? };
        Mapping::of(start, bytes)
    }

    /// A file's first bytes, to be read and written, for all who have the file.
    pub(super) fn shared(file: &File, bytes: usize) -> io::Result<Self> {
        // SAFETY: as above.
        let start = unsafe { mmap(ptr::null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, file, 0)? };
        Mapping::of(start, bytes)
    }

    fn of(start: *mut std::ffi::c_void, bytes: usize) -> io::Result<Self> {
        NonNull::new(start.cast()).map(|start| Mapping { start, bytes }).ok_or_else(|| io::Error::other("the kernel mapped the address 0"))
    }

    /// Puts a file's first bytes at the range's start, to be read and written; what is written is not in the file. What was there before is gone.
    ///
    /// The caller has no reference into the range.
    pub(super) fn map_private(&self, file: &File, bytes: usize) -> io::Result<()> {
        assert!(bytes <= self.bytes, "the file is larger than the range");
        let flags = MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE;
        // SAFETY: the range is this mapping's own (checked above), nothing refers into it (the caller's promise).
        unsafe { mmap(self.start.as_ptr().cast(), bytes, ProtFlags::READ | ProtFlags::WRITE, flags, file, 0)? };
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
