//! Which pages of a private mapping are no longer the file's: Linux's `PAGEMAP_SCAN` (6.7 and later; Documentation/admin-guide/mm/pagemap.rst).

use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode};
use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::OnceLock;

/// What changed.
#[derive(Debug)]
pub(super) enum Changed {
    /// These ranges, in bytes from the start.
    Pages(Vec<Range<usize>>),
    /// So much that it is not worth a list.
    TooMany,
}

/// The kernel's `struct page_region`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

/// The kernel's `struct pm_scan_arg`.
#[repr(C)]
#[derive(Debug)]
struct Scan {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    regions: u64,
    regions_length: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

const PAGE_IS_FILE: u64 = 1 << 2;
const PAGE_IS_PRESENT: u64 = 1 << 3;
const PAGE_IS_SWAPPED: u64 = 1 << 4;

/// How many ranges one call may answer with. CPython's changes lie scattered: some hundred is usual.
const MOST_REGIONS: usize = 1024;

/// The pages of `start..start + bytes`, which maps a file privately, that are the mapping's own by now. Reads only what the kernel knows, not the memory.
///
/// Fails where the kernel has no such call.
pub(super) fn changed(start: *mut u8, bytes: usize, most_pages: usize) -> io::Result<Changed> {
    let first = start as u64;
    let mut regions = [Region::default(); MOST_REGIONS];
    let mut scan = Scan {
        size: size_of::<Scan>() as u64,
        flags: 0,
        start: first,
        end: first + bytes as u64,
        walk_end: 0,
        regions: regions.as_mut_ptr() as u64,
        regions_length: MOST_REGIONS as u64,
        max_pages: most_pages as u64,
        // A page that is there, in memory or in swap, and is not the file's.
        category_inverted: PAGE_IS_FILE,
        category_mask: PAGE_IS_FILE,
        category_anyof_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
        return_mask: 0,
    };
    let count = run(&mut scan)?;
    if scan.walk_end < scan.end {
        return Ok(Changed::TooMany);
    }
    let range = |region: &Region| (region.start - first) as usize..(region.end - first) as usize;
    Ok(Changed::Pages(regions[..count].iter().map(range).collect()))
}

#[allow(unsafe_code)]
fn run(scan: &mut Scan) -> io::Result<usize> {
    static PAGEMAP: OnceLock<Option<File>> = OnceLock::new();
    let pagemap = PAGEMAP.get_or_init(|| File::open("/proc/self/pagemap").ok());
    let pagemap = pagemap.as_ref().ok_or(io::ErrorKind::NotFound)?;
    // SAFETY: the opcode is that of `PAGEMAP_SCAN`, whose argument `Scan` is; the regions that it points to live in the caller's frame and have
    // the length that it says. The scan only reads page tables: no flag asks for more.
    Ok(unsafe { ioctl(pagemap, ScanCall(scan)) }?)
}

struct ScanCall<'a>(&'a mut Scan);

// SAFETY: the opcode belongs to the argument's type, `as_ptr` points to a whole `Scan`, and the output is the call's return value.
#[allow(unsafe_code)]
unsafe impl Ioctl for ScanCall<'_> {
    type Output = usize;
    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        opcode::read_write::<Scan>(b'f', 16)
    }

    fn as_ptr(&mut self) -> *mut c_void {
        std::ptr::from_mut(self.0).cast()
    }

    unsafe fn output_from_ptr(output: IoctlOutput, _: *mut c_void) -> rustix::io::Result<usize> {
        usize::try_from(output).map_err(|_| rustix::io::Errno::INVAL)
    }
}
