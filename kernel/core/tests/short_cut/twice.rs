//! One step; if it is a call, made twice.

use crate::operation::{self, Step};
use crate::state::Snapshot;
use crate::system::System;
use cedo_abi::{MESSAGE_WORDS, Tag, Token};
use cedo_arch_host::{Random, Roles};
use cedo_core::object::thread::State;
use cedo_floor::ThreadId;
use cedo_machine::atomic::Ordering;
use cedo_machine::{Context, Frame, Next, Ticks};
use std::fmt::Debug;

/// A system in which steps are made.
pub struct Twice {
    system: System,
}

/// What a step led to.
pub struct Made {
    pub state: Snapshot,
    /// Of a call: whether it took the short cut.
    pub short: Option<bool>,
}

/// The words of all UTCBs, by thread.
type Utcbs = Vec<[u64; MESSAGE_WORDS]>;

/// True for a call, and not a reply.
pub fn is_call(step: Step) -> bool {
    matches!(step, Step::Call(_) | Step::CallWithoutDonation(_))
}

impl Twice {
    pub fn new(system: System) -> Twice {
        Twice { system }
    }

    /// Makes `step` in `state`. Interrupts and faults have one way only.
    pub fn make(&mut self, random: &mut Random, state: &Snapshot, step: Step) -> Made {
        if matches!(step, Step::Interrupt(_) | Step::Timer | Step::Signal | Step::Fault) {
            state.put_back(&mut self.system);
            self.system.pass_time();
            operation::perform(&mut self.system, state, step);
            return Made { state: Snapshot::take(&mut self.system, Some(state)), short: None };
        }
        let mut roles = operation::roles(&self.system, state, step);
        roles.tag = tag(random, step);
        if roles.operation as u8 == 0 && !matches!(step, Step::Dispatch(_) | Step::Reschedule(_)) {
            roles.words = std::array::from_fn(|_| random.number());
        }
        if matches!(step, Step::ReplyAndWait(..)) && random.below(8) == 0 {
            roles.to = older(roles.to);
        }
        let utcbs = self.utcbs(state).map(|_| std::array::from_fn(|_| random.number())).collect();
        let [short, general] =
            [true, false].map(|may_be_short| self.enter(state, &roles, &utcbs, may_be_short));
        let what = || operation::in_words(&self.system.plan.names, state.current(), step);
        assert_eq!(short.utcbs, general.utcbs, "{}: the words in UTCBs", what());
        assert_eq!(short.next, general.next, "{}: what the entry code does next", what());
        let (mut one, mut other) = (short.state, general.state);
        forget_what_may_differ(&mut one, state.current());
        forget_what_may_differ(&mut other, state.current());
        if let Some(difference) = difference(&one, &other) {
            panic!("{}, {roles:x?}: {difference}", what());
        }
        Made { state: if random.below(2) == 0 { one } else { other }, short: Some(short.is_short) }
    }

    fn enter(
        &mut self,
        state: &Snapshot,
        roles: &Roles,
        utcbs: &Utcbs,
        may_be_short: bool,
    ) -> Entered {
        state.put_back(&mut self.system);
        self.set_utcbs(state, utcbs);
        self.system.pass_time();
        let local = self.system.kernel().local;
        let before = (local.current, local.page_table);
        let (next, is_short) = operation::enter(self.system.kernel(), roles, may_be_short);
        if next == Next::User {
            self.machine_was_told(before);
        }
        Entered {
            next,
            is_short,
            state: Snapshot::take(&mut self.system, Some(state)),
            utcbs: self.utcbs(state).map(|utcb| self.words(utcb)).collect(),
        }
    }

