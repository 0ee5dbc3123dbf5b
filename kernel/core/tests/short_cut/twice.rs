//! One step; if it is a call, or the deadline passes, made twice.

use crate::operation::{self, Step};
use crate::state::Snapshot;
use crate::system::System;
use cedo_abi::call::ipc;
use cedo_abi::{MESSAGE_WORDS, Tag};
use cedo_arch_host::{Random, Roles};
use cedo_core::object::thread::State;
use cedo_machine::atomic::Ordering;
use cedo_machine::{Context, Frame, Machine, Next, Ticks};
use std::fmt::Debug;

/// A system in which steps are made.
pub struct Twice {
    system: System,
}

/// What a step led to.
pub struct Made {
    pub state: Snapshot,
    /// Of what is made twice: whether it took a short cut.
    pub short: Option<bool>,
}

/// The words of all UTCBs, by thread.
type Utcbs = Vec<[u64; MESSAGE_WORDS]>;

impl Twice {
    pub fn new(system: System) -> Twice {
        Twice { system }
    }

    /// Makes `step` in `state`. Other interrupts and faults have one way only.
    pub fn make(&mut self, random: &mut Random, state: &Snapshot, step: Step) -> Made {
        if matches!(step, Step::Interrupt(_) | Step::Signal | Step::Fault) {
            state.put_back(&mut self.system);
            self.system.pass_time();
            operation::perform(&mut self.system, state, step);
            return Made { state: Snapshot::take(&mut self.system, Some(state)), short: None };
        }
        let roles = (step != Step::Timer).then(|| self.roles(random, state, step));
        let utcbs = self.utcbs(state).map(|_| std::array::from_fn(|_| random.number())).collect();
        let [short, general] =
            [true, false].map(|may_be_short| self.enter(state, roles, &utcbs, may_be_short));
        let what = || operation::in_words(&self.system.plan.names, state.current(), step);
        assert_eq!(short.utcbs, general.utcbs, "{}: the words in UTCBs", what());
        assert_eq!(short.next, general.next, "{}: what the entry code does next", what());
        assert_eq!(short.deadline_ns, general.deadline_ns, "{}: the deadline", what());
        let (mut one, mut other) = (short.state, general.state);
        forget_what_may_differ(&mut one, state.current());
        forget_what_may_differ(&mut other, state.current());
        if let Some(difference) = difference(&one, &other) {
            panic!("{}, {roles:x?}: {difference}", what());
        }
        Made { state: if random.below(2) == 0 { one } else { other }, short: Some(short.is_short) }
    }

    /// The registers of the call `step`; whatever is free in them, of any value.
    fn roles(&self, random: &mut Random, state: &Snapshot, step: Step) -> Roles {
        let mut roles = operation::roles(&self.system, state, step);
        roles.tag = tag(random, step);
        if matches!(step, Step::Dispatch(_) | Step::Reschedule(_)) {
            roles.words[1] = random.number();
            // Without being a root, an error.
            let sets_deadline = random.below(4) == 0;
            roles.operation |= if sets_deadline { ipc::DEADLINE } else { 0 };
            // An old view of what is pending.
            roles.words[0] ^= u64::from(random.below(16) == 0);
        } else if roles.operation as u8 == 0 {
            roles.words = std::array::from_fn(|_| random.number());
        }
        roles
    }

    /// `roles`: of a call; nothing if the deadline passes.
    fn enter(
        &mut self,
        state: &Snapshot,
        roles: Option<Roles>,
        utcbs: &Utcbs,
        may_be_short: bool,
    ) -> Entered {
        state.put_back(&mut self.system);
        self.set_utcbs(state, utcbs);
        self.system.pass_time();
        let kernel = self.system.kernel();
        kernel.machine.set_deadline(None);
        let (next, is_short) = match roles {
            Some(roles) => operation::enter(kernel, &roles, may_be_short),
            None => operation::pass_deadline(kernel, may_be_short),
        };
        Entered {
            next,
            is_short,
            deadline_ns: self.system.world.deadline_ns(self.system.core),
            state: Snapshot::take(&mut self.system, Some(state)),
            utcbs: self.utcbs(state).map(|utcb| self.words(utcb)).collect(),
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
    deadline_ns: Option<u64>,
    state: Snapshot,
    utcbs: Utcbs,
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
