//! An app's memory as the pages that are not the guest's own.

use crate::sandbox::slots::{Image, WASM_PAGE};
use std::io;
use std::path::Path;

/// Bytes of a page: what is compared, and kept, at a time.
const PAGE: usize = 4096;
/// The most that a memory of 32 bits can hold.
const MOST_BYTES: usize = 4 << 30;

/// What a memory holds, by what it differs in from the memory that the guest begins with.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sandbox) struct Memory {
    /// Of all of it.
    bytes: usize,
    /// In order, not overlapping: a place in bytes, and whole pages.
    runs: Vec<(usize, Vec<u8>)>,
}

// === impl Memory ===

impl Memory {
    /// Compares. The memory is as large as the base or larger; the base goes on with zeros.
    pub(in crate::sandbox) fn of(content: &[u8], base: &[u8]) -> Memory {
        let mut runs: Vec<(usize, Vec<u8>)> = Vec::new();
        for (number, page) in content.chunks(PAGE).enumerate() {
            let start = number * PAGE;
            let same = match base.get(start..start + PAGE) {
                Some(of_base) => page == of_base,
                None => page.iter().all(|byte| *byte == 0),
            };
            match runs.last_mut() {
                _ if same => {}
                Some((first, pages)) if *first + pages.len() == start => pages.extend_from_slice(page),
                _ => runs.push((start, page.to_vec())),
            }
        }
        Memory { bytes: content.len(), runs }
    }

    /// From its parts; nothing where no memory is like that.
    pub(super) fn from_parts(bytes: usize, runs: Vec<(usize, Vec<u8>)>) -> Option<Memory> {
        let mut end = 0;
        let ordered = runs.iter().all(|(start, pages)| {
            let fits = *start >= end && start.is_multiple_of(PAGE) && pages.len().is_multiple_of(PAGE);
            end = start.saturating_add(pages.len());
            fits
        });
        (ordered && end <= bytes && bytes <= MOST_BYTES && bytes.is_multiple_of(WASM_PAGE)).then_some(Memory { bytes, runs })
    }

    /// Bytes of all of it.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many pages differ.
    pub(in crate::sandbox) fn pages(&self) -> usize {
        self.runs.iter().map(|(_, pages)| pages.len() / PAGE).sum()
    }

    /// The pages that differ.
    pub(in crate::sandbox) fn runs(&self) -> &[(usize, Vec<u8>)] {
        &self.runs
    }

    /// Whether a text is in the pages that differ.
    pub(in crate::sandbox) fn holds(&self, text: &[u8]) -> bool {
        self.runs.iter().any(|(_, pages)| memchr::memmem::find(pages, text).is_some())
    }

    /// An image of it, in a file of a folder.
    pub(in crate::sandbox) fn image(&self, base: &Image, folder: &Path) -> io::Result<Image> {
        Image::patched(base, self.bytes.max(base.bytes()), &self.runs, folder)
    }
}
