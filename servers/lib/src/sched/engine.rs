//! The loop: hear, choose, dispatch.

use super::book::Book;
use super::lending::{Lending, bit, children};
use super::sleepers::{DONE, FULL, REFUSED, SLEEP_UNTIL, Sleepers};
use crate::capability::{Core, Thread};
use crate::clock::Clock;
use crate::driver::reply;
use crate::environment::Environment;
use crate::ipc::{Ipc, Message, Partner};
use crate::policy::{Decision, Grant, PARAMETERS, Policy, Why};
use crate::processor::Protocol;
use cedo_abi::call::core::{ON_EMPTY_HALT, RUN_WOKEN};
use cedo_abi::call::{ipc, thread};
use cedo_abi::{Label, Status, Token, notice};

/// Parameters of a child that no description names: one that was adopted, such as the first server
/// when its root's place is taken. It handles everybody's faults: most urgent.
const ADOPTED: [u64; PARAMETERS] = [u64::MAX, 0, 0, 0];

/// A deadline that the core may or may not be set to: it is set again.
const UNKNOWN: u64 = u64::MAX;

/// Runs `policy` over the children that the environment names, for ever.
pub fn run<P: Policy>(environment: &Environment, policy: &mut P) -> ! {
    let mut scheduler = Scheduler::new(environment, policy);
    loop {
        scheduler.step();
    }
}

/// A policy and what the loop keeps for it.
pub struct Scheduler<'a, P> {
    pub(super) policy: &'a mut P,
    /// The core, of a root.
    root: Option<Core>,
    chain: bool,
    clock: Clock,
    pub(super) now_ns: u64,
    /// Event number of the last message.
    seen: u64,
    /// The deadline the core is set to; 0: none, [`UNKNOWN`].
    armed_ns: u64,
    /// Flags of the idle operation, of a root.
    idle_flags: u64,
    /// What the last dispatch was, until something is heard.
    running: Option<Turn>,
    /// Bit by child: the policy has it as ready.
    offered: u64,
    /// Bit by child: a fault stopped it that nobody handles.
    pub(super) faulty: u64,
    pub(super) book: Book,
    sleepers: Sleepers,
    pub(super) lending: Lending,
    /// What children know this scheduler by.
    pub(super) family: u64,
}

/// A turn of a child, and who runs in it: another one if it lends its turns.
#[derive(Clone, Copy)]
struct Turn {
    of: usize,
    runs: usize,
}

impl<'a, P: Policy> Scheduler<'a, P> {
    /// Admits the children of the environment.
    pub fn new(environment: &Environment, policy: &'a mut P) -> Self {
        let mut known = 0;
        for (number, child) in environment.children().take(crate::policy::CHILDREN).enumerate() {
            policy.admit(number, &child.parameters);
            known = number + 1;
        }
        let root = if environment.is_root() { environment.my_core() } else { None };
        if root.is_none() {
            // Without *blocked* a core could idle while another child waits for its turn. A kernel
            // that refuses has no such option, and asking again would not help.
            let _ = Thread::set_my_options(thread::ASK_BLOCKED);
        }
        let clock = Clock::of_core(environment.core_number());
        Scheduler {
            policy,
            root,
            chain: environment.protocol() == Protocol::Chain,
            clock,
            now_ns: clock.now_ns(),
            seen: 0,
            armed_ns: 0,
            idle_flags: if environment.is_quiet() { quiet(root) } else { 0 },
            running: None,
            offered: 0,
            faulty: 0,
            book: Book::new(known),
            sleepers: Sleepers::new(),
            lending: Lending::new(),
            family: u64::from(environment.thread_index()) + 1,
        }
    }

    /// Once around: choose, dispatch or wait, hear.
    pub fn step(&mut self) {
        self.wake_sleepers();
        self.wake_late();
        match self.policy.choose(self.now_ns) {
            Some(decision) => {
                self.offered &= !bit(decision.child);
                self.dispatch(decision);
            }
            None => self.wait(),
        }
    }

