//! The kernel's page table, and the frames it is made of.
//!
//! Built through an early window, which shows RAM by the tables of `header.rs`. All kernel entries are
//! global; nothing is writable and executable; the image is reached by its own addresses only.

use super::fail::fail;
use crate::layout::{
    CORE_AREA, CORE_AREA_STRIDE, DEVICE_AREA, FATAL_STACK_PAGES, IMAGE_BASE, STACK_PAGES,
    WINDOW_BASE, fatal_stack_top, stack_top,
};
use crate::page::{
    ACCESSED, DEVICE, FRAME, NO_EXECUTE_KERNEL, NO_EXECUTE_USER, READ_ONLY, SHARED, TABLE_OR_PAGE,
    VALID,
};
use crate::registers::{publish_writes, synchronise, write_register};
use cedo_arch_common::memory::{Span, Spans};
use core::sync::atomic::{AtomicU64, Ordering};

const PAGE: u64 = 4096;
const LARGE_PAGE: u64 = 2 << 20;
const GIBIBYTE: u64 = 1 << 30;
/// Levels of the kernel's half.
const LEVELS: u32 = 3;
const DATA: u64 = VALID | ACCESSED | SHARED | NO_EXECUTE_KERNEL | NO_EXECUTE_USER;
const CODE: u64 = VALID | ACCESSED | SHARED | NO_EXECUTE_USER | READ_ONLY;
const REGISTERS: u64 = VALID | ACCESSED | DEVICE | NO_EXECUTE_KERNEL | NO_EXECUTE_USER;

