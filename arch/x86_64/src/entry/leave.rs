//! Out: back to user mode with all registers, or halt.

use super::frame::{context_asm, restore_system_call};
use super::upcall;
use crate::context::Registers;
use crate::core_area::{CONTEXT_END, CoreRecord, STACK_TOP};
use core::arch::naked_asm;
use core::mem::offset_of;

/// Resumes the context that ends at rsp, with every register, by IRET. Its selectors and flags are
/// a user's and its instruction pointer is canonical, so IRET does not fault. (Of an unmodified
/// system-call frame, rcx and r11 come back as they once were: a call loses them anyway.)
#[unsafe(naked)]
pub extern "C" fn leave() {
    naked_asm!(
        "sub rsp, {to_words}",
        "pop r8",
        "pop r9",
        "pop r10",
        "pop r12",
        "pop r13",
        "pop r14",
        "pop r15",
        "pop rdx",
        "pop rsi",
        "pop rdi",
        "pop rax",
        "pop rbx",
        "pop rbp",
        "pop rcx",
        "pop r11",
        // From here on the thread runs: a system call leaves this as it is.
        "mov qword ptr [rsp], -1",
        "add rsp, 16",
        "iretq",
        to_words = const size_of::<Registers>() - offset_of!(Registers, words),
    )
}

/// Obeys the answer in eax of an upcall: 0 resumes the current context, the short way if it is an
/// unmodified system-call frame; else halts. rbx is the core's record.
#[unsafe(naked)]
pub extern "C" fn obey() {
    context_asm!([
        "test eax, eax",
        "jnz {halt}",
        "mov rsp, [rbx + {context_end}]",
        "cmp qword ptr [rsp - {kind}], -1",
        "jne {leave}",
        restore_system_call!(),
        ]
        halt = sym halt,
        context_end = const CONTEXT_END,
        leave = sym leave,
    )
}

/// Halts with interrupts enabled. rbx is the core's record. Interrupts do not come back here: they
/// start the stack anew and leave by [`obey`]. STI takes effect after HLT has begun, so none is
/// missed.
#[unsafe(naked)]
pub extern "C" fn halt() {
    naked_asm!(
        "mov rsp, [rbx + {stack_top}]",
        "call {before_halt}",
        "sti",
        "hlt",
        "ud2",
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
            "mov rbx, {record}",
            "jmp {obey}",
            record = in(reg) record,
            obey = sym obey,
            in("eax") answer as u32,
            options(noreturn),
        )
    }
}