    fn dispatch(&mut self, decision: Decision) {
        let turn = Turn { of: decision.child, runs: self.lending.stands_in(decision.child) };
        let Some(token) = self.book.take(turn.runs) else {
            // Who it lends its turns to cannot run; it is offered again when that one can.
            self.blocked(turn.of);
            return;
        };
        let (mut flags, mut deadline_ns) = (0, 0);
        if self.root.is_some() {
            deadline_ns = self.deadline_ns(decision.until_ns);
            if deadline_ns != self.armed_ns {
                // Only a dispatch that succeeds is sure to have set it.
                self.armed_ns = UNKNOWN;
                flags |= ipc::DEADLINE;
            }
        }
        if decision.grant == Grant::Fresh {
            flags |= ipc::RESCHEDULE;
        }
        let words = [self.seen, deadline_ns, 0, 0, 0, 0, 0];
        let message = Ipc::reply_and_wait(token).flags(flags).message(0, 2, words).make();
        self.now_ns = self.clock.now_ns();
        match message.status {
            Status::News => {
                // Nothing was consumed: the child is ready as before.
                self.running = Some(turn);
                self.ready(turn.runs, token, Why::Preempted);
                self.running = None;
                self.hear(&message);
            }
            status if status.is_done() => {
                self.running = Some(turn);
                self.armed_ns = deadline_ns;
                self.hear(&message);
            }
            // The child stopped being ready: there will be a message when it is again.
            _ => self.end(turn),
        }
    }

    /// Nobody is ready: halts the core (root), or gives the processor up until there is news.
    fn wait(&mut self) {
        let message = match self.root {
            Some(core) => {
                let deadline_ns = self.next_wake_ns();
                if let Some(deadline_ns) = deadline_ns {
                    self.armed_ns = deadline_ns;
                }
                core.idle(self.seen, deadline_ns, self.idle_flags)
            }
            None => Ipc::receive(Partner::ANY).make(),
        };
        self.now_ns = self.clock.now_ns();
        match message.status {
            status if status.is_done() => self.hear(&message),
            Status::Aborted | Status::Stale | Status::PartnerGone => {}
            status => panic!("the scheduler cannot wait: {status:?}"),
        }
    }

    fn hear(&mut self, message: &Message) {
        self.take_in(message);
        if self.chain && message.kernel_label() == Some(Label::Preempted) {
            let second = Ipc::receive(Partner::ANY).receive_zero().make();
            if second.arrived() {
                self.take_in(&second);
            }
        }
        self.end_turn();
        // A deadline that has passed is spent.
        if self.armed_ns <= self.now_ns {
            self.armed_ns = 0;
        }
    }

    fn take_in(&mut self, message: &Message) {
        self.seen = message.event;
        let why = match message.kernel_label() {
            Some(Label::Preempted) => Why::Preempted,
            Some(Label::Yielded) => Why::Yielded,
            Some(Label::Lost) => Why::Lost,
            Some(Label::New) => Why::New,
            Some(Label::Woken | Label::Stuck | Label::Lease) => Why::Woken,
            Some(Label::Blocked) => return self.stopped(message.badge),
            Some(Label::Fault) => return self.faulted(message.badge),
            Some(Label::Irq) => return self.interrupted(message),
            Some(Label::Idle | Label::Kick) => return,
            None => return self.serve(message),
        };
        if let Some(token) = message.token() {
            self.hear_of(message.badge, token, why);
        }
        let second = message.words[notice::PREEMPTER_TOKEN];
        if second != 0 {
            self.hear_of(message.words[notice::PREEMPTER], Token(second), Why::Woken);
        }
    }

    /// The core's deadline, or a device of this scheduler: a child may have lost the processor to it.
    fn interrupted(&mut self, message: &Message) {
        let token = message.words[notice::IRQ_CHILD_TOKEN];
        if token != 0 {
            self.hear_of(message.words[notice::IRQ_CHILD], Token(token), Why::Preempted);
        }
        acknowledge(message);
    }

    /// The child with this cookie is ready. An unknown one is adopted, if there is room.
    fn hear_of(&mut self, cookie: u64, token: Token, why: Why) {
        if let Some(child) = self.book.child(cookie) {
            return self.ready(child, token, why);
        }
        let Some(child) = self.book.add() else { return };
        if Thread::set_cookie(token, child as u64 + 1).is_ok() {
            self.policy.admit(child, &ADOPTED);
            self.ready(child, token, why);
        }
    }

