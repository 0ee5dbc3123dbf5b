//! Whose floating-point registers a core holds: loaded at the first use, saved when another thread uses
//! them, so that threads without floating point pay hardly anything.
//!
//! ```text
//!           first use: trap,              another thread runs
//!           save the owner's, load
//!   closed -----------------------> open ---------------------> closed, the owner's registers kept
//!     ^                              ^                               |             |
//!     |                              `--- the owner uses them: trap, nothing to load
//!     `---- the owner's state is read, changed, or goes to another core: saved, nobody's ---'
//! ```
//!
//! *Open* means that user code may use the registers. Hardware is behind [`FloatingRegisters`].

/// The floating-point registers of a core.
pub trait FloatingRegisters {
    /// What is saved and loaded.
    type State;
    /// Their use traps no more.
    fn open(&mut self);
    /// User code traps when it uses them.
    fn close(&mut self);
    /// Copies them out. They are open.
    fn save(&mut self, state: &mut Self::State);
    /// Copies them in. They are open.
    fn load(&mut self, state: &Self::State);
}

/// Who owns the registers of a core, and whether user code may use them.
pub struct FloatingUnit<R: FloatingRegisters> {
    registers: R,
    /// Where the registers are to be saved; null: what they hold is of no use.
    owner: *mut R::State,
    is_open: bool,
}

impl<R: FloatingRegisters> FloatingUnit<R> {
    /// Closed registers, which hold nothing of use.
    pub const fn new(registers: R) -> Self {
        Self { registers, owner: core::ptr::null_mut(), is_open: false }
    }

    /// True if user code may use the registers.
    #[inline(always)]
    pub const fn is_open(&self) -> bool {
        self.is_open
    }

    /// The current thread, whose state this is, uses the registers while they are closed.
    ///
    /// # Safety
    ///
    /// `state` stays where it is, and nobody else uses it, until [`give_back`](Self::give_back) was
    /// called with it.
    pub unsafe fn open_for(&mut self, state: *mut R::State) {
        self.registers.open();
        if self.owner != state {
            if !self.owner.is_null() {
                // SAFETY: whoever called this with the owner keeps it as it is.
                self.registers.save(unsafe { &mut *self.owner });
            }
            // SAFETY: as the caller says.
            self.registers.load(unsafe { &*state });
            self.owner = state;
        }
        self.is_open = true;
    }

    /// Another thread may run next. What the registers hold stays.
    pub fn close(&mut self) {
        if self.is_open {
            self.registers.close();
            self.is_open = false;
        }
    }

    /// Saves the registers if they are those of `state`: it is what the thread has, and may be read,
    /// changed, or put elsewhere. They are closed afterwards.
    pub fn give_back(&mut self, state: &mut R::State) {
        if core::ptr::eq(self.owner, state) {
            self.registers.open();
            self.registers.save(state);
            self.registers.close();
            (self.owner, self.is_open) = (core::ptr::null_mut(), false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FloatingRegisters, FloatingUnit};
    use std::vec::Vec;

    #[derive(Default)]
    struct Fake {
        value: u64,
        is_open: bool,
        done: Vec<&'static str>,
    }

    impl FloatingRegisters for Fake {
        type State = u64;

        fn open(&mut self) {
            self.is_open = true;
        }

        fn close(&mut self) {
            self.is_open = false;
        }

        fn save(&mut self, state: &mut u64) {
            assert!(self.is_open);
            *state = self.value;
            self.done.push("save");
        }

        fn load(&mut self, state: &u64) {
            assert!(self.is_open);
            self.value = *state;
            self.done.push("load");
        }
    }

    /// A thread runs and adds to its registers, which traps if they are closed.
    fn add(unit: &mut FloatingUnit<Fake>, state: *mut u64, amount: u64) {
        if !unit.registers.is_open {
            // SAFETY: the states of a test stay where they are.
            unsafe { unit.open_for(state) };
        }
        unit.registers.value += amount;
    }

    #[test]
    fn each_thread_finds_what_it_left_in_every_order_of_three() {
        for order in 0..3usize.pow(6) {
            let mut unit = FloatingUnit::new(Fake::default());
            let (mut states, mut expected) = ([0u64; 3], [0u64; 3]);
            let first = states.as_mut_ptr();
            for step in 0..6 {
                let who = order / 3usize.pow(step) % 3;
                unit.close();
                add(&mut unit, first.wrapping_add(who), 1 << step);
                expected[who] += 1 << step;
            }
            for who in 0..3 {
                // SAFETY: all are elements of the array.
                unit.give_back(unsafe { &mut *first.wrapping_add(who) });
            }
            assert_eq!(states, expected);
        }
    }

    #[test]
    fn the_owner_traps_again_but_nothing_is_loaded() {
        let mut unit = FloatingUnit::new(Fake::default());
        let mut state = 5;
        let place = &raw mut state;
        add(&mut unit, place, 1);
        unit.close();
        add(&mut unit, place, 1);
        assert_eq!((unit.registers.value, unit.registers.done.as_slice()), (7, &["load"][..]));
    }

    #[test]
    fn what_was_given_back_is_loaded_anew() {
        let mut unit = FloatingUnit::new(Fake::default());
        let (mut one, mut other) = (1, 9);
        let (place, elsewhere) = (&raw mut one, &raw mut other);
        add(&mut unit, place, 1);
        // SAFETY: the only reference.
        unit.give_back(unsafe { &mut *elsewhere });
        assert!(unit.registers.is_open, "what is another's changes nothing");
        // SAFETY: as above.
        unit.give_back(unsafe { &mut *place });
        assert!(!unit.registers.is_open);
        // SAFETY: as above.
        unsafe { *place = 40 };
        add(&mut unit, place, 2);
        assert_eq!(unit.registers.value, 42);
        // SAFETY: as above.
        unit.give_back(unsafe { &mut *place });
        assert_eq!((one, other), (42, 9));
    }
}
