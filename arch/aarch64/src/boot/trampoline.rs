//! A starting core's way to the kernel's addresses: as core 0's (`header.rs`), but straight to the
//! kernel's own table and the core's own stack.
//!
//! A core that comes late, after core 0 has given it up, finds the ticket gone and sleeps.

use crate::layout::IMAGE_BASE;
use crate::registers::complete_writes;
use core::arch::{asm, naked_asm};
use core::sync::atomic::{AtomicU64, Ordering};

/// Where a core goes.
pub struct Pass {
    /// The kernel's page table.
    pub root: u64,
    /// The core's stack.
    pub stack_top: u64,
    /// Its number.
    pub core: u64,
    /// A `extern "C" fn(core: u64) -> !`.
    pub main: u64,
}

/// The same, in a place that a core without caches can read.
#[repr(C, align(64))]
struct SharedPass {
    root: AtomicU64,
    stack_top: AtomicU64,
    core: AtomicU64,
    main: AtomicU64,
    ticket: AtomicU64,
}

static PASS: SharedPass = SharedPass {
    root: AtomicU64::new(0),
    stack_top: AtomicU64::new(0),
    core: AtomicU64::new(0),
    main: AtomicU64::new(0),
    ticket: AtomicU64::new(0),
};

/// Physical address where a core starts, in an image that was loaded at `load_address`.
pub fn entry(load_address: u64) -> u64 {
    let start: extern "C" fn() = secondary;
    start as usize as u64 - IMAGE_BASE + load_address
}

/// Lets one core pass, which then goes where `pass` says.
pub fn issue_ticket(pass: &Pass) {
    PASS.root.store(pass.root, Ordering::Relaxed);
    PASS.stack_top.store(pass.stack_top, Ordering::Relaxed);
    PASS.core.store(pass.core, Ordering::Relaxed);
    PASS.main.store(pass.main, Ordering::Relaxed);
    PASS.ticket.store(1, Ordering::SeqCst);
    complete_writes();
    // SAFETY: writes one line of the cache back, which changes no value.
    unsafe { asm!("dc civac, {}", in(reg) &raw const PASS, options(nostack)) };
    complete_writes();
}

/// Takes the ticket back. False if a core has it already.
pub fn withdraw_ticket() -> bool {
    PASS.ticket.swap(0, Ordering::SeqCst) != 0
}

/// The first instructions of another core, at their physical address. The root is read before
/// translation is on; the ticket, which needs an exclusive access, after.
#[unsafe(naked)]
pub extern "C" fn secondary() {
    naked_asm!(
        "msr daifset, #0xf",
        "bl leave_hypervisor_level",
        "adrp x0, {pass}",
        "add x0, x0, :lo12:{pass}",
        "ldr x0, [x0]",
        "bl translate",
        "ldr x0, ={entered}",
        "br x0",
        entered = sym entered,
        pass = sym PASS,
    )
}

#[unsafe(naked)]
extern "C" fn entered() {
    naked_asm!(
        "adrp x9, {pass}",
        "add x9, x9, :lo12:{pass}",
        "add x10, x9, #32",
        "2: ldaxr x11, [x10]",
        "stlxr w12, xzr, [x10]",
        "cbnz w12, 2b",
        "cbz x11, 3f",
        "ldp x1, x0, [x9, #8]",
        "ldr x2, [x9, #24]",
        "mov sp, x1",
        "mov x29, xzr",
        "mov x30, xzr",
        "br x2",
        "3: wfi",
        "b 3b",
        pass = sym PASS,
    )
}
