//! Where the kernel's part of the address space is (DESIGN.md section 11.1).
//!
//! ```text
//! slot 256   0xffff8000_00000000   kernel image at its physical address
//! slot 257   0xffff8080_00000000   per-core stacks with guard pages; device registers
//! slot 258+  0xffff8100_00000000   window: all of physical memory, up to 3 TiB
//! ```

/// First top-level slot that is the kernel's.
pub const FIRST_KERNEL_SLOT: usize = 256;
/// First top-level slot after the kernel's.
pub const END_KERNEL_SLOT: usize = 264;
/// What one top-level slot spans.
pub const SLOT_BYTES: u64 = 1 << 39;

/// The kernel image lies here plus its physical address; `kernel.ld` says the same.
pub const IMAGE_BASE: u64 = 0xffff_8000_0000_0000;
/// Per-core areas.
pub const CORE_AREA: u64 = IMAGE_BASE + SLOT_BYTES;
/// Bytes from one core's area to the next.
pub const CORE_AREA_STRIDE: u64 = 0x4_0000;
/// Device registers the kernel itself uses, one page each.
pub const DEVICE_AREA: u64 = CORE_AREA + SLOT_BYTES / 2;
/// Physical memory.
pub const WINDOW_BASE: u64 = IMAGE_BASE + 2 * SLOT_BYTES;
/// Frames that the window can show.
pub const WINDOW_FRAMES: u64 = (END_KERNEL_SLOT as u64 - 258) * SLOT_BYTES / 4096;
/// What the boot code's first page table maps of the window.
pub const EARLY_WINDOW_BYTES: u64 = 4 << 30;

/// Pages of a core's kernel stack.
pub const STACK_PAGES: u64 = 8;
/// Pages of each stack for double fault, NMI and machine check.
pub const FATAL_STACK_PAGES: u64 = 4;
/// Stacks of the second kind.
pub const FATAL_STACKS: u64 = 3;

/// Top of the kernel stack of a core; an unmapped page lies above and below.
pub const fn stack_top(core: usize) -> u64 {
    CORE_AREA + core as u64 * CORE_AREA_STRIDE + (1 + STACK_PAGES) * 4096
}

/// Top of the stack for interrupt-stack-table entry `index` (from 0) of a core.
pub const fn fatal_stack_top(core: usize, index: u64) -> u64 {
    stack_top(core) + (index + 1) * (1 + FATAL_STACK_PAGES) * 4096
}

const _: () = assert!(
    fatal_stack_top(0, FATAL_STACKS - 1) + 4096 <= CORE_AREA + CORE_AREA_STRIDE,
    "the stacks of a core fit its area"
);
