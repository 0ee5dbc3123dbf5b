//! Size and instructions of the built kernel.

use super::Tree;
use crate::board::Board;
use crate::build::{self, Profile};
use anyhow::{Context, Result, ensure};
use iced_x86::{CpuidFeature, Decoder, DecoderOptions, Instruction, Mnemonic};
use object::elf::{FileHeader64, SHF_EXECINSTR, STT_FUNC};
use object::read::elf::{ElfFile, ElfSection, SectionHeader};
use object::{Endianness, Object, ObjectSection, ObjectSymbol};

type Elf<'a> = ElfFile<'a, FileHeader64<Endianness>>;
type Section<'a, 'b> = ElfSection<'a, 'b, FileHeader64<Endianness>>;

/// The aim is 96 KiB, without the parts that boot and that only debug builds have.
const TEXT_BYTES: usize = 160 * 1024;
/// Sections with 16-bit and 32-bit code that only runs during the start.
const START_SECTION: &str = ".boot";
/// Places shown, at most.
const SHOWN: usize = 20;

/// What the oldest supported processor has (Intel SDM volume 2, instruction reference).
const BASE: [CpuidFeature; 13] = [
    CpuidFeature::INTEL8086,
    CpuidFeature::INTEL186,
    CpuidFeature::INTEL286,
    CpuidFeature::INTEL386,
    CpuidFeature::INTEL486,
    CpuidFeature::X64,
    CpuidFeature::CMOV,
    CpuidFeature::MULTIBYTENOP,
    CpuidFeature::CPUID,
    CpuidFeature::CX8,
    CpuidFeature::MSR,
    CpuidFeature::TSC,
    CpuidFeature::CMPXCHG16B,
];

/// Instructions of other groups that do no floating point: fences, spin hints, and what saves and
/// restores a user's floating-point state. TZCNT is how compilers write BSF where the operand cannot
/// be zero: an older processor ignores the prefix and does the same.
const ALLOWED: [Mnemonic; 17] = [
    Mnemonic::Lfence,
    Mnemonic::Mfence,
    Mnemonic::Sfence,
    Mnemonic::Pause,
    Mnemonic::Fxsave,
    Mnemonic::Fxsave64,
    Mnemonic::Fxrstor,
    Mnemonic::Fxrstor64,
    Mnemonic::Ldmxcsr,
    Mnemonic::Fnclex,
    Mnemonic::Ffree,
    Mnemonic::Fild,
    Mnemonic::Fninit,
    Mnemonic::Syscall,
    Mnemonic::Sysretq,
    Mnemonic::Ud2,
    Mnemonic::Tzcnt,
];

/// The kernel's text is small enough for a cache.
pub fn text(tree: &Tree) -> Result<Vec<String>> {
    let file = read(tree)?;
    let elf = Elf::parse(&*file).context("cannot read the kernel")?;
    let bytes = sections(&elf).map(|section| Ok(used(section.data()?))).sum::<Result<usize>>()?;
    ensure!(bytes > 0, "the kernel has no executable section");
    let problem = format!("the kernel's text has {bytes} bytes; the limit is {TEXT_BYTES}");
    Ok(if bytes > TEXT_BYTES { vec![problem] } else { Vec::new() })
}

/// What the linker fills the last page of a section with: zeroes, or INT3.
const FILLER: [u8; 2] = [0, 0xcc];

/// Bytes of a section without what fills its last page.
fn used(section: &[u8]) -> usize {
    section.iter().rposition(|byte| !FILLER.contains(byte)).map_or(0, |last| last + 1)
}

/// No instruction that the oldest processor lacks, and none that touches floating-point registers.
pub fn instructions(tree: &Tree) -> Result<Vec<String>> {
    let file = read(tree)?;
    let elf = Elf::parse(&*file).context("cannot read the kernel")?;
    let mut problems = Vec::new();
    let mut functions = 0;
    for symbol in elf.symbols() {
        let Some(section) = code_of(&elf, &symbol)? else { continue };
        let code = section
            .data_range(symbol.address(), symbol.size())?
            .context("a function lies outside its section")?;
        functions += 1;
        let name = symbol.name().unwrap_or_default();
        problems.extend(foreign(code, symbol.address()).map(|text| format!("{name}: {text}")));
    }
    ensure!(functions > 0, "the kernel has no function symbols to look at");
    if problems.len() > SHOWN {
        let more = problems.len() - SHOWN;
        problems.truncate(SHOWN);
        problems.push(format!("and {more} more"));
    }
    Ok(problems)
}

