//! Saved user registers.
//!
//! The upper end of [`Context`] is what the processor itself pushes on an interrupt: the task state
//! segment's RSP0 points to the end of the current context, so the frame lands where it belongs.
//! The entry code stores the rest below it, in the order of the fields of [`Registers`]. What is in
//! the floating-point registers comes here only when another thread uses them (`floating.rs`).

use crate::floating::FloatingState;
use crate::page::X86Pages;
use cedo_abi::REGISTER_WORDS;
use cedo_abi::state::{ALL, BASES, FLOATING_POINT_WORDS, GENERAL, GENERAL_WORDS, INSTRUCTION};
use cedo_abi::utcb::StateArea;
use cedo_machine::{Context as Roles, PageFormat, UserAddress};

/// Selector of the user code segment, requested privilege level 3.
pub const USER_CODE: u64 = 0x23;
/// Selector of the user data and stack segment, requested privilege level 3.
pub const USER_DATA: u64 = 0x1b;
/// `Context::kind` of a frame that SYSCALL made and nobody modified: rcx and r11 are not valid,
/// the instruction pointer is canonical because the processor put it there. SYSCALL finds it so: it is the
/// kind of every thread that runs, and interrupts push theirs over it.
pub const KIND_SYSTEM_CALL: u64 = u64::MAX;
/// `Context::kind` of a frame whose registers are all valid. Interrupt frames hold their vector.
pub const KIND_COMPLETE: u64 = 0;

/// Length of the SYSCALL instruction.
const SYSCALL_BYTES: u64 = 2;

/// Flags a user may have: CF PF AF ZF SF TF DF OF. Not IOPL (ports), NT (task return), AC (would
/// suspend SMAP), VM, RF, VIF, VIP, ID.
const USER_FLAGS: u64 = 0xdd5;
/// Flags a user always has: IF, and bit 1, which is fixed.
const FIXED_FLAGS: u64 = 0x202;

/// The user registers of one thread.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Context {
    pub(crate) floating: FloatingState,
    pub(crate) registers: Registers,
}

/// All but floating point: what every entry into the kernel saves, here or on the kernel's stack.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub struct Registers {
    pub(crate) fs_base: u64,
    pub(crate) gs_base: u64,
    /// r8 r9 r10 r12 r13 r14 r15.
    pub(crate) words: [u64; REGISTER_WORDS],
    /// rdx.
    pub(crate) tag: u64,
    /// rsi.
    pub(crate) from: u64,
    /// rdi.
    pub(crate) to: u64,
    /// rax.
    pub(crate) operation: u64,
    pub(crate) rbx: u64,
    pub(crate) rbp: u64,
    pub(crate) rcx: u64,
    pub(crate) r11: u64,
    /// How the kernel was entered.
    pub(crate) kind: u64,
    /// The processor's error code, or 0.
    pub(crate) error: u64,
    pub(crate) rip: u64,
    pub(crate) cs: u64,
    pub(crate) rflags: u64,
    pub(crate) rsp: u64,
    pub(crate) ss: u64,
}

// The entry code pushes and pops in this order, and the processor aligns RSP0 down to 16.
const _: () = assert!(size_of::<Registers>() == 0xc0);
const _: () = assert!(core::mem::offset_of!(Registers, words) == 0x10);
const _: () = assert!(core::mem::offset_of!(Registers, operation) == 0x60);
const _: () = assert!(core::mem::offset_of!(Registers, kind) == 0x88);
const _: () = assert!(core::mem::offset_of!(Registers, rip) == 0x98);
const _: () = assert!(core::mem::offset_of!(Registers, ss) + 8 == size_of::<Registers>());
const _: () = assert!(core::mem::offset_of!(Context, registers) + 0xc0 == size_of::<Context>());

impl Context {
    /// Makes a system-call frame complete: SYSCALL left the instruction pointer in rcx and the
    /// flags in r11, and so does the long way back.
    fn complete(&mut self) {
        if self.registers.kind == KIND_SYSTEM_CALL {
            self.registers.rcx = self.registers.rip;
            self.registers.r11 = self.registers.rflags;
        }
        self.registers.kind = KIND_COMPLETE;
    }

