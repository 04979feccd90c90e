//! Hands slots to wasmtime.

use super::draft::Draft;
use super::faults::Faults;
use super::image::Image;
use super::slot::Slot;
use crate::sandbox::turns::Sign;
use std::cell::RefCell;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

thread_local! {
    static CHOSEN: RefCell<Chosen> = const { RefCell::new(Chosen { memory: None, sign: None }) };
}

/// What this thread's next instance gets; each once, in the order in which wasmtime asks for them.
#[derive(Default)]
struct Chosen {
    memory: Option<Choice>,
    sign: Option<Arc<Sign>>,
}

/// What a memory is made from, and who wants to have what it holds in the end.
struct Choice {
    lent: Arc<Lent>,
    capture: Option<Capture>,
}

/// A slot on loan to a memory, as an instance knows it.
#[derive(Debug)]
pub(in crate::sandbox) struct Lent {
    image: Arc<Image>,
    /// Nothing before the memory is made, and after it is gone.
    slot: Mutex<Option<Slot>>,
    /// Whether the memory's user took page faults.
    faults: Faults,
}

/// Takes a copy of a memory when it is dropped: then nobody uses it any more.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct Capture(Arc<Mutex<Option<io::Result<Draft>>>>);

/// Makes each memory from the image, or the sign, that [`with_memory`] chose.
#[derive(Debug)]
pub(in crate::sandbox) struct Creator;

/// A linear memory in a slot. The slot goes back to its image when this is dropped, which wasmtime does after the last use.
struct Memory {
    choice: Choice,
    bytes: usize,
}

/// The memory of a guest's sign.
struct SignMemory(Arc<Sign>);

// === impl Lent ===

impl Lent {
    /// For a memory that begins as an image.
    pub(in crate::sandbox) fn of(image: &Arc<Image>) -> Arc<Lent> {
        Arc::new(Lent { image: image.clone(), slot: Mutex::default(), faults: Faults::default() })
    }

    /// Watches what runs guest code.
    pub(in crate::sandbox) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Makes the memory equal to its image again. False where it can't be: it has grown, or the kernel refused. No guest code may run in it meanwhile, and
    /// nobody may hold references into it.
    pub(in crate::sandbox) fn renew(&self) -> bool {
        let mut slot = self.slot();
        let Some(slot) = slot.as_mut().filter(|slot| slot.accessible() == self.image.bytes()) else { return false };
        let renewed = slot.reset(&self.image, self.faults.any()).is_ok();
        if renewed {
            self.faults.forget();
        } else {
            // What it holds is not known any more: when it is given back, the kernel is asked.
            self.faults.assume();
        }
        renewed
    }

    /// Gives memory back that the image has elsewhere. No guest code may run in it meanwhile, and nobody may hold references into it.
    pub(in crate::sandbox) fn rest(&self) {
        if let Some(Err(error)) = self.slot().as_ref().map(|slot| slot.rest(&self.image)) {
            tracing::debug!(%error, "a memory's pages stay mapped");
        }
    }

    /// Whether the memory equals its image, byte for byte.
    #[cfg(test)]
    #[allow(unsafe_code)]
    pub(in crate::sandbox) fn is_the_image(&self) -> bool {
        let slot = self.slot();
        // SAFETY: so many bytes can be accessed, and the test runs no guest code meanwhile.
        slot.as_ref().is_some_and(|slot| unsafe { std::slice::from_raw_parts(slot.start(), slot.accessible()) } == self.image.content())
    }

    fn slot(&self) -> MutexGuard<'_, Option<Slot>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Capture ===

impl Capture {
    /// The copy, once the memory was dropped.
    pub(in crate::sandbox) fn take(&self) -> io::Result<Draft> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.unwrap_or_else(|| Err(io::Error::other("the memory is still in use")))
    }

    #[allow(unsafe_code)]
    fn copy(&self, slot: &Slot) {
        // SAFETY: so many bytes of the slot are accessible, and its only user, a memory that is being dropped, does not use it any more.
        let content = unsafe { std::slice::from_raw_parts(slot.start(), slot.accessible()) };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Draft::of(content));
    }
}

