//! One slot: an image mapped privately, with room to grow and a guard behind.

use super::image::Image;
use super::mapping::Mapping;
use super::pagemap::{self, Changed};
use rustix::mm::{Advice, MprotectFlags, madvise, mprotect};
use std::ops::Range;
use std::{io, iter};

/// More pages than these are never copied back one by one: the kernel drops them all, and the next user takes the faults.
const MOST_COPIED: usize = 2048;
/// Bytes of a page of memory.
const PAGE: usize = 4096;
/// As many are copied back in any case.
const ALWAYS_COPIED: usize = 192;
/// After so many uses a slot with more pages of its own than that drops them, to learn which are still written.
const USES: u32 = 1024;

/// Address space for one linear memory.
///
/// Layout: the image's bytes (read and write, private) · what grew beyond it, up to `accessible` · nothing, up to the end of reservation and guard.
#[derive(Debug)]
pub(super) struct Slot {
    range: Mapping,
    reserved: usize,
    /// Bytes that can be accessed, from the start.
    accessible: usize,
    /// The pages within the image that are the slot's own, as byte ranges: those that earlier users wrote.
    own: Vec<Range<usize>>,
    /// How often it was used since it had no pages of its own.
    uses: u32,
}

// === impl Slot ===

#[allow(unsafe_code)]
impl Slot {
    /// Maps an image anew.
    pub(super) fn map(image: &Image, reserved: usize, guard: usize) -> io::Result<Self> {
        let reserved = reserved.max(image.bytes());
        let range = Mapping::reserve(reserved + guard)?;
        range.map_private(image.file(), image.bytes())?;
        Ok(Slot { range, reserved, accessible: image.bytes(), own: Vec::new(), uses: 0 })
    }

    /// Whether it is large enough.
    pub(super) fn fits(&self, reserved: usize, guard: usize) -> bool {
        self.reserved >= reserved && self.range.bytes() - self.reserved >= guard
    }

    pub(super) fn start(&self) -> *mut u8 {
        self.range.start()
    }

    /// How far it may grow.
    pub(super) fn reserved(&self) -> usize {
        self.reserved
    }

    pub(super) fn accessible(&self) -> usize {
        self.accessible
    }

    /// Makes more of it accessible. The new bytes are zero.
    pub(super) fn grow_to(&mut self, bytes: usize) -> io::Result<()> {
        if bytes > self.reserved {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        if bytes > self.accessible {
            // SAFETY: the range is this slot's own; it becomes accessible, nothing is taken away.
            unsafe { self.protect(self.accessible..bytes, MprotectFlags::READ | MprotectFlags::WRITE)? };
            self.accessible = bytes;
        }
        Ok(())
    }

    /// Makes it equal to the image. Nothing may use it at the time. After an error its content is undefined.
    ///
    /// `faulted` says whether its user may have taken page faults. Without any, no page can have become the slot's own that was not before: the
    /// kernel need not be asked.
    pub(super) fn reset(&mut self, image: &Image, faulted: bool) -> io::Result<()> {
        let bytes = image.bytes();
        if self.accessible > bytes {
            // SAFETY: the range is this slot's own and beyond the image; nobody uses the slot.
            unsafe {
                self.drop_pages(bytes..self.accessible)?;
                self.protect(bytes..self.accessible, MprotectFlags::empty())?;
            }
            self.accessible = bytes;
        }
        self.uses += 1;
        if faulted {
            self.find_own(image)?;
        }
        if self.uses > USES && self.own_pages() > ALWAYS_COPIED {
            return self.drop_own(image);
        }
        for range in &self.own {
            self.copy_back(image, range.clone());
        }
        Ok(())
    }

    /// Asks the kernel which pages are the slot's own. Where they are many more than users of the image write, because several users wrote different
    /// ones, all are dropped.
    fn find_own(&mut self, image: &Image) -> io::Result<()> {
        let was_new = self.own.is_empty();
        match pagemap::changed(self.start(), image.bytes(), MOST_COPIED) {
            Ok(Changed::Pages(ranges)) => {
                self.own = ranges;
                let pages = self.own_pages();
                tracing::trace!(pages, was_new, "pages were written");
                if was_new {
                    image.note_written(pages);
                }
                if pages <= ALWAYS_COPIED.max(2 * image.usually_written()) {
                    return Ok(());
                }
            }
            Ok(Changed::TooMany) => {}
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(error),
        }
        self.drop_own(image)
    }

    fn own_pages(&self) -> usize {
        self.own.iter().map(|range| range.len() / PAGE).sum()
    }

    /// Gives back what it maps of the image, but for the pages of its own: who reads there again takes faults, and finds the same. Nothing may use the slot at
    /// the time.
    pub(super) fn rest(&self, image: &Image) -> io::Result<()> {
        let Changed::Pages(own) = pagemap::changed(self.start(), image.bytes(), MOST_COPIED)? else { return Ok(()) };
        let mut start = 0;
        for own in own.into_iter().chain(iter::once(image.bytes()..image.bytes())) {
            if start < own.start {
                // SAFETY: the range lies within the image, nobody uses the slot, and no page of the slot's own is in it: the file has the same.
                unsafe { self.drop_pages(start..own.start)? };
            }
            start = own.end;
        }
        Ok(())
    }

    /// Drops all pages of the slot's own: the image's are there again. Nothing may use the slot at the time.
    fn drop_own(&mut self, image: &Image) -> io::Result<()> {
        self.own.clear();
        self.uses = 0;
        // SAFETY: the range is this slot's own; nobody uses the slot. Dropping a private page brings the file's back.
        unsafe { self.drop_pages(0..image.bytes()) }
    }

    fn copy_back(&self, image: &Image, range: Range<usize>) {
        let source = &image.content()[range.clone()];
        // SAFETY: the range lies within the image (the slice above checked it), which this slot maps readable and writable; the slot's memory and the
        // image's are different mappings; nobody else uses the slot.
        unsafe { self.start().add(range.start).copy_from_nonoverlapping(source.as_ptr(), source.len()) };
    }

    /// # Safety
    /// The range lies within the slot, and nobody uses it.
    unsafe fn drop_pages(&self, range: Range<usize>) -> io::Result<()> {
        debug_assert!(range.end <= self.reserved);
        // SAFETY: the caller's promise.
        unsafe { madvise(self.start().add(range.start).cast(), range.len(), Advice::LinuxDontNeed)? };
        Ok(())
    }

    /// # Safety
    /// The range lies within the slot; if access is taken away, nobody uses it.
    unsafe fn protect(&self, range: Range<usize>, flags: MprotectFlags) -> io::Result<()> {
        debug_assert!(range.end <= self.reserved);
        // SAFETY: the caller's promise.
        unsafe { mprotect(self.start().add(range.start).cast(), range.len(), flags)? };
        Ok(())
    }
}

/// Whether the kernel does not know the call (Linux before 6.7) or does not allow it (a container's filter).
fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput
    ) || error.raw_os_error() == Some(rustix::io::Errno::NOTTY.raw_os_error())
}
