//! The emulated PC.
//!
//! | file | contents |
//! |---|---|
//! | here | which machine, as a command line |
//! | [`guest`] | runs it under a time limit |
//! | [`console`] | what it prints, as plain text |
//! | [`end`] | how it ended, for people |
//! | [`firmware`] | which file UEFI firmware is in |
//! | [`again`] | the command that repeats a run |
//! | [`terminal`] | puts the terminal back in order |

pub mod again;
pub mod console;
pub mod end;
pub mod firmware;
pub mod guest;
mod terminal;

use cedo_abi::info::CounterUnit;
use clap::ValueEnum;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names another emulator than the one on the search path.
const PROGRAM_VARIABLE: &str = "CEDO_QEMU";
/// The emulator.
pub const PROGRAM: &str = "qemu-system-x86_64";
/// Tells the kernel that its counter counts instructions.
const COUNTED: &str = "counter=instructions";
/// The paper's machine: two cores, SSE3 and xAPIC, none of the newer features.
const PENTIUM_D: &str = "kvm64,family=15,model=4,stepping=7,\
    model-id=Intel(R) Pentium(R) D CPU 3.00GHz,level=5,xlevel=0x80000008,\
    pni=on,cx16=on,monitor=on,lahf-lm=off,x2apic=off,tsc-deadline=off,pcid=off,fsgsbase=off,\
    smap=off,smep=off,pdpe1gb=off,rdtscp=off,ssse3=off,popcnt=off";

/// How the kernel is loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Loader {
    /// By the emulator itself; quickest.
    Pvh,
    /// By GRUB from a CD under a BIOS.
    IsoBios,
    /// By GRUB from a CD under UEFI firmware.
    IsoUefi,
}

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
}

/// One emulated PC.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Machine {
    pub loader: Loader,
    pub processor: Processor,
    pub cores: u32,
    pub memory_mib: u32,
    /// One instruction is one nanosecond, on any host.
    pub icount: bool,
    pub hpet: bool,
}

/// What the machine boots from.
pub enum Medium<'a> {
    /// Kernel and archive, for [`Loader::Pvh`].
    Files { kernel: &'a Path, archive: Option<&'a Path> },
    /// An image, for the other loaders.
    Image(&'a Path),
}

impl Loader {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pvh => "pvh",
            Self::IsoBios => "iso-bios",
            Self::IsoUefi => "iso-uefi",
        }
    }
}

impl Processor {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PentiumD => "pentium-d",
            Self::Max => "max",
            Self::PentiumDWithoutNx => "pentium-d-without-nx",
            Self::Pentium3 => "pentium3",
        }
    }

    fn model(self) -> String {
        match self {
            Self::PentiumD => format!("{PENTIUM_D},nx=on"),
            Self::Max => "max".to_string(),
            Self::PentiumDWithoutNx => format!("{PENTIUM_D},nx=off"),
            Self::Pentium3 => "pentium3".to_string(),
        }
    }
}

impl Machine {
    /// The Pentium D stand-in, started by the emulator.
    pub fn new(cores: u32) -> Self {
        Self {
            loader: Loader::Pvh,
            processor: Processor::PentiumD,
            cores,
            memory_mib: 256,
            icount: false,
            hpet: true,
        }
    }