/// Has `instantiate` make its memory as `lent` says, and the memory of its sign from `sign`. It must not give way to other work of the thread before they are
/// made.
pub(in crate::sandbox) fn with_memory<T>(
    lent: &Arc<Lent>,
    capture: Option<Capture>,
    sign: &Arc<Sign>,
    instantiate: impl FnOnce() -> T,
) -> T {
    /// Also on a panic the next instantiation must not find a choice that was not its own.
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            CHOSEN.take();
        }
    }
    CHOSEN.set(Chosen { memory: Some(Choice { lent: lent.clone(), capture }), sign: Some(sign.clone()) });
    let _reset = Reset;
    instantiate()
}

// SAFETY: `new_memory` gives a memory that is `reserved` bytes long or longer with a guard of the size asked for behind, of which the image's bytes are
// accessible, and `Memory` keeps to `LinearMemory`'s rules (below). The memory of a sign alone has neither reserve nor guard: its pages are smaller than the
// machine's, and for such memories wasmtime compiles a comparison with the length before each access, or none where a constant address lies within the
// minimum, as all of them do that the build puts in (`build/flatten/turns.rs`): it never relies on a fault beyond the length.
#[allow(unsafe_code)]
unsafe impl MemoryCreator for Creator {
    fn new_memory(
        &self,
        kind: MemoryType,
        minimum: usize,
        maximum: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        if kind.page_size() == 1 {
            let sign = CHOSEN.with_borrow_mut(|chosen| chosen.sign.take()).ok_or("a sign's memory is made outside of an instantiation")?;
            return if minimum == Sign::BYTES {
                Ok(Box::new(SignMemory(sign)))
            } else {
                Err(format!("a sign of {minimum} bytes is not the host's"))
            };
        }
        // Taken, not looked at: an image is for one memory.
        let choice =
            CHOSEN.with_borrow_mut(|chosen| chosen.memory.take()).ok_or("a memory is made outside of an instantiation from an image")?;
        let image = &choice.lent.image;
        let bytes = image.bytes();
        if bytes < minimum || maximum.is_some_and(|maximum| bytes > maximum) {
            return Err(format!("an image of {bytes} bytes does not fit the module, which has at least {minimum}"));
        }
        let reserved = reserved.unwrap_or(bytes);
        let slot = image.take(reserved, guard).map_err(|error| format!("no address space can be had: {error}"))?;
        *choice.lent.slot() = Some(slot);
        Ok(Box::new(Memory { choice, bytes }))
    }
}

// SAFETY: the slot's range stays where it is and is exclusively this memory's until it is dropped (`Lent::renew` writes to it and `Lent::rest` gives pages back
// that hold what the file holds; neither moves it nor changes what is accessible, and both only while nobody uses it); `bytes` of it are accessible at any time,
// and only `grow_to` changes that; the capacity is what can be had without moving.
#[allow(unsafe_code)]
unsafe impl LinearMemory for Memory {
    fn byte_size(&self) -> usize {
        self.bytes
    }

    fn byte_capacity(&self) -> usize {
        self.choice.lent.slot().as_ref().map_or(0, Slot::reserved)
    }

    fn grow_to(&mut self, bytes: usize) -> wasmtime::Result<()> {
        if let Some(slot) = &mut *self.choice.lent.slot() {
            slot.grow_to(bytes)?;
            self.bytes = bytes;
        }
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.choice.lent.slot().as_ref().map_or(std::ptr::null_mut(), Slot::start)
    }
}

// SAFETY: the bytes lie in a heap allocation that lives as long as this, and their number never changes. The host writes them while guest code reads them,
// with atomic stores; the guest's loads are of aligned 32 bits, and no code of it stores there.
#[allow(unsafe_code)]
unsafe impl LinearMemory for SignMemory {
    fn byte_size(&self) -> usize {
        Sign::BYTES
    }

    fn byte_capacity(&self) -> usize {
        Sign::BYTES
    }

    fn grow_to(&mut self, _: usize) -> wasmtime::Result<()> {
        wasmtime::bail!("a sign does not grow")
    }

    fn as_ptr(&self) -> *mut u8 {
        self.0.bytes()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let lent = &self.choice.lent;
        let slot = lent.slot().take();
        if let Some(slot) = slot {
            if let Some(capture) = &self.choice.capture {
                capture.copy(&slot);
            }
            lent.image.give_back(slot, lent.faults.any());
        }
    }
}
