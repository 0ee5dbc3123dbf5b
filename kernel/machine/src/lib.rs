//! What the kernel demands of a machine: traits and address types, nothing that runs.
//!
//! This crate belongs to the kernel, not to `arch/`: the consumer owns the interface, so a backend
//! cannot widen it to suit itself. Its documentation is the porting guide. `arch/host` implements
//! it with a simulated machine, `arch/x86_64` and `arch/aarch64` with real ones.
//!
//! | file | contents |
//! |---|---|
//! | [`addr`] | frames, user addresses, core numbers, lines, ticks |
//! | [`atomic`] | atomic words, or those of the model checker |
//! | [`context`] | saved user state by role |
//! | [`cpu`] | [`Machine`]: the one trait a core of a machine implements |
//! | [`page`] | the format of page-table entries |
//! | [`platform`] | what the boot code hands to the kernel |
//! | [`upcalls`] | what a machine calls back |
//!
//! Method budget: at most 44 in the traits that an architecture implements, so without [`Upcalls`]
//! (`cargo xtask check` counts them).
#![no_std]
#![forbid(unsafe_code)]

pub mod addr;
pub mod atomic;
pub mod context;
pub mod cpu;
pub mod page;
pub mod platform;
pub mod upcalls;

pub use addr::{CoreNumber, Frame, Line, Ticks, UserAddress};
pub use context::{Context, Fault};
pub use cpu::{Machine, Power, Trigger};
pub use page::{Access, PageFormat};
pub use platform::{MemoryKind, MemoryRange, Platform, object_map_words};
pub use upcalls::{Interrupt, Next, Request, Upcalls};
