//! The boards that the kernel runs on: what is built for each, and what runs it.

use crate::setup::Need;
use crate::system::Devices;
use crate::workspace::Workspace;
use anyhow::Result;
use clap::ValueEnum;
use std::path::PathBuf;

/// A board.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum)]
pub enum Board {
    /// A PC.
    Pc,
    /// QEMU's `virt` machine with aarch64 processors.
    QemuVirt,
}

impl Board {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Pc, Self::QemuVirt];

    /// As people write it; its folder in `bsp` has this name, too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pc => "pc",
            Self::QemuVirt => "qemu-virt",
        }
    }

    /// Target of kernel and servers.
    pub fn target(self) -> &'static str {
        match self {
            Self::Pc => "x86_64-unknown-none",
            Self::QemuVirt => "aarch64-unknown-none-softfloat",
        }
    }

    /// Package of the kernel.
    pub fn kernel(self) -> &'static str {
        match self {
            Self::Pc => "cedo-pc",
            Self::QemuVirt => "cedo-qemu-virt",
        }
    }

    /// Packages that are built for no other board.
    pub fn own_packages(self) -> [&'static str; 2] {
        match self {
            Self::Pc => ["cedo-arch-x86-64", self.kernel()],
            Self::QemuVirt => ["cedo-arch-aarch64", self.kernel()],
        }
    }

    /// What a host needs to build for it and to run it.
    pub fn needs(self) -> [Need; 2] {
        match self {
            Self::Pc => [Need::Build, Need::Emulator],
            Self::QemuVirt => [Need::BuildArm, Need::EmulatorArm],
        }
    }

    /// The devices that system descriptions can name.
    pub fn devices(self, workspace: &Workspace) -> Result<Devices> {
        let folder: PathBuf = workspace.root.join("bsp").join(self.name());
        Devices::load(&folder.join("board.toml"))
    }
}
