//! SYSCALL in, SYSRET out (Intel SDM volume 2, SYSCALL and SYSRET).
//!
//! SYSCALL changes neither stack nor segments' bases: rcx holds the return address, r11 the flags,
//! and every other register is the user's. The stub is made once per core, so that what it needs
//! is at a fixed distance.
//!
//! SYSRET must not see a return address outside the user's canonical range: it would fault in the
//! kernel, on the user's stack. It is used for frames that SYSCALL made and nobody changed only,
//! and the address behind a SYSCALL instruction is canonical: the page below 2^47 cannot be mapped,
//! at 2^64 addresses wrap to 0, and the kernel's own slots end at a canonical address.
//!
//! Nothing can interrupt between SYSCALL and the change of stacks but NMI and machine check, which
//! have their own: IF and TF are cleared by the instruction itself, and debug registers are off.

use super::leave::{halt, leave};
use super::upcall;
use crate::context::Context;
use crate::core_area::{CONTEXT_END, KERNEL, RECORD_BYTES, RECORDS, SCRATCH, STACK_TOP};
use crate::cpu::X86_64;
use cedo_machine::Upcalls;
use core::arch::naked_asm;
use core::mem::offset_of;

/// Offset of a field from the end of the context, which is what the record holds.
macro_rules! from_end {
    ($field:ident $(, $index:literal)?) => {
        size_of::<Context>() - offset_of!(Context, $field) $(- 8 * $index)?
    };
}

/// The entry point of a core.
pub fn entry<K: Upcalls<Machine = X86_64>>(core: usize) -> u64 {
    let entries: [extern "C" fn(); cedo_abi::MAX_CORES] = [
        stub::<K, 0>,
        stub::<K, 1>,
        stub::<K, 2>,
        stub::<K, 3>,
        stub::<K, 4>,
        stub::<K, 5>,
        stub::<K, 6>,
        stub::<K, 7>,
    ];
    entries[core] as usize as u64
}

#[unsafe(naked)]
extern "C" fn stub<K: Upcalls<Machine = X86_64>, const CORE: usize>() {
    naked_asm!(
        "mov [rip + {records} + {scratch}], rsp",
        "mov rsp, [rip + {records} + {context_end}]",
        "mov [rsp - {rip}], rcx",
        "mov [rsp - {rflags}], r11",
        "mov [rsp - {rax}], rax",
        "mov [rsp - {rdi}], rdi",
        "mov [rsp - {rsi}], rsi",
        "mov [rsp - {rdx}], rdx",
        "mov rcx, [rip + {records} + {scratch}]",
        "mov qword ptr [rsp - {kind}], -1",
        "mov [rsp - {rsp}], rcx",
        "mov [rsp - {r8}], r8",
        "mov [rsp - {r9}], r9",
        "mov [rsp - {r10}], r10",
        "mov [rsp - {r12}], r12",
        "mov [rsp - {r13}], r13",
        "mov [rsp - {r14}], r14",
        "mov [rsp - {r15}], r15",
        "mov [rsp - {rbx}], rbx",
        "mov [rsp - {rbp}], rbp",
        "mov rsp, [rip + {records} + {stack_top}]",
        "mov rdi, [rip + {records} + {kernel}]",
        "call {system_call}",
        "test eax, eax",
        "jnz 2f",
        "mov rsp, [rip + {records} + {context_end}]",
        "cmp qword ptr [rsp - {kind}], -1",
        "jne {leave}",
        "mov rax, [rsp - {rax}]",
        "mov rdi, [rsp - {rdi}]",
        "mov rsi, [rsp - {rsi}]",
        "mov rdx, [rsp - {rdx}]",
        "mov r8, [rsp - {r8}]",
        "mov r9, [rsp - {r9}]",
        "mov r10, [rsp - {r10}]",
        "mov r12, [rsp - {r12}]",
        "mov r13, [rsp - {r13}]",
        "mov r14, [rsp - {r14}]",
        "mov r15, [rsp - {r15}]",
        "mov rbx, [rsp - {rbx}]",
        "mov rbp, [rsp - {rbp}]",
        "mov rcx, [rsp - {rip}]",
        "mov r11, [rsp - {rflags}]",
        "mov rsp, [rsp - {rsp}]",
        "sysretq",
        "2:",
        "lea rbx, [rip + {records} + {record}]",
        "jmp {halt}",
        records = sym RECORDS,
        record = const CORE * RECORD_BYTES,
        scratch = const CORE * RECORD_BYTES + SCRATCH,
        context_end = const CORE * RECORD_BYTES + CONTEXT_END,
        stack_top = const CORE * RECORD_BYTES + STACK_TOP,
        kernel = const CORE * RECORD_BYTES + KERNEL,
        system_call = sym upcall::system_call::<K>,
        leave = sym leave,
        halt = sym halt,
        kind = const from_end!(kind),
        rip = const from_end!(rip),
        rflags = const from_end!(rflags),
        rsp = const from_end!(rsp),
        rax = const from_end!(operation),
        rdi = const from_end!(to),
        rsi = const from_end!(from),
        rdx = const from_end!(tag),
        rbx = const from_end!(rbx),
        rbp = const from_end!(rbp),
        r8 = const from_end!(words),
        r9 = const from_end!(words, 1),
        r10 = const from_end!(words, 2),
        r12 = const from_end!(words, 3),
        r13 = const from_end!(words, 4),
        r14 = const from_end!(words, 5),
        r15 = const from_end!(words, 6),
    )
}
