//! Saved user registers.
//!
//! While user code runs, the kernel's stack pointer (SP_EL1) is the address of the current context:
//! the entry code stores there, in the order of the fields.

use crate::floating::FloatingState;
use crate::page::ArmPages;
use cedo_abi::REGISTER_WORDS;
use cedo_abi::state::{
    ALL, BASES, FLAGS, FLOATING_POINT_WORDS, GENERAL, GENERAL_WORDS, INSTRUCTION, REGISTERS, STACK,
};
use cedo_abi::utcb::StateArea;
use cedo_machine::{Context as Roles, PageFormat, UserAddress};

/// General registers, x0 to x30.
pub const GENERAL_REGISTERS: usize = 31;
/// Register of message word 0; the others follow.
const FIRST_WORD: usize = 4;
/// Length of the SVC instruction.
const CALL_BYTES: u64 = 4;
/// Flags a user may have: N Z C V. All other bits of a user's SPSR_EL1 are 0: EL0, 64 bits,
/// interrupts open, no single step.
const USER_FLAGS: u64 = 0xf << 28;

/// The user registers of one thread.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub struct Context {
    /// x0 operation and result, x1 `to` and badge, x2 `from` and token, x3 tag, x4 to x10 words.
    pub(crate) x: [u64; GENERAL_REGISTERS],
    /// SP_EL0.
    pub(crate) stack: u64,
    /// ELR_EL1.
    pub(crate) instruction: u64,
    /// SPSR_EL1.
    pub(crate) state: u64,
    /// TPIDR_EL0.
    pub(crate) thread_pointer: u64,
    /// ESR_EL1 of the last entry.
    pub(crate) syndrome: u64,
    /// What is in the floating-point registers comes here only when another thread uses them
    /// (`floating.rs`).
    pub(crate) floating: FloatingState,
}

// The entry code stores and loads pairs of registers in this order.
const _: () = assert!(core::mem::offset_of!(Context, floating) == 288);
const _: () = assert!(core::mem::offset_of!(Context, stack) == 248);
const _: () = assert!(core::mem::offset_of!(Context, instruction) == 256);
const _: () = assert!(core::mem::offset_of!(Context, thread_pointer) == 272);

impl Context {
    fn install_general(&mut self, words: &[u64; GENERAL_WORDS]) {
        self.x.copy_from_slice(&words[REGISTERS..REGISTERS + GENERAL_REGISTERS]);
        (self.instruction, self.stack) = (words[INSTRUCTION], words[STACK]);
        self.state = words[FLAGS] & USER_FLAGS;
    }

    fn save_general(&self, words: &mut [u64; GENERAL_WORDS]) {
        words[REGISTERS..REGISTERS + GENERAL_REGISTERS].copy_from_slice(&self.x);
        (words[INSTRUCTION], words[STACK]) = (self.instruction, self.stack);
        words[FLAGS] = self.state;
    }
}

impl Roles for Context {
    const GENERAL_WORDS: usize = REGISTERS + GENERAL_REGISTERS;

    fn new(instruction: UserAddress, stack: u64, argument: u64) -> Context {
        let mut x = [0; GENERAL_REGISTERS];
        x[FIRST_WORD] = argument;
        let instruction = instruction.number();
        let floating = FloatingState::NEW;
        Context { x, stack, instruction, state: 0, thread_pointer: 0, syndrome: 0, floating }
    }

    #[inline]
    fn operation(&self) -> u64 {
        self.x[0]
    }

    #[inline]
    fn to(&self) -> u64 {
        self.x[1]
    }

    #[inline]
    fn from(&self) -> u64 {
        self.x[2]
    }

    #[inline]
    fn tag(&self) -> u64 {
        self.x[3]
    }

    #[inline]
    fn words(&self) -> [u64; REGISTER_WORDS] {
        core::array::from_fn(|word| self.x[FIRST_WORD + word])
    }

    #[inline]
    fn set_result(&mut self, result: u64) {
        self.x[0] = result;
    }

    #[inline]
    fn set_message(&mut self, badge: u64, token: u64, tag: u64) {
        (self.x[1], self.x[2], self.x[3]) = (badge, token, tag);
    }

    #[inline]
    fn set_words(&mut self, words: &[u64; REGISTER_WORDS]) {
        self.x[FIRST_WORD..FIRST_WORD + REGISTER_WORDS].copy_from_slice(words);
    }

    fn repeat(&mut self, operation: u64) {
        self.x[0] = operation;
        self.instruction = self.instruction.wrapping_sub(CALL_BYTES);
    }

