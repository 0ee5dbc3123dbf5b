//! The packed system description, and the environment that init makes of it for each thread.
//!
//! `cargo xtask` packs a `system.toml` into this form and puts it into the boot archive; init reads
//! it, creates what it names, and gives each thread an [`Environment`]. The kernel never sees either.
//!
//! ```text
//! packed description   Header, SpaceRecord[spaces], ThreadRecord[threads],
//!                      MemoryRecord[memories], GrantRecord[grants]
//! environment          Environment, EnvironmentGrant[grants], EnvironmentChild[children]
//! ```
//!
//! All numbers are little-endian, all records 8-byte aligned. A *name* is padded with zeroes.

use crate::MAX_CORES;

/// "CEDOSYST".
pub const MAGIC: u64 = u64::from_le_bytes(*b"CEDOSYST");
/// "CEDOENVI".
pub const ENVIRONMENT_MAGIC: u64 = u64::from_le_bytes(*b"CEDOENVI");
/// Longest name in bytes.
pub const NAME_BYTES: usize = 24;
/// A name.
pub type NameBytes = [u8; NAME_BYTES];
/// Parameter words that a thread's scheduler (and the thread) reads: policy and role.
pub const PARAMETERS: usize = 4;
/// Meaning of the parameter words to the policies and programs of this repository; a policy of your
/// own may read them otherwise.
pub mod parameter {
    /// Priority; more is more urgent.
    pub const PRIORITY: usize = 0;
    /// Longest turn in nanoseconds; 0 leaves it to the policy.
    pub const SLICE_NS: usize = 1;
    /// What the thread is to do, a number its program knows.
    pub const ROLE: usize = 2;
    /// A number for that role.
    pub const VALUE: usize = 3;
}
/// Children that one scheduler can have in a description: as many as the user library keeps.
pub const MAX_CHILDREN: usize = 64;
/// Spaces of a description: as many as the first server keeps.
pub const MAX_SPACES: usize = 48;
/// Threads of a description.
pub const MAX_THREADS: usize = 160;
/// Memories of a description.
pub const MAX_MEMORIES: usize = 32;
/// Most bytes of an [`Environment`] with its grants and children.
pub const MAX_ENVIRONMENT_BYTES: usize = 2 * crate::layout::PAGE_SIZE as usize;
/// Highest badge that a description may choose.
pub const MAX_BADGE: u64 = u32::MAX as u64;
/// "No thread": of [`ThreadRecord::handler`], the first server handles its faults.
pub const NONE: u32 = u32::MAX;

/// First bytes of the packed description.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: u64,
    /// Bytes in all.
    pub length: u64,
    /// Name of the system.
    pub name: NameBytes,
    /// Cores the system needs.
    pub cores: u32,
    /// Records that follow, by kind.
    pub spaces: u32,
    /// As above.
    pub threads: u32,
    /// As above.
    pub memories: u32,
    /// As above.
    pub grants: u32,
    /// Bit `n`: user code of core `n` may read its cycle counter.
    pub cycle_counters: u32,
    /// Root scheduler and protocol of each core; `cores` entries count.
    pub core: [CoreRecord; MAX_CORES],
}

/// What a core starts with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct CoreRecord {
    /// Index of the thread that becomes its root scheduler.
    pub root: u32,
    /// [`crate::call::core::DIRECT`] or [`crate::call::core::CHAIN`].
    pub protocol: u32,
}

/// One address space running one program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct SpaceRecord {
    /// Its name.
    pub name: NameBytes,
    /// Archive entry of its ELF program.
    pub program: [u8; crate::archive::NAME_BYTES],
    /// Frames for its capability table ([`crate::call::object::SLOTS_PER_FRAME`] slots each).
    pub table_frames: u32,
    /// Frames for page tables beyond what its program, stacks and memories need.
    pub stock_pages: u32,
}

/// One thread. It starts at the entry point of its Space's program; its environment tells it which
/// of the program's threads it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct ThreadRecord {
    /// Its name.
    pub name: NameBytes,
    /// Index of its Space.
    pub space: u32,
    /// Home core.
    pub core: u32,
    /// Index of its scheduler; its own index for a root.
    pub scheduler: u32,
    /// Index of its fault handler, or [`NONE`] for the first server.
    pub handler: u32,
    /// Pages of stack.
    pub stack_pages: u32,
    /// Bits of [`thread_flag`].
    pub flags: u32,
    /// For its scheduler and itself.
    pub parameters: [u64; PARAMETERS],
    /// First of its grants.
    pub first_grant: u32,
    /// Number of its grants.
    pub grants: u32,
}

/// Bits of [`ThreadRecord::flags`].
pub mod thread_flag {
    /// Its scheduler may read and write its registers.
    pub const EDGE_STATE: u32 = 1;
    /// Its scheduler is told when it blocks.
    pub const EDGE_BLOCKED: u32 = 2;
    /// It is a scheduler that asks to be told when any child blocks.
    pub const ASK_BLOCKED: u32 = 4;
    /// It has children: it is a scheduler.
    pub const SCHEDULER: u32 = 8;
    /// Created and made known, but not started: whoever has a Thread capability starts it.
    pub const STOPPED: u32 = 16;
    /// In an environment only: it is the root scheduler of its core.
    pub const ROOT: u32 = 32;
    /// In an environment only: it may read the cycle counter of its core.
    pub const CYCLE_COUNTER: u32 = 64;
}

