//! A scheduler that tests can drive by hand: most urgent first, first come first served, until a
//! test takes over.
//!
//! The root of each core and the scheduler below core 0's root run this. It keeps tokens and event
//! numbers; what it hears it hands to the test that asked.

use crate::board;
use crate::cast::Who;
use crate::op::{OP_WORDS, Op, Out};
use crate::servant::{FIRST_STEP, ORDER, STOP};
use crate::tests::scheduling;
use crate::verdict::{Failure, Verdict, done, holds};
use ::core::sync::atomic::{AtomicU64, Ordering};
use cedo_lib::abi::call::{core, ipc, thread};
use cedo_lib::abi::name::{ANY, SELF};
use cedo_lib::abi::system::{self, parameter};
use cedo_lib::abi::{Label, Status, notice};
use cedo_lib::{Clock, Environment, ThisThread};

/// From the driver: answer when nobody else can run.
pub const SETTLE: u32 = 0x51;
/// From the driver: the same, but not before the time in word 0 (the core's clock, nanoseconds). The core
/// halts meanwhile, which an emulator that counts instructions skips.
pub const SLEEP: u32 = 0x54;
/// From the driver: run your tests, then answer.
pub const RUN_TESTS: u32 = 0x52;
/// From the scheduler above: make the call that begins at word [`FIRST_STEP`].
pub const CARRY_OUT: u32 = 0x53;

/// How often the scheduler below the root has heard that a child was preempted.
pub static PREEMPTIONS_HEARD: AtomicU64 = AtomicU64::new(0);
/// How often the root of core 0 has heard of a new thread.
pub static NEW_HEARD: AtomicU64 = AtomicU64::new(0);
/// What that scheduler calls N1.
static COOKIE_OF_N1: AtomicU64 = AtomicU64::new(0);

/// The cookie of N1 as a child of the scheduler below the root.
pub fn cookie_of_n1() -> u64 {
    COOKIE_OF_N1.load(Ordering::SeqCst)
}

/// Children of one stage, the unknown ones included.
const CHILDREN: usize = 48;
/// Priority of a child nobody described: the first server, a new thread.
const UNKNOWN: u64 = 40;

/// Messages that say that a child can run.
const READY: [Label; 6] =
    [Label::Preempted, Label::Yielded, Label::Lost, Label::Woken, Label::New, Label::Stuck];

/// Somebody who could be dispatched, or is known by name.
#[derive(Clone, Copy, Default)]
struct Child {
    cookie: u64,
    priority: u64,
    /// 0: it cannot run.
    token: u64,
    since: u64,
}

/// Who waits for an answer at this time.
#[derive(Clone, Copy)]
struct Sleeper {
    token: u64,
    until_ns: u64,
}

/// A scheduler and what it knows.
pub struct Stage {
    pub this: ThisThread,
    pub who: Who,
    /// The children that tests use.
    pub x: Who,
    pub y: Who,
    /// Slot of the core's capability, for a root.
    pub core: Option<u64>,
    /// Slot of the capability to print with.
    pub printer: u64,
    /// Event number of the last message.
    pub event: u64,
    /// Who sleeps, and until when.
    sleeper: Option<Sleeper>,
    children: [Child; CHILDREN],
    time: u64,
}

/// Slots of core capabilities by core, which the driver fills in.
pub static CORES: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

impl Stage {
    pub fn new(this: ThisThread, who: Who) -> Stage {
        let environment = Environment::of(&this);
        let mut children = [Child::default(); CHILDREN];
        for (place, known) in children.iter_mut().zip(environment.children()) {
            place.cookie = known.cookie;
            place.priority = known.parameters[parameter::PRIORITY];
        }
        let core_slot = environment.grants().find(|grant| grant.kind == system::grant::CORE);
        let core = core_slot.map(|grant| u64::from(grant.slot)).filter(|_| environment.is_root());
        let (x, y) = match who {
            Who::Nested => (Who::N1, Who::N2),
            Who::Root1 => (Who::R1, Who::Far1),
            _ => (Who::A, Who::B),
        };
        if core.is_none() {
            Op::thread(thread::SET_OPTIONS, SELF).word(0, thread::ASK_BLOCKED).run();
        }
        let (printer, event, sleeper, time) = (0, 0, None, 0);
        let stage = Stage { this, who, x, y, core, printer, event, sleeper, children, time };
        if who == Who::Nested {
            COOKIE_OF_N1.store(stage.cookie(Who::N1), Ordering::SeqCst);
        }
        stage
    }

