//! Exceptions and interrupts in.
//!
//! From user mode the processor has pushed its five words, and perhaps an error code, at the end of
//! the current context; the rest is pushed below, in the order of the fields of `Registers`. From the halt
//! loop, or where the kernel itself is at fault, the same happens on the kernel's stack.

use super::leave::obey;
use super::upcall;
use crate::context::Registers;
use crate::core_area::{RECORD_BYTES, RECORDS, STACK_TOP};
use crate::cpu::X86_64;
use crate::descriptor::FIRST_TASK_SELECTOR;
use cedo_machine::Upcalls;
use core::arch::naked_asm;
use core::mem::offset_of;

/// Bytes from one vector's stub to the next.
pub const STUB_BYTES: u64 = 16;

/// Address of the first vector's stub.
pub fn stubs<K: Upcalls<Machine = X86_64>>() -> u64 {
    vectors::<K> as *const () as u64
}

/// One stub per vector: completes the frame with a zero for a missing error code and the number.
#[unsafe(naked)]
extern "C" fn vectors<K: Upcalls<Machine = X86_64>>() {
    naked_asm!(
        ".set cedo_vector, 0",
        ".rept 256",
        ".balign 16",
        // As `cause::has_error_code`.
        ".if (cedo_vector == 8) || ((cedo_vector >= 10) && (cedo_vector <= 14)) || (cedo_vector == 17) || (cedo_vector == 21) || (cedo_vector == 29) || (cedo_vector == 30)",
        ".else",
        "push 0",
        ".endif",
        "push cedo_vector",
        ".if (cedo_vector == 2) || (cedo_vector == 8) || (cedo_vector == 18)",
        "jmp {fatal}",
        ".else",
        "jmp {common}",
        ".endif",
        ".set cedo_vector, cedo_vector + 1",
        ".endr",
        fatal = sym fatal,
        common = sym common::<K>,
    )
}

/// Pushes the general registers, finds the core's record (rbx), leaves the frame's address in rsi.
macro_rules! save {
    () => {
        "push r11
        push rcx
        push rbp
        push rbx
        push rax
        push rdi
        push rsi
        push rdx
        push r15
        push r14
        push r13
        push r12
        push r10
        push r9
        push r8
        cld
        str eax
        sub eax, {first_task}
        shl eax, {shift}
        lea rbx, [rip + {records}]
        add rbx, rax
        mov rdi, rbx
        lea rsi, [rsp - {words}]"
    };
}

#[unsafe(naked)]
extern "C" fn common<K: Upcalls<Machine = X86_64>>() {
    naked_asm!(
        save!(),
        "test byte ptr [rsi + {cs}], 3",
        "jz 2f",
        "mov rsp, [rbx + {stack_top}]",
        "call {from_user}",
        "jmp {obey}",
        // The processor aligned the stack before it pushed; the frame keeps it aligned.
        "2:",
        "call {from_kernel}",
        "jmp {obey}",
        first_task = const FIRST_TASK_SELECTOR,
        shift = const (RECORD_BYTES / 16).trailing_zeros(),
        records = sym RECORDS,
        words = const offset_of!(Registers, words),
        cs = const offset_of!(Registers, cs),
        stack_top = const STACK_TOP,
        from_user = sym upcall::from_user::<K>,
        from_kernel = sym upcall::from_kernel::<K>,
        obey = sym obey,
    )
}

#[unsafe(naked)]
extern "C" fn fatal() {
    naked_asm!(
        save!(),
        "call {fatal}",
        "ud2",
        first_task = const FIRST_TASK_SELECTOR,
        shift = const (RECORD_BYTES / 16).trailing_zeros(),
        records = sym RECORDS,
        words = const offset_of!(Registers, words),
        fatal = sym upcall::fatal,
    )
}