/// A range of memory that threads share or a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct MemoryRecord {
    /// Its name.
    pub name: NameBytes,
    /// Pages.
    pub pages: u64,
    /// Physical address of a device, or 0 for any free RAM.
    pub base: u64,
}

/// One capability for one thread (threads of a Space share the table; a grant is placed once).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct GrantRecord {
    /// What the thread looks it up by.
    pub name: NameBytes,
    /// A number of [`grant`].
    pub kind: u32,
    /// Rights to keep.
    pub rights: u32,
    /// By kind, see [`grant`].
    pub a: u64,
    /// By kind.
    pub b: u64,
    /// By kind.
    pub c: u64,
}

/// Kinds of [`GrantRecord`].
pub mod grant {
    /// A Gate: a = thread index, b = badge.
    pub const GATE: u32 = 1;
    /// A Thread capability: a = thread index.
    pub const THREAD: u32 = 2;
    /// An Irq bound to this thread: a = line, b = trigger (0 edge, 1 level), c = badge.
    pub const IRQ: u32 = 3;
    /// I/O ports: a = first, b = count.
    pub const PORTS: u32 = 4;
    /// A Region: a = memory index, b = address to map it at (0: the capability only). Threads of
    /// one Space may name the same memory at the same address: it is mapped once.
    pub const MEMORY: u32 = 5;
    /// A Core capability: a = core.
    pub const CORE: u32 = 6;
    /// A Space capability: a = space index.
    pub const SPACE: u32 = 7;
}

/// What a thread is told; read-only, as far from [`place::ENVIRONMENT`] as its UTCB is from
/// [`place::UTCB`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Environment {
    /// [`ENVIRONMENT_MAGIC`].
    pub magic: u64,
    /// Bytes in all.
    pub length: u64,
    /// Name of the system.
    pub system: NameBytes,
    /// Name of this thread's Space.
    pub space: NameBytes,
    /// Name of this thread.
    pub name: NameBytes,
    /// Index of this thread.
    pub thread: u32,
    /// Its home core.
    pub core: u32,
    /// Cores of the system.
    pub cores: u32,
    /// Bits of [`thread_flag`].
    pub flags: u32,
    /// Records that follow, by kind.
    pub grants: u32,
    /// As above.
    pub children: u32,
    /// Protocol of its core.
    pub protocol: u32,
    /// First slot of its Space's table that init left empty.
    pub first_free_slot: u32,
    /// From the description.
    pub parameters: [u64; PARAMETERS],
}

/// One capability of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct EnvironmentGrant {
    /// What it is called.
    pub name: NameBytes,
    /// Where it is.
    pub slot: u32,
    /// A number of [`grant`].
    pub kind: u32,
    /// Address a Region is mapped at, or 0; first port; line; core.
    pub address: u64,
    /// Pages or ports.
    pub count: u64,
}

/// One child of a scheduler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct EnvironmentChild {
    /// Its name.
    pub name: NameBytes,
    /// The cookie in every message about it: its index in this list plus 1.
    pub cookie: u64,
    /// Bits of [`thread_flag`].
    pub flags: u64,
    /// Its parameters.
    pub parameters: [u64; PARAMETERS],
}

/// Where init puts things in a Space, by the thread's position among the threads of that Space.
pub mod place {
    /// Distance between the areas of two threads.
    pub const STRIDE: u64 = 0x0000_0000_0100_0000;
    /// Top of the first thread's stack (grows down; the page below it stays unmapped).
    pub const STACK_TOP: u64 = 0x0000_6000_0000_0000;
    /// UTCB of the first thread.
    pub const UTCB: u64 = 0x0000_6100_0000_0000;
    /// Environment of the first thread.
    pub const ENVIRONMENT: u64 = 0x0000_6200_0000_0000;
    /// Longest stack: its area has room for it and the page below it.
    pub const MAX_STACK_PAGES: u32 = (STRIDE / crate::layout::PAGE_SIZE) as u32 - 1;
    /// First address for memories that the description maps without saying where.
    pub const MEMORY: u64 = 0x0000_5000_0000_0000;
    /// Memories are mapped from here: programs lie below.
    pub const MAPPINGS_START: u64 = 0x0000_0000_4000_0000;
    /// Memories are mapped up to here: stacks lie above.
    pub const MAPPINGS_END: u64 = STACK_TOP - STRIDE;
}

/// `text` as a padded name; what does not fit is cut.
pub const fn name(text: &str) -> NameBytes {
    let bytes = text.as_bytes();
    let mut padded = [0; NAME_BYTES];
    let mut index = 0;
    while index < bytes.len() && index < NAME_BYTES {
        padded[index] = bytes[index];
        index += 1;
    }
    padded
}

/// The text of a padded name; empty if it is not UTF-8.
pub fn text(name: &[u8]) -> &str {
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    core::str::from_utf8(&name[..end]).unwrap_or("")
}

const _: () = assert!(size_of::<Header>().is_multiple_of(8));
const _: () = assert!(size_of::<SpaceRecord>().is_multiple_of(8));
const _: () = assert!(size_of::<ThreadRecord>().is_multiple_of(8));
const _: () = assert!(size_of::<GrantRecord>().is_multiple_of(8));
const _: () = assert!(size_of::<Environment>().is_multiple_of(8));
