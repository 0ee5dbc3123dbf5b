//! Where the kernel's part of the address space is (DESIGN.md section 11.1).
//!
//! The kernel has a table of its own (TTBR1, 39 bits), users another (TTBR0, 48 bits).
//!
//! ```text
//! 0xffffff80_00000000   window: physical memory, up to 256 GiB
//! 0xffffffc0_00000000   per-core stacks with guard pages
//! 0xffffffe0_00000000   device registers
//! 0xffffffff_80000000   kernel image, wherever it was loaded
//! ```

/// Start of the kernel's half.
pub const KERNEL_BASE: u64 = 0xffff_ff80_0000_0000;
/// Physical memory.
pub const WINDOW_BASE: u64 = KERNEL_BASE;
/// Frames that the window can show.
pub const WINDOW_FRAMES: u64 = (CORE_AREA - WINDOW_BASE) / 4096;
/// Per-core areas.
pub const CORE_AREA: u64 = 0xffff_ffc0_0000_0000;
/// Bytes from one core's area to the next.
pub const CORE_AREA_STRIDE: u64 = 0x2_0000;
/// Device registers the kernel itself uses.
pub const DEVICE_AREA: u64 = 0xffff_ffe0_0000_0000;
/// The kernel image starts here; `kernel.ld` says the same.
pub const IMAGE_BASE: u64 = 0xffff_ffff_8000_0000;

/// Pages of a core's kernel stack.
pub const STACK_PAGES: u64 = 8;
/// Pages of the stack for exceptions of the kernel itself.
pub const FATAL_STACK_PAGES: u64 = 4;

/// Top of the kernel stack of a core; an unmapped page lies above and below.
pub const fn stack_top(core: usize) -> u64 {
    CORE_AREA + core as u64 * CORE_AREA_STRIDE + (1 + STACK_PAGES) * 4096
}

/// Top of the stack on which a core reports exceptions of the kernel itself.
pub const fn fatal_stack_top(core: usize) -> u64 {
    stack_top(core) + (1 + FATAL_STACK_PAGES) * 4096
}

const _: () = assert!(
    fatal_stack_top(0) + 4096 <= CORE_AREA + CORE_AREA_STRIDE,
    "the stacks of a core fit its area"
);