    /// The child can run, and with it whoever lends it turns.
    fn ready(&mut self, child: usize, token: Token, why: Why) {
        self.lending.leave(child);
        self.faulty &= !bit(child);
        self.book.put(child, token);
        match self.running {
            Some(turn) if turn.runs == child && turn.of != child => {
                self.offer(turn.of, why);
                self.offer(child, Why::Woken);
            }
            _ => {
                self.offered |= bit(child);
                self.policy.ready(child, why, self.now_ns);
            }
        }
        for helper in children(self.lending.helpers(child)) {
            self.offer(helper, Why::Woken);
        }
    }

    /// Tells the policy of a child that can run, unless it knows.
    pub(super) fn offer(&mut self, child: usize, why: Why) {
        if self.offered & bit(child) == 0 {
            self.offered |= bit(child);
            self.policy.ready(child, why, self.now_ns);
        }
    }

    /// The child with this cookie waits, or is stopped.
    pub(super) fn stopped(&mut self, cookie: u64) {
        let Some(child) = self.book.child(cookie) else { return };
        self.book.take(child);
        match self.running {
            Some(turn) if turn.runs == child => {
                self.running = None;
                self.end(turn);
            }
            _ => self.blocked(child),
        }
    }

    /// The turn that was is over; who ran in it waits, unless there was a message that it can run.
    pub(super) fn end_turn(&mut self) {
        if let Some(turn) = self.running.take()
            && !self.book.is_ready(turn.runs)
        {
            self.end(turn);
        }
    }

    /// Nobody runs in this turn any longer, nor can.
    fn end(&mut self, turn: Turn) {
        self.blocked(turn.runs);
        if turn.of != turn.runs {
            self.blocked(turn.of);
        }
    }

    pub(super) fn blocked(&mut self, child: usize) {
        self.offered &= !bit(child);
        self.policy.blocked(child);
    }

    /// A message that is not the kernel's.
    fn serve(&mut self, message: &Message) {
        let Some(token) = message.token() else { return };
        let refusal = match message.label() {
            SLEEP_UNTIL if self.root.is_some() => {
                if self.sleepers.add(message.words[0], token) {
                    return;
                }
                FULL
            }
            label => match self.serve_lock(label, message, token) {
                Some(served) => return served,
                None => REFUSED,
            },
        };
        reply(token, refusal, 0, [0; 7]);
    }

    fn wake_sleepers(&mut self) {
        while let Some(token) = self.sleepers.take_due(self.now_ns) {
            // A sleeper that was aborted meanwhile answers STALE, and that is all.
            reply(token, DONE, 1, [self.now_ns, 0, 0, 0, 0, 0, 0]);
        }
    }

    /// The earlier of the decision's end and the first one's time who is to be woken; 0: none.
    #[inline]
    fn deadline_ns(&self, until_ns: Option<u64>) -> u64 {
        let until_ns = until_ns.unwrap_or(u64::MAX);
        let earliest_ns = self.next_wake_ns().unwrap_or(u64::MAX).min(until_ns);
        if earliest_ns == u64::MAX { 0 } else { earliest_ns }
    }

    /// When somebody is to be woken.
    #[inline]
    fn next_wake_ns(&self) -> Option<u64> {
        let sleeps_ns = self.sleepers.earliest_ns();
        let waits_ns = self.lending.earliest_ns();
        sleeps_ns.into_iter().chain(waits_ns).min()
    }
}

/// A root is told of threads only where there is something to decide. The flags of its idle operation.
fn quiet(root: Option<Core>) -> u64 {
    let is_done = root.is_some_and(|core| core.set_options(ON_EMPTY_HALT | RUN_WOKEN).is_ok());
    if is_done { RUN_WOKEN } else { 0 }
}

/// A root that was made the handler of a device: the interrupt did its work by ending the grant.
fn acknowledge(message: &Message) {
    if let Some(token) = message.token() {
        reply(token, 0, 0, [0; 7]);
    }
}

#[cfg(test)]
mod tests;
