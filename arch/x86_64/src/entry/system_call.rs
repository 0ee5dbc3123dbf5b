//! SYSCALL in, SYSRET out (Intel SDM volume 2, SYSCALL and SYSRET).
//!
//! SYSCALL changes neither stack nor segments' bases: rcx holds the return address, r11 the flags,
//! and every other register is the user's. The stub is made once per core, so that what it needs
//! is at a fixed distance.
//!
//! ```text
//! stub -> short_cut --done--> the other thread, with the message words that are in the registers
//!            `------not-----> general: all registers to the context, system_call, the long way out
//! ```
//!
//! SYSRET must not see a return address outside the user's canonical range: it would fault in the
//! kernel, on the user's stack. It is used for frames that SYSCALL made and nobody changed only,
//! and the address behind a SYSCALL instruction is canonical: the page below 2^47 cannot be mapped,
//! at 2^64 addresses wrap to 0, and the kernel's own slots end at a canonical address.
//!
//! Nothing can interrupt between SYSCALL and the change of stacks but NMI and machine check, which
//! have their own: IF and TF are cleared by the instruction itself, and debug registers are off.

use super::frame::context_asm;
use super::leave::obey;
use super::upcall;
use crate::core_area::{CONTEXT_END, KERNEL, RECORD_BYTES, RECORDS, SCRATCH, SPILLED, STACK_TOP};
use crate::cpu::X86_64;
use cedo_machine::Upcalls;

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
    context_asm!([
        "mov [rip + {records} + {scratch}], rsp",
        "mov rsp, [rip + {records} + {context_end}]",
        "mov [rsp - {rip}], rcx",
        "mov [rsp - {rflags}], r11",
        "mov rcx, [rip + {records} + {scratch}]",
        "mov [rsp - {rsp}], rcx",
        "mov [rsp - {rax}], rax",
        "mov [rsp - {rdi}], rdi",
        "mov [rsp - {rsi}], rsi",
        "mov [rsp - {rdx}], rdx",
        "mov [rsp - {rbx}], rbx",
        "mov [rsp - {rbp}], rbp",
        // The message words: r12 to r15 are the callee's to preserve, the others are not.
        "mov [rip + {records} + {spilled}], r8",
        "mov [rip + {records} + {spilled} + 8], r9",
        "mov [rip + {records} + {spilled} + 16], r10",
        "mov rsp, [rip + {records} + {stack_top}]",
        "mov rcx, rax",
        "mov r8, [rip + {records} + {kernel}]",
        "call {short_cut}",
        "mov r8, [rip + {records} + {spilled}]",
        "mov r9, [rip + {records} + {spilled} + 8]",
        "mov r10, [rip + {records} + {spilled} + 16]",
        "mov rsp, [rip + {records} + {context_end}]",
        "test al, al",
        "jz 2f",
        "mov rax, [rsp - {rax}]",
        "mov rdx, [rsp - {rdx}]",
        "mov rdi, [rsp - {rdi}]",
        "mov rsi, [rsp - {rsi}]",
        "mov rbx, [rsp - {rbx}]",
        "mov rbp, [rsp - {rbp}]",
        "mov rcx, [rsp - {rip}]",
        "mov r11, [rsp - {rflags}]",
        "mov rsp, [rsp - {rsp}]",
        "sysretq",
        "2:",
        "lea rbx, [rip + {records} + {record}]",
        "jmp {general}",
        ]
        records = sym RECORDS,
        record = const CORE * RECORD_BYTES,
        scratch = const CORE * RECORD_BYTES + SCRATCH,
        spilled = const CORE * RECORD_BYTES + SPILLED,
        context_end = const CORE * RECORD_BYTES + CONTEXT_END,
        stack_top = const CORE * RECORD_BYTES + STACK_TOP,
        kernel = const CORE * RECORD_BYTES + KERNEL,
        short_cut = sym upcall::short_cut::<K>,
        general = sym general::<K>,
    )
}

/// The general path: saves the message words too, into the context that ends at rsp. rbx is the core's
/// record.
#[unsafe(naked)]
extern "C" fn general<K: Upcalls<Machine = X86_64>>() {
    context_asm!([
        "mov [rsp - {r8}], r8",
        "mov [rsp - {r9}], r9",
        "mov [rsp - {r10}], r10",
        "mov [rsp - {r12}], r12",
        "mov [rsp - {r13}], r13",
        "mov [rsp - {r14}], r14",
        "mov [rsp - {r15}], r15",
        "mov rsp, [rbx + {stack_top}]",
        "mov rdi, [rbx + {kernel}]",
        "call {system_call}",
        "jmp {obey}",
        ]
        stack_top = const STACK_TOP,
        kernel = const KERNEL,
        system_call = sym upcall::system_call::<K>,
        obey = sym obey,
    )
}
