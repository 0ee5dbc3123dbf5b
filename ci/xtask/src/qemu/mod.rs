//! The emulated machines.
//!
//! | file | contents |
//! |---|---|
//! | here | which machine, as a command line |
//! | [`parts`] | processors and interrupt controllers |
//! | [`medium`] | what it starts from |
//! | [`guest`] | runs it under a time limit |
//! | [`console`] | what it prints, as plain text |
//! | [`end`] | how it ended, for people |
//! | [`firmware`] | which file UEFI firmware is in |
//! | [`version`] | what the installed emulator is too old for |
//! | [`again`] | the command that repeats a run |
//! | [`terminal`] | puts the terminal back in order |

pub mod again;
pub mod console;
pub mod end;
pub mod firmware;
pub mod guest;
mod medium;
mod parts;
mod terminal;
pub mod version;

use crate::board::Board;
use cedo_abi::info::CounterUnit;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use medium::{Loader, Medium};
pub use parts::{Gic, Processor};

/// Names another emulator than the one on the search path.
const PROGRAM_VARIABLE: &str = "CEDO_QEMU";
const ARM_PROGRAM_VARIABLE: &str = "CEDO_QEMU_ARM";
/// The emulator of a PC.
pub const PROGRAM: &str = "qemu-system-x86_64";
/// The emulator of an aarch64 machine.
pub const ARM_PROGRAM: &str = "qemu-system-aarch64";
/// Counted runs start at a fixed date, so that they repeat to the bit. An instruction takes a nanosecond:
/// a tick of a PC's time-stamp counter and of an aarch64 core's cycle counter.
const COUNTING: &str =
    "-accel tcg -icount shift=0,sleep=off -rtc clock=vm,base=2007-07-01T00:00:00";
/// Hertz of an aarch64 machine's clock when instructions are counted: so it counts them, too.
const COUNTED_CLOCK: u64 = 1_000_000_000;
/// Tells the kernel that its counter counts instructions.
const COUNTED: &str = "counter=instructions";
/// Tells the kernel what it cannot know where an emulator plays a real board.
const EMULATED: &str = "counter=emulated";
/// Memory of a machine that can have any.
const USUAL_MEMORY_MIB: u32 = 256;
const SEMIHOSTING: &str = "-semihosting-config enable=on,target=native,chardev=log";

/// One emulated machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Machine {
    pub board: Board,
    pub loader: Loader,
    pub processor: Processor,
    pub cores: u32,
    pub memory_mib: u32,
    /// Time is the number of instructions, on any host.
    pub icount: bool,
    /// A PC has an HPET.
    pub hpet: bool,
    /// Version of an aarch64 machine's interrupt controller.
    pub gic: Gic,
    /// An aarch64 machine starts the kernel at the hypervisor's level.
    pub hypervisor: bool,
}

impl Machine {
    /// The Pentium D stand-in, started by the emulator.
    pub fn new(cores: u32) -> Self {
        Self::of(Board::Pc, cores)
    }

    /// The usual machine of a board, started by the emulator.
    pub fn of(board: Board, cores: u32) -> Self {
        let processor = match board {
            Board::Pc => Processor::PentiumD,
            Board::QemuVirt | Board::Rpi3 => Processor::CortexA53,
            Board::Rpi4 => Processor::CortexA72,
        };
        let fixed = board.fixed();
        Self {
            board,
            loader: Loader::Pvh,
            processor,
            cores: fixed.as_ref().map_or(cores, |fixed| fixed.cores),
            memory_mib: fixed.map_or(USUAL_MEMORY_MIB, |fixed| fixed.memory_mib),
            icount: false,
            hpet: true,
            gic: Gic::V2,
            hypervisor: false,
        }
    }

