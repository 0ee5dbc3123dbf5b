//! The instructions of a program, and what of them is expensive on silicon.

use anyhow::{Context, Result};
use iced_x86::{Code as Opcode, Decoder, DecoderOptions, Instruction, InstructionInfoFactory};
use iced_x86::{Mnemonic, OpAccess, OpKind, Register};
use object::elf::SHF_EXECINSTR;
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags};
use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::debugger::{INSTRUCTION_POINTER, Registers};

/// Where the kernel maps device registers (`DEVICE_AREA` in `arch/x86_64/src/layout.rs`).
const DEVICES: Range<u64> = 0xffff_80c0_0000_0000..0xffff_8100_0000_0000;

/// What costs much more than an instruction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Event {
    PageTable,
    ControlRegister,
    ModelRegister,
    FastReturn,
    FullReturn,
    Locked,
    Flush,
    Fence,
    Device,
    Port,
}

impl Event {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Event::PageTable => "CR3 write",
            Event::ControlRegister => "CR0 or CR4 write",
            Event::ModelRegister => "RDMSR or WRMSR",
            Event::FastReturn => "SYSRETQ",
            Event::FullReturn => "IRETQ",
            Event::Locked => "locked access",
            Event::Flush => "INVLPG",
            Event::Fence => "fence",
            Event::Device => "device access",
            Event::Port => "port access",
        }
    }
}

/// A program with its debug information.
pub struct Code {
    file: PathBuf,
    sections: Vec<(u64, Vec<u8>)>,
    instructions: HashMap<u64, Instruction>,
    symbols: Vec<(u64, String)>,
}

impl Code {
    /// Decodes all executable sections of 64-bit code.
    pub fn read(file: &Path) -> Result<Code> {
        let bytes =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let elf = object::File::parse(&*bytes).context("is no ELF file")?;
        let (mut instructions, mut sections) = (HashMap::new(), Vec::new());
        for section in elf.sections() {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
            if !sh_flags.contains(SHF_EXECINSTR) || section.name()?.starts_with(".boot") {
                continue;
            }
            let data = section.data().context("a section without contents")?;
            sections.push((section.address(), data.to_vec()));
            let decoder = Decoder::with_ip(64, data, section.address(), DecoderOptions::NONE);
            instructions.extend(decoder.into_iter().map(|found| (found.ip(), found)));
        }
        let symbol =
            |symbol: object::Symbol<'_, '_>| Some((symbol.address(), symbol.name().ok()?.into()));
        let symbols = elf.symbols().filter_map(symbol).collect();
        Ok(Code { file: file.to_path_buf(), sections, instructions, symbols })
    }

    /// The code from `address` on; as many bytes as asked for, or fewer at the end.
    pub fn bytes(&self, address: u64, count: usize) -> &[u8] {
        let found = self.sections.iter().find_map(|(start, data)| {
            let offset = usize::try_from(address.checked_sub(*start)?).ok()?;
            data.get(offset..)
        });
        found.map_or(&[], |rest| &rest[..rest.len().min(count)])
    }

    /// Addresses of the functions whose linker symbol contains `part`.
    pub fn functions(&self, part: &str) -> Vec<u64> {
        let found = self.symbols.iter().filter(|(_, name)| name.contains(part));
        found.map(|(address, _)| *address).collect()
    }

    /// Addresses of all instructions of this kind.
    pub fn all(&self, mnemonic: Mnemonic) -> Vec<u64> {
        let found = self.instructions.values().filter(|found| found.mnemonic() == mnemonic);
        found.map(Instruction::ip).collect()
    }

    /// What is expensive about the instruction at `address`, executed with these registers.
    pub fn event(&self, address: u64, registers: &Registers) -> Option<Event> {
        event(self.instructions.get(&address)?, registers)
    }

    /// Function, file and line of each of `addresses`, innermost first.
    pub fn places(&self, addresses: &[u64]) -> Result<BTreeMap<u64, Vec<String>>> {
        let mut child = Command::new("addr2line")
            .args(["-a", "-f", "-i", "-C", "-e"])
            .arg(&self.file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start addr2line; it is in the package binutils")?;
        let mut input = child.stdin.take().context("addr2line takes no input")?;
        let wanted: String = addresses.iter().map(|address| format!("{address:#x}\n")).collect();
        let writer = std::thread::spawn(move || input.write_all(wanted.as_bytes()));
        let output = child.wait_with_output().context("cannot wait for addr2line")?;
        writer.join().ok().context("addr2line was not told everything")??;
        let (mut places, mut at) = (BTreeMap::<u64, Vec<String>>::new(), 0);
        let text = String::from_utf8_lossy(&output.stdout);
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(digits) = line.strip_prefix("0x") {
                at = u64::from_str_radix(digits, 16).context("addr2line answers no address")?;
            } else if let Some(place) = lines.next() {
                places.entry(at).or_default().push(format!("{} {line}", short(place)));
            }
        }
        Ok(places)
    }
}

