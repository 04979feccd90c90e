//! A memory image: what the linear memory of each clone holds at its start.

use super::draft::Draft;
use super::mapping::Mapping;
use super::slot::Slot;
use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags, copy_file_range, fallocate, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use rustix::mm::{Advice, madvise};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of a page of WebAssembly. An image is a whole number of them.
pub(in crate::sandbox) const WASM_PAGE: usize = 64 << 10;

/// A memory image and the slots that are free to be used for it.
#[derive(Debug)]
pub(in crate::sandbox) struct Image {
    file: File,
    /// The same content, to copy pages back from.
    content: Mapping,
    free: Mutex<Free>,
    /// How many pages an instance usually writes: quick to fall, slow to rise, as those that live long write many.
    written: AtomicUsize,
}

/// Slots that nobody uses.
#[derive(Debug, Default)]
struct Free {
    slots: Vec<Slot>,
    /// How many there were at the least since the last [`Image::trim`].
    fewest: usize,
}

// === impl Image ===

impl Image {
    /// An image in memory, which no file system ever sees.
    pub(in crate::sandbox) fn in_memory(content: &[u8]) -> io::Result<Self> {
        Draft::of(content)?.finish(|_| ())
    }

    /// An image in a file in memory, which nobody can change from now on.
    pub(super) fn sealed(file: File) -> io::Result<Self> {
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Image::of(file)
    }

    /// An image that is another one but for some runs of bytes, and may be larger. It is in a file of a folder, which nobody else ever sees, as it has no
    /// name; its pages need no memory while nobody uses them. Where the folder has no room for it, it is in memory.
    pub(in crate::sandbox) fn patched(base: &Image, bytes: usize, runs: &[(usize, Vec<u8>)], folder: &Path) -> io::Result<Self> {
        tempfile::tempfile_in(folder).and_then(|file| Image::patched_in(file, base, bytes, runs)).or_else(|error| {
            tracing::warn!(%error, folder = %folder.display(), "an app's memory can't be kept in a file: it takes memory for as long as it is served");
            Image::patched_in(memfd_create("snapfunc-image", MemfdFlags::CLOEXEC)?.into(), base, bytes, runs)
        })
    }

