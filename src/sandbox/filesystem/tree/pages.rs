//! A file's content: pages of fixed size, of which those that were never written are absent and read as zeros.

use std::collections::BTreeMap;

/// Bytes of a page.
pub(super) const PAGE: usize = 4096;

/// Invariant: no page starts at or beyond `size`, and in the last one all bytes from `size` on are zero.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pages: BTreeMap<u64, Box<[u8; PAGE]>>,
    size: u64,
}

// === impl Pages ===

impl Pages {
    /// Bytes, holes included.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Pages that use memory.
    pub(super) fn count(&self) -> u64 {
        self.pages.len() as u64
    }

    /// Up to `length` bytes from `offset`.
    pub(super) fn read(&self, offset: u64, length: usize) -> Vec<u8> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut data = vec![0; length.min(left)];
        for_each_page(offset, data.len(), |page, start, range| {
            if let Some(content) = self.pages.get(&page) {
                let length = range.len();
                data[range].copy_from_slice(&content[start..start + length]);
            }
        });
        data
    }

    /// How many pages writing from `offset` to `end` would add.
    pub(super) fn missing(&self, offset: u64, end: u64) -> u64 {
        if offset == end {
            return 0;
        }
        let (first, last) = (offset / PAGE as u64, (end - 1) / PAGE as u64);
        last - first + 1 - self.pages.range(first..=last).count() as u64
    }

    /// Writes, and grows where the end is passed. `offset` plus the length must be a `u64`.
    pub(super) fn write(&mut self, offset: u64, data: &[u8]) {
        for_each_page(offset, data.len(), |page, start, range| {
            let content = self.pages.entry(page).or_insert_with(|| Box::new([0; PAGE]));
            content[start..start + range.len()].copy_from_slice(&data[range]);
        });
        if !data.is_empty() {
            self.size = self.size.max(offset + data.len() as u64);
        }
    }

    /// Sets the size. Says how many pages that freed.
    pub(super) fn resize(&mut self, size: u64) -> u64 {
        let before = self.count();
        if size < self.size {
            let page_size = PAGE as u64;
            self.pages.split_off(&size.div_ceil(page_size));
            if let Some(last) = self.pages.get_mut(&(size / page_size)) {
                last[(size % page_size) as usize..].fill(0);
            }
        }
        self.size = size;
        before - self.count()
    }
}

/// Calls with each page that a range of the file touches: its number, where in it the range starts, and which part of the range that is.
fn for_each_page(offset: u64, length: usize, mut visit: impl FnMut(u64, usize, std::ops::Range<usize>)) {
    let mut done = 0;
    while done < length {
        let position = offset + done as u64;
        let start = (position % PAGE as u64) as usize;
        let count = (PAGE - start).min(length - done);
        visit(position / PAGE as u64, start, done..done + count);
        done += count;
    }
}
