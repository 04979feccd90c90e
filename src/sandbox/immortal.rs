//! Makes objects in a memory image immortal, so that using them writes to no page.
//!
//! CPython counts references in the first word of each object. On many of the pages that an invocation writes nothing else changes, and in the end not even
//! that. An immortal object's count is never written (PEP 683; `_Py_IsImmortal` in CPython's refcount.h).
//!
//! The guest says which objects last: another instance, in which things came into being and went while it looked. So its word is taken only where the image has
//! an object, too: a word that can be a reference count, with its kind behind it. A wrong one harms nobody but the app itself, whose memory it is.

/// Bytes of a reference count: `Py_ssize_t` of a 32-bit machine.
const WORD: usize = 4;
/// No object has more references than these and is not immortal: what is beyond is no count.
const MOST_REFERENCES: u32 = 1 << 20;

/// Makes the counts at `lasting` that of the first one, which is immortal. What is no object is left as it is. Gives how many were made.
pub(super) fn mark(content: &mut [u8], lasting: &[u32]) -> usize {
    let Some((&model, others)) = lasting.split_first() else { return 0 };
    let Some(immortal) = word(content, model).filter(|count| *count > MOST_REFERENCES) else { return 0 };
    let is_count = |word: u32| (1..=MOST_REFERENCES).contains(&word);
    let mut made = 0;
    for &address in others {
        if word(content, address).is_some_and(is_count) && is_object(content, address) {
            content[address as usize..][..WORD].copy_from_slice(&immortal.to_le_bytes());
            made += 1;
        }
    }
    made
}

/// Whether what is there has a kind, as each object has: the second word is the address of its kind's object. So is that of the kind, and of the kind's kind, a
/// metaclass at the most; that one's kind is `type`, whose kind is itself.
fn is_object(content: &[u8], address: u32) -> bool {
    let kind = |address: u32| word(content, address.checked_add(WORD as u32)?);
    let last = kind(address).and_then(kind).and_then(kind);
    last.is_some_and(|last| kind(last) == Some(last))
}

fn word(content: &[u8], address: u32) -> Option<u32> {
    let bytes = content.get(address as usize..)?.first_chunk()?;
    address.is_multiple_of(WORD as u32).then_some(u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMMORTAL: u32 = 5 << 28;

    fn memory(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// `type` is at 4, a class at 12, a model of it at 20; then other words.
    fn objects(words: &[u32]) -> Vec<u8> {
        memory(&[&[0, IMMORTAL, 4, IMMORTAL, 4, IMMORTAL, 12][..], words].concat())
    }

    #[test]
    fn counts_become_the_first_ones() {
        let mut content = objects(&[1, 12, 3, 4, 7, 12]);
        assert_eq!(mark(&mut content, &[20, 28, 36]), 2);
        assert_eq!(content, objects(&[IMMORTAL, 12, IMMORTAL, 4, 7, 12]));
    }

    #[test]
    fn what_is_no_object_stays() {
        // No count; no kind; the size of something, and what is in it; the end of the memory.
        let words = [0, 12, MOST_REFERENCES + 1, 12, IMMORTAL + 1, 12, 1, 2, 1, u32::MAX, 1, 0, 1];
        let mut content = objects(&words);
        let all: Vec<_> = (28..28 + 4 * 13).step_by(4).collect();
        assert_eq!(mark(&mut content, &[&[20], &all[..], &[5, 80, u32::MAX - 3, u32::MAX]].concat()), 0);
        assert_eq!(content, objects(&words));
    }

    #[test]
    fn without_a_model_nothing_changes() {
        for lasting in [&[][..], &[4, 0], &[100, 4]] {
            let mut content = memory(&[IMMORTAL, 1]);
            assert_eq!(mark(&mut content, lasting), 0);
            assert_eq!(content, memory(&[IMMORTAL, 1]));
        }
    }
}
