//! The device tree: what a kernel needs of it (Devicetree Specification 0.4; the bindings of the
//! Linux kernel for interrupt controllers, serial ports, timers and PSCI).
//!
//! The tree comes from firmware and is copied into [`Found`] before anything can overwrite it.
//! Nothing in it is trusted: what makes no sense is left out, and what is missing is the boot code's
//! to judge.
//!
//! | file | contents |
//! |---|---|
//! | here | what is found |
//! | [`node`] | numbers in a node's properties |
//! | [`read`] | finding it |

pub mod node;
pub mod read;

use cedo_arch_common::memory::{Entry, Span};
use heapless::Vec;

pub use read::read;

/// Longest command line that is kept.
pub const COMMAND_LINE_BYTES: usize = 256;
/// Entries of the memory map that are kept.
pub const MEMORY_ENTRIES: usize = 64;

/// What the tree says.
#[derive(Default, Debug)]
pub struct Found {
    /// RAM, and what is reserved in it.
    pub memory: Vec<Entry, MEMORY_ENTRIES>,
    /// In the order of the tree.
    pub processors: Vec<Processor, { cedo_abi::MAX_CORES }>,
    /// Processors beyond what the kernel runs.
    pub ignored: u32,
    /// How to call the power firmware.
    pub conduit: Option<Conduit>,
    /// The interrupt controller.
    pub controller: Option<Controller>,
    /// Registers of a BCM2836 local controller.
    pub local: Option<Span>,
    /// Registers of the BCM2835 controller behind it.
    pub legacy: Option<Span>,
    /// Interrupt of the virtual timer, numbered as the kernel does (`crate::device`).
    pub timer: Option<u32>,
    /// Interrupt of the physical timer.
    pub alarm: Option<u32>,
    /// Registers of the first PL011.
    pub uart: Option<u64>,
    /// The boot archive: the initial RAM disk.
    pub archive: Option<Span>,
    /// The command line, without a zero at the end.
    pub command_line: Vec<u8, COMMAND_LINE_BYTES>,
    /// It is the emulator's own machine.
    pub is_emulated: bool,
}

/// The instruction that calls the firmware.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conduit {
    /// To the hypervisor's level.
    Hvc,
    /// To the secure monitor's.
    Smc,
}

/// A processor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Processor {
    /// Its place in the machine.
    pub affinity: u64,
    /// Where it waits for the address at which it is to start, if no firmware starts it.
    pub release: Option<u64>,
}

/// An interrupt controller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Controller {
    /// Which kind.
    pub kind: ControllerKind,
    /// Registers of the part that lines of devices arrive at.
    pub distributor: Span,
    /// GICv2: of the processors' interface. GICv3: of the redistributors. BCM2836: of the local
    /// controller.
    pub cores: Span,
}

/// Kinds of interrupt controllers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControllerKind {
    /// GICv2.
    V2,
    /// GICv3 and later.
    V3,
    /// Of a Raspberry Pi 2 or 3: a local controller (BCM2836), with the one for devices (BCM2835) behind
    /// it.
    Bcm2836,
}

impl Found {
    /// True if `word` stands on the command line.
    pub fn has_word(&self, word: &str) -> bool {
        self.command_line.split(u8::is_ascii_whitespace).any(|found| found == word.as_bytes())
    }
}
