//! Makes objects in a memory image immortal, so that using them writes to no page.
//!
//! CPython counts references in the first word of each object. On many of the pages that an invocation writes nothing else changes, and in the end not even
//! that. An immortal object's count is never written (PEP 683; `_Py_IsImmortal` in CPython's refcount.h).
//!
//! The guest says which objects last. It is not trusted: its word is taken only for words that can be reference counts, and a wrong one harms nobody
//! but the app itself, whose memory it is.

/// Bytes of a reference count: `Py_ssize_t` of a 32-bit machine.
const WORD: usize = 4;
/// No object has more references than these and is not immortal: what is beyond is no count.
const MOST_REFERENCES: u32 = 1 << 20;

/// Makes the counts at `lasting` that of the first one, which is immortal. What can't be a reference count is left as it is. Gives how many were made.
pub(super) fn mark(content: &mut [u8], lasting: &[u32]) -> usize {
    let Some((&model, others)) = lasting.split_first() else { return 0 };
    let Some(immortal) = word(content, model).filter(|count| *count > MOST_REFERENCES) else { return 0 };
    let is_count = |word: u32| (1..=MOST_REFERENCES).contains(&word);
    let mut made = 0;
    for &address in others {
        if word(content, address).is_some_and(is_count) {
            content[address as usize..][..WORD].copy_from_slice(&immortal.to_le_bytes());
            made += 1;
        }
    }
    made
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

    #[test]
    fn counts_become_the_first_ones() {
        let mut content = memory(&[IMMORTAL, 1, 7, 3]);
        assert_eq!(mark(&mut content, &[0, 4, 12]), 2);
        assert_eq!(content, memory(&[IMMORTAL, IMMORTAL, 7, IMMORTAL]));
    }

    #[test]
    fn what_is_no_count_stays() {
        let words = [IMMORTAL, 0, MOST_REFERENCES + 1, IMMORTAL + 1];
        let mut content = memory(&words);
        assert_eq!(mark(&mut content, &[0, 4, 8, 12, 5, 16, u32::MAX]), 0);
        assert_eq!(content, memory(&words));
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
