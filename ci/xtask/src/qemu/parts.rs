//! Parts of emulated machines that one can choose: processors, and interrupt controllers.

use crate::board::Board;
use clap::ValueEnum;

/// The paper's machine: two cores, SSE3 and xAPIC, none of the newer features.
const PENTIUM_D: &str = "kvm64,family=15,model=4,stepping=7,\
    model-id=Intel(R) Pentium(R) D CPU 3.00GHz,level=5,xlevel=0x80000008,\
    pni=on,cx16=on,monitor=on,lahf-lm=off,x2apic=off,tsc-deadline=off,pcid=off,fsgsbase=off,\
    smap=off,smep=off,pdpe1gb=off,rdtscp=off,ssse3=off,popcnt=off";

/// Which processor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Processor {
    /// A stand-in for the Pentium D 830.
    PentiumD,
    /// Everything the emulator has.
    Max,
    /// A Pentium D whose BIOS switched execute-disable off.
    PentiumDWithoutNx,
    /// A processor without 64-bit mode.
    #[value(skip)]
    Pentium3,
    /// aarch64: as in a Raspberry Pi 3.
    CortexA53,
    /// aarch64: as in a Raspberry Pi 4.
    CortexA72,
}

/// Version of an interrupt controller.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Gic {
    /// Registers in memory.
    #[value(name = "2")]
    V2,
    /// Registers of the processor.
    #[value(name = "3")]
    V3,
}

impl Processor {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PentiumD => "pentium-d",
            Self::Max => "max",
            Self::PentiumDWithoutNx => "pentium-d-without-nx",
            Self::Pentium3 => "pentium3",
            Self::CortexA53 => "cortex-a53",
            Self::CortexA72 => "cortex-a72",
        }
    }

    /// What it is, in a sentence.
    pub fn title(self) -> &'static str {
        match self {
            Self::PentiumD | Self::PentiumDWithoutNx => "a stand-in for the Pentium D",
            Self::Max => "all that the emulator has",
            Self::Pentium3 => "a Pentium III",
            Self::CortexA53 => "an emulated Cortex-A53",
            Self::CortexA72 => "an emulated Cortex-A72",
        }
    }

    /// True if the board can have it.
    pub fn is_of(self, board: Board) -> bool {
        let is_arm = matches!(self, Self::CortexA53 | Self::CortexA72);
        match board {
            Board::Pc => !is_arm,
            Board::QemuVirt => is_arm,
            Board::Rpi3 => self == Self::CortexA53,
            Board::Rpi4 => self == Self::CortexA72,
        }
    }

    /// As the emulator knows it.
    pub fn model(self) -> String {
        match self {
            Self::PentiumD => format!("{PENTIUM_D},nx=on"),
            Self::Max => "max".to_string(),
            Self::PentiumDWithoutNx => format!("{PENTIUM_D},nx=off"),
            Self::Pentium3 | Self::CortexA53 | Self::CortexA72 => self.name().to_string(),
        }
    }
}

impl Gic {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::V2 => "GICv2",
            Self::V3 => "GICv3",
        }
    }
}
