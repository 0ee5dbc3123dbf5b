//! The vectors: all ways in (Arm ARM, D1.3).
//!
//! From user mode the registers go to the current context, whose address is in the stack pointer.
//! x19 is the core's record from then on.

use super::frame::{save_first, save_kept, save_scratch, save_syndrome};
use super::leave::obey;
use super::{system_call, upcall};
use crate::context::Context;
use crate::core_area::{FATAL_STACK_TOP, STACK_TOP};
use crate::cpu::Aarch64;
use cedo_machine::Upcalls;
use core::arch::naked_asm;

/// Bytes to which the table of vectors is aligned.
const ALIGNMENT: u64 = 2048;

/// Address of the vectors.
pub fn vectors<K: Upcalls<Machine = Aarch64>>() -> u64 {
    (table::<K> as *const () as u64).next_multiple_of(ALIGNMENT)
}

/// Four groups of four: from the kernel on a user's stack pointer (never), from the kernel, from user
/// code, from user code of 32 bits (never). In a group: exception, interrupt, fast interrupt (none is
/// used), system error.
#[unsafe(naked)]
extern "C" fn table<K: Upcalls<Machine = Aarch64>>() {
    naked_asm!(
        ".balign 2048",
        ".rept 4",
        "b {fatal}",
        ".balign 128",
        ".endr",
        "b {from_kernel}",
        ".balign 128",
        "b {from_halt}",
        ".balign 128",
        "b {fatal}",
        ".balign 128",
        "b {fatal}",
        ".balign 128",
        save_scratch!(),
        "mrs x11, esr_el1",
        "lsr x11, x11, #26",
        "cmp x11, #0x15",
        "b.eq {system_call}",
        "b {exception}",
        ".balign 128",
        save_scratch!(),
        "b {interrupt}",
        ".balign 128",
        "b {fatal}",
        ".balign 128",
        "b {fatal}",
        ".balign 128",
        ".rept 4",
        "b {fatal}",
        ".balign 128",
        ".endr",
        fatal = sym fatal,
        from_kernel = sym from_kernel,
        from_halt = sym from_halt::<K>,
        system_call = sym system_call::entry::<K>,
        exception = sym exception::<K>,
        interrupt = sym interrupt::<K>,
    )
}

/// Calls the kernel with the core's record, on the core's stack, and obeys. Begins with what saves the
/// registers that are to be kept.
macro_rules! upcall_asm {
    ([$($save:expr),*], $upcall:path) => {
        naked_asm!(
            $($save,)*
            "mrs x19, tpidr_el1",
            "ldr x2, [x19, #{stack_top}]",
            "mov x0, x19",
            "mov sp, x2",
            "bl {upcall}",
            "b {obey}",
            stack_top = const STACK_TOP,
            upcall = sym $upcall,
            obey = sym obey,
        )
    };
}

/// User code made an exception.
#[unsafe(naked)]
extern "C" fn exception<K: Upcalls<Machine = Aarch64>>() {
    upcall_asm!([save_first!(), save_kept!(), save_syndrome!()], upcall::exception::<K>)
}

/// User code was interrupted.
#[unsafe(naked)]
extern "C" fn interrupt<K: Upcalls<Machine = Aarch64>>() {
    upcall_asm!([save_first!(), save_kept!()], upcall::interrupt::<K>)
}

/// The halted core was interrupted.
#[unsafe(naked)]
extern "C" fn from_halt<K: Upcalls<Machine = Aarch64>>() {
    upcall_asm!([], upcall::interrupt_of_halted::<K>)
}

/// The kernel made an exception. If that is the call that nobody listened to (`semihosting.rs`), it
/// goes on with 1 in x2; else it is the end. What users keep in the two registers used here was saved.
#[unsafe(naked)]
extern "C" fn from_kernel() {
    naked_asm!(
        "msr tpidrro_el0, x0",
        "msr sp_el0, x1",
        "mrs x0, elr_el1",
        "adrp x1, cedo_semihosting_call",
        "add x1, x1, :lo12:cedo_semihosting_call",
        "cmp x0, x1",
        "b.eq 2f",
        "mrs x1, sp_el0",
        "mrs x0, tpidrro_el0",
        "b {fatal}",
        "2: add x0, x0, #4",
        "msr elr_el1, x0",
        "mrs x1, sp_el0",
        "mov x2, #1",
        "msr tpidrro_el0, xzr",
        "eret",
        fatal = sym fatal,
    )
}

/// The end, on a stack of its own: the one in use may be what is wrong.
#[unsafe(naked)]
extern "C" fn fatal() {
    naked_asm!(
        "msr tpidrro_el0, x0",
        "mov x0, sp",
        "msr sp_el0, x0",
        "mrs x0, tpidr_el1",
        "ldr x0, [x0, #{fatal_stack_top}]",
        "mov sp, x0",
        "sub sp, sp, #{bytes}",
        "mrs x0, tpidrro_el0",
        save_first!(),
        save_scratch!(),
        save_kept!(),
        save_syndrome!(),
        "mov x0, sp",
        "bl {fatal}",
        "brk #0",
        fatal_stack_top = const FATAL_STACK_TOP,
        bytes = const size_of::<Context>(),
        fatal = sym upcall::fatal,
    )
}