    /// Whoever runs now is current in the store, and the machine has been told of each change.
    fn machine_was_told(&self, before: (Option<ThreadId>, Frame)) {
        let core = self.system.core;
        let kernel = self.system.world.kernel(core);
        let id = kernel.local.current.expect("somebody runs");
        let page_table = kernel.look(id).page_table;
        assert!(kernel.objects.is_current(id), "the store knows who is current");
        assert_eq!(kernel.local.page_table, page_table, "the kernel knows the page table");
        let world = &self.system.world;
        if before.0 != Some(id) {
            assert_eq!(world.current(core).map(|frame| frame.0), Some(id.number().get()));
        }
        if before.1 != page_table {
            assert_eq!(world.root(core), Some(page_table), "the machine has that page table");
        }
    }

    /// The UTCBs of all threads that exist.
    fn utcbs(&self, state: &Snapshot) -> impl Iterator<Item = Frame> {
        let threads = state.threads.iter().zip(&state.alive);
        let living = threads.filter(|(_, alive)| **alive);
        living.map(|(thread, _)| thread.utcb).collect::<Vec<_>>().into_iter()
    }

    fn words(&self, utcb: Frame) -> [u64; MESSAGE_WORDS] {
        let kernel = self.system.world.kernel(self.system.core);
        let words = kernel.objects.words(utcb);
        std::array::from_fn(|at| words.map_or(0, |words| words[at].load(Ordering::Relaxed)))
    }

    fn set_utcbs(&mut self, state: &Snapshot, utcbs: &Utcbs) {
        let kernel = self.system.world.kernel(self.system.core);
        for (frame, values) in self.utcbs(state).zip(utcbs) {
            let words = kernel.objects.words(frame).into_iter().flatten();
            words.zip(values).for_each(|(word, value)| word.store(*value, Ordering::Relaxed));
        }
    }
}

struct Entered {
    next: Next,
    is_short: bool,
    state: Snapshot,
    utcbs: Utcbs,
}

/// The token of the call before, of the same client.
fn older(token: u64) -> u64 {
    let token = Token(token);
    Token::new(token.frame(), token.sequence().wrapping_sub(2)).0
}

/// A tag of any length, mostly; of other operations 0.
fn tag(random: &mut Random, step: Step) -> u64 {
    if !step.is_ipc() {
        return 0;
    }
    let tag = Tag::new(random.number() as u32, random.below(MESSAGE_WORDS + 2)).0;
    // Flags are the kernel's: it clears them.
    if random.below(8) == 0 { tag | 1 << 16 } else { tag }
}

/// Who made the call and waits now has no message: what is in its registers does not matter. Neither does
/// when time was charged last; to whom it was does.
fn forget_what_may_differ(state: &mut Snapshot, caller: Option<usize>) {
    state.locals.iter_mut().for_each(|local| local.charged = Ticks(0));
    let Some(thread) = caller.map(|caller| &mut state.threads[caller]) else { return };
    if matches!(thread.state, State::Open | State::Reply(_)) {
        thread.context.set_result(0);
        thread.context.set_message(0, 0, 0);
        thread.context.set_words(&[0; 7]);
    }
}

/// The first difference between two states, for a person.
fn difference(short: &Snapshot, general: &Snapshot) -> Option<String> {
    fn differ<T: PartialEq + Debug>(what: &str, short: &[T], general: &[T]) -> Option<String> {
        let both = short.iter().zip(general).enumerate();
        let (at, (short, general)) = both.into_iter().find(|(_, (a, b))| a != b)?;
        Some(format!("{what} {at}:\n  short   {short:x?}\n  general {general:x?}"))
    }
    differ("thread", &short.threads, &general.threads)
        .or_else(|| differ("the mail of thread", &short.mails, &general.mails))
        .or_else(|| differ("the core", &short.locals, &general.locals))
        .or_else(|| differ("interrupt", &short.irqs, &general.irqs))
        .or_else(|| differ("what is posted to core", &short.posted, &general.posted))
        .or_else(|| differ("signalled: core", &short.signalled, &general.signalled))
        .or_else(|| differ("alive: thread", &short.alive, &general.alive))
        .or_else(|| differ("can be named: thread", &short.named, &general.named))
}