    /// The kernel's command line.
    pub fn words(&self) -> &'static str {
        match (self.icount, self.board) {
            (true, _) => COUNTED,
            (false, Board::Rpi3 | Board::Rpi4) => EMULATED,
            (false, Board::Pc | Board::QemuVirt) => "",
        }
    }

    /// The options of `cargo xtask run` that start this machine.
    pub fn options(&self) -> String {
        let usual = Self::of(self.board, self.cores);
        let mut options = format!("--cores {}", self.cores);
        if self.board != Board::Pc {
            options = format!("--board {} {options}", self.board.name());
        }
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
        if self.gic != usual.gic {
            options += " --gic 3";
        }
        if self.hypervisor {
            options += " --hypervisor";
        }
        options + if self.icount { " --icount" } else { " --no-icount" }
    }

    /// What the counter of the machine counts.
    pub fn unit(&self) -> CounterUnit {
        if self.icount { CounterUnit::Instructions } else { CounterUnit::Ticks }
    }

    /// Arguments of the emulator. Console on stdin and stdout, binary log into `log`.
    pub fn arguments(&self, medium: &Medium<'_>, log: &Path) -> Vec<OsString> {
        let groups = match (self.board, self.board.fixed()) {
            (_, Some(fixed)) => self.real(fixed.machine),
            (Board::Pc, _) => self.pc(),
            _ => self.virt(),
        };
        let mut arguments: Vec<OsString> =
            groups.iter().flat_map(|group| group.split(' ').map(OsString::from)).collect();
        if self.board.fixed().is_none() {
            arguments.extend(["-cpu".into(), self.processor.model().into()]);
        }
        match self.board {
            Board::Pc => arguments.extend(["-serial".into(), joined("file:", log)]),
            _ => {
                arguments.extend(["-chardev".into(), joined("file,id=log,path=", log)]);
            }
        }
        arguments.extend(medium.arguments(self.loader, self.words()));
        arguments
    }

    /// What only a PC has, and what all machines have, in groups of words.
    fn pc(&self) -> Vec<String> {
        let board = if self.hpet { "pc" } else { "pc,hpet=off" };
        let cores = self.cores;
        let groups = vec![
            format!("-machine {board} -smp {cores},sockets=1,cores={cores},threads=1"),
            "-device isa-debug-exit,iobase=0xf4,iosize=0x04".to_string(),
        ];
        self.with_common(groups)
    }

    /// The same for the machine `virt`. Semihosting ends the emulator, and carries the log.
    fn virt(&self) -> Vec<String> {
        let gic = match self.gic {
            Gic::V2 => 2,
            Gic::V3 => 3,
        };
        let level = if self.hypervisor { "on" } else { "off" };
        let groups = vec![
            format!("-machine virt,gic-version={gic},virtualization={level} -smp {}", self.cores),
            SEMIHOSTING.to_string(),
        ];
        self.arm(groups)
    }

    /// The same for a real board, whose processors are part of it.
    fn real(&self, machine: &str) -> Vec<String> {
        self.arm(vec![format!("-machine {machine}"), SEMIHOSTING.to_string()])
    }

    fn arm(&self, mut groups: Vec<String>) -> Vec<String> {
        if self.icount {
            let processor = self.processor.model();
            groups.push(format!("-global {processor}-arm-cpu.cntfrq={COUNTED_CLOCK}"));
        }
        self.with_common(groups)
    }

    fn with_common(&self, mut groups: Vec<String>) -> Vec<String> {
        groups.extend([
            format!("-m {} -nodefaults -nic none -display none -no-reboot", self.memory_mib),
            "-chardev stdio,id=console,signal=on -serial chardev:console".to_string(),
            if self.icount { COUNTING } else { "-accel tcg" }.to_string(),
        ]);
        groups
    }
}

/// The emulator to start.
pub fn program(board: Board) -> OsString {
    let (variable, usual) = match board {
        Board::Pc => (PROGRAM_VARIABLE, PROGRAM),
        _ => (ARM_PROGRAM_VARIABLE, ARM_PROGRAM),
    };
    std::env::var_os(variable).unwrap_or_else(|| usual.into())
}

fn joined(prefix: &str, path: &Path) -> OsString {
    let mut text = OsString::from(prefix);
    text.push(PathBuf::from(path));
    text
}

#[cfg(test)]
mod tests {
    use super::{Gic, Loader, Machine, Medium, Processor};
    use crate::board::Board;
    use std::path::Path;

    fn text(machine: &Machine, medium: &Medium<'_>) -> String {
        let arguments = machine.arguments(medium, Path::new("/tmp/log"));
        let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }

    #[test]
    fn files_boot_without_an_archive_too() {
        let kernel = Path::new("k");
        let with = Medium::Files { kernel, archive: Some(Path::new("a")), tree: None, card: None };
        assert!(text(&Machine::new(2), &with).contains("-kernel k -initrd a"));
        let without = Medium::Files { kernel, archive: None, tree: None, card: None };
        assert!(!text(&Machine::new(2), &without).contains("-initrd"));
    }

    #[test]
    fn counted_runs_tell_the_kernel() {
        let mut machine = Machine::new(1);
        let medium =
            Medium::Files { kernel: Path::new("k"), archive: None, tree: None, card: None };
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
    fn an_aarch64_machine_is_another_emulators() {
        let mut machine = Machine::of(Board::QemuVirt, 4);
        (machine.gic, machine.hypervisor, machine.icount) = (Gic::V3, true, true);
        let medium =
            Medium::Files { kernel: Path::new("k"), archive: None, tree: None, card: None };
        let arguments = text(&machine, &medium);
        for part in [
            "-machine virt,gic-version=3,virtualization=on -smp 4",
            "-cpu cortex-a53 -chardev file,id=log,path=/tmp/log -kernel k",
            "-icount shift=0,sleep=off",
            "-global cortex-a53-arm-cpu.cntfrq=1000000000",
        ] {
            assert!(arguments.contains(part), "{part}: {arguments}");
        }
        let options = "--board qemu-virt --cores 4 --gic 3 --hypervisor --icount";
        assert_eq!(machine.options(), options);
        assert!(
            Processor::CortexA72.is_of(Board::QemuVirt) && !Processor::Max.is_of(Board::QemuVirt)
        );
    }

    #[test]
    fn a_raspberry_pi_is_what_it_is_and_gets_its_tree() {
        let machine = Machine::of(Board::Rpi3, 2);
        let tree = Some(Path::new("t"));
        let arguments = text(
            &machine,
            &Medium::Files { kernel: Path::new("k"), archive: None, tree, card: None },
        );
        assert!(
            arguments.contains("-machine raspi3b") && arguments.contains("-m 1024"),
            "{arguments}"
        );
        assert!(!arguments.contains("-cpu") && !arguments.contains("-smp"), "{arguments}");
        assert!(arguments.ends_with("-kernel k -dtb t -append counter=emulated"), "{arguments}");
        assert_eq!(machine.options(), "--board rpi3 --cores 4 --no-icount");
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
