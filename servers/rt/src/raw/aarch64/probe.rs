//! aarch64: instructions that may fault on purpose. Where to go on is in `x9`, zero in `x10`.

use crate::raw::probe::{Outcome, PATTERN, Probe, Segments};
use cedo_abi::state::{Cause, REGISTERS};
use core::arch::asm;

/// Index in the general group (`cedo_abi::state`) of the register that holds where to go on.
pub const RECOVERY: usize = REGISTERS + 9;
/// Index in the general group of the register that a handler makes non-zero to say that it was
/// called.
pub const CAUGHT: usize = REGISTERS + 10;
/// Index in the general group of a register that holds [`PATTERN`] while a probe runs.
pub const WITNESS: usize = REGISTERS + 11;

/// Expands to one probe: `$instruction` with `x0` = address and `x1` = value.
macro_rules! probe {
    ($(#[$doc:meta])* $name:ident, $($instruction:literal),+) => {
        $(#[$doc])*
        #[inline(never)]
        pub fn $name(address: u64, value: u64) -> Outcome {
            let (caught, read): (u64, u64);
            // SAFETY: the instruction faults, or touches `address`, where no Rust object lives
            // (the caller has the address from a mapping it made for this), or jumps to code that
            // returns through x9; every register it can change is named.
            unsafe {
                asm!(
                    "adr x9, 3f",
                    $($instruction,)+
                    "3:",
                    in("x0") address,
                    inlateout("x1") value => read,
                    lateout("x9") _,
                    inlateout("x10") 0_u64 => caught,
                    inlateout("x11") PATTERN => _,
                    lateout("x12") _,
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
    "ldr x1, [x0]"
);
probe!(
    /// Writes `value` to `address`.
    write,
    "str x1, [x0]"
);
probe!(
    /// Jumps to `address`; code there goes on with `br x9` ([`RETURN`]).
    execute,
    "br x0"
);
probe!(
    /// Divides by zero, which gives zero.
    divide,
    "udiv x12, x1, xzr"
);
probe!(
    /// A breakpoint.
    breakpoint,
    "brk #0"
);
probe!(
    /// An instruction no processor knows.
    illegal,
    "udf #0"
);
probe!(
    /// An instruction for kernels only: it masks interrupts.
    privileged,
    "msr daifset, #2"
);
probe!(
    /// A device behind an instruction, without a right to it: the physical timer.
    port,
    "mrs x12, cntp_ctl_el0"
);
// Compiled without the registers' use by the compiler, which would have to be told of them.
#[cfg(not(target_feature = "neon"))]
probe!(
    /// Puts `address` into the first and last vector register: `fmov d0, x0` and `fmov d31, x0`, which
    /// the assembler for this target does not know.
    set_floating,
    ".inst 0x9e670000",
    ".inst 0x9e67001f"
);
#[cfg(not(target_feature = "neon"))]
probe!(
    /// Reads what [`set_floating`] has put there; another value if the registers differ: `fmov x1, d31`
    /// and `fmov x12, d0`.
    see_floating,
    ".inst 0x9e6603e1",
    ".inst 0x9e66000c",
    "add x1, x1, x1",
    "sub x1, x1, x12"
);
probe!(
    /// Reads the word at `address` from the thread pointer on.
    read_base,
    "mrs x12, tpidr_el0",
    "ldr x1, [x12, x0]"
);

/// Code that returns from [`execute`], as a word: `br x9`.
pub const RETURN: u64 = 0xd61f_0120;

/// Where in the floating-point group the registers of [`set_floating`] are.
pub const FLOATING_PLACES: &[usize] = &[0, 62];
/// A word of that group with a control register (FPCR), and bits that do not change what programs here
/// do: rounding.
pub const FLOATING_CONTROL: (usize, u64) = (65, 0xc0_0000);
/// What raises a floating-point exception: nothing that all processors have.
pub const FLOATING_EXCEPTION: Option<Probe> = None;
/// What dividing by zero is: nothing that the processor sees.
pub const DIVISION: Option<Cause> = None;
/// An address of the kernel's.
pub const KERNEL_ADDRESS: u64 = 0xffff_ffff_8000_0000;
/// Pages that no user can have: behind the users' table, between that and the kernel's, and in the
/// kernel's, the last one among them.
pub const BAD_ADDRESSES: [u64; 6] = [
    0x0001_0000_0000_0000,
    0xffff_8000_0000_0000,
    0xfffe_0000_0000_0000,
    0xffff_ff80_0000_0000,
    0xffff_ffff_8000_0000,
    0xffff_ffff_ffff_f000,
];
/// Where the pages end that follow the first one.
pub const USER_END: u64 = 0x0001_0000_0000_0000;
/// An address that no page can have, and what reading it is: it is in no table.
pub const NO_ADDRESS: (u64, Cause) = (0x1234_5678_9abc_def0, Cause::ReadFault);
/// Reads the word at an address from each of a thread's bases on.
pub const BASES: &[Probe] = &[read_base];
/// Probes of segments: there are none.
pub const SEGMENTS: Option<Segments> = None;
