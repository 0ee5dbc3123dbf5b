//! Assembly that stores and loads the current context, whose layout `context.rs` asserts.

/// Stores the registers of the interrupted program, x0 and x1 excepted, at sp. Leaves the exception's
/// syndrome in x4.
macro_rules! save_but_first {
    () => {
        "stp x2, x3, [sp, #16]
        stp x4, x5, [sp, #32]
        stp x6, x7, [sp, #48]
        stp x8, x9, [sp, #64]
        stp x10, x11, [sp, #80]
        stp x12, x13, [sp, #96]
        stp x14, x15, [sp, #112]
        stp x16, x17, [sp, #128]
        stp x18, x19, [sp, #144]
        stp x20, x21, [sp, #160]
        stp x22, x23, [sp, #176]
        stp x24, x25, [sp, #192]
        stp x26, x27, [sp, #208]
        stp x28, x29, [sp, #224]
        mrs x0, sp_el0
        stp x30, x0, [sp, #240]
        mrs x1, elr_el1
        mrs x2, spsr_el1
        stp x1, x2, [sp, #256]
        mrs x3, tpidr_el0
        mrs x4, esr_el1
        stp x3, x4, [sp, #272]"
    };
}

/// Loads all registers of the context at sp, and leaves.
macro_rules! restore {
    () => {
        "ldp x1, x2, [sp, #256]
        msr elr_el1, x1
        msr spsr_el1, x2
        ldp x30, x0, [sp, #240]
        ldr x3, [sp, #272]
        msr sp_el0, x0
        msr tpidr_el0, x3
        ldp x28, x29, [sp, #224]
        ldp x26, x27, [sp, #208]
        ldp x24, x25, [sp, #192]
        ldp x22, x23, [sp, #176]
        ldp x20, x21, [sp, #160]
        ldp x18, x19, [sp, #144]
        ldp x16, x17, [sp, #128]
        ldp x14, x15, [sp, #112]
        ldp x12, x13, [sp, #96]
        ldp x10, x11, [sp, #80]
        ldp x8, x9, [sp, #64]
        ldp x6, x7, [sp, #48]
        ldp x4, x5, [sp, #32]
        ldp x2, x3, [sp, #16]
        ldp x0, x1, [sp]
        eret"
    };
}

pub(super) use restore;
pub(super) use save_but_first;