fn read(tree: &Tree) -> Result<Vec<u8>> {
    let path = build::kernel(&tree.workspace, Board::Pc, Profile::Release)?;
    std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}

fn sections<'a, 'b>(elf: &'b Elf<'a>) -> impl Iterator<Item = Section<'a, 'b>> {
    elf.sections().filter(is_executable)
}

fn is_executable(section: &Section<'_, '_>) -> bool {
    let flags = section.elf_section_header().sh_flags(Endianness::Little);
    flags.contains(SHF_EXECINSTR)
}

/// The section of a symbol, if that is a function in 64-bit code.
fn code_of<'a, 'b>(
    elf: &'b Elf<'a>,
    symbol: &object::read::elf::ElfSymbol<'a, 'b, FileHeader64<Endianness>>,
) -> Result<Option<Section<'a, 'b>>> {
    if symbol.elf_symbol().st_type() != STT_FUNC || symbol.size() == 0 {
        return Ok(None);
    }
    let Some(index) = symbol.section_index() else { return Ok(None) };
    let section = elf.section_by_index(index)?;
    let start = section.name().is_ok_and(|name| name.starts_with(START_SECTION));
    Ok((is_executable(&section) && !start).then_some(section))
}

/// Instructions that the kernel must not use.
fn foreign(code: &[u8], address: u64) -> impl Iterator<Item = String> + '_ {
    let decoder = Decoder::with_ip(64, code, address, DecoderOptions::NONE);
    decoder.into_iter().filter(|instruction| !is_allowed(instruction)).map(|instruction| {
        let (at, mnemonic) = (instruction.ip(), instruction.mnemonic());
        format!("{mnemonic:?} at {at:#x} is no base instruction")
    })
}

fn is_allowed(instruction: &Instruction) -> bool {
    ALLOWED.contains(&instruction.mnemonic())
        || instruction.cpuid_features().iter().all(|feature| BASE.contains(feature))
}

#[cfg(test)]
mod tests {
    use super::foreign;

    fn problems(code: &[u8]) -> Vec<String> {
        foreign(code, 0x1000).collect()
    }

    #[test]
    fn base_instructions_pass() {
        let code = [
            0x90, // nop
            0x0f, 0x1f, 0x40, 0x00, // nop dword [rax]
            0x48, 0x0f, 0x44, 0xc1, // cmove rax, rcx
            0x0f, 0xa2, // cpuid
            0x0f, 0x30, // wrmsr
            0x0f, 0x31, // rdtsc
            0xf0, 0x48, 0x0f, 0xb1, 0x0f, // lock cmpxchg [rdi], rcx
            0x0f, 0xae, 0xe8, // lfence
            0xf3, 0x90, // pause
            0x48, 0x0f, 0x07, // sysretq
            0x0f, 0x01, 0x3f, // invlpg [rdi]
            0xf4, // hlt
        ];
        assert_eq!(problems(&code), Vec::<String>::new());
    }

    #[test]
    fn newer_instructions_are_named() {
        for (code, name) in [
            (&[0x0f, 0x28, 0xc1][..], "Movaps"),
            (&[0x0f, 0x01, 0xf9], "Rdtscp"),
            (&[0x66, 0x0f, 0x38, 0x82, 0x01], "Invpcid"),
            (&[0xf3, 0x48, 0x0f, 0xae, 0xd0], "Wrfsbase"),
            (&[0xdd, 0x00], "Fld"),
            (&[0xf3, 0x0f, 0xb8, 0xc1], "Popcnt"),
        ] {
            let found = problems(code);
            assert_eq!(found.len(), 1, "{name}");
            assert!(found[0].contains(name), "{found:?}");
        }
    }
}
