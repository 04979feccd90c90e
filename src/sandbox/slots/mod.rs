//! Slots: address space for linear memories, mapped once and used again and again. The safety between apps rests on this folder.
//!
//! - [`Image`] is the memory that a clone begins with: a file that never changes, and the free slots that map it.
//! - [`Draft`] is the copy of a memory before it is one.
//! - `slot` maps an image privately (copy on write), lets the memory grow, and afterwards makes it equal to the image again.
//! - `faults` tells whether a guest took page faults: where it took none, it wrote only pages that are known already.
//! - `pagemap` asks the kernel which pages are no longer the image's.
//! - `creator` hands slots to wasmtime, which knows nothing of images: the one to use is chosen around an instantiation ([`with_memory`]). An instance
//!   keeps hold of it ([`Lent`]), to have it made new in place.
//!
//! The rule: whatever a guest did, a slot is in the free list, or made new in place, only if all its bytes within the image equal the image's and all pages beyond it are
//! gone and inaccessible. A slot for which that can't be had is unmapped.

mod creator;
mod draft;
mod faults;
mod image;
mod mapping;
mod pagemap;
mod slot;

#[cfg(test)]
mod tests;

pub(super) use creator::{Capture, Creator, Lent, with_memory};
pub(super) use image::{Image, WASM_PAGE};
