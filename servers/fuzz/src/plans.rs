//! Sequences of calls that lead somewhere: a thread from creation to its first grant, a Space with a
//! thread in it, an interrupt acknowledged.

use crate::generator::Source;
use crate::objects::{destroy, on_thread, unmap};
use crate::spec::{Spec, Word};
use crate::surroundings::MADE;
use cedo_abi::call::{Call, ipc, thread};
use cedo_abi::name::{ANY, SELF};

/// Longest plan.
const LONGEST: usize = 10;

/// Calls to be made one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    steps: [Spec; LONGEST],
    next: usize,
    end: usize,
}

impl Plan {
    /// Nothing to do.
    pub const EMPTY: Plan =
        Plan { steps: [Spec::new(Call::Yield, 0, 0); LONGEST], next: 0, end: 0 };

    fn of(steps: &[Spec]) -> Plan {
        let mut plan = Plan::EMPTY;
        for (place, step) in plan.steps.iter_mut().zip(steps) {
            *place = *step;
        }
        plan.end = steps.len().min(LONGEST);
        plan
    }

    /// The next step, if there is one.
    pub fn take(&mut self) -> Option<Spec> {
        let step = (self.next < self.end).then(|| self.steps[self.next]);
        self.next += 1;
        step
    }
}

impl Source<'_> {
    /// A plan.
    pub(crate) fn plan(&mut self) -> Plan {
        match self.random.below(17) {
            0..=3 => self.spawn(),
            4 => self.kill(),
            5..=6 => self.new_space(),
            7 => self.end_space(),
            8 => self.interrupt(),
            9 => self.change_memory(),
            10..=11 => self.cancel(),
            12..=14 => self.serve(),
            15 => self.adopt(),
            _ => self.migrate_started(),
        }
    }

    /// A thread from creation to its first grant, if this thread is its scheduler.
    fn spawn(&mut self) -> Plan {
        let index = self.random.below(MADE[0]);
        let slot = self.around.made_threads().at(index);
        let space =
            if self.random.once_in(4) { self.around.made_spaces().one(self.random) } else { SELF };
        let gate = self.around.made_gates().at(index);
        Plan::of(&[
            self.create_thread(index, space),
            self.set_scheduler(slot),
            self.make_gate(slot, gate, SELF),
            self.resume(slot),
            self.poll(),
            self.dispatch(),
        ])
    }

    fn kill(&mut self) -> Plan {
        let slot = self.around.made_threads().one(self.random);
        let first = if self.random.once_in(2) {
            on_thread(thread::SUSPEND, slot)
        } else {
            self.resume(slot)
        };
        Plan::of(&[first, destroy(slot), destroy(slot)])
    }

    /// A Space with a stock, capabilities, memory and a thread.
    fn new_space(&mut self) -> Plan {
        let index = self.random.below(MADE[1]);
        let slot = self.around.made_spaces().at(index);
        let thread = self.random.below(MADE[0]);
        let thread_slot = self.around.made_threads().at(thread);
        Plan::of(&[
            self.create_space(index),
            self.stock(slot),
            self.stock(slot),
            self.copy(slot),
            self.copy(slot),
            self.map(slot),
            self.create_thread(thread, slot),
            self.set_scheduler(thread_slot),
            self.resume(thread_slot),
        ])
    }

    fn end_space(&mut self) -> Plan {
        let slot = self.around.made_spaces().one(self.random);
        let thread = self.around.made_threads().one(self.random);
        Plan::of(&[destroy(thread), destroy(slot), destroy(slot), destroy(slot), destroy(slot)])
    }

    /// An interrupt object, taken and acknowledged, and its end.
    fn interrupt(&mut self) -> Plan {
        let index = self.random.below(MADE[3]);
        let slot = self.around.made_irqs().at(index);
        let acknowledge = Spec::new(Call::Ipc, 0, ipc::SEND).between(Word::NEWEST, Word::ZERO);
        let last = if self.random.once_in(2) { destroy(slot) } else { acknowledge };
        Plan::of(&[self.create_irq(index), self.poll(), acknowledge, self.poll(), last])
    }

    fn change_memory(&mut self) -> Plan {
        let address = self.around.address(self.random);
        let pages = 1 + self.random.below(4);
        let region = self.around.region(self.random);
        Plan::of(&[
            self.map_at(SELF, region, address),
            unmap(SELF, address, pages),
            self.map_at(SELF, region, address),
        ])
    }

    /// The wait of a thread is cancelled with its right epoch, or it is stopped and started.
    fn cancel(&mut self) -> Plan {
        let target = self.around.thread(self.random);
        let mut abort = on_thread(thread::ABORT, target);
        abort.words[0] = Word::Epoch;
        let start = self.resume(target);
        let read = self.read(target);
        if self.random.once_in(2) {
            Plan::of(&[read, abort])
        } else {
            Plan::of(&[read, on_thread(thread::SUSPEND, target), start])
        }
    }

    /// Takes a message and answers it: a server, or a scheduler that grants what it gets.
    fn serve(&mut self) -> Plan {
        let mut answer = Spec::new(Call::Ipc, 0, ipc::SEND | ipc::RECEIVE)
            .between(Word::NEWEST, Word::Plain(ANY));
        answer.words[0] = Word::Event;
        if self.random.once_in(2) {
            answer.operation |= ipc::RECEIVE_ZERO;
        }
        Plan::of(&[self.poll(), self.dispatch(), answer, answer])
    }

    /// A thread is stopped and goes to another scheduler.
    fn adopt(&mut self) -> Plan {
        let child = self.around.thread(self.random);
        let stop = on_thread(thread::SUSPEND, child);
        Plan::of(&[stop, self.set_scheduler(child), self.resume(child), self.poll()])
    }

    /// A thread is stopped and goes to a scheduler that may be another core's, perhaps with a call to it
    /// under way.
    fn migrate_started(&mut self) -> Plan {
        let child = self.around.thread(self.random);
        let stop = on_thread(thread::SUSPEND, child);
        let (there, on) = (self.migrate(child), self.migrate(child));
        if self.random.once_in(2) {
            Plan::of(&[stop, there, self.resume(child), self.call()])
        } else {
            Plan::of(&[stop, there, on, self.resume(child), self.poll()])
        }
    }
}
