//! x86-64: `syscall`, the time-stamp counter, and the two places where threads start.

use cedo_abi::registers::{Answer, Request};
use core::arch::{asm, naked_asm};

/// Makes a system call.
///
/// Source: `cedo_abi::call` (roles), Intel SDM volume 2, SYSCALL (`rcx` and `r11` are lost).
#[inline(always)]
pub fn invoke(request: Request) -> Answer {
    let mut answer = Answer::default();
    let [w0, w1, w2, w3, w4, w5, w6] = request.words;
    let (o0, o1, o2, o3, o4, o5, o6): (u64, u64, u64, u64, u64, u64, u64);
    // SAFETY: the kernel preserves rbx, rbp and rsp, which are all that is not named here, and
    // writes no memory of this program but its UTCB page, which Rust code reads volatile, and what
    // open windows lead to, which is borrowed for this call and exposed (`windows`). (The exception is
    // stated in the crate's documentation.)
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") request.operation => answer.result,
            inlateout("rdi") request.to => answer.badge,
            inlateout("rsi") request.from => answer.token,
            inlateout("rdx") request.tag => answer.tag,
            inlateout("r8") w0 => o0,
            inlateout("r9") w1 => o1,
            inlateout("r10") w2 => o2,
            inlateout("r12") w3 => o3,
            inlateout("r13") w4 => o4,
            inlateout("r14") w5 => o5,
            inlateout("r15") w6 => o6,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    answer.words = [o0, o1, o2, o3, o4, o5, o6];
    answer
}

/// The counter that the kernel information page scales.
///
/// Earlier loads are done before it is read. Source: Intel SDM volume 2, RDTSC.
#[inline(always)]
pub fn counter() -> u64 {
    let (low, high): (u64, u64);
    // SAFETY: reads a counter; the kernel leaves it readable in user mode.
    unsafe {
        asm!("lfence", "rdtsc", out("rax") low, out("rdx") high, options(nostack, nomem));
    }
    high << 32 | low
}

/// The cycle counter of the core: the same as [`counter`].
#[inline(always)]
pub fn cycles() -> u64 {
    counter()
}

/// Dies by an illegal instruction, which the kernel reports to this thread's fault handler.
pub fn fail() -> ! {
    // SAFETY: raises an exception and never returns: whoever resumes the thread meets it again.
    unsafe { asm!("2:", "ud2", "jmp 2b", options(noreturn, nostack)) }
}

/// Where every thread of a program starts: `r8` (message word 0) = address of its UTCB, `rsp` = a
/// 16-byte aligned stack top (`cedo_abi::system`).
#[unsafe(no_mangle)]
#[unsafe(naked)]
extern "C" fn _start() -> ! {
    naked_asm!(
        "xor ebp, ebp",
        "mov rdi, r8",
        "call {begin}",
        "ud2",
        begin = sym crate::start::begin,
    )
}

/// Where a thread starts that [`crate::stack::Stack`] prepared: `rsp` points at what
/// [`crate::start::begin_at`] is told, and is 16-byte aligned.
#[unsafe(naked)]
pub extern "C" fn thread_entry() -> ! {
    naked_asm!(
        "xor ebp, ebp",
        "mov rdi, rsp",
        "call {begin}",
        "ud2",
        begin = sym crate::start::begin_at,
    )
}
