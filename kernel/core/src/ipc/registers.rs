//! Register state in UTCBs: told to who may know it, installed by who may change it (DESIGN.md
//! section 5). The floating-point group has places of its own there, and is moved only if it is asked
//! for: the machine may still have it in its registers.

use crate::kernel::Kernel;
use cedo_abi::Status;
use cedo_abi::state::{self, FLOATING_POINT_WORDS};
use cedo_abi::utcb::{STATE_WORDS, StateArea, Utcb};
use cedo_floor::ThreadId;
use cedo_machine::{Context, Frame, Machine};
use core::mem::offset_of;
use core::sync::atomic::Ordering;

/// Which of the areas for state in a UTCB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Area {
    /// Where the kernel writes.
    Received,
    /// Where the owner writes.
    Reply,
    /// What goes to another core and comes from there: the owner, which made a fault, may be in the
    /// middle of reading what it has received.
    Away,
}

impl Area {
    const fn general(self) -> usize {
        match self {
            Area::Received => offset_of!(Utcb, received) / 8,
            Area::Reply => offset_of!(Utcb, reply) / 8,
            Area::Away => offset_of!(Utcb, away) / 8,
        }
    }

    const fn floating(self) -> usize {
        match self {
            Area::Received => offset_of!(Utcb, received_floating) / 8,
            Area::Reply => offset_of!(Utcb, reply_floating) / 8,
            Area::Away => offset_of!(Utcb, away_floating) / 8,
        }
    }
}

impl<M: Machine> Kernel<M> {
    /// Writes those groups of the registers of `about`, of this core, that `mask` names into a UTCB,
    /// whose owner may read them.
    pub fn tell_state(&mut self, about: ThreadId, mask: u64, utcb: Frame) {
        self.write_state(about, mask, (utcb, Area::Received));
    }

    fn write_state(&mut self, about: ThreadId, mask: u64, (utcb, place): (Frame, Area)) {
        let mut area = StateArea::EMPTY;
        self.look(about).context.save_state(mask, &mut area);
        self.put_state((utcb, place), &area);
        if mask & state::FLOATING_POINT != 0 {
            self.machine.save_floating(&mut self.objects.thread(about).context);
            let words = self.look(about).context.floating();
            self.put(utcb, place.floating(), &words);
        }
    }

    /// The registers that go with a fault: none where the fault is another thread's.
    pub fn tell_fault_state(&mut self, faulter: ThreadId, mask: u64, to: (Frame, Area)) {
        let is_own = self.look(faulter).faulted_for.is_none();
        self.write_state(faulter, if is_own { mask } else { 0 }, to);
    }

    /// Passes the groups of `area`, which is at `from`, on.
    fn pass_state(&self, from: (Frame, Area), area: &StateArea, to: (Frame, Area)) {
        self.put_state(to, area);
        if area.mask & state::FLOATING_POINT != 0 {
            self.put(to.0, to.1.floating(), &self.floating_in(from.0, from.1));
        }
    }

    /// Passes `area`, of the UTCB of a handler, on to who made a fault on another core.
    pub fn send_state(&self, from: Frame, area: &StateArea, to: Frame) {
        self.pass_state((from, Area::Reply), area, (to, Area::Away));
    }

    /// Passes those groups of `mask` that have come from another core on to the owner of a UTCB.
    pub fn pass_away_state(&self, from: Frame, mask: u64, to: Frame) {
        let area = self.away_state(from, mask);
        self.pass_state((from, Area::Away), &area, (to, Area::Received));
    }

    /// Gives `id`, of this core, the registers in `area`, which is that of a UTCB and was checked: a
    /// call that it was to make again is forgotten.
    pub fn install(&mut self, id: ThreadId, area: &StateArea, utcb: Frame, place: Area) {
        let installed = self.thread(id).context.install_state(area);
        if installed && area.mask & state::FLOATING_POINT != 0 {
            let words = self.floating_in(utcb, place);
            let context = &mut self.objects.thread(id).context;
            self.machine.save_floating(context);
            context.install_floating(&words);
        }
        if installed && area.mask & state::GENERAL != 0 {
            self.forget_repeat(id);
        }
        // If it ran before this entry, the way out loads what it has now.
        self.objects.forget_current(id);
    }

    /// Gives `id` the registers that another core has put into its own UTCB.
    pub fn install_away(&mut self, id: ThreadId) {
        let utcb = self.look(id).utcb;
        let area = self.away_state(utcb, state::ALL);
        self.install(id, &area, utcb, Area::Away);
    }

    /// Errors: `BadAddress` if a thread cannot have this state.
    pub fn check_state(&self, area: &StateArea) -> Result<(), Status> {
        if M::Context::may_have(area) { Ok(()) } else { Err(Status::BadAddress) }
    }

    /// Reads the state that a thread wants to have installed.
    pub fn reply_state(&self, utcb: Frame) -> StateArea {
        self.get_state(utcb, Area::Reply)
    }

    /// Reads those groups of `mask` of the state that another core has put into a UTCB, or is to have.
    fn away_state(&self, utcb: Frame, mask: u64) -> StateArea {
        let area = self.get_state(utcb, Area::Away);
        StateArea { mask: area.mask & mask, ..area }
    }

    /// Writes the groups of `area` into a part of a UTCB where the kernel writes state.
    fn put_state(&self, (utcb, place): (Frame, Area), area: &StateArea) {
        let first = place.general();
        self.put(utcb, first, &[area.mask]);
        if area.mask & state::GENERAL != 0 {
            self.put(utcb, first + 1, &area.general[..M::Context::GENERAL_WORDS]);
        }
        if area.mask & state::BASES != 0 {
            self.put(utcb, first + 1 + state::GENERAL_WORDS, &area.bases);
        }
    }

    fn put(&self, utcb: Frame, first: usize, values: &[u64]) {
        let Some(words) = self.objects.words(utcb) else { return };
        let places = words.iter().skip(first);
        places.zip(values).for_each(|(word, value)| word.store(*value, Ordering::Relaxed));
    }

    fn get_state(&self, utcb: Frame, place: Area) -> StateArea {
        let mut area = StateArea::EMPTY;
        let Some(words) = self.objects.words(utcb) else { return area };
        let words = words.iter().skip(place.general()).take(STATE_WORDS);
        let mut words = words.map(|word| word.load(Ordering::Relaxed));
        area.mask = words.next().unwrap_or(0);
        let general = &mut area.general[..M::Context::GENERAL_WORDS];
        general.iter_mut().zip(words.clone()).for_each(|(place, word)| *place = word);
        let bases = words.skip(state::GENERAL_WORDS);
        area.bases.iter_mut().zip(bases).for_each(|(place, word)| *place = word);
        area
    }

    fn floating_in(&self, utcb: Frame, place: Area) -> [u64; FLOATING_POINT_WORDS] {
        let mut floating = [0; FLOATING_POINT_WORDS];
        if let Some(words) = self.objects.words(utcb) {
            let words = words.iter().skip(place.floating());
            floating
                .iter_mut()
                .zip(words)
                .for_each(|(to, word)| *to = word.load(Ordering::Relaxed));
        }
        floating
    }
}
