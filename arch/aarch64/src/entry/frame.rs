//! Assembly that stores and loads the current context, whose layout `context.rs` asserts.

/// Stores at sp the registers of the interrupted program that no macro below stores: x12 to x30 and what
/// is in special registers. Leaves x0 to x11 as they are.
macro_rules! save_kept {
    () => {
        "stp x12, x13, [sp, #96]
        stp x14, x15, [sp, #112]
        stp x16, x17, [sp, #128]
        stp x18, x19, [sp, #144]
        stp x20, x21, [sp, #160]
        stp x22, x23, [sp, #176]
        stp x24, x25, [sp, #192]
        stp x26, x27, [sp, #208]
        stp x28, x29, [sp, #224]
        mrs x12, sp_el0
        stp x30, x12, [sp, #240]
        mrs x13, elr_el1
        mrs x14, spsr_el1
        stp x13, x14, [sp, #256]
        mrs x15, tpidr_el0
        str x15, [sp, #272]"
    };
}

/// Stores x0 to x9 at sp.
macro_rules! save_first {
    () => {
        "stp x0, x1, [sp]
        stp x2, x3, [sp, #16]
        stp x4, x5, [sp, #32]
        stp x6, x7, [sp, #48]
        stp x8, x9, [sp, #64]"
    };
}

/// Stores x10 and x11 at sp, after which they may be used.
macro_rules! save_scratch {
    () => {
        "stp x10, x11, [sp, #80]"
    };
}

/// Stores the exception's syndrome at sp. Uses x12.
macro_rules! save_syndrome {
    () => {
        "mrs x12, esr_el1
        str x12, [sp, #280]"
    };
}

/// Loads what is in special registers, and x11 to x30, of the context at sp. Uses x0 to x3.
macro_rules! restore_kept {
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
        ldr x11, [sp, #88]"
    };
}

/// Loads the message words from the context whose address is in a register.
macro_rules! load_words {
    ($from:literal) => {
        concat!(
            "ldp x4, x5, [",
            $from,
            ", #32]\n",
            "ldp x6, x7, [",
            $from,
            ", #48]\n",
            "ldp x8, x9, [",
            $from,
            ", #64]\n",
            "ldr x10, [",
            $from,
            ", #80]",
        )
    };
}

/// Loads what a call returns besides message words from the context at sp, and leaves.
macro_rules! leave {
    () => {
        "ldp x2, x3, [sp, #16]
        ldp x0, x1, [sp]
        eret"
    };
}

pub(super) use {
    leave, load_words, restore_kept, save_first, save_kept, save_scratch, save_syndrome,
};
