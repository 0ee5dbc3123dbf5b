//! The kernel's page table, and the frames it is made of.
//!
//! Built through the early window, so table frames come from below 4 GiB. All kernel entries are
//! global; nothing is writable and executable; the image is reached by its own addresses only.

use super::fail::fail;
use super::information::Span;
use super::memory::Spans;
use crate::layout::{
    CORE_AREA, CORE_AREA_STRIDE, DEVICE_AREA, EARLY_WINDOW_BYTES, FATAL_STACK_PAGES, FATAL_STACKS,
    IMAGE_BASE, STACK_PAGES, WINDOW_BASE, fatal_stack_top, stack_top,
};
use crate::page::{ACCESSED, DIRTY, GLOBAL, LARGE, NO_EXECUTE, PRESENT, UNCACHED, WRITE};

const PAGE: u64 = 4096;
const LARGE_PAGE: u64 = 2 << 20;
/// The frame number's place in an entry.
const FRAME: u64 = 0x000f_ffff_ffff_f000;
const READ_ONLY: u64 = PRESENT | ACCESSED | GLOBAL;
const READ_WRITE: u64 = READ_ONLY | WRITE | DIRTY;

unsafe extern "C" {
    static image_text: u8;
    static image_read_only: u8;
    static image_data: u8;
    static image_end: u8;
    /// The page below the boot code's stack; `header.rs`.
    static boot_stack_guard: u8;
}

/// Physical memory that boot code still has, and the table it builds.
pub struct Builder {
    /// Free memory.
    pub free: Spans,
    /// Physical address of the top-level table.
    pub root: u64,
    no_execute: u64,
}

/// There was no frame left.
#[derive(Debug)]
pub struct NoMemory;

/// The result, or the line that says what to do.
pub fn or_fail<T>(result: Result<T, NoMemory>) -> T {
    result.unwrap_or_else(|_| {
        fail(format_args!("too little memory for the kernel's tables: add some"))
    })
}

/// Physical memory that the loader put the kernel into, from the loader's header on.
pub fn image() -> Span {
    Span { start: 1 << 20, end: (&raw const image_end) as u64 - IMAGE_BASE }
}

impl Builder {
    /// An empty table.
    pub fn new(free: Spans, no_execute: bool) -> Result<Builder, NoMemory> {
        let no_execute = if no_execute { NO_EXECUTE } else { 0 };
        let mut builder = Builder { free, root: 0, no_execute };
        builder.root = builder.zeroed(PAGE, EARLY_WINDOW_BYTES)?;
        Ok(builder)
    }

    /// Takes zeroed memory that ends below `limit` and lies in the window as it is now.
    pub fn zeroed(&mut self, bytes: u64, limit: u64) -> Result<u64, NoMemory> {
        let bytes = bytes.next_multiple_of(PAGE);
        let start = self.free.take(bytes, limit).ok_or(NoMemory)?;
        // SAFETY: free memory, taken for this caller, and mapped by the window.
        unsafe { core::ptr::write_bytes((WINDOW_BASE + start) as *mut u8, 0, bytes as usize) };
        Ok(start)
    }

    /// The kernel image: text, constants, data.
    pub fn map_image(&mut self) -> Result<(), NoMemory> {
        let [text, read_only, data, end] = [
            (&raw const image_text) as u64,
            (&raw const image_read_only) as u64,
            (&raw const image_data) as u64,
            (&raw const image_end) as u64,
        ];
        let parts = [
            (text, read_only, READ_ONLY),
            (read_only, data, READ_ONLY | self.no_execute),
            (data, end, READ_WRITE | self.no_execute),
        ];
        let guard = (&raw const boot_stack_guard) as u64;
        for (start, end, flags) in parts {
            let pages = (start..end).step_by(PAGE as usize);
            for address in pages.filter(|address| *address != guard) {
                self.map(address, address - IMAGE_BASE, flags)?;
            }
        }
        Ok(())
    }

    /// All of `ram` at the window, in large pages where a whole one is RAM.
    pub fn map_window(&mut self, ram: &Spans) -> Result<(), NoMemory> {
        let flags = READ_WRITE | self.no_execute;
        for span in ram.iter() {
            let mut at = span.start;
            while at < span.end {
                if at.is_multiple_of(LARGE_PAGE) && at + LARGE_PAGE <= span.end {
                    *self.entry(WINDOW_BASE + at, 2)? = at | flags | LARGE;
                    at += LARGE_PAGE;
                } else {
                    self.map(WINDOW_BASE + at, at, flags)?;
                    at += PAGE;
                }
            }
        }
        Ok(())
    }

    /// The stacks of `cores` cores, with an unmapped page between any two.
    pub fn map_stacks(&mut self, cores: usize) -> Result<(), NoMemory> {
        for core in 0..cores {
            self.map_stack(stack_top(core), STACK_PAGES)?;
            for index in 0..FATAL_STACKS {
                self.map_stack(fatal_stack_top(core, index), FATAL_STACK_PAGES)?;
            }
        }
        Ok(())
    }

    fn map_stack(&mut self, top: u64, pages: u64) -> Result<(), NoMemory> {
        debug_assert!((CORE_AREA..CORE_AREA + 8 * CORE_AREA_STRIDE).contains(&top));
        for page in 1..=pages {
            let frame = self.zeroed(PAGE, EARLY_WINDOW_BYTES)?;
            self.map(top - page * PAGE, frame, READ_WRITE | self.no_execute)?;
        }
        Ok(())
    }

    /// The registers of a device at page `index` of the device area. Returns their address.
    pub fn map_device(&mut self, index: u64, physical: u64) -> Result<u64, NoMemory> {
        let address = DEVICE_AREA + index * PAGE;
        let flags = READ_WRITE | UNCACHED | self.no_execute;
        self.map(address, physical & !(PAGE - 1), flags)?;
        Ok(address + physical % PAGE)
    }

    fn map(&mut self, address: u64, physical: u64, flags: u64) -> Result<(), NoMemory> {
        *self.entry(address, 1)? = physical | flags;
        Ok(())
    }

    /// The entry for `address` in a table of `level`; tables on the way there are made.
    fn entry(&mut self, address: u64, level: u32) -> Result<&mut u64, NoMemory> {
        let mut table = self.root;
        for above in (level + 1..=4).rev() {
            let found = *entry_of(table, address, above);
            table = if found & PRESENT != 0 {
                found & FRAME
            } else {
                let new = self.zeroed(PAGE, EARLY_WINDOW_BYTES)?;
                *entry_of(table, address, above) = new | PRESENT | WRITE | ACCESSED;
                new
            };
        }
        Ok(entry_of(table, address, level))
    }
}

fn entry_of<'a>(table: u64, address: u64, level: u32) -> &'a mut u64 {
    let index = address >> (12 + 9 * (level - 1)) & 511;
    let entry = (WINDOW_BASE + table + 8 * index) as *mut u64;
    // SAFETY: 1. `table` is one of the builder's, in the window, and not yet used by the processor
    // or used by this core only. 2. The builder holds one such reference at a time.
    unsafe { &mut *entry }
}

/// Makes `root` the active table of this core.
///
/// # Safety
/// It maps the image, the window and this core's stack as they are mapped now.
pub unsafe fn activate(root: u64) {
    // SAFETY: promised by the caller.
    unsafe { core::arch::asm!("mov cr3, {}", in(reg) root, options(nostack, preserves_flags)) };
}
