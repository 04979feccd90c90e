//! Whatever was done to a slot, it equals its image afterwards.

use super::draft::Draft;
use super::faults::Faults;
use super::image::WASM_PAGE;
use super::slot::Slot;
use super::*;
use proptest::prelude::*;

const PAGE: usize = 4096;
const RESERVED: usize = 64 << 20;
const GUARD: usize = 1 << 20;

fn image() -> Image {
    let mut content = vec![0; 32 * WASM_PAGE];
    content.iter_mut().enumerate().for_each(|(at, byte)| *byte = (at / PAGE * 31 + at) as u8);
    // Pages of zeros are pages too.
    content[8 * PAGE..16 * PAGE].fill(0);
    Image::in_memory(&content).unwrap()
}

/// The bytes that can be accessed.
#[allow(unsafe_code)]
fn bytes(slot: &mut Slot) -> &mut [u8] {
    // SAFETY: so many bytes can be accessed, and the slot is borrowed as long as the slice lives.
    unsafe { std::slice::from_raw_parts_mut(slot.start(), slot.accessible()) }
}

fn assert_clean(slot: &mut Slot, image: &Image) {
    assert_eq!(slot.accessible(), image.bytes());
    assert!(bytes(slot) == image.content(), "the slot differs from its image");
}

#[test]
fn a_new_slot_is_the_image_and_grows_with_zeros() {
    let image = image();
    let mut slot = image.take(RESERVED, GUARD).unwrap();
    assert_clean(&mut slot, &image);
    slot.grow_to(image.bytes() + 3 * WASM_PAGE).unwrap();
    assert!(bytes(&mut slot)[image.bytes()..].iter().all(|byte| *byte == 0));
    assert!(slot.grow_to(RESERVED).is_ok());
    assert!(slot.grow_to(RESERVED + 1).is_err());
}

#[test]
fn a_slot_is_used_again_and_shows_nothing_of_its_last_user() {
    let image = image();
    let mut slot = image.take(RESERVED, GUARD).unwrap();
    let start = slot.start();
    slot.grow_to(2 * image.bytes()).unwrap();
    bytes(&mut slot).fill(0xAA);
    image.give_back(slot, true);
    let mut again = image.take(RESERVED, GUARD).unwrap();
    assert_eq!(again.start(), start);
    assert_clean(&mut again, &image);
    again.grow_to(2 * image.bytes()).unwrap();
    assert!(bytes(&mut again)[image.bytes()..].iter().all(|byte| *byte == 0));
}

#[test]
fn slots_do_not_see_each_other_nor_change_the_image() {
    let image = image();
    let (mut a, mut b) = (image.take(RESERVED, GUARD).unwrap(), image.take(RESERVED, GUARD).unwrap());
    let before = image.content().to_vec();
    bytes(&mut a).fill(1);
    assert_clean(&mut b, &image);
    assert!(image.content() == before);
    image.give_back(a, true);
    image.give_back(b, true);
    assert_eq!(image.free_slots(), 2);
}

#[test]
fn a_slot_that_is_too_small_is_not_used() {
    let image = image();
    image.give_back(image.take(RESERVED, GUARD).unwrap(), true);
    let larger = image.take(2 * RESERVED, GUARD).unwrap();
    assert_eq!((larger.reserved(), image.free_slots()), (2 * RESERVED, 1));
}

/// A hole would be filled when somebody looks at it: on a full file system in memory, that ends the process.
#[test]
fn an_image_in_a_file_has_no_holes() {
    let (base, folder) = (image(), tempfile::tempdir().unwrap());
    let larger = Image::patched(&base, 2 * base.bytes(), &[(5, vec![1, 2, 3])], folder.path()).unwrap();
    let on_disk = 512 * std::os::unix::fs::MetadataExt::blocks(&larger.file().metadata().unwrap());
    assert!(on_disk >= larger.bytes() as u64, "{on_disk} of {} bytes", larger.bytes());
}

#[test]
fn an_image_for_which_a_folder_has_no_room_is_in_memory() {
    let (base, folder) = (image(), tempfile::tempdir().unwrap());
    let in_file = Image::patched(&base, 2 * base.bytes(), &[(5, vec![1, 2, 3])], folder.path()).unwrap();
    let in_memory = Image::patched(&base, 2 * base.bytes(), &[(5, vec![1, 2, 3])], &folder.path().join("none")).unwrap();
    assert!(in_memory.content() == in_file.content());
    assert_eq!((&in_memory.content()[5..8], in_memory.content()[2 * base.bytes() - 1]), (&[1, 2, 3][..], 0));
}

#[test]
fn a_draft_is_changed_once_when_nobody_uses_it_and_never_again() {
    let content = image().content().to_vec();
    let draft = Draft::of(&content).unwrap();
    let slot = draft.image().take(RESERVED, GUARD).unwrap();
    draft.image().give_back(slot, true);
    let finished = draft.finish(|bytes| bytes[PAGE] ^= 1).unwrap();
    let mut changed = content.clone();
    changed[PAGE] ^= 1;
    assert!(finished.content() == changed);
    assert_clean(&mut finished.take(RESERVED, GUARD).unwrap(), &finished);
    assert!(rustix::io::pwrite(finished.file(), &[1], 0).is_err(), "its file can be written");

    let draft = Draft::of(&content).unwrap();
    let used = draft.image().clone();
    assert!(draft.finish(|bytes| bytes.fill(0)).is_err());
    assert!(used.content() == content);
}