    fn patched_in(mut file: File, base: &Image, bytes: usize, runs: &[(usize, Vec<u8>)]) -> io::Result<Self> {
        base.copy_to(&mut file)?;
        file.set_len(bytes as u64)?;
        // A file system in memory (tmpfs) takes a page for what was never written only when somebody looks, and ends the process where it has none then.
        match fallocate(&file, FallocateFlags::empty(), 0, bytes as u64) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            Err(error) => return Err(error.into()),
        }
        for (start, content) in runs {
            file.seek(SeekFrom::Start(*start as u64))?;
            file.write_all(content)?;
        }
        Image::of(file)
    }

    /// An image in a file. Nobody may change the file as long as the image lives: it is mapped.
    pub(in crate::sandbox) fn of(file: File) -> io::Result<Self> {
        let bytes = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        if bytes == 0 || !bytes.is_multiple_of(WASM_PAGE) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{bytes} bytes are not a whole number of WebAssembly pages")));
        }
        let content = Mapping::read_only(&file, bytes)?;
        Ok(Image { file, content, free: Mutex::default(), written: AtomicUsize::new(0) })
    }

    /// By the kernel, which shares the blocks where the file system can do that.
    fn copy_to(&self, file: &mut File) -> io::Result<()> {
        let mut copied = 0;
        while copied < self.bytes() {
            match copy_file_range(&self.file, Some(&mut (copied as u64)), &mut *file, None, self.bytes() - copied) {
                Ok(0) | Err(_) => return file.write_all(&self.content()[copied..]),
                Ok(more) => copied += more,
            }
        }
        Ok(())
    }

    /// Its size.
    pub(in crate::sandbox) fn bytes(&self) -> usize {
        self.content.bytes()
    }

    /// What it holds.
    #[allow(unsafe_code)]
    pub(in crate::sandbox) fn content(&self) -> &[u8] {
        // SAFETY: the mapping lives as long as the image, is readable, and the file behind it does not change as long: a memory file is sealed or a draft's,
        // another one is the caller's promise (`of`).
        unsafe { std::slice::from_raw_parts(self.content.start(), self.content.bytes()) }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// The file, which nobody uses as an image any more.
    pub(super) fn into_file(self) -> File {
        self.file
    }

    /// A slot that equals the image: one that was used before, or a new one of at least so many bytes with a guard behind.
    pub(super) fn take(&self, reserved: usize, guard: usize) -> io::Result<Slot> {
        let used = self.free().take(|slot| slot.fits(reserved, guard));
        match used {
            Some(slot) => Ok(slot),
            None => Slot::map(self, reserved, guard),
        }
    }

    /// Takes a slot back, made equal to the image. One for which that failed is unmapped.
    ///
    /// `faulted` says whether its user may have taken page faults.
    pub(super) fn give_back(&self, mut slot: Slot, faulted: bool) {
        match slot.reset(self, faulted) {
            Ok(()) => self.free().slots.push(slot),
            Err(error) => tracing::warn!(%error, "a memory could not be made clean and is unmapped"),
        }
    }

    /// Unmaps the free slots that nobody needed since the last time.
    pub(in crate::sandbox) fn trim(&self) {
        let unneeded = self.free().unneeded();
        // While nobody waits for the list.
        drop(unneeded);
    }

    /// For when nobody uses it: needs as little memory as it can, until somebody does again.
    #[allow(unsafe_code)]
    pub(in crate::sandbox) fn rest(&self) {
        let free = std::mem::take(&mut *self.free());
        drop(free);
        // SAFETY: the mapping is this image's own and shows a file that never changes (`of`), which is read again where somebody looks.
        let rested = unsafe { madvise(self.content.start().cast(), self.content.bytes(), Advice::LinuxDontNeed) };
        if let Err(error) = rested {
            tracing::debug!(%error, "an image's pages stay mapped");
        }
    }

    /// A user of a slot that had no pages of its own wrote so many.
    pub(super) fn note_written(&self, pages: usize) {
        let before = self.usually_written();
        self.written.store(if before == 0 || pages < before { pages } else { (15 * before + pages) / 16 }, Ordering::Relaxed);
    }

    /// How many pages an instance usually writes.
    pub(in crate::sandbox) fn usually_written(&self) -> usize {
        self.written.load(Ordering::Relaxed)
    }

    /// How many slots are free.
    #[cfg(test)]
    pub(super) fn free_slots(&self) -> usize {
        self.free().slots.len()
    }

    /// Compares all free slots with the image, byte for byte. Gives how many there are.
    #[cfg(test)]
    #[allow(unsafe_code)]
    pub(in crate::sandbox) fn check_free_slots(&self) -> usize {
        let free = self.free();
        for slot in &free.slots {
            assert_eq!(slot.accessible(), self.bytes());
            // SAFETY: so many bytes can be accessed, and nobody uses a free slot while the list is locked.
            let bytes = unsafe { std::slice::from_raw_parts(slot.start(), slot.accessible()) };
            assert!(bytes == self.content(), "a free slot differs from its image");
        }
        free.slots.len()
    }

    fn free(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Free ===

impl Free {
    /// The last one, if it serves.
    fn take(&mut self, serves: impl FnOnce(&mut Slot) -> bool) -> Option<Slot> {
        let slot = self.slots.pop_if(serves);
        self.fewest = self.fewest.min(self.slots.len());
        slot
    }

    /// As many as there were all the time since the last call.
    fn unneeded(&mut self) -> Vec<Slot> {
        let unneeded = self.slots.drain(..self.fewest).collect();
        self.fewest = self.slots.len();
        unneeded
    }
}