unsafe extern "C" {
    static image_text: u8;
    static image_read_only: u8;
    static image_data: u8;
    static image_end: u8;
    /// `header.rs`: the first table of the kernel's half; the page below the boot code's stack.
    static first_kernel_table: [AtomicU64; 512];
    static first_stack_guard: u8;
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

/// Physical memory that the loader put the kernel into.
pub fn image(load_address: u64) -> Span {
    Span::new(load_address, (&raw const image_end) as u64 - IMAGE_BASE)
}

/// Tables for parts of the early window that are no whole GiB: one per end of a piece of RAM.
const MOST_PARTS: usize = 16;

#[repr(align(4096))]
struct Part([AtomicU64; 512]);

static PARTS: [Part; MOST_PARTS] = [const { Part([const { AtomicU64::new(0) }; 512]) }; MOST_PARTS];

/// The window as the boot code's table shows it: what is RAM and little more, since a processor may read
/// ahead there. There is one, of core 0.
pub struct EarlyWindow {
    load_address: u64,
    /// Tables of [`PARTS`] in use.
    parts: usize,
}

impl EarlyWindow {
    /// # Safety
    /// Called once, while the boot code's table is active.
    pub const unsafe fn new(load_address: u64) -> EarlyWindow {
        EarlyWindow { load_address, parts: 0 }
    }

    /// Shows memory: from here on it is at the window's addresses, until another table is active.
    pub fn show(&mut self, span: Span) {
        let mut at = span.start;
        while at < span.end {
            let next = (at + 1).next_multiple_of(GIBIBYTE);
            self.show_part(at, span.end.min(next));
            at = next;
        }
        publish_writes();
        synchronise();
    }

    /// Shows memory that is in one GiB, in pieces of 2 MiB unless it is all of it.
    fn show_part(&mut self, start: u64, end: u64) {
        let gibibyte = start & !(GIBIBYTE - 1);
        // SAFETY: the table is boot code's, which this core alone uses, and only through `self`.
        let table = unsafe { &first_kernel_table };
        let entry = &table[((WINDOW_BASE + gibibyte) >> 30 & 511) as usize];
        let found = entry.load(Ordering::Relaxed);
        if found & VALID != 0 && found & TABLE_OR_PAGE == 0 {
            return;
        }
        if end - start == GIBIBYTE || found & VALID == 0 && self.parts == MOST_PARTS {
            entry.store(gibibyte | DATA, Ordering::Relaxed);
            return;
        }
        let physical =
            |part: usize| (&raw const PARTS[part]) as u64 - IMAGE_BASE + self.load_address;
        if found & VALID == 0 {
            entry.store(physical(self.parts) | VALID | TABLE_OR_PAGE, Ordering::Relaxed);
            self.parts += 1;
        }
        let table = entry.load(Ordering::Relaxed) & FRAME;
        let part = PARTS[..self.parts].iter().zip(0..).find(|part| physical(part.1) == table);
        for piece in (start & !(LARGE_PAGE - 1)..end).step_by(LARGE_PAGE as usize) {
            if let Some((part, _)) = part {
                part.0[(piece >> 21 & 511) as usize].store(piece | DATA, Ordering::Relaxed);
            }
        }
    }

    /// Shows device registers in the area for devices. Returns their address.
    pub fn show_device(&mut self, physical: u64) -> u64 {
        let gibibyte = physical & !(GIBIBYTE - 1);
        // SAFETY: as in `show_part`.
        let table = unsafe { &first_kernel_table };
        table[(DEVICE_AREA >> 30 & 511) as usize].store(gibibyte | REGISTERS, Ordering::Relaxed);
        publish_writes();
        synchronise();
        DEVICE_AREA + physical - gibibyte
    }
}

/// Physical memory that boot code still has, and the table it builds.
pub struct Builder {
    /// Free memory.
    pub free: Spans,
    /// Physical address of the top-level table of the kernel's half.
    pub root: u64,
    load_address: u64,
    device_pages: u64,
}

impl Builder {
    /// An empty table. The window shows all of `free`.
    pub fn new(free: Spans, load_address: u64) -> Result<Builder, NoMemory> {
        let mut builder = Builder { free, root: 0, load_address, device_pages: 0 };
        builder.root = builder.zeroed(PAGE)?;
        Ok(builder)
    }

    /// Takes zeroed memory.
    pub fn zeroed(&mut self, bytes: u64) -> Result<u64, NoMemory> {
        let bytes = bytes.next_multiple_of(PAGE);
        let start = self.free.take(bytes, u64::MAX).ok_or(NoMemory)?;
        // SAFETY: free memory, taken for this caller, and shown by the window.
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
        let parts =
            [(text, read_only, CODE), (read_only, data, DATA | READ_ONLY), (data, end, DATA)];
        let guard = (&raw const first_stack_guard) as u64;
        for (start, end, flags) in parts {
            let pages = (start..end).step_by(PAGE as usize);
            for address in pages.filter(|address| *address != guard) {
                self.map(address, address - IMAGE_BASE + self.load_address, flags)?;
            }
        }
        Ok(())
    }

    /// All of `ram` at the window, in large pages where a whole one is RAM.
    pub fn map_window(&mut self, ram: &Spans) -> Result<(), NoMemory> {
        for span in ram.iter() {
            let mut at = span.start;
            while at < span.end {
                if at.is_multiple_of(LARGE_PAGE) && at + LARGE_PAGE <= span.end {
                    *self.entry(WINDOW_BASE + at, 2)? = at | DATA;
                    at += LARGE_PAGE;
                } else {
                    self.map(WINDOW_BASE + at, at, DATA)?;
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
            self.map_stack(fatal_stack_top(core), FATAL_STACK_PAGES)?;
        }
        Ok(())
    }

    fn map_stack(&mut self, top: u64, pages: u64) -> Result<(), NoMemory> {
        debug_assert!((CORE_AREA..CORE_AREA + 8 * CORE_AREA_STRIDE).contains(&top));
        for page in 1..=pages {
            let frame = self.zeroed(PAGE)?;
            self.map(top - page * PAGE, frame, DATA)?;
        }
        Ok(())
    }

    /// The registers of a device, behind those mapped before. Returns their address.
    pub fn map_device(&mut self, registers: Span) -> Result<u64, NoMemory> {
        let address = DEVICE_AREA + self.device_pages * PAGE;
        let first = registers.start & !(PAGE - 1);
        let pages = (registers.end - first).div_ceil(PAGE);
        self.device_pages += pages;
        for page in 0..pages {
            self.map(address + page * PAGE, first + page * PAGE, REGISTERS)?;
        }
        Ok(address + registers.start % PAGE)
    }

    fn map(&mut self, address: u64, physical: u64, flags: u64) -> Result<(), NoMemory> {
        *self.entry(address, 1)? = physical | flags | TABLE_OR_PAGE;
        Ok(())
    }

    /// The entry for `address` in a table of `level`; tables on the way there are made.
    fn entry(&mut self, address: u64, level: u32) -> Result<&mut u64, NoMemory> {
        let mut table = self.root;
        for above in (level + 1..=LEVELS).rev() {
            let found = *entry_of(table, address, above);
            table = if found & VALID != 0 {
                found & FRAME
            } else {
                let new = self.zeroed(PAGE)?;
                *entry_of(table, address, above) = new | VALID | TABLE_OR_PAGE;
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

/// Makes `root` the active table of the kernel's half on this core, and `user`, which maps nothing,
/// that of the users'.
///
/// # Safety
/// `root` maps the image, the window and this core's stack as they are mapped now.
pub unsafe fn activate(root: u64, user: u64) {
    publish_writes();
    write_register!("ttbr1_el1", root);
    write_register!("ttbr0_el1", user);
    synchronise();
    // SAFETY: forgetting translations is always allowed.
    unsafe { core::arch::asm!("tlbi vmalle1", "dsb nsh", options(nostack)) };
    synchronise();
}
