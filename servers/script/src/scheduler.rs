//! A scheduler: dispatches one of the children that can run, as its numbers say. The root also stops,
//! starts and aborts workers, and does so when nobody can run, which keeps the story going.

use crate::call;
use crate::cast::{COUNT, Slots, WORKERS, Who};
use crate::entry::Deed;
use crate::random::Random;
use cedo_abi::call::{Call, ipc, thread};
use cedo_abi::name::ANY;
use cedo_abi::registers::{Answer, Request};
use cedo_abi::{Label, Status, notice};

/// Of so many turns, the root meddles with a worker in one.
const MEDDLES: usize = 12;

/// What the root does to a worker.
#[derive(Clone, Copy, Debug)]
enum Plan {
    /// Dispatches, waits.
    None,
    /// It has asked in which wait the worker is.
    Ask(Who),
    /// It ends that wait.
    Abort(Who, u64),
}

#[derive(Clone, Copy, Debug)]
pub struct Scheduler {
    who: Who,
    /// By thread: the token that dispatches it, or 0. One more for a child that nobody described.
    tokens: [u64; COUNT + 1],
    /// By thread: the root has stopped it.
    stopped: [bool; COUNT],
    /// Whom it dispatched last, until it hears that this came to something.
    dispatched: Option<(usize, u64)>,
    seen: u64,
    plan: Plan,
    /// It has looked for a message, and there was none.
    looked: bool,
    /// The next worker to abort.
    turn: usize,
}

impl Scheduler {
    pub fn new(who: Who) -> Scheduler {
        Scheduler {
            who,
            tokens: [0; COUNT + 1],
            stopped: [false; COUNT],
            dispatched: None,
            seen: 0,
            plan: Plan::None,
            looked: false,
            turn: 0,
        }
    }

    /// True if this is the root, no child can run, and no message is here.
    pub fn is_alone(&self) -> bool {
        self.who == Who::Root && self.looked && self.tokens.iter().all(|token| *token == 0)
    }

    /// What it does next, after it has heard what came.
    pub fn decide(&mut self, slots: &Slots, random: &mut Random, begun: bool) -> (Deed, Request) {
        if let Plan::Abort(worker, epoch) = core::mem::replace(&mut self.plan, Plan::None) {
            let to = slots.threads[worker as usize];
            return (Deed::Abort(worker), call::other(Call::Thread, thread::ABORT, to, epoch));
        }
        if begun && self.who == Who::Root && (self.is_alone() || random.below(MEDDLES) == 0) {
            return self.meddle(slots, random);
        }
        self.dispatch(random, begun)
    }

    /// Takes in who can run.
    pub fn hear(&mut self, answer: &Answer, slots: &Slots) {
        if let Plan::Ask(worker) = self.plan {
            // Word 0 of the answer is the epoch.
            self.plan = Plan::Abort(worker, answer.words[0]);
            return;
        }
        let dispatched = self.dispatched.take();
        let status = answer.status();
        self.looked = status == Status::NotReady;
        if let Some((child, token)) = dispatched
            && status == Status::News
        {
            self.tokens[child] = token;
        }
        if !status.is_done() && status != Status::News {
            return;
        }
        self.seen = answer.event();
        let says_ready = |label| {
            matches!(label, Label::Preempted | Label::Yielded | Label::Lost)
                || matches!(label, Label::Woken | Label::New | Label::Stuck)
        };
        if answer.kernel_label().is_some_and(says_ready) {
            self.put(answer.badge, answer.token, slots);
            let second = answer.words[notice::PREEMPTER];
            self.put(second, answer.words[notice::PREEMPTER_TOKEN], slots);
        }
    }

    fn put(&mut self, cookie: u64, token: u64, slots: &Slots) {
        if token == 0 {
            return;
        }
        let mine = |place: &usize| self.has(*place) && slots.cookies[*place] == cookie;
        let child = (0..COUNT).find(mine).unwrap_or(COUNT);
        self.tokens[child] = token;
    }

    /// True for its own children.
    fn has(&self, place: usize) -> bool {
        let children: [Who; 2] = match self.who {
            Who::S => [Who::A, Who::B],
            Who::T => [Who::V, Who::W],
            _ => [Who::S, Who::T],
        };
        children.iter().any(|child| *child as usize == place)
    }

    fn dispatch(&mut self, random: &mut Random, begun: bool) -> (Deed, Request) {
        let mut ready = [0; COUNT + 1];
        let mut count = 0;
        for place in (0..=COUNT).filter(|place| self.tokens[*place] != 0) {
            ready[count] = place;
            count += 1;
        }
        if count == 0 {
            let zero = if self.who == Who::Root { ipc::RECEIVE_ZERO } else { 0 };
            return (Deed::Receive, call::ipc(ipc::RECEIVE | zero, 0, ANY));
        }
        let chosen = if begun { random.below(count) } else { count - 1 };
        let child = ready[chosen];
        let token = core::mem::take(&mut self.tokens[child]);
        self.dispatched = Some((child, token));
        let reschedule = if begun && random.below(4) == 0 { ipc::RESCHEDULE } else { 0 };
        let mut request = call::ipc(ipc::SEND | ipc::RECEIVE | reschedule, token, ANY);
        request.words[0] = self.seen;
        (Deed::Dispatch(Who::at(child).unwrap_or(Who::Root)), request)
    }

    /// Stops a worker, starts one, or ends a wait.
    fn meddle(&mut self, slots: &Slots, random: &mut Random) -> (Deed, Request) {
        let alone = self.is_alone();
        self.looked = false;
        self.turn += 1;
        let worker = WORKERS[self.turn % WORKERS.len()];
        let place = worker as usize;
        let call = |sub| call::other(Call::Thread, sub, slots.threads[place], 0);
        if self.stopped[place] {
            self.stopped[place] = false;
            return (Deed::Resume(worker), call(thread::RESUME));
        }
        if !alone && random.below(2) == 0 {
            self.stopped[place] = true;
            return (Deed::Suspend(worker), call(thread::SUSPEND));
        }
        self.plan = Plan::Ask(worker);
        (Deed::Read(worker), call(thread::READ))
    }
}
