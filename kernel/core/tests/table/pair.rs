//! Two cores whose roots work when they have to, and whose posts are taken when somebody says so.

use crate::operation::{self, Step, Timeout, Winner};
use crate::state::Snapshot;
use crate::system::{Plan, System};
use cedo_machine::{CoreNumber, Upcalls};

/// Steps after which a thread counts as one that never runs, or posts as endless.
const MANY: usize = 60;

/// The kernels of two cores, and what they are doing.
pub struct Pair {
    pub system: System,
    pub state: Snapshot,
}

impl Pair {
    pub fn build(plan: &Plan) -> Pair {
        let mut system = System::build(plan);
        let state = Snapshot::take(&mut system, None);
        Pair { system, state }
    }

    pub fn look_at(&mut self, core: CoreNumber) {
        self.system.core = core;
        self.state = Snapshot::take(&mut self.system, Some(&self.state));
    }

    pub fn step(&mut self, step: Step) {
        operation::perform(&mut self.system, &self.state, step);
        self.state = Snapshot::take(&mut self.system, Some(&self.state));
    }

    /// Lets the root of its core work until `thread` runs.
    pub fn until_runs(&mut self, thread: u8) {
        self.look_at(self.system.homes[usize::from(thread)]);
        for _ in 0..MANY {
            let me = self.state.current().expect("somebody can run");
            if me == usize::from(thread) {
                return;
            }
            let delivered = self.state.threads[me].scheduler.delivered;
            if me != self.state.root() {
                self.step(Step::Yield);
            } else if self.state.records(delivered).contains(&usize::from(thread)) {
                self.step(Step::Dispatch(thread));
            } else {
                self.step(Step::Receive(Winner::Oneself, Timeout::Never));
            }
        }
        panic!("{thread} never runs: {}", self.state.in_words(&self.system.plan.names));
    }

    pub fn does(&mut self, thread: u8, step: Step) {
        self.until_runs(thread);
        self.step(step);
    }

    /// `thread`, which runs, makes the call that the kernel lets it make again, if there is one.
    pub fn repeat(&mut self, thread: u8) {
        if self.state.threads[usize::from(thread)].repeat.is_some() {
            self.system.kernel().system_call();
            self.state = Snapshot::take(&mut self.system, Some(&self.state));
        }
    }

    /// Both cores take their posts until there are none.
    pub fn pump(&mut self) {
        for _ in 0..MANY {
            self.look_at(CoreNumber(0));
            let Some(core) = self.state.signalled.iter().position(|signalled| *signalled) else {
                return;
            };
            self.look_at(CoreNumber(core as u8));
            self.step(Step::Signal);
        }
        panic!("posts without end");
    }
}
