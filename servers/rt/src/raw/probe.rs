//! Instructions that may fault on purpose, for tests and measurements of fault handling.
//!
//! Every probe leaves the address to go on at in `r11` and zero in `rdx`. A handler that wants the
//! probe to end writes the first into the instruction pointer and anything else into the second.

use core::arch::asm;

/// Index in the general group (`cedo_abi::state`) of the register that holds where to go on.
pub const RECOVERY: usize = 10;
/// Index in the general group of the register that a handler makes non-zero to say that it was
/// called.
pub const CAUGHT: usize = 3;
/// Index in the general group of a register that holds [`PATTERN`] while a probe runs.
pub const WITNESS: usize = 7;
/// What the witness register holds.
pub const PATTERN: u64 = 0x5eed_0000_c0de_0008;

/// What a probe came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// What the handler left in the register [`CAUGHT`]; 0 if there was no fault.
    pub caught: u64,
    /// The word that was read, for [`read`].
    pub value: u64,
}

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
    /// Port access without a right to the port.
    port,
    "in al, 0x80"
);
probe!(
    /// A floating-point instruction.
    floating_point,
    "fnop"
);

probe!(
    /// Reads the word at `address` from the base of FS on.
    read_fs,
    "mov rax, fs:[rdi]"
);
probe!(
    /// Reads the word at `address` from the base of GS on.
    read_gs,
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

/// Bytes of code that returns from [`execute`]: `jmp r11`.
pub const RETURN: [u8; 3] = [0x41, 0xff, 0xe3];
