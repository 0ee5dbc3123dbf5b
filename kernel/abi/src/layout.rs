//! Addresses that are part of the contract (DESIGN.md section 11).

/// Bytes of a page and of a frame.
pub const PAGE_SIZE: u64 = 4096;

/// The kernel information page, mapped read-only in every Space.
pub const KERNEL_INFO: u64 = 0x0000_7fff_ffff_d000;

/// First address of the boot archive in the first server's Space.
pub const INIT_ARCHIVE: u64 = 0x0000_7000_0000_0000;
/// The first server's [`crate::info::BootInfo`].
pub const INIT_BOOT_INFO: u64 = 0x0000_6fff_ffff_0000;
/// UTCB of the first server's first thread.
pub const INIT_UTCB: u64 = 0x0000_6fff_fffe_0000;
/// Top of the first server's stack.
pub const INIT_STACK_TOP: u64 = 0x0000_6fff_fff0_0000;
/// Pages of that stack.
pub const INIT_STACK_PAGES: u64 = 8;
