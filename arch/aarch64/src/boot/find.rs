//! What machine this is: the device tree.

use super::fail::fail;
use super::tables::{self, EarlyWindow, NoMemory};
use crate::layout::{WINDOW_BASE, WINDOW_FRAMES};
use crate::tree::{self, Found};
use cedo_arch_common::memory::{LEAST_BYTES, Span, Spans};
use cedo_arch_common::pages;

const PAGE: u64 = 4096;
/// Longest tree that is read.
const MOST_TREE_BYTES: usize = 2 << 20;

const NO_TREE: &str =
    "no device tree from the loader: give it one (`-machine virt` makes one itself)";

/// Reads the device tree at a physical address. Says too where it is.
pub fn tree(window: &mut EarlyWindow, address: u64) -> (Found, Span) {
    if address == 0 || !address.is_multiple_of(8) || address >= WINDOW_FRAMES * PAGE {
        fail(format_args!("{NO_TREE}"));
    }
    window.show(Span::new(address, PAGE));
    let first = (WINDOW_BASE + address) as *const [u8; 8];
    // SAFETY: the window shows it, it is aligned, and nobody writes before boot code takes memory.
    let first = unsafe { &*first };
    let size = tree::read::size(first).filter(|size| *size <= MOST_TREE_BYTES);
    let Some(size) = size else { fail(format_args!("{NO_TREE}")) };
    let span = Span::new(address, size as u64);
    window.show(span);
    // SAFETY: as above, for all its bytes.
    let bytes = unsafe { core::slice::from_raw_parts(first.as_ptr(), size) };
    match tree::read(bytes) {
        Some(found) => (found, span),
        None => fail(format_args!("the device tree is damaged: give the loader another one")),
    }
}

/// All RAM that the window can show, without the kernel image.
pub fn ram(found: &Found, image: Span) -> Spans {
    let mut ram = Spans::ram(&found.memory, WINDOW_FRAMES * PAGE);
    ram.remove(image);
    if ram.bytes() < LEAST_BYTES {
        fail(format_args!(
            "only {} KiB of free memory: Cedo needs at least {} KiB, add some",
            ram.bytes() >> 10,
            LEAST_BYTES >> 10
        ));
    }
    ram
}

/// The memory that boot code may use: `ram` without the boot archive. An archive that the loader put
/// off a page boundary is moved.
pub fn free(found: &mut Found, ram: &Spans) -> Spans {
    let mut free = ram.clone();
    let Some(archive) = found.archive else { return free };
    if ram.overlap(archive) != archive.bytes() {
        fail(format_args!(
            "the boot archive at {:#x} is not in free memory: load it as the initial RAM disk",
            archive.start
        ));
    }
    free.remove(archive);
    if !archive.start.is_multiple_of(PAGE) {
        let place = free.take(archive.bytes().next_multiple_of(PAGE), u64::MAX);
        let place = tables::or_fail(place.ok_or(NoMemory));
        copy(archive, place);
        let moved = Span::new(place, archive.bytes());
        found.archive = Some(moved);
        free = ram.clone();
        free.remove(moved);
    }
    free
}

/// Copies `from` to other memory, and zeroes the rest of the last page.
fn copy(from: Span, to: u64) {
    let (source, target) = ((WINDOW_BASE + from.start) as *const u8, (WINDOW_BASE + to) as *mut u8);
    // SAFETY: both are RAM in the window; the target was taken for this, in whole pages, and is no
    // part of the source, which nothing else uses.
    unsafe { pages::copy(source, target, from.bytes() as usize) };
}
