//! Assembly that names the fields of the current context.

/// Offset of a field from the end of the context, which is what a core's record holds.
macro_rules! from_end {
    ($field:ident $(, $index:literal)?) => {
        size_of::<$crate::context::Context>()
            - core::mem::offset_of!($crate::context::Context, registers.$field) $(- 8 * $index)?
    };
}

/// `naked_asm!` with every field that a system call saves as an operand: `[rsp - {rip}]` where rsp
/// is the end of the context. Expands to nothing else.
macro_rules! context_asm {
    ([$($line:expr),* $(,)?] $($operands:tt)*) => {
        core::arch::naked_asm!(
            $($line,)*
            // Every operand must be used; not every piece uses all of them.
            "/* {kind} {rip} {rflags} {rsp} {rax} {rdi} {rsi} {rdx} {rbx} {rbp} */",
            "/* {r8} {r9} {r10} {r12} {r13} {r14} {r15} */",
            kind = const $crate::entry::frame::from_end!(kind),
            rip = const $crate::entry::frame::from_end!(rip),
            rflags = const $crate::entry::frame::from_end!(rflags),
            rsp = const $crate::entry::frame::from_end!(rsp),
            rax = const $crate::entry::frame::from_end!(operation),
            rdi = const $crate::entry::frame::from_end!(to),
            rsi = const $crate::entry::frame::from_end!(from),
            rdx = const $crate::entry::frame::from_end!(tag),
            rbx = const $crate::entry::frame::from_end!(rbx),
            rbp = const $crate::entry::frame::from_end!(rbp),
            r8 = const $crate::entry::frame::from_end!(words),
            r9 = const $crate::entry::frame::from_end!(words, 1),
            r10 = const $crate::entry::frame::from_end!(words, 2),
            r12 = const $crate::entry::frame::from_end!(words, 3),
            r13 = const $crate::entry::frame::from_end!(words, 4),
            r14 = const $crate::entry::frame::from_end!(words, 5),
            r15 = const $crate::entry::frame::from_end!(words, 6),
            $($operands)*
        )
    };
}

/// Loads the registers of a system call whose context ends at rsp, and leaves by SYSRET.
macro_rules! restore_system_call {
    () => {
        "mov rax, [rsp - {rax}]
        mov rdi, [rsp - {rdi}]
        mov rsi, [rsp - {rsi}]
        mov rdx, [rsp - {rdx}]
        mov r8, [rsp - {r8}]
        mov r9, [rsp - {r9}]
        mov r10, [rsp - {r10}]
        mov r12, [rsp - {r12}]
        mov r13, [rsp - {r13}]
        mov r14, [rsp - {r14}]
        mov r15, [rsp - {r15}]
        mov rbx, [rsp - {rbx}]
        mov rbp, [rsp - {rbp}]
        mov rcx, [rsp - {rip}]
        mov r11, [rsp - {rflags}]
        mov rsp, [rsp - {rsp}]
        sysretq"
    };
}

pub(super) use context_asm;
pub(super) use from_end;
pub(super) use restore_system_call;