#[test]
fn an_image_must_be_whole_pages() {
    assert!(Image::in_memory(&[]).is_err());
    assert!(Image::in_memory(&[0; PAGE]).is_err());
}

#[derive(Debug, Clone)]
enum Step {
    /// From, how many bytes, what.
    Write(usize, usize, u8),
    Read(usize),
    Grow(usize),
    /// The kernel takes pages away, as under memory pressure.
    PageOut,
    Rest,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..40 * WASM_PAGE, prop_oneof![1..64_usize, 1..300_000_usize], any::<u8>()).prop_map(|(at, length, byte)| Step::Write(at, length, byte)),
        1 => (0..40 * WASM_PAGE).prop_map(Step::Read),
        1 => (1..40_usize).prop_map(Step::Grow),
        1 => Just(Step::PageOut),
        1 => Just(Step::Rest),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_was_done_the_next_user_finds_the_image(users in prop::collection::vec(prop::collection::vec(step(), 0..40), 1..6)) {
        let image = image();
        for steps in users {
            let mut slot = image.take(RESERVED, GUARD).unwrap();
            assert_clean(&mut slot, &image);
            let faults = Faults::default();
            for step in steps {
                let accessible = slot.accessible();
                faults.during(|| match step {
                    Step::Write(at, length, byte) => bytes(&mut slot)[at.min(accessible)..(at + length).min(accessible)].fill(byte),
                    Step::Read(at) => drop(bytes(&mut slot).get(at).copied()),
                    Step::Grow(pages) => slot.grow_to((accessible + pages * WASM_PAGE).min(RESERVED)).unwrap(),
                    Step::PageOut => page_out(&mut slot),
                    Step::Rest => rest(&mut slot, &image),
                });
            }
            image.give_back(slot, faults.any());
            prop_assert_eq!(image.free_slots(), 1);
        }
    }
}

/// Nothing changes by that.
fn rest(slot: &mut Slot, image: &Image) {
    let before = bytes(slot).to_vec();
    slot.rest(image).unwrap();
    assert!(bytes(slot) == before);
}

/// KiB of what is mapped there that are in memory (proc_pid_smaps(5)).
fn resident(start: *const u8) -> usize {
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let (_, mapping) = smaps.split_once(&format!("\n{start:x}", start = start as usize)).unwrap();
    let resident = mapping.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
    resident.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_slot_that_rests_holds_what_was_written_and_no_more() {
    let image = image();
    let mut slot = image.take(RESERVED, GUARD).unwrap();
    assert_clean(&mut slot, &image);
    bytes(&mut slot)[5 * PAGE..7 * PAGE].fill(7);
    assert_eq!(resident(slot.start()), image.bytes() >> 10);
    slot.rest(&image).unwrap();
    assert_eq!(resident(slot.start()), (2 * PAGE) >> 10);
    assert!(bytes(&mut slot)[5 * PAGE..7 * PAGE] == [7; 2 * PAGE]);
    image.give_back(slot, true);
    assert_eq!(image.check_free_slots(), 1);
}

#[test]
fn an_image_that_rests_has_no_slots_and_nothing_mapped() {
    let image = image();
    image.give_back(image.take(RESERVED, GUARD).unwrap(), false);
    let before = image.content().to_vec();
    assert_eq!(resident(image.content().as_ptr()), image.bytes() >> 10);
    image.rest();
    assert_eq!((image.free_slots(), resident(image.content().as_ptr())), (0, 0));
    assert!(image.content() == before);
}

#[test]
fn free_slots_that_were_not_needed_for_a_while_are_unmapped() {
    let image = image();
    let taken: Vec<_> = (0..3).map(|_| image.take(RESERVED, GUARD).unwrap()).collect();
    taken.into_iter().for_each(|slot| image.give_back(slot, false));
    image.trim();
    assert_eq!(image.free_slots(), 3);
    image.give_back(image.take(RESERVED, GUARD).unwrap(), false);
    image.trim();
    assert_eq!(image.free_slots(), 1);
    image.trim();
    assert_eq!(image.free_slots(), 0);
}

#[allow(unsafe_code)]
fn page_out(slot: &mut Slot) {
    let (start, bytes) = (slot.start(), slot.accessible());
    // SAFETY: this moves pages to swap, where there is any, and changes no content.
    let _ = unsafe { rustix::mm::madvise(start.cast(), bytes, rustix::mm::Advice::LinuxPageOut) };
}

#[test]
fn writing_a_page_again_is_no_fault_and_the_page_is_still_restored() {
    let image = image();
    let write = |slot: &mut Slot| bytes(slot)[5 * PAGE..7 * PAGE].fill(7);
    let mut slot = image.take(RESERVED, GUARD).unwrap();
    write(&mut slot);
    image.give_back(slot, true);
    for _ in 0..3 {
        let mut slot = image.take(RESERVED, GUARD).unwrap();
        assert_clean(&mut slot, &image);
        let faults = Faults::default();
        faults.during(|| write(&mut slot));
        assert!(!faults.any(), "a page of the slot's own took a fault");
        image.give_back(slot, faults.any());
    }
    let mut slot = image.take(RESERVED, GUARD).unwrap();
    assert_clean(&mut slot, &image);
    let faults = Faults::default();
    faults.during(|| bytes(&mut slot)[20 * PAGE] += 1);
    assert!(faults.any(), "a page that was the image's was written without a fault");
}
