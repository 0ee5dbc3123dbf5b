//! Register state as it travels in messages, one group after the other (*ctrlxfer*).
//!
//! The kernel sanitises what it installs: user code selectors, user flags only, an instruction
//! pointer and segment bases that a user can have (DESIGN.md section 5).

/// Group mask: the general registers, instruction and stack pointer, flags.
pub const GENERAL: u64 = 1;
/// Group mask: segment bases or thread pointers. (x86-64: selectors are not kept. A thread that loads
/// one finds null there after another has run, and a base that it cleared in this way again as it
/// was set.)
pub const BASES: u64 = 2;
/// Group mask: floating point and vectors. It has an area of its own in the UTCB
/// ([`crate::utcb::Utcb::reply_floating`]).
pub const FLOATING_POINT: u64 = 4;
/// The groups there are.
pub const ALL: u64 = GENERAL | BASES | FLOATING_POINT;

/// Words of the general group, of the machine that has most: instruction pointer, stack pointer and
/// flags, then registers. The kernel neither reads nor writes words behind a machine's last register.
///
/// | machine | registers | flags | words |
/// |---|---|---|---|
/// | x86-64 | rax rbx rcx rdx rsi rdi rbp r8-r15 | rflags | 18 |
/// | aarch64 | x0-x30 | SPSR_EL1, of which a user may have N Z C V | 34 |
pub const GENERAL_WORDS: usize = 34;
/// Words of the bases group. x86-64: fs base, gs base. aarch64: TPIDR_EL0, and 0.
pub const BASE_WORDS: usize = 2;

/// Words of the floating-point group, of the machine that has most.
///
/// | machine | contents | words | a new thread |
/// |---|---|---|---|
/// | x86-64 | as FXSAVE64 stores it: x87, MMX, SSE (Intel SDM volume 1, section 10.5.1) | 64 | control word 0x37f, MXCSR 0x1f80, else 0 |
/// | aarch64 | v0 to v31, two words each, then FPSR and FPCR | 66 | 0 |
pub const FLOATING_POINT_WORDS: usize = 66;

/// Index of the instruction pointer in the general group.
pub const INSTRUCTION: usize = 0;
/// Index of the stack pointer in the general group.
pub const STACK: usize = 1;
/// Index of the flags in the general group.
pub const FLAGS: usize = 2;
/// Index of the first register in the general group.
pub const REGISTERS: usize = 3;

/// Why a thread faulted, the same numbers on every architecture.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u64)]
pub enum Cause {
    /// A read of an address that is not mapped or not readable.
    ReadFault = 1,
    /// A write to an address that is not mapped or not writable.
    WriteFault = 2,
    /// An instruction fetch from an address that is not mapped or not executable.
    ExecuteFault = 3,
    /// Integer division by zero or overflow.
    DivideError = 4,
    /// A debug exception or single step.
    Debug = 5,
    /// A breakpoint instruction.
    Breakpoint = 6,
    /// An instruction the processor does not know, or may not execute in user mode.
    IllegalInstruction = 7,
    /// A protection violation without an address (x86 general protection).
    Protection = 8,
    /// A misaligned access.
    Alignment = 9,
    /// A floating-point or vector exception.
    FloatingPoint = 10,
    /// A system call of a foreign thread (`cedo_abi::call::thread::SET_FOREIGN`).
    SystemCall = 12,
    /// Anything else; the error code holds the processor's number.
    Other = 11,
}

impl Cause {
    /// The cause with this number.
    pub const fn from_number(number: u64) -> Option<Cause> {
        Some(match number {
            1 => Cause::ReadFault,
            2 => Cause::WriteFault,
            3 => Cause::ExecuteFault,
            4 => Cause::DivideError,
            5 => Cause::Debug,
            6 => Cause::Breakpoint,
            7 => Cause::IllegalInstruction,
            8 => Cause::Protection,
            9 => Cause::Alignment,
            10 => Cause::FloatingPoint,
            11 => Cause::Other,
            12 => Cause::SystemCall,
            _ => return None,
        })
    }

    /// In words, for a person.
    pub const fn text(self) -> &'static str {
        match self {
            Cause::ReadFault => "read of an unmapped address",
            Cause::WriteFault => "write to an unmapped or read-only address",
            Cause::ExecuteFault => "jump to an unmapped or non-executable address",
            Cause::DivideError => "division by zero or overflow",
            Cause::Debug => "debug exception",
            Cause::Breakpoint => "breakpoint",
            Cause::IllegalInstruction => "illegal instruction",
            Cause::Protection => "protection violation",
            Cause::Alignment => "misaligned access",
            Cause::FloatingPoint => "floating-point exception",
            Cause::Other => "exception",
            Cause::SystemCall => "system call of a foreign thread",
        }
    }
}
