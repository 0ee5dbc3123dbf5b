//! A loop that holds a pattern in every register, for victims that watch whether theirs stay as they
//! are while other threads run.

use core::arch::asm;

/// Holds words made of `pattern` in all general registers for `turns` turns; the bits in which any
/// of them differs at the end: 0 if nothing was changed.
#[inline(never)]
pub fn steady(pattern: u64, turns: u64) -> u64 {
    let difference: u64;
    // SAFETY: every register it changes is named, or pushed before and popped again (rbx and rbp
    // cannot be named); what it pushes it pops; it touches no other memory.
    unsafe {
        asm!(
            "push rbx",
            "push rbp",
            "push rdi",
            "lea rax, [rdi + 1]",
            "lea rbx, [rdi + 2]",
            "lea rdx, [rdi + 3]",
            "lea rsi, [rdi + 4]",
            "lea rbp, [rdi + 5]",
            "lea r8, [rdi + 6]",
            "lea r9, [rdi + 7]",
            "lea r10, [rdi + 8]",
            "lea r11, [rdi + 9]",
            "lea r12, [rdi + 10]",
            "lea r13, [rdi + 11]",
            "lea r14, [rdi + 12]",
            "lea r15, [rdi + 13]",
            "2:",
            "sub rcx, 1",
            "ja 2b",
            "pop rcx",
            "xor rdi, rcx",
            "lea rcx, [rcx + 1]", "xor rax, rcx", "or rdi, rax",
            "lea rcx, [rcx + 1]", "xor rbx, rcx", "or rdi, rbx",
            "lea rcx, [rcx + 1]", "xor rdx, rcx", "or rdi, rdx",
            "lea rcx, [rcx + 1]", "xor rsi, rcx", "or rdi, rsi",
            "lea rcx, [rcx + 1]", "xor rbp, rcx", "or rdi, rbp",
            "lea rcx, [rcx + 1]", "xor r8, rcx", "or rdi, r8",
            "lea rcx, [rcx + 1]", "xor r9, rcx", "or rdi, r9",
            "lea rcx, [rcx + 1]", "xor r10, rcx", "or rdi, r10",
            "lea rcx, [rcx + 1]", "xor r11, rcx", "or rdi, r11",
            "lea rcx, [rcx + 1]", "xor r12, rcx", "or rdi, r12",
            "lea rcx, [rcx + 1]", "xor r13, rcx", "or rdi, r13",
            "lea rcx, [rcx + 1]", "xor r14, rcx", "or rdi, r14",
            "lea rcx, [rcx + 1]", "xor r15, rcx", "or rdi, r15",
            "pop rbp",
            "pop rbx",
            inlateout("rdi") pattern => difference,
            inlateout("rcx") turns => _,
            lateout("rax") _,
            lateout("rdx") _,
            lateout("rsi") _,
            lateout("r8") _,
            lateout("r9") _,
            lateout("r10") _,
            lateout("r11") _,
            lateout("r12") _,
            lateout("r13") _,
            lateout("r14") _,
            lateout("r15") _,
        );
    }
    difference
}

#[cfg(test)]
mod tests {
    use super::steady;

    #[test]
    #[cfg_attr(miri, ignore = "assembly")]
    fn nothing_changes_registers_here() {
        assert_eq!(steady(0x5eed_0000_0000_0000, 1000), 0);
        assert_eq!(steady(u64::MAX, 1), 0);
    }
}