fn event(instruction: &Instruction, registers: &Registers) -> Option<Event> {
    let writes = |register: Register| {
        instruction.op0_kind() == OpKind::Register && instruction.op0_register() == register
    };
    Some(match instruction.mnemonic() {
        Mnemonic::Mov if writes(Register::CR3) => Event::PageTable,
        Mnemonic::Mov if writes(Register::CR0) || writes(Register::CR4) => Event::ControlRegister,
        Mnemonic::Wrmsr | Mnemonic::Rdmsr => Event::ModelRegister,
        Mnemonic::Sysretq => Event::FastReturn,
        Mnemonic::Iretq => Event::FullReturn,
        Mnemonic::Invlpg => Event::Flush,
        Mnemonic::Mfence | Mnemonic::Lfence | Mnemonic::Sfence => Event::Fence,
        Mnemonic::In | Mnemonic::Out => Event::Port,
        _ if is_locked(instruction) => Event::Locked,
        _ if touches_device(instruction, registers) => Event::Device,
        _ => return None,
    })
}

/// True for what no other core may come between: a LOCK prefix, or an exchange with memory.
fn is_locked(instruction: &Instruction) -> bool {
    let exchanges = instruction.mnemonic() == Mnemonic::Xchg
        && (instruction.op0_kind() == OpKind::Memory || instruction.op1_kind() == OpKind::Memory);
    instruction.has_lock_prefix() || exchanges
}

/// True if a register of a device is read or written.
fn touches_device(instruction: &Instruction, registers: &Registers) -> bool {
    if instruction.code() == Opcode::INVALID {
        return false;
    }
    let mut factory = InstructionInfoFactory::new();
    let value = |register: Register, _, _| {
        let order = [0, 2, 3, 1, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15];
        match register.full_register() {
            Register::RIP => Some(registers[INSTRUCTION_POINTER]),
            full if full.is_gpr64() => Some(registers[order[full.number()]]),
            _ => Some(0),
        }
    };
    let info = factory.info(instruction);
    info.used_memory().iter().any(|memory| {
        let accesses = !matches!(memory.access(), OpAccess::None | OpAccess::NoMemAccess);
        let address = memory.virtual_address(0, value).unwrap_or(0);
        accesses && DEVICES.contains(&address)
    })
}

/// `folder/file.rs:line` of a long path.
fn short(place: &str) -> String {
    let place = place.split(" (").next().unwrap_or(place);
    let place = place.split("/src/").last().unwrap_or(place);
    place.to_string()
}

#[cfg(test)]
mod tests {
    use super::{DEVICES, Event, event, short};
    use iced_x86::{Decoder, DecoderOptions};

    /// Place of rdi among the registers.
    const RDI: usize = 5;

    /// What is expensive about this instruction, with a device's or another address in rdi.
    fn of(bytes: &[u8], is_device: bool) -> Option<Event> {
        let instruction = Decoder::with_ip(64, bytes, 0x1000, DecoderOptions::NONE).decode();
        assert_eq!(instruction.len(), bytes.len(), "one whole instruction");
        let mut registers = [0x1000; 17];
        registers[RDI] = if is_device { DEVICES.start } else { 0x2000 };
        event(&instruction, &registers)
    }

    #[test]
    fn expensive_instructions_are_known() {
        let expected: [(&[u8], Event); 12] = [
            (&[0x0f, 0x22, 0xd8], Event::PageTable),
            (&[0x0f, 0x22, 0xc0], Event::ControlRegister),
            (&[0x0f, 0x30], Event::ModelRegister),
            (&[0x48, 0x0f, 0x07], Event::FastReturn),
            (&[0x48, 0xcf], Event::FullReturn),
            (&[0x0f, 0x01, 0x38], Event::Flush),
            (&[0x0f, 0xae, 0xf0], Event::Fence),
            (&[0xec], Event::Port),
            // LOCK CMPXCHG, and XCHG with memory, which locks without the prefix.
            (&[0xf0, 0x0f, 0xb1, 0x0f], Event::Locked),
            (&[0x87, 0x07], Event::Locked),
            // MOV to and from what rdi points at.
            (&[0x8b, 0x07], Event::Device),
            (&[0x89, 0x07], Event::Device),
        ];
        for (bytes, wanted) in expected {
            assert_eq!(of(bytes, true), Some(wanted), "{bytes:x?}");
        }
    }

    #[test]
    fn others_are_not() {
        // NOP; MOV from CR3; XCHG of registers; LEA of a device's address; MOV elsewhere.
        let cheap: [&[u8]; 4] =
            [&[0x90], &[0x0f, 0x20, 0xd8], &[0x48, 0x87, 0xc3], &[0x48, 0x8d, 0x07]];
        assert!(cheap.iter().all(|bytes| of(bytes, true).is_none()));
        assert_eq!(of(&[0x8b, 0x07], false), None);
    }

    #[test]
    fn places_are_shown_without_what_is_in_front() {
        let place = "/somewhere/cedo/kernel/core/src/ipc/send.rs:40 (discriminator 2)";
        assert_eq!(short(place), "ipc/send.rs:40");
    }
}
