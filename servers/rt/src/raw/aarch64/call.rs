//! aarch64: `svc`, the counter, and the two places where threads start.

use cedo_abi::registers::{Answer, Request};
use core::arch::{asm, naked_asm};

/// Makes a system call.
///
/// Source: `cedo_abi::call` (roles).
#[inline(always)]
pub fn invoke(request: Request) -> Answer {
    let mut answer = Answer::default();
    let [w0, w1, w2, w3, w4, w5, w6] = request.words;
    let (o0, o1, o2, o3, o4, o5, o6): (u64, u64, u64, u64, u64, u64, u64);
    // SAFETY: the kernel preserves all registers that are not named here, and writes no memory of this
    // program but its UTCB page, which Rust code reads volatile, and what open windows lead to, which
    // is borrowed for this call and exposed (`windows`). (The exception is stated in the crate's
    // documentation.)
    unsafe {
        asm!(
            "svc #0",
            inlateout("x0") request.operation => answer.result,
            inlateout("x1") request.to => answer.badge,
            inlateout("x2") request.from => answer.token,
            inlateout("x3") request.tag => answer.tag,
            inlateout("x4") w0 => o0,
            inlateout("x5") w1 => o1,
            inlateout("x6") w2 => o2,
            inlateout("x7") w3 => o3,
            inlateout("x8") w4 => o4,
            inlateout("x9") w5 => o5,
            inlateout("x10") w6 => o6,
            options(nostack, preserves_flags),
        );
    }
    answer.words = [o0, o1, o2, o3, o4, o5, o6];
    answer
}

/// The counter that the kernel information page scales: the virtual counter.
///
/// Earlier instructions are done before it is read. Source: Arm ARM, D11.2.
#[inline(always)]
pub fn counter() -> u64 {
    let ticks: u64;
    // SAFETY: reads a counter; the kernel leaves it readable in user mode.
    unsafe {
        asm!("isb", "mrs {}, cntvct_el0", out(reg) ticks, options(nostack, nomem, preserves_flags));
    }
    ticks
}

/// The cycle counter of the core, where the kernel information page says that there is one and user code may
/// read it; elsewhere this is an illegal instruction.
///
/// Earlier instructions are done before it is read. Source: Arm ARM, D13.4.
#[inline(always)]
pub fn cycles() -> u64 {
    let cycles: u64;
    // SAFETY: reads a counter, or raises an exception.
    unsafe {
        asm!("isb", "mrs {}, pmccntr_el0", out(reg) cycles, options(nostack, nomem, preserves_flags));
    }
    cycles
}

/// Dies by an illegal instruction, which the kernel reports to this thread's fault handler.
pub fn fail() -> ! {
    // SAFETY: raises an exception and never returns: whoever resumes the thread meets it again.
    unsafe { asm!("2:", "udf #0", "b 2b", options(noreturn, nostack)) }
}

/// Where every thread of a program starts: `x4` (message word 0) = address of its UTCB, `sp` = a
/// 16-byte aligned stack top (`cedo_abi::system`).
#[unsafe(no_mangle)]
#[unsafe(naked)]
extern "C" fn _start() -> ! {
    naked_asm!(
        "mov x29, xzr",
        "mov x30, xzr",
        "mov x0, x4",
        "b {begin}",
        begin = sym crate::start::begin,
    )
}

/// Where a thread starts that [`crate::stack::Stack`] prepared: `sp` points at what
/// [`crate::start::begin_at`] is told, and is 16-byte aligned.
#[unsafe(naked)]
pub extern "C" fn thread_entry() -> ! {
    naked_asm!(
        "mov x29, xzr",
        "mov x30, xzr",
        "mov x0, sp",
        "b {begin}",
        begin = sym crate::start::begin_at,
    )
}
