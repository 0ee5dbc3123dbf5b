//! The files that `cargo xtask` packs for a boot, as a library: so that the readers of untrusted
//! files can be held against what writes them (`ci/fuzz`).
//!
//! It packs and reads formats. Running other programs is the command's, in `main.rs`.
//!
//! | file | contents |
//! |---|---|
//! | [`system`] | reads and packs a system description |
//! | [`archive`] | packs the boot archive |
//! | [`elf`] | drops debug information from an ELF file |
#![forbid(unsafe_code)]

pub mod archive;
pub mod elf;
pub mod system;