    /// The kernel's command line.
    pub fn words(&self) -> &'static str {
        if self.icount { COUNTED } else { "" }
    }

    /// The options of `cargo xtask run` that start this machine.
    pub fn options(&self) -> String {
        let usual = Self::new(self.cores);
        let mut options = format!("--cores {}", self.cores);
        if self.loader != usual.loader {
            options += &format!(" --boot {}", self.loader.name());
        }
        if self.processor != usual.processor {
            options += &format!(" --cpu {}", self.processor.name());
        }
        if self.memory_mib != usual.memory_mib {
            options += &format!(" --memory {}", self.memory_mib);
        }
        if !self.hpet {
            options += " --no-hpet";
        }
        options + if self.icount { " --icount" } else { " --no-icount" }
    }

    /// What the time-stamp counter of the machine counts.
    pub fn unit(&self) -> CounterUnit {
        if self.icount { CounterUnit::Instructions } else { CounterUnit::Ticks }
    }

    /// Arguments of the emulator. Console on stdin and stdout, binary log into `log`.
    pub fn arguments(&self, medium: &Medium<'_>, log: &Path) -> Vec<OsString> {
        let board = if self.hpet { "pc" } else { "pc,hpet=off" };
        let cores = self.cores;
        let mut arguments: Vec<OsString> = [
            format!("-machine {board} -m {} -nodefaults -nic none", self.memory_mib),
            format!("-smp {cores},sockets=1,cores={cores},threads=1"),
            "-display none -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=0x04".to_string(),
            "-chardev stdio,id=console,signal=on -serial chardev:console".to_string(),
            accelerator(self.icount).to_string(),
        ]
        .iter()
        .flat_map(|group| group.split(' ').map(OsString::from))
        .collect();
        arguments.extend(["-cpu".into(), self.processor.model().into()]);
        arguments.extend(["-serial".into(), joined("file:", log)]);
        match medium {
            Medium::Files { kernel, archive } => {
                arguments.extend(["-kernel".into(), kernel.into()]);
                if let Some(archive) = archive {
                    arguments.extend(["-initrd".into(), archive.into()]);
                }
                if !self.words().is_empty() {
                    arguments.extend(["-append".into(), self.words().into()]);
                }
            }
            Medium::Image(image) => arguments.extend(["-cdrom".into(), image.into()]),
        }
        if self.loader == Loader::IsoUefi {
            arguments.extend(firmware::arguments(&|file| Path::new(file).exists()));
        }
        arguments
    }
}

/// Counted runs start at a fixed date, so that they repeat to the bit.
fn accelerator(icount: bool) -> &'static str {
    if icount {
        "-accel tcg -icount shift=0,sleep=off -rtc clock=vm,base=2007-07-01T00:00:00"
    } else {
        "-accel tcg"
    }
}

/// The emulator to start.
pub fn program() -> OsString {
    std::env::var_os(PROGRAM_VARIABLE).unwrap_or_else(|| PROGRAM.into())
}

fn joined(prefix: &str, path: &Path) -> OsString {
    let mut text = OsString::from(prefix);
    text.push(PathBuf::from(path));
    text
}

#[cfg(test)]
mod tests {
    use super::{Loader, Machine, Medium, Processor};
    use std::path::Path;

    fn text(machine: &Machine, medium: &Medium<'_>) -> String {
        let arguments = machine.arguments(medium, Path::new("/tmp/log"));
        let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }

    #[test]
    fn files_boot_without_an_archive_too() {
        let kernel = Path::new("k");
        let with = Medium::Files { kernel, archive: Some(Path::new("a")) };
        assert!(text(&Machine::new(2), &with).contains("-kernel k -initrd a"));
        let without = Medium::Files { kernel, archive: None };
        assert!(!text(&Machine::new(2), &without).contains("-initrd"));
    }

    #[test]
    fn counted_runs_tell_the_kernel() {
        let mut machine = Machine::new(1);
        let medium = Medium::Files { kernel: Path::new("k"), archive: None };
        assert!(!text(&machine, &medium).contains("icount"));
        machine.icount = true;
        let arguments = text(&machine, &medium);
        assert!(arguments.contains("-icount shift=0,sleep=off"));
        assert!(arguments.ends_with("-append counter=instructions"), "{arguments}");
    }

    #[test]
    fn options_name_what_is_unusual() {
        let mut machine = Machine::new(2);
        assert_eq!(machine.options(), "--cores 2 --no-icount");
        machine.loader = Loader::IsoBios;
        machine.processor = Processor::Max;
        (machine.memory_mib, machine.hpet, machine.icount) = (48, false, true);
        let options = "--cores 2 --boot iso-bios --cpu max --memory 48 --no-hpet --icount";
        assert_eq!(machine.options(), options);
    }

    #[test]
    fn only_uefi_loads_other_firmware() {
        let mut machine = Machine::new(8);
        machine.loader = Loader::IsoBios;
        let medium = Medium::Image(Path::new("i.iso"));
        assert!(!text(&machine, &medium).contains("OVMF"));
        machine.loader = Loader::IsoUefi;
        let arguments = text(&machine, &medium);
        assert!(arguments.contains("/OVMF"), "{arguments}");
        assert!(arguments.contains("-smp 8,sockets=1,cores=8,threads=1"));
    }
}
