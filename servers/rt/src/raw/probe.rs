//! Instructions that may fault on purpose, for tests and measurements of fault handling.
//!
//! Every probe leaves the address to go on at in one register ([`RECOVERY`]) and zero in another
//! ([`CAUGHT`]). A handler that wants the probe to end writes the first into the instruction pointer and
//! anything else into the second. Which registers and which instructions is the processor's business.

#[cfg(target_arch = "aarch64")]
pub use super::aarch64::probe::*;
#[cfg(target_arch = "x86_64")]
pub use super::x86_64::probe::*;

/// What the register [`WITNESS`] holds while a probe runs.
pub const PATTERN: u64 = 0x5eed_0000_c0de_0008;

/// What a probe came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// What the handler left in the register [`CAUGHT`]; 0 if there was no fault.
    pub caught: u64,
    /// The word that was read, for [`read`].
    pub value: u64,
}

/// A probe: of an address, with a value.
pub type Probe = fn(u64, u64) -> Outcome;

/// Probes of segments, where the processor has such.
#[derive(Clone, Copy, Debug)]
pub struct Segments {
    /// Loads the low 16 bits of the address into every selector that user code can load. For the target
    /// only: hosts keep things behind them.
    pub load_selectors: Probe,
    /// Reads the selectors, 16 bits each.
    pub see_selectors: Probe,
}