    fn install_general(&mut self, words: &[u64; GENERAL_WORDS]) {
        let [rip, rsp, rflags, registers @ ..] = *words;
        let [rax, rbx, rcx, rdx, rsi, rdi, rbp, registers @ ..] = registers;
        let [r8, r9, r10, r11, r12, r13, r14, r15, ..] = registers;
        self.registers.words = [r8, r9, r10, r12, r13, r14, r15];
        (self.registers.operation, self.registers.tag, self.registers.from, self.registers.to) =
            (rax, rdx, rsi, rdi);
        (self.registers.rbx, self.registers.rbp, self.registers.rcx, self.registers.r11) =
            (rbx, rbp, rcx, r11);
        (self.registers.rip, self.registers.rsp) = (rip, rsp);
        self.registers.rflags = rflags & USER_FLAGS | FIXED_FLAGS;
    }

    fn general(&self) -> [u64; Self::GENERAL_WORDS] {
        let [r8, r9, r10, r12, r13, r14, r15] = self.registers.words;
        let (rcx, r11) = match self.registers.kind {
            KIND_SYSTEM_CALL => (self.registers.rip, self.registers.rflags),
            _ => (self.registers.rcx, self.registers.r11),
        };
        let (rax, rdx, rsi, rdi) =
            (self.registers.operation, self.registers.tag, self.registers.from, self.registers.to);
        let (rbx, rbp, rip, rsp, rflags) = (
            self.registers.rbx,
            self.registers.rbp,
            self.registers.rip,
            self.registers.rsp,
            self.registers.rflags,
        );
        [rip, rsp, rflags, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15]
    }
}

impl Roles for Context {
    const GENERAL_WORDS: usize = 18;

    fn new(instruction: UserAddress, stack: u64, argument: u64) -> Context {
        let registers = Registers {
            fs_base: 0,
            gs_base: 0,
            words: [argument, 0, 0, 0, 0, 0, 0],
            tag: 0,
            from: 0,
            to: 0,
            operation: 0,
            rbx: 0,
            rbp: 0,
            rcx: 0,
            r11: 0,
            kind: KIND_COMPLETE,
            error: 0,
            rip: instruction.number(),
            cs: USER_CODE,
            rflags: FIXED_FLAGS,
            rsp: stack,
            ss: USER_DATA,
        };
        Context { floating: FloatingState::NEW, registers }
    }

    #[inline]
    fn operation(&self) -> u64 {
        self.registers.operation
    }

    #[inline]
    fn to(&self) -> u64 {
        self.registers.to
    }

    #[inline]
    fn from(&self) -> u64 {
        self.registers.from
    }

    #[inline]
    fn tag(&self) -> u64 {
        self.registers.tag
    }

    #[inline]
    fn words(&self) -> [u64; REGISTER_WORDS] {
        self.registers.words
    }

    #[inline]
    fn set_result(&mut self, result: u64) {
        self.registers.operation = result;
    }

    #[inline]
    fn set_message(&mut self, badge: u64, token: u64, tag: u64) {
        self.registers.to = badge;
        self.registers.from = token;
        self.registers.tag = tag;
    }

    #[inline]
    fn set_words(&mut self, words: &[u64; REGISTER_WORDS]) {
        self.registers.words = *words;
    }

    fn repeat(&mut self, operation: u64) {
        self.registers.operation = operation;
        self.registers.rip = self.registers.rip.wrapping_sub(SYSCALL_BYTES);
    }

    fn skip(&mut self) {
        self.registers.rip = self.registers.rip.wrapping_add(SYSCALL_BYTES);
    }

    #[inline]
    fn is_plain(&self) -> bool {
        self.registers.kind == KIND_SYSTEM_CALL
            && self.registers.fs_base | self.registers.gs_base == 0
    }

    #[inline]
    fn instruction(&self) -> u64 {
        self.registers.rip
    }

    #[inline]
    fn stack(&self) -> u64 {
        self.registers.rsp
    }

    fn save_state(&self, mask: u64, area: &mut StateArea) {
        area.mask = mask & ALL;
        if mask & GENERAL != 0 {
            area.general[..Self::GENERAL_WORDS].copy_from_slice(&self.general());
        }
        if mask & BASES != 0 {
            area.bases = [self.registers.fs_base, self.registers.gs_base];
        }
    }