    /// Schedules for ever.
    pub fn run(mut self) -> ! {
        loop {
            self.wake_sleeper();
            let out = match self.most_urgent() {
                Some(token) => self.dispatch(token, 0),
                None => self.wait(self.sleeper.map_or(0, |sleeper| sleeper.until_ns)),
            };
            self.serve(&out);
        }
    }

    /// Dispatches by token, and takes in what comes next.
    pub fn dispatch(&mut self, token: u64, flags: u64) -> Out {
        let out = self.dispatch_quietly(token, flags, 0);
        if !out.status().is_done() {
            self.forget(token);
        }
        out
    }

    /// The same with a deadline for the core (0: none).
    pub fn dispatch_until(&mut self, token: u64, deadline_ns: u64) -> Out {
        self.dispatch_quietly(token, ipc::DEADLINE, deadline_ns)
    }

    fn dispatch_quietly(&mut self, token: u64, flags: u64, deadline_ns: u64) -> Out {
        let op = Op::reply_and_wait(token).flags(flags).tag(0, 2);
        let out = op.word(0, self.event).word(1, deadline_ns).run();
        if matches!(out.status(), Status::Ok | Status::KeptProcessor) {
            self.forget(token);
        }
        self.take_in(&out);
        out
    }

    /// Answers who sleeps, like a dispatch, when it is time.
    fn wake_sleeper(&mut self) {
        let is_over = |sleeper: &Sleeper| Clock::of_core(0).now_ns() >= sleeper.until_ns;
        if let Some(sleeper) = self.sleeper.filter(is_over) {
            self.sleeper = None;
            self.add_caller(sleeper.token, 0);
        }
    }

    /// Waits, with the core halted, until a deadline (0: none) if this is a root.
    fn wait(&mut self, deadline_ns: u64) -> Out {
        let out = match self.core {
            Some(core) => Op::core(core::IDLE, core).word(0, self.event).word(1, deadline_ns).run(),
            None => Op::receive(ANY).run(),
        };
        self.take_in(&out);
        out
    }

    /// The next message that is already here.
    pub fn next(&mut self) -> Out {
        let out = Op::receive(ANY).flags(ipc::RECEIVE_ZERO).run();
        self.take_in(&out);
        out
    }

    /// Remembers who can run.
    pub fn take_in(&mut self, out: &Out) {
        if !out.status().is_done() {
            return;
        }
        self.event = out.event();
        if self.who == Who::Nested && out.tag.kernel_label() == Some(Label::Preempted) {
            PREEMPTIONS_HEARD.fetch_add(1, Ordering::SeqCst);
        }
        if self.who == Who::Root && out.tag.kernel_label() == Some(Label::New) {
            NEW_HEARD.fetch_add(1, Ordering::SeqCst);
        }
        if out.tag.kernel_label().is_some_and(|label| READY.contains(&label)) {
            self.ready(out.badge, out.token, UNKNOWN);
            let second = out.words[notice::PREEMPTER_TOKEN];
            self.ready(out.words[notice::PREEMPTER], second, UNKNOWN);
        }
        if out.tag.kernel_label() == Some(Label::Irq) {
            let token = out.words[notice::IRQ_CHILD_TOKEN];
            self.ready(out.words[notice::IRQ_CHILD], token, UNKNOWN);
        }
    }

    fn ready(&mut self, cookie: u64, token: u64, priority: u64) {
        if token == 0 {
            return;
        }
        self.time += 1;
        let since = self.time;
        let known = self.children.iter().position(|child| child.cookie == cookie && cookie != 0);
        let free = || self.children.iter().position(|child| child.cookie == 0 && child.token == 0);
        let Some(index) = known.or_else(free) else { return };
        let child = &mut self.children[index];
        if known.is_none() {
            *child = Child { cookie, priority, ..Child::default() };
        }
        child.token = token;
        child.since = since;
    }