    fn skip(&mut self) {
        self.instruction = self.instruction.wrapping_add(CALL_BYTES);
    }

    #[inline]
    fn is_plain(&self) -> bool {
        // The short way back loads all registers, too, but takes the message words from the sender's
        // context, from which the general path would have copied all of them to this one.
        true
    }

    #[inline]
    fn instruction(&self) -> u64 {
        self.instruction
    }

    #[inline]
    fn stack(&self) -> u64 {
        self.stack
    }

    fn save_state(&self, mask: u64, area: &mut StateArea) {
        area.mask = mask & ALL;
        if mask & GENERAL != 0 {
            self.save_general(&mut area.general);
        }
        if mask & BASES != 0 {
            area.bases = [self.thread_pointer, 0];
        }
    }

    fn may_have(area: &StateArea) -> bool {
        let user = |address| ArmPages::user_address(address, 1).is_some();
        area.mask & !ALL == 0
            && (area.mask & GENERAL == 0 || user(area.general[INSTRUCTION]))
            && (area.mask & BASES == 0 || area.bases.iter().all(|base| user(*base)))
    }

    fn install_state(&mut self, area: &StateArea) -> bool {
        if !Context::may_have(area) {
            return false;
        }
        if area.mask & GENERAL != 0 {
            self.install_general(&area.general);
        }
        if area.mask & BASES != 0 {
            self.thread_pointer = area.bases[0];
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

    fn context() -> Context {
        Context::new(UserAddress::from_checked(0x20_0000), 0x1000, 7)
    }

    #[test]
    fn a_new_context_starts_at_user_level_with_its_argument_in_word_0() {
        let context = context();
        assert_eq!(context.words(), [7, 0, 0, 0, 0, 0, 0]);
        assert_eq!(context.state, 0);
        assert_eq!((context.instruction(), context.stack()), (0x20_0000, 0x1000));
    }

    #[test]
    fn the_roles_of_a_call_are_the_first_registers() {
        let mut context = context();
        context.x = core::array::from_fn(|register| register as u64);
        assert_eq!(
            [context.operation(), context.to(), context.from(), context.tag()],
            [0, 1, 2, 3]
        );
        assert_eq!(context.words(), [4, 5, 6, 7, 8, 9, 10]);
        context.set_words(&[20; REGISTER_WORDS]);
        context.set_message(30, 31, 32);
        context.set_result(33);
        assert_eq!(context.x[..12], [33, 30, 31, 32, 20, 20, 20, 20, 20, 20, 20, 11]);
    }

    #[test]
    fn a_call_that_is_repeated_starts_at_its_instruction() {
        let mut context = context();
        context.repeat(5);
        assert_eq!((context.instruction(), context.operation()), (0x1f_fffc, 5));
        context.skip();
        assert_eq!(context.instruction(), 0x20_0000);
    }

    #[test]
    fn state_survives_a_round_trip_in_the_order_of_the_interface() {
        let mut area = StateArea { mask: GENERAL | BASES, ..StateArea::EMPTY };
        area.general = core::array::from_fn(|index| 0x1000 + index as u64);
        area.general[FLAGS] = 1 << 30;
        area.bases = [0x5000, 0];
        let mut context = context();
        assert!(context.install_state(&area));
        let mut back = StateArea::EMPTY;
        context.save_state(GENERAL | BASES, &mut back);
        assert_eq!(area, back);
        assert_eq!(context.x[30], 0x1000 + REGISTERS as u64 + 30);
    }

    #[test]
    fn flags_are_reduced_to_what_a_user_may_have() {
        let mut area = StateArea { mask: GENERAL, ..StateArea::EMPTY };
        area.general[FLAGS] = u64::MAX;
        let mut context = context();
        assert!(context.install_state(&area));
        assert_eq!(context.state, 0xf000_0000);
    }

    #[test]
    fn an_address_no_user_has_is_refused_and_changes_nothing() {
        for bad in [1 << 48, 0xffff_8000_0000_0000, u64::MAX] {
            let mut context = context();
            let mut area = StateArea { mask: GENERAL, ..StateArea::EMPTY };
            area.general[INSTRUCTION] = bad;
            assert!(!context.install_state(&area));
            let area = StateArea { mask: BASES, bases: [0, bad], ..StateArea::EMPTY };
            assert!(!context.install_state(&area));
            assert_eq!((context.instruction, context.thread_pointer), (0x20_0000, 0));
        }
        assert!(!context().install_state(&StateArea { mask: 8, ..StateArea::EMPTY }));
    }
}
