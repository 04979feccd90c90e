//! A memory image: what the linear memory of each clone holds at its start.

use super::mapping::{Access, Mapping};
use super::slot::Slot;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of a page of WebAssembly. An image is a whole number of them.
pub(in crate::sandbox) const WASM_PAGE: usize = 64 << 10;

/// An image that differs from another one is mapped over it in no more than so many parts: each is a mapping of its own in each slot, of which a process may have
/// some ten thousand.
const MOST_PARTS: usize = 8;

/// A memory image and the slots that are free to be used for it.
#[derive(Debug)]
pub(in crate::sandbox) struct Image {
    /// The files that it is mapped from, one over the other. Each byte of a part is at the same place in the file and in the image.
    layers: Vec<Layer>,
    /// The same content, to copy pages back from.
    content: Mapping,
    free: Mutex<Vec<Slot>>,
    /// How many pages an instance usually writes: quick to fall, slow to rise, as those that live long write many.
    written: AtomicUsize,
}

/// A file, and the parts of it that count.
#[derive(Debug, Clone)]
struct Layer {
    file: Arc<File>,
    parts: Vec<Range<usize>>,
}

// === impl Image ===

impl Image {
    /// An image in memory, which no file system ever sees.
    pub(in crate::sandbox) fn in_memory(content: &[u8]) -> io::Result<Self> {
        let mut file = File::from(memfd_create("snapfunc-image", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
        file.write_all(content)?;
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Image::of(file)
    }

    /// An image that is another one but for some runs of whole pages, and may be larger. What it has in common with the other is the other's, in memory too; the rest
    /// is in a file of a folder, which nobody else ever sees, as it has no name; its pages need no memory while nobody uses them.
    pub(in crate::sandbox) fn patched(base: &Image, bytes: usize, runs: &[(usize, Vec<u8>)], folder: &Path) -> io::Result<Self> {
        let mut file = tempfile::tempfile_in(folder)?;
        Image::over(base, bytes, runs, &mut file)?;
        Image::with_layer(base, bytes, runs, file)
    }

    /// The same, where the rest is in memory too, and no file system ever sees it.
    pub(in crate::sandbox) fn patched_in_memory(base: &Image, bytes: usize, runs: &[(usize, Vec<u8>)]) -> io::Result<Self> {
        let mut file = File::from(memfd_create("snapfunc-image", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
        Image::over(base, bytes, runs, &mut file)?;
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Image::with_layer(base, bytes, runs, file)
    }

    /// Writes what is to lie over the base.
    fn over(base: &Image, bytes: usize, runs: &[(usize, Vec<u8>)], file: &mut File) -> io::Result<()> {
        file.set_len(bytes as u64)?;
        for part in parts(base, bytes, runs) {
            // Between the runs it is as in the base, and zero behind it.
            let of_base = part.start.min(base.bytes())..part.end.min(base.bytes());
            file.seek(SeekFrom::Start(part.start as u64))?;
            file.write_all(&base.content()[of_base])?;
        }
        for (start, content) in runs {
            file.seek(SeekFrom::Start(*start as u64))?;
            file.write_all(content)?;
        }
        Ok(())
    }

    fn with_layer(base: &Image, bytes: usize, runs: &[(usize, Vec<u8>)], file: File) -> io::Result<Self> {
        let layer = Layer { file: Arc::new(file), parts: parts(base, bytes, runs) };
        Image::of_layers(base.layers.iter().cloned().chain([layer]).collect(), bytes)
    }

    fn of_layers(layers: Vec<Layer>, bytes: usize) -> io::Result<Self> {
        if bytes == 0 || !bytes.is_multiple_of(WASM_PAGE) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{bytes} bytes are not a whole number of WebAssembly pages")));
        }
        let content = Mapping::reserve(bytes)?;
        let image = Image { layers, content, free: Mutex::default(), written: AtomicUsize::new(0) };
        image.map_into(&image.content, Access::Read)?;
        Ok(image)
    }

    /// Maps it at the beginning of a range, into which nobody has a reference.
    pub(super) fn map_into(&self, range: &Mapping, access: Access) -> io::Result<()> {
        let mut all = self.layers.iter().flat_map(|layer| layer.parts.iter().map(|part| (&layer.file, part)));
        all.try_for_each(|(file, part)| range.map(file, part.clone(), access))
    }

    /// An image in a file. Nobody may change the file as long as the image lives: it is mapped.
    pub(in crate::sandbox) fn of(file: File) -> io::Result<Self> {
        let bytes = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let all = std::iter::once(0..bytes).collect();
        Image::of_layers(vec![Layer { file: Arc::new(file), parts: all }], bytes)
    }

    /// Its size.
    pub(in crate::sandbox) fn bytes(&self) -> usize {
        self.content.bytes()
    }

    /// What it holds.
    #[allow(unsafe_code)]
    pub(in crate::sandbox) fn content(&self) -> &[u8] {
        // SAFETY: the mapping lives as long as the image, all of it is readable (`parts` leaves no byte out), and the files behind it never change: a memory file
        // is sealed, a nameless one is written by nobody else, another one is the caller's promise (`of`).
        unsafe { std::slice::from_raw_parts(self.content.start(), self.content.bytes()) }
    }

    /// A slot that equals the image: one that was used before, or a new one of at least so many bytes with a guard behind.
    pub(super) fn take(&self, reserved: usize, guard: usize) -> io::Result<Slot> {
        let used = self.free().pop_if(|slot| slot.fits(reserved, guard));
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
            Ok(()) => self.free().push(slot),
            Err(error) => tracing::warn!(%error, "a memory could not be made clean and is unmapped"),
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
        self.free().len()
    }

    /// Compares all free slots with the image, byte for byte. Gives how many there are.
    #[cfg(test)]
    #[allow(unsafe_code)]
    pub(in crate::sandbox) fn check_free_slots(&self) -> usize {
        let free = self.free();
        for slot in free.iter() {
            assert_eq!(slot.accessible(), self.bytes());
            // SAFETY: so many bytes can be accessed, and nobody uses a free slot while the list is locked.
            let bytes = unsafe { std::slice::from_raw_parts(slot.start(), slot.accessible()) };
            assert!(bytes == self.content(), "a free slot differs from its image");
        }
        free.len()
    }

    fn free(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an image that differs from a base in these runs has to map over it: all runs and all that is behind the base, and what lies between runs that are near each
/// other, so that there are few parts.
fn parts(base: &Image, bytes: usize, runs: &[(usize, Vec<u8>)]) -> Vec<Range<usize>> {
    let behind = (bytes > base.bytes()).then_some(base.bytes()..bytes);
    let page = rustix::param::page_size();
    let within = runs.iter().map(|(start, content)| *start..start + content.len()).filter(|run| run.start < base.bytes());
    let whole_pages = within.map(|run| run.start / page * page..run.end.next_multiple_of(page));
    let mut parts: Vec<Range<usize>> = Vec::new();
    // In order, as the runs are; the last one may reach beyond the base.
    for range in whole_pages.chain(behind) {
        match parts.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ => parts.push(range),
        }
    }
    let mut gaps: Vec<_> = parts.windows(2).map(|pair| pair[1].start - pair[0].end).collect();
    gaps.sort_unstable_by(|one, other| other.cmp(one));
    let Some(smallest) = gaps.get(MOST_PARTS - 1).copied() else { return parts };
    // Gaps as large as the first that is one too many are closed: there may be fewer parts than could be.
    let mut joined: Vec<Range<usize>> = Vec::new();
    for part in parts {
        match joined.last_mut() {
            Some(last) if part.start - last.end <= smallest => last.end = part.end,
            _ => joined.push(part),
        }
    }
    joined
}