    fn may_have(area: &StateArea) -> bool {
        let user = |address| X86Pages::user_address(address, 1).is_some();
        area.mask & !ALL == 0
            && (area.mask & GENERAL == 0 || user(area.general[INSTRUCTION]))
            && (area.mask & BASES == 0 || area.bases.iter().all(|base| user(*base)))
    }

    fn install_state(&mut self, area: &StateArea) -> bool {
        if !Context::may_have(area) {
            return false;
        }
        self.complete();
        if area.mask & GENERAL != 0 {
            self.install_general(&area.general);
        }
        if area.mask & BASES != 0 {
            [self.registers.fs_base, self.registers.gs_base] = area.bases;
        }
        true
    }

    fn floating(&self) -> [u64; FLOATING_POINT_WORDS] {
        self.floating.words()
    }

    fn install_floating(&mut self, words: &[u64; FLOATING_POINT_WORDS]) {
        self.floating = FloatingState::sanitised(words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cedo_abi::state::{FLAGS, REGISTERS, STACK};

    fn context() -> Context {
        Context::new(UserAddress::from_checked(0x20_0000), 0x1000, 7)
    }

    #[test]
    fn a_new_context_resumes_completely_with_its_argument_in_word_0() {
        let context = context();
        assert_eq!(context.words(), [7, 0, 0, 0, 0, 0, 0]);
        assert_eq!((context.registers.kind, context.registers.rflags), (KIND_COMPLETE, 0x202));
        assert_eq!((context.instruction(), context.stack()), (0x20_0000, 0x1000));
    }

    #[test]
    fn state_survives_a_round_trip_in_the_order_of_the_interface() {
        let mut area = StateArea::EMPTY;
        area.mask = GENERAL | BASES;
        for (index, word) in area.general[..Context::GENERAL_WORDS].iter_mut().enumerate() {
            *word = 0x1000 + index as u64;
        }
        area.general[FLAGS] = 0x202;
        area.bases = [0x5000, 0x6000];
        let mut context = context();
        assert!(context.install_state(&area));
        let mut back = StateArea::EMPTY;
        context.save_state(GENERAL | BASES, &mut back);
        assert_eq!(area, back);
        let word = |register: u64| 0x1000 + REGISTERS as u64 + register;
        assert_eq!(context.registers.words, [7, 8, 9, 11, 12, 13, 14].map(word));
        assert_eq!(context.instruction(), 0x1000 + INSTRUCTION as u64);
        assert_eq!(context.stack(), 0x1000 + STACK as u64);
    }

    #[test]
    fn flags_are_reduced_to_what_a_user_may_have() {
        let mut area = StateArea { mask: GENERAL, ..StateArea::EMPTY };
        area.general[FLAGS] = u64::MAX;
        let mut context = context();
        assert!(context.install_state(&area));
        assert_eq!(context.registers.rflags, 0xdd5 | 0x202);
        assert_eq!((context.registers.cs, context.registers.ss), (USER_CODE, USER_DATA));
    }

    #[test]
    fn an_address_no_user_has_is_refused_and_changes_nothing() {
        for bad in [0x7fff_ffff_f000, 1 << 47, 0xffff_8000_0000_0000, 0xffff_83ff_ffff_ffff] {
            let mut context = context();
            context.registers.kind = KIND_SYSTEM_CALL;
            let mut area = StateArea { mask: GENERAL, ..StateArea::EMPTY };
            area.general[INSTRUCTION] = bad;
            assert!(!context.install_state(&area));
            let area = StateArea { mask: BASES, bases: [0, bad], ..StateArea::EMPTY };
            assert!(!context.install_state(&area));
            assert_eq!(
                (context.registers.kind, context.registers.rip),
                (KIND_SYSTEM_CALL, 0x20_0000)
            );
        }
        assert!(!context().install_state(&StateArea { mask: 8, ..StateArea::EMPTY }));
    }

    #[test]
    fn a_modified_system_call_frame_never_returns_the_short_way() {
        let mut context = context();
        context.registers.kind = KIND_SYSTEM_CALL;
        assert!(context.install_state(&StateArea { mask: BASES, ..StateArea::EMPTY }));
        assert_eq!(context.registers.kind, KIND_COMPLETE);
        assert_eq!(
            (context.registers.rcx, context.registers.r11),
            (context.registers.rip, context.registers.rflags)
        );
    }
}
