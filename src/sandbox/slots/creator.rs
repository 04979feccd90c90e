//! Hands slots to wasmtime.

use super::faults::Faults;
use super::image::Image;
use super::slot::Slot;
use std::cell::RefCell;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

thread_local! {
    static CHOSEN: RefCell<Option<Choice>> = const { RefCell::new(None) };
}

/// What the next memory of this thread is made from, and who wants to have what it holds in the end.
#[derive(Debug, Clone)]
struct Choice {
    image: Arc<Image>,
    capture: Option<Capture>,
    faults: Faults,
}

/// Takes a copy of a memory when it is dropped: then nobody uses it any more.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct Capture(Arc<Mutex<Option<Vec<u8>>>>);

/// Makes each memory from the image that [`with_image`] chose.
#[derive(Debug)]
pub(in crate::sandbox) struct Creator;

/// A linear memory in a slot. The slot goes back to its image when this is dropped, which wasmtime does after the last use.
struct Memory {
    /// Nothing only while it is dropped.
    slot: Option<Slot>,
    bytes: usize,
    choice: Choice,
}

// === impl Capture ===

impl Capture {
    /// The copy, once the memory was dropped.
    pub(in crate::sandbox) fn take(&self) -> io::Result<Vec<u8>> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.ok_or_else(|| io::Error::other("the memory is still in use"))
    }

    #[allow(unsafe_code)]
    fn copy(&self, slot: &Slot) {
        // SAFETY: so many bytes of the slot are accessible, and its only user, a memory that is being dropped, does not use it any more.
        let content = unsafe { std::slice::from_raw_parts(slot.start(), slot.accessible()) };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(content.to_vec());
    }
}

/// Has `instantiate` make its memory from an image. It must not give way to other work of the thread before the memory is made.
///
/// `faults` is to know, when the memory is dropped, whether its user took page faults.
pub(in crate::sandbox) fn with_image<T>(
    image: &Arc<Image>,
    capture: Option<Capture>,
    faults: &Faults,
    instantiate: impl FnOnce() -> T,
) -> T {
    /// Also on a panic the next instantiation must not find a choice that was not its own.
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            CHOSEN.with_borrow_mut(|chosen| *chosen = None);
        }
    }
    CHOSEN.with_borrow_mut(|chosen| *chosen = Some(Choice { image: image.clone(), capture, faults: faults.clone() }));
    let _reset = Reset;
    instantiate()
}

// SAFETY: `new_memory` gives a memory that is `reserved` bytes long or longer with a guard of the size asked for behind, of which the image's bytes are
// accessible, and `Memory` keeps to `LinearMemory`'s rules (below).
#[allow(unsafe_code)]
unsafe impl MemoryCreator for Creator {
    fn new_memory(
        &self,
        _: MemoryType,
        minimum: usize,
        maximum: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        // Taken, not looked at: an image is for one memory.
        let choice = CHOSEN.with_borrow_mut(Option::take).ok_or("a memory is made outside of an instantiation from an image")?;
        let bytes = choice.image.bytes();
        if bytes < minimum || maximum.is_some_and(|maximum| bytes > maximum) {
            return Err(format!("an image of {bytes} bytes does not fit the module, which has at least {minimum}"));
        }
        let reserved = reserved.unwrap_or(bytes);
        let slot = choice.image.take(reserved, guard).map_err(|error| format!("no address space can be had: {error}"))?;
        Ok(Box::new(Memory { slot: Some(slot), bytes, choice }))
    }
}

// SAFETY: the slot's range stays where it is and is exclusively this memory's until it is dropped; `bytes` of it are accessible at any time, and
// only `grow_to` changes that; the capacity is what can be had without moving.
#[allow(unsafe_code)]
unsafe impl LinearMemory for Memory {
    fn byte_size(&self) -> usize {
        self.bytes
    }

    fn byte_capacity(&self) -> usize {
        self.slot.as_ref().map_or(0, Slot::reserved)
    }

    fn grow_to(&mut self, bytes: usize) -> wasmtime::Result<()> {
        if let Some(slot) = &mut self.slot {
            slot.grow_to(bytes)?;
            self.bytes = bytes;
        }
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.slot.as_ref().map_or(std::ptr::null_mut(), Slot::start)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            if let Some(capture) = &self.choice.capture {
                capture.copy(&slot);
            }
            self.choice.image.give_back(slot, self.choice.faults.any());
        }
    }
}
