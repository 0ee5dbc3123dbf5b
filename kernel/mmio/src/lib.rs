//! Typed access to memory that Rust does not own: device registers and the physical window.
//!
//! Volatile is written once here, over raw pointers and never through references
//! (`docs/house-rules.md`, *no references to devices*).
//!
//! | file | contents |
//! |---|---|
//! | [`window`] | all of physical memory, as the kernel addresses it |
//! | [`registers`] | the registers of one device |
#![no_std]
#![expect(unsafe_code, reason = "the one place for volatile access and for the window's promise")]

pub mod registers;
pub mod window;

pub use registers::Registers;
pub use window::Window;
