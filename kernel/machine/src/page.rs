//! The format of page-table entries. The walker is in the kernel core and the same everywhere.

use crate::{Frame, UserAddress};

/// What a mapping allows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Access {
    /// Writable.
    pub write: bool,
    /// Executable.
    pub execute: bool,
    /// Device memory: not cached.
    pub device: bool,
}

/// Page tables of 512 entries of 8 bytes, 4 KiB pages at the lowest level.
pub trait PageFormat: 'static {
    /// Levels, the lowest being 1.
    const LEVELS: u32;
    /// Index of the entry for `address` in a table of `level`.
    fn index(address: UserAddress, level: u32) -> usize;
    /// The address if a user can have the `bytes` that start there.
    fn user_address(address: u64, bytes: u64) -> Option<UserAddress>;
    /// An entry that maps a user page. `no_execute` says whether the machine can forbid execution.
    fn leaf(frame: Frame, access: Access, no_execute: bool) -> u64;
    /// An entry that points to the next lower table.
    fn table(frame: Frame) -> u64;
    /// The frame in a present entry.
    fn frame(entry: u64) -> Option<Frame>;
    /// What a present leaf allows.
    fn access(entry: u64) -> Access;
    /// True for the entries of the top-level table that are the kernel's, copied into every Space.
    fn is_kernel_entry(index: usize) -> bool;
}
