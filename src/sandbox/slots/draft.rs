//! A memory that was copied, and becomes an image when it was changed for the last time.

use super::image::Image;
use super::mapping::Mapping;
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

/// The copy of a memory, in memory.
#[derive(Debug)]
pub(in crate::sandbox) struct Draft(Arc<Image>);

// === impl Draft ===

impl Draft {
    /// Copies.
    pub(super) fn of(content: &[u8]) -> io::Result<Draft> {
        let mut file = File::from(memfd_create("snapfunc-image", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
        file.write_all(content)?;
        Ok(Draft(Arc::new(Image::of(file)?)))
    }

    /// It as it is: for instances that are gone when it is finished.
    pub(in crate::sandbox) fn image(&self) -> &Arc<Image> {
        &self.0
    }

    /// Has it changed and makes it an image. Fails where an instance of it is still there.
    #[allow(unsafe_code)]
    pub(in crate::sandbox) fn finish(self, change: impl FnOnce(&mut [u8])) -> io::Result<Image> {
        let image = Arc::into_inner(self.0).ok_or_else(|| io::Error::other("the memory is still in use"))?;
        let bytes = image.bytes();
        let file = image.into_file();
        let mapping = Mapping::shared(&file, bytes)?;
        // SAFETY: the mapping is of so many bytes, readable and writable; the file is this draft's alone, and the image that showed it is gone.
        change(unsafe { std::slice::from_raw_parts_mut(mapping.start(), bytes) });
        drop(mapping);
        Image::sealed(file)
    }
}
