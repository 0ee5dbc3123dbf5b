//! Out: back to user mode with all registers, or halt.

use super::frame::{leave, load_words, restore_kept};
use super::upcall;
use crate::core_area::{CONTEXT, CoreRecord, STACK_TOP};
use core::arch::naked_asm;

/// Obeys the answer in w0 of an upcall: 0 resumes the current context, else halts. x19 is the core's
/// record. A user's state and instruction pointer are a user's, so ERET does not fault.
#[unsafe(naked)]
pub extern "C" fn obey() {
    naked_asm!(
        "cbnz w0, {halt}",
        "ldr x0, [x19, #{context}]",
        "mov sp, x0",
        load_words!("sp"),
        restore_kept!(),
        leave!(),
        context = const CONTEXT,
        halt = sym halt,
    )
}

/// Halts with interrupts open. x19 is the core's record. Interrupts do not come back here: they start
/// the stack anew and leave by [`obey`].
#[unsafe(naked)]
pub extern "C" fn halt() {
    naked_asm!(
        "ldr x0, [x19, #{stack_top}]",
        "mov sp, x0",
        "bl {before_halt}",
        "msr daifclr, #2",
        "2: wfi",
        "b 2b",
        stack_top = const STACK_TOP,
        before_halt = sym upcall::before_halt,
    )
}

/// Enters the kernel's life on this core: obeys `answer` on the core's own stack.
pub fn enter(record: &'static CoreRecord, answer: u64) -> ! {
    // SAFETY: 1. `obey` changes to the core's stack, which is mapped and empty. 2. Nothing on the
    // present stack is needed again. 3. The kernel and its current context are ready.
    unsafe {
        core::arch::asm!(
            "mov x19, {record}",
            "b {obey}",
            record = in(reg) record,
            obey = sym obey,
            in("x0") answer,
            options(noreturn),
        )
    }
}
