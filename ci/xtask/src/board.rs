//! The boards that the kernel runs on: what is built for each, and what runs it.

use crate::setup::Need;
use crate::system::Devices;
use crate::tree;
use crate::workspace::Workspace;
use anyhow::Result;
use clap::ValueEnum;
use std::path::PathBuf;

/// A board. All aarch64 boards run the same image.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum)]
pub enum Board {
    /// A PC.
    Pc,
    /// QEMU's `virt` machine with aarch64 processors.
    QemuVirt,
    /// A Raspberry Pi 3.
    Rpi3,
    /// A Raspberry Pi 4.
    Rpi4,
}

/// What cannot be chosen of a board.
pub struct Fixed {
    pub cores: u32,
    pub memory_mib: u32,
    /// Its name in the emulator.
    pub machine: &'static str,
}

impl Board {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pc, Self::QemuVirt, Self::Rpi3, Self::Rpi4];

    /// As people write it; its folder in `bsp` has this name, too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pc => "pc",
            Self::QemuVirt => "qemu-virt",
            Self::Rpi3 => "rpi3",
            Self::Rpi4 => "rpi4",
        }
    }

    /// What a real board is in the emulator; nothing for machines that come in many shapes.
    pub fn fixed(self) -> Option<Fixed> {
        match self {
            Self::Pc | Self::QemuVirt => None,
            Self::Rpi3 => Some(Fixed { cores: 4, memory_mib: 1024, machine: "raspi3b" }),
            Self::Rpi4 => Some(Fixed { cores: 4, memory_mib: 2048, machine: "raspi4b" }),
        }
    }

    /// Target of the kernel, and of servers that do not ask for another.
    pub fn target(self) -> &'static str {
        match self {
            Self::Pc => "x86_64-unknown-none",
            Self::QemuVirt | Self::Rpi3 | Self::Rpi4 => "aarch64-unknown-none-softfloat",
        }
    }

    /// Target of programs that want the processor's floating-point and vector instructions. The one for PCs
    /// has no such variant; there, software does it.
    pub fn floating_target(self) -> &'static str {
        match self {
            Self::Pc => self.target(),
            Self::QemuVirt | Self::Rpi3 | Self::Rpi4 => "aarch64-unknown-none",
        }
    }

    /// Package of the kernel.
    pub fn kernel(self) -> &'static str {
        match self {
            Self::Pc => "cedo-pc",
            Self::QemuVirt | Self::Rpi3 | Self::Rpi4 => "cedo-aarch64",
        }
    }

    /// Packages that are built for no other board.
    pub fn own_packages(self) -> [&'static str; 2] {
        match self {
            Self::Pc => ["cedo-arch-x86-64", self.kernel()],
            Self::QemuVirt | Self::Rpi3 | Self::Rpi4 => ["cedo-arch-aarch64", self.kernel()],
        }
    }

    /// What a host needs to build for it and to run it.
    pub fn needs(self) -> [Need; 2] {
        match self {
            Self::Pc => [Need::Build, Need::Emulator],
            Self::QemuVirt | Self::Rpi3 | Self::Rpi4 => [Need::BuildArm, Need::EmulatorArm],
        }
    }

    /// The device tree that the emulator is given, if it makes none itself.
    pub fn tree(self, workspace: &Workspace) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Pc | Self::QemuVirt => Ok(None),
            Self::Rpi3 | Self::Rpi4 => tree::read(&self.tree_file(workspace)).map(Some),
        }
    }

    /// Where that tree is described.
    pub fn tree_file(self, workspace: &Workspace) -> PathBuf {
        self.folder(workspace).join("tree.toml")
    }

    /// The devices that system descriptions can name.
    pub fn devices(self, workspace: &Workspace) -> Result<Devices> {
        Devices::load(&self.folder(workspace).join("board.toml"))
    }

    fn folder(self, workspace: &Workspace) -> PathBuf {
        workspace.root.join("bsp").join(self.name())
    }
}
