//! Atomic words as every part of the kernel uses them.
//!
//! With `--cfg loom` they are those of the model checker, which runs a test in every order that the
//! memory model allows (`cargo xtask test orders`); else they are the language's own.

#[cfg(not(loom))]
pub use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering, fence};

#[cfg(loom)]
pub use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
