//! One system under one protocol: an event happens, and then the schedulers do what they do, until a
//! thread that is none runs, or nobody.

use crate::facts::{self, Fact};
use crate::operation::{self, Step, Timeout, Winner};
use crate::state::Snapshot;
use crate::system::{Plan, System};
use cedo_core::kernel::Protocol;
use cedo_core::object::thread::State;

/// Steps after which schedulers count as never coming to rest.
const MAX_STEPS: usize = 200;

/// What an event came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Who runs in the end; nobody if the core is idle.
    pub runs: Option<usize>,
    /// What the schedulers were told, sorted: the protocols tell it in different orders.
    pub facts: Vec<Fact>,
    /// Who else could run. Of schedulers that is not compared: a frozen one could, and waits.
    pub ready: Vec<usize>,
}

/// A system that is played.
pub struct Play {
    pub system: System,
    pub state: Snapshot,
    /// The first thread that schedulers prefer; the others follow round the list.
    favourite: usize,
    dispatch: Dispatch,
}

/// How schedulers dispatch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Dispatch {
    /// Each scheduler on the way is to hear of what became of its child.
    Reschedule,
    /// The thread itself goes on.
    Plain,
}

impl Play {
    /// The system at rest.
    pub fn new(plan: &Plan, protocol: Protocol, dispatch: Dispatch) -> Play {
        let mut system = System::build(&Plan { protocol, ..plan.clone() });
        let state = Snapshot::take(&mut system, None);
        let mut play = Play { system, state, favourite: 0, dispatch };
        play.settle();
        play
    }

    /// In state `from`, makes `step` happen, and lets the schedulers do their part; from now on they prefer
    /// `favourite`, or what follows it.
    pub fn happen(&mut self, from: &Snapshot, step: Step, favourite: usize) -> Outcome {
        self.state = from.clone();
        self.favourite = favourite;
        let mut told = self.make(step);
        told.extend(self.settle());
        told.sort_unstable();
        let leaves = (0..self.state.threads.len()).filter(|at| !self.is_scheduler(*at));
        let ready = leaves.filter(|at| self.state.threads[*at].state == State::Ready).collect();
        Outcome { runs: self.state.current(), facts: told, ready }
    }

    fn settle(&mut self) -> Vec<Fact> {
        let mut told = Vec::new();
        for _ in 0..MAX_STEPS {
            let Some(me) = self.state.current().filter(|me| self.is_scheduler(*me)) else {
                return told;
            };
            let step = self.decide(me);
            told.extend(self.make(step));
        }
        panic!(
            "the schedulers never come to rest: {}",
            self.state.in_words(&self.system.plan.names)
        );
    }

    /// The child that it knows of and prefers; else it waits.
    fn decide(&self, me: usize) -> Step {
        let known = self.state.records(self.state.threads[me].scheduler.delivered);
        let count = self.state.threads.len();
        match known.into_iter().min_by_key(|at| (at + count - self.favourite) % count) {
            Some(child) if self.dispatch == Dispatch::Plain => Step::Dispatch(child as u8),
            Some(child) => Step::Reschedule(child as u8),
            None if me == 0 => Step::Idle,
            None => Step::Receive(Winner::Oneself, Timeout::Never),
        }
    }

    fn make(&mut self, step: Step) -> Vec<Fact> {
        self.state.put_back(&mut self.system);
        self.system.pass_time();
        operation::perform(&mut self.system, &self.state, step);
        let after = Snapshot::take(&mut self.system, Some(&self.state));
        let told = facts::told(&self.state, &after);
        self.state = after;
        told
    }

    pub fn is_scheduler(&self, at: usize) -> bool {
        at == 0 || self.system.plan.parent.contains(&at)
    }
}
