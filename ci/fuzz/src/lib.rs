//! Readers of untrusted files against arbitrary bytes: one function per reader, which panics if the
//! reader does, or if what it accepts contradicts itself, reaches outside, or reads back otherwise
//! than it was written.
//!
//! Two things call these functions: the plain harness here, which makes inputs of its own from a seed
//! (`cargo xtask fuzz readers`, a test of every run of `cargo xtask test`), and libFuzzer
//! (`ci/fuzz/libfuzzer`).
//!
//! | file | contents |
//! |---|---|
//! | [`readers`] | the readers: what they must obey, and valid files to start from |
//! | [`samples`] | small valid programs, images and tables |
//! | [`memory`] | bytes as physical memory |
//! | [`mutate`] | inputs made of valid files |
//! | [`run`] | the harness: cases by number, until the time is over |
//! | [`shrink`] | the smallest input that still fails |
//! | [`random`] | numbers from a seed |
#![forbid(unsafe_code)]

pub mod memory;
pub mod mutate;
pub mod random;
pub mod readers;
pub mod run;
pub mod samples;
pub mod shrink;

pub use readers::{READERS, Reader};

/// Holds the reader called `name` against `bytes`.
///
/// # Panics
/// If the reader misbehaves, or there is none with this name.
pub fn check(name: &str, bytes: &[u8]) {
    let reader = READERS.iter().find(|reader| reader.name == name);
    let reader = reader.unwrap_or_else(|| panic!("there is no reader `{name}`"));
    (reader.check)(bytes);
}

#[cfg(test)]
mod tests {
    use super::READERS;

    /// Nothing that is built here compiles the programs for libFuzzer: each reader must have one.
    #[test]
    fn every_reader_has_a_program_for_libfuzzer() {
        let manifest = include_str!("../libfuzzer/Cargo.toml");
        let programs = manifest.split("[[bin]]").skip(1);
        let names = programs.map(|program| program.split('"').nth(1).expect("a name"));
        assert!(names.eq(READERS.iter().map(|reader| reader.name)));
    }
}
