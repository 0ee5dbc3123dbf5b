//! x86-64: instructions that may fault on purpose. Where to go on is in `r11`, zero in `rdx`.

use crate::raw::probe::{Outcome, PATTERN, Probe, Segments};
use cedo_abi::state::{Cause, REGISTERS};
use core::arch::asm;

/// Index in the general group (`cedo_abi::state`) of the register that holds where to go on.
pub const RECOVERY: usize = REGISTERS + 10;
/// Index in the general group of the register that a handler makes non-zero to say that it was
/// called.
pub const CAUGHT: usize = REGISTERS + 3;
/// Index in the general group of a register that holds [`PATTERN`] while a probe runs.
pub const WITNESS: usize = REGISTERS + 7;
/// Expands to one probe: `$instruction` with `rdi` = address and `rax` = value.
macro_rules! probe {
    ($(#[$doc:meta])* $name:ident, $($instruction:literal),+) => {
        $(#[$doc])*
        #[inline(never)]
        pub fn $name(address: u64, value: u64) -> Outcome {
            let (caught, read): (u64, u64);
            // SAFETY: the instruction faults, or touches `address`, where no Rust object lives
            // (the caller has the address from a mapping it made for this), or jumps to code that
            // returns through r11; every register it can change is named.
            unsafe {
                asm!(
                    "lea r11, [rip + 3f]",
                    $($instruction,)+
                    "3:",
                    in("rdi") address,
                    inlateout("rax") value => read,
                    inlateout("rdx") 0_u64 => caught,
                    inlateout("r8") PATTERN => _,
                    lateout("rcx") _,
                    lateout("r11") _,
                    options(nostack),
                );
            }
            Outcome { caught, value: read }
        }
    };
}

probe!(
    /// Reads the word at `address`.
    read,
    "mov rax, [rdi]"
);
probe!(
    /// Writes `value` to `address`.
    write,
    "mov [rdi], rax"
);
probe!(
    /// Jumps to `address`; code there goes on with `jmp r11` ([`RETURN`]).
    execute,
    "jmp rdi"
);
probe!(
    /// Divides by zero.
    divide,
    "xor ecx, ecx",
    "div rcx"
);
probe!(
    /// A breakpoint.
    breakpoint,
    "int3"
);
probe!(
    /// An instruction no processor knows.
    illegal,
    "ud2"
);
probe!(
    /// An instruction for kernels only.
    privileged,
    "hlt"
);
probe!(
    /// A device behind an instruction, without a right to it: a port.
    port,
    "in al, 0x80"
);
probe!(
    /// Puts `address` into the first and last vector register and the last x87 register.
    set_floating,
    "fninit",
    "movq xmm0, rdi",
    "movq xmm15, rdi",
    "movq mm7, rdi"
);
probe!(
    /// Reads what [`set_floating`] has put there; another value if the registers differ.
    see_floating,
    "movq rax, xmm15",
    "movq rcx, mm7",
    "add rax, rcx",
    "movq rcx, xmm0",
    "sub rax, rcx"
);
probe!(
    /// Divides by zero where that is an exception; `address` is that of a word, for the control word.
    divide_floating,
    "mov dword ptr [rdi], 0x37b",
    "fninit",
    "fldcw [rdi]",
    "fld1",
    "fldz",
    "fdivp st(1), st",
    "fwait"
);

probe!(
    /// Reads the word at `address` from the base of FS on.
    read_base_0,
    "mov rax, fs:[rdi]"
);
probe!(
    /// Reads the word at `address` from the base of GS on.
    read_base_1,
    "mov rax, gs:[rdi]"
);
probe!(
    /// Loads the low 16 bits of `address` into DS, ES, FS and GS. For the target only: hosts keep
    /// things behind FS.
    load_selectors,
    "mov ds, edi",
    "mov es, edi",
    "mov fs, edi",
    "mov gs, edi"
);
probe!(
    /// Reads DS, ES, FS and GS, 16 bits each, DS in the highest.
    see_selectors,
    "mov eax, ds",
    "shl rax, 16",
    "mov ecx, es",
    "or rax, rcx",
    "shl rax, 16",
    "mov ecx, fs",
    "or rax, rcx",
    "shl rax, 16",
    "mov ecx, gs",
    "or rax, rcx"
);

/// Code that returns from [`execute`], as a word: `jmp r11`.
pub const RETURN: u64 = u64::from_le_bytes([0x41, 0xff, 0xe3, 0, 0, 0, 0, 0]);

/// Where in the floating-point group the registers of [`set_floating`] are.
pub const FLOATING_PLACES: &[usize] = &[20, 50, 18];
/// A word of that group with a control register (MXCSR), and bits that do not change what programs here
/// do: rounding.
pub const FLOATING_CONTROL: (usize, u64) = (3, 0x6000);
/// What raises a floating-point exception.
pub const FLOATING_EXCEPTION: Option<Probe> = Some(divide_floating);
/// What dividing by zero is.
pub const DIVISION: Option<Cause> = Some(Cause::DivideError);
/// An address of the kernel's.
pub const KERNEL_ADDRESS: u64 = 0xffff_8000_0000_0000;
/// Pages that no user can have: the kernel's first and last one, pages between the halves, the last one
/// of the lower half.
pub const BAD_ADDRESSES: [u64; 6] = [
    0xffff_8000_0000_0000,
    0xffff_83ff_ffff_f000,
    0x0000_8000_0000_0000,
    0xfffe_0000_0000_0000,
    0x0000_7fff_ffff_f000,
    0xffff_7fff_ffff_f000,
];
/// Where the pages end that follow the first one.
pub const USER_END: u64 = 0x0000_7fff_ffff_f000;
/// An address that no page can have, and what reading it is: it is not canonical.
pub const NO_ADDRESS: (u64, Cause) = (0x1234_5678_9abc_def0, Cause::Protection);
/// Reads the word at an address from each of a thread's bases on.
pub const BASES: &[Probe] = &[read_base_0, read_base_1];
/// Reads the cycle counter that the core has besides the clock's counter: there is none.
pub const CYCLES: Option<Probe> = None;
/// Probes of segments.
pub const SEGMENTS: Option<Segments> = Some(Segments { load_selectors, see_selectors });
