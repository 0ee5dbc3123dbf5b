//! One thread of the program.

use crate::cast::{Slots, Who};
use crate::entry::{Deed, Entry};
use crate::random::Random;
use crate::scheduler::Scheduler;
use crate::worker::Worker;
use cedo_abi::registers::{Answer, Request};

/// One thread: what it does next depends on its kind, its stream of numbers, and what its last call
/// came to.
#[derive(Clone, Copy, Debug)]
pub struct Actor {
    who: Who,
    kind: Kind,
    random: Random,
    /// What it did last, as soon as the story has begun for it.
    did: Option<Deed>,
}

/// What an actor does in its turn.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// The call it makes.
    pub request: Request,
    /// The story has begun.
    pub begun: bool,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Scheduler(Scheduler),
    Worker(Worker),
}

impl Actor {
    /// The thread `who` of the program `seed`.
    pub fn new(who: Who, seed: u64) -> Actor {
        let kind = match who.is_scheduler() {
            true => Kind::Scheduler(Scheduler::new(who)),
            false => Kind::Worker(Worker::new(who)),
        };
        Actor { who, kind, random: Random::new(seed, who as u64), did: None }
    }

    /// What its last call came to, as a line of the story. None before it began.
    pub fn entry(&self, answer: &Answer, slots: &Slots) -> Option<Entry> {
        Some(Entry::new(self.who, self.did?, answer, slots))
    }

    /// Its next call, after `answer`. `begun`: the story has begun; before that, workers wait to be
    /// called, and schedulers let everybody get there. It begins when the root finds nobody else with
    /// anything to do.
    pub fn next(&mut self, answer: &Answer, slots: &Slots, begun: bool) -> Turn {
        let random = &mut self.random;
        let (deed, request, begun) = match &mut self.kind {
            Kind::Scheduler(scheduler) => {
                scheduler.hear(answer, slots);
                let begun = begun || scheduler.is_alone();
                let (deed, request) = scheduler.decide(slots, random, begun);
                (deed, request, begun)
            }
            Kind::Worker(worker) => {
                let (deed, request) = worker.next(answer, slots, random, begun);
                (deed, request, begun)
            }
        };
        self.did = begun.then_some(deed);
        Turn { request, begun }
    }
}
