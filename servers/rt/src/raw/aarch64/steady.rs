//! A loop that holds a pattern in every register, for victims that watch whether theirs stay as they
//! are while other threads run.

use core::arch::asm;

/// Holds words made of `pattern` in all general registers for `turns` turns; the bits in which any
/// of them differs at the end: 0 if nothing was changed.
#[inline(never)]
pub fn steady(pattern: u64, turns: u64) -> u64 {
    let difference: u64;
    // SAFETY: every register it changes is named, or stored before and loaded again (x18, x19, x29 and
    // x30, which cannot be named everywhere); it leaves the stack as it was and touches no other
    // memory.
    unsafe {
        asm!(
            "sub sp, sp, #48",
            "stp x18, x19, [sp]",
            "stp x29, x30, [sp, #16]",
            "str x0, [sp, #32]",
            ".irp n, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30",
            "add x\\n, x0, #\\n",
            ".endr",
            "2:",
            "subs x1, x1, #1",
            "b.hi 2b",
            "ldr x1, [sp, #32]",
            "eor x0, x0, x1",
            ".irp n, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30",
            "sub x\\n, x\\n, #\\n",
            "eor x\\n, x\\n, x1",
            "orr x0, x0, x\\n",
            ".endr",
            "ldp x18, x19, [sp]",
            "ldp x29, x30, [sp, #16]",
            "add sp, sp, #48",
            inlateout("x0") pattern => difference,
            inlateout("x1") turns => _,
            out("x20") _, out("x21") _, out("x22") _, out("x23") _, out("x24") _,
            out("x25") _, out("x26") _, out("x27") _, out("x28") _,
            clobber_abi("C"),
        );
    }
    difference
}