    fn forget(&mut self, token: u64) {
        for child in self.children.iter_mut().filter(|child| child.token == token) {
            child.token = 0;
        }
    }

    /// Token of the most urgent child that can run.
    pub fn most_urgent(&self) -> Option<u64> {
        let ready = self.children.iter().filter(|child| child.token != 0);
        let first = ready.max_by_key(|child| (child.priority, ::core::cmp::Reverse(child.since)));
        first.map(|child| child.token)
    }

    /// Does what the driver asks for.
    fn serve(&mut self, out: &Out) {
        if !out.status().is_done() || out.tag.kernel_label().is_some() {
            return;
        }
        if out.tag.label() == CARRY_OUT {
            let word = |index| self.this.utcb().word(FIRST_STEP + index);
            Op::unpack(::core::array::from_fn(word)).run();
            return;
        }
        if out.token == 0 {
            return;
        }
        match out.tag.label() {
            // Answered like a dispatch when all others have had their turn.
            SETTLE => self.add_caller(out.token, 0),
            SLEEP => {
                self.sleeper = Some(Sleeper { token: out.token, until_ns: out.words[0] });
            }
            RUN_TESTS => {
                self.printer = CORES[usize::from(self.who == Who::Root1)].load(Ordering::SeqCst);
                scheduling::run_all(self);
                self.add_caller(out.token, UNKNOWN);
            }
            _ => {
                Op::send(out.token).flags(ipc::SEND_ZERO).run();
            }
        }
    }

    fn add_caller(&mut self, token: u64, priority: u64) {
        self.time += 1;
        let since = self.time;
        let free = self.children.iter_mut().find(|child| child.cookie == 0 && child.token == 0);
        if let Some(child) = free {
            *child = Child { cookie: 0, priority, token, since };
        }
    }

    /// Cookie of a child by name.
    pub fn cookie(&self, who: Who) -> u64 {
        let environment = Environment::of(&self.this);
        let mut children = environment.children();
        let child = children.find(|child| Who::named(system::text(&child.name)) == Some(who));
        child.map_or(0, |child| child.cookie)
    }

    /// Token of a child that can run.
    pub fn token(&self, who: Who) -> Result<u64, Failure> {
        let cookie = self.cookie(who);
        let child = self.children.iter().find(|child| child.cookie == cookie && child.token != 0);
        holds("the child is ready", child.is_some())?;
        Ok(child.map_or(0, |child| child.token))
    }

    /// Sends a servant its orders, which makes it ready; takes in the message that says so.
    pub fn order(&mut self, who: Who, steps: &[Op]) -> Result<Out, Failure> {
        for (index, step) in steps.iter().enumerate() {
            for (offset, word) in step.pack().into_iter().enumerate() {
                let place = FIRST_STEP + index * OP_WORDS + offset;
                self.this.utcb_mut().set_word(place, word);
            }
        }
        let words = FIRST_STEP + steps.len() * OP_WORDS;
        let order = Op::send(who.gate()).tag(ORDER, words).word(0, steps.len() as u64);
        done("an order to a servant", order.flags(ipc::SEND_ZERO).run())?;
        done("a message about it", self.next())
    }

    /// Lets everybody finish, and brings the servants back to where they wait for orders.
    pub fn clean_up(&mut self) -> Verdict {
        STOP.store(true, Ordering::SeqCst);
        for who in [self.x, self.y] {
            Op::thread(thread::RESUME, who.thread()).run();
        }
        for _ in 0..100 {
            while self.next().status().is_done() {}
            if let Some(token) = self.most_urgent() {
                self.dispatch(token, 0);
                continue;
            }
            let Some(who) = [self.x, self.y].into_iter().find(|who| !board::is_free(*who)) else {
                STOP.store(false, Ordering::SeqCst);
                return Ok(());
            };
            Op::thread(thread::RESUME, who.thread()).run();
            let seen = Op::thread(thread::READ, who.thread()).run();
            Op::thread(thread::ABORT, who.thread()).word(0, seen.words[0]).run();
        }
        holds("the servants come back to wait for orders", false)
    }
}
