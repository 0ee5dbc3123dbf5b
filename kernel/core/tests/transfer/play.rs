//! Who does what next: roots dispatch, pagers resolve faults, users do what the test says and make a
//! call again as long as the kernel leaves them at it.

use crate::stage::{Actor, DATA, NAMES, Role, Stage};
use cedo_abi::call::{Call, core as core_call, ipc, operation};
use cedo_abi::info::slot;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::{Label, Status, Tag, Token, name, notice};
use cedo_arch_host::world::CALL_BYTES;
use cedo_arch_host::{HostContext, Roles};
use cedo_core::object::thread::State;
use cedo_machine::{Context, CoreNumber, Interrupt};
use std::collections::HashMap;

/// Steps after which a run counts as endless.
const STEPS: usize = 60_000;

/// What a pager does with a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Paging {
    /// Maps the page and answers.
    Resolve,
    /// Answers this often without having mapped anything, then resolves.
    Late(u32),
    /// Takes the message and never answers.
    Keep,
}

/// What a pager is at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Duty {
    Receive,
    Map { token: u64 },
}

/// A fault that a pager heard of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heard {
    pub pager: usize,
    pub token: u64,
    pub cause: u64,
    pub address: u64,
    /// Instruction pointer in the message.
    pub instruction: u64,
}

/// How the actors that the test does not move behave, and what they saw.
#[derive(Default)]
pub struct Play {
    /// What is played, for a person.
    pub scene: String,
    /// Whom the roots dispatch if they can.
    pub wanted: Option<usize>,
    /// Whom the roots do not dispatch.
    pub held: Option<usize>,
    /// By pager; those that are not here resolve.
    pub paging: HashMap<usize, Paging>,
    /// A timer interrupt comes before each repetition.
    pub interrupts: bool,
    /// Signals from other cores come late: to a halted core, or after many steps.
    pub late_signals: bool,
    /// Core 1 comes first in each round.
    pub core_1_first: bool,
    /// Repetitions of calls so far.
    pub repetitions: usize,
    /// Faults that pagers heard of.
    pub faults: Vec<Heard>,
    /// What roots heard of their children.
    pub heard: Vec<(usize, Label)>,
    /// Messages of users, and errors, that roots received.
    pub at_roots: Vec<HostContext>,
    /// Messages of users, and errors, that pagers received.
    pub at_pagers: Vec<HostContext>,
    duties: HashMap<usize, Duty>,
    known: [Vec<Token>; 2],
    dispatched: [Option<Token>; 2],
    seen: [u64; 2],
    interrupted: bool,
    waited: [usize; 2],
}

impl Play {
    /// True if a signal has waited for long.
    fn is_long_late(&mut self, core: CoreNumber) -> bool {
        self.waited[core.index()] += 1;
        self.waited[core.index()] > 25
    }
}

impl Stage {
    /// The actor that runs on a core.
    pub fn current(&self, core: CoreNumber) -> Option<usize> {
        let frame = self.world.current(core)?;
        self.actors.iter().position(|actor| actor.id.frame() == frame)
    }

    /// `actor`, which runs, makes a call.
    pub fn call(&mut self, actor: usize, roles: &Roles) {
        let core = self.actors[actor].core;
        assert_eq!(self.current(core), Some(actor), "actor {actor} does not run");
        let frame = self.actors[actor].id.frame();
        let at = self.world.context(frame).instruction();
        assert_eq!(self.actors[actor].calling.replace(at), None, "actor {actor} is in a call");
        (self.actors[actor].done, self.actors[actor].repeated) = (None, 0);
        self.world.system_call(core, roles).expect("user code runs");
    }

    /// Steps until the call of `actor` is over; its registers then.
    pub fn finish(&mut self, actor: usize) -> HostContext {
        for _ in 0..STEPS {
            if let Some(context) = self.actors[actor].done.take() {
                return context;
            }
            self.step_all();
        }
        panic!("the call of actor {actor} never ends: {}", self.in_words());
    }

    /// Steps until `actor` runs and is in no call, or about to make one again. A root gets the
    /// processor by a timer interrupt.
    pub fn bring(&mut self, actor: usize) {
        let core = self.actors[actor].core;
        let is_root = self.actors[actor].role == Role::Root;
        self.play.wanted = Some(actor);
        for _ in 0..STEPS {
            if self.current(core) == Some(actor) {
                self.end_if_over(actor);
                if is_root {
                    self.hear(actor);
                }
                self.play.wanted = None;
                return;
            }
            if is_root {
                self.interrupt(core);
            } else {
                self.step_all();
            }
        }
        panic!("actor {actor} never runs: {:?}", self.look(actor).state);
    }

    pub fn end_if_over(&mut self, actor: usize) {
        if let Some(calling) = self.actors[actor].calling.filter(|_| self.is_over(actor)) {
            self.go_on(actor, calling);
        }
    }

    /// Steps until `what` is so.
    pub fn until(&mut self, what: impl Fn(&Stage) -> bool) {
        for _ in 0..STEPS {
            if what(self) {
                return;
            }
            self.step_all();
        }
        panic!("never: {}", self.in_words());
    }

    /// True if the call of running `actor` is over and nobody has looked.
    fn is_over(&self, actor: usize) -> bool {
        let at = self.world.context(self.actors[actor].id.frame()).instruction();
        self.actors[actor].calling.is_some_and(|calling| calling != at)
    }

    /// Steps until running `actor` has made its call `count` times again and is about to do so once
    /// more. False if its call, or what there is to move in it, is over before.
    pub fn advance(&mut self, actor: usize, count: usize) -> bool {
        let core = self.actors[actor].core;
        for _ in 0..STEPS {
            let Actor { calling, repeated, done, .. } = &self.actors[actor];
            let could_run = matches!(self.state(actor), State::Ready | State::Running);
            if done.is_some() || !could_run && self.look(actor).repeat.is_none() {
                return false;
            }
            let runs = self.current(core) == Some(actor);
            if runs && calling.is_some() && !self.is_over(actor) && *repeated == count {
                return true;
            }
            self.step_all();
        }
        panic!("actor {actor} never gets there: {}", self.in_words());
    }

    /// Steps until nobody has anything to do but roots, and users between their calls.
    pub fn settle(&mut self) {
        for _ in 0..STEPS {
            let pending = self.world.cores().any(|core| !self.world.pending(core).is_empty());
            if !pending && !(0..self.actors.len()).any(|actor| self.is_busy(actor)) {
                for root in 0..usize::from(self.plan.cores) {
                    if self.state(root) == State::Running {
                        self.end_if_over(root);
                        self.hear(root);
                    }
                }
                return;
            }
            self.step_all();
        }
        panic!("never quiet: {}", self.in_words());
    }

    /// For a person: what everybody is doing.
    pub fn in_words(&self) -> String {
        let living = (0..self.actors.len()).filter(|actor| !self.actors[*actor].gone);
        let word = |actor: usize| {
            let thread = self.look(actor);
            let recorded = thread.record.how;
            let Actor { role, calling, done, .. } = &self.actors[actor];
            let (calls, done) = (calling.is_some(), done.is_some());
            format!("{actor} {role:?} {:?} {recorded:?} calls {calls} done {done}", thread.state)
        };
        let known = &self.play.known;
        let words: Vec<String> = living.map(word).collect();
        format!("{}, roots know {known:x?}\n{}", self.play.scene, words.join("\n"))
    }

    fn is_busy(&self, actor: usize) -> bool {
        if self.actors[actor].gone || self.play.held == Some(actor) {
            return false;
        }
        let Actor { role, calling, yields, .. } = &self.actors[actor];
        let could_run = matches!(self.state(actor), State::Ready | State::Running);
        let at_work = match role {
            Role::Root => false,
            Role::User => calling.is_some() && !yields,
            Role::Pager(_) => true,
        };
        could_run && at_work
    }

    /// One step of each core.
    pub fn step_all(&mut self) {
        let mut cores: Vec<CoreNumber> = self.world.cores().collect();
        if self.play.core_1_first {
            cores.reverse();
        }
        for core in cores {
            self.step(core);
        }
    }

    /// One step of a core: an interrupt, or what its current thread does next.
    pub fn step(&mut self, core: CoreNumber) {
        let current = self.current(core);
        if let Some(source) = self.world.pending(core).first().copied()
            && (current.is_none() || !self.play.late_signals || self.play.is_long_late(core))
        {
            self.play.waited[core.index()] = 0;
            self.world.interrupt(core, source).expect("is pending");
            return;
        }
        let Some(actor) = current else { return };
        if let Some(calling) = self.actors[actor].calling {
            return self.go_on(actor, calling);
        }
        match self.actors[actor].role {
            Role::Root => {
                self.hear(actor);
                self.root_step(actor);
            }
            Role::Pager(client) => self.pager_step(actor, client),
            Role::User => {
                let done = self.actors[actor].done.take();
                self.call(actor, &yield_roles());
                (self.actors[actor].done, self.actors[actor].yields) = (done, true);
            }
        }
    }

    /// `actor` is back from the kernel: its call is over, or it makes it again.
    fn go_on(&mut self, actor: usize, calling: u64) {
        let core = self.actors[actor].core;
        let context = self.world.context(self.actors[actor].id.frame());
        if context.instruction() != calling {
            assert_eq!(context.instruction(), calling + CALL_BYTES, "actor {actor}");
            self.actors[actor].calling = None;
            if std::mem::take(&mut self.actors[actor].yields) {
                return;
            }
            self.actors[actor].done = Some(context);
            if self.actors[actor].role == Role::Root {
                self.play.seen[core.index()] = context.result() >> 16;
            }
            return;
        }
        let interrupts = self.play.interrupts && self.actors[actor].role != Role::Root;
        if interrupts && !std::mem::replace(&mut self.play.interrupted, true) {
            self.world.spurious(core, Interrupt::Timer).expect("user code runs");
            return;
        }
        self.play.interrupted = false;
        self.play.repetitions += 1;
        self.actors[actor].repeated += 1;
        self.world.system_call(core, &roles_of(&context)).expect("user code runs");
    }

    /// A timer interrupt on the core of `actor`.
    pub fn interrupt(&mut self, core: CoreNumber) {
        self.world.spurious(core, Interrupt::Timer).expect("the core runs");
    }

    /// The root looks at the message that has come.
    pub fn hear(&mut self, root: usize) {
        let Some(context) = self.actors[root].done.take() else { return };
        let core = self.actors[root].core.index();
        let words = context.words();
        let label = Tag(context.tag()).kernel_label();
        let dispatched = self.play.dispatched[core].take();
        if context.status() == Status::News {
            self.play.known[core].splice(0..0, dispatched);
        }
        let arrived = context.status().is_done();
        let mut tokens = vec![context.token()];
        match label.filter(|_| arrived) {
            Some(Label::Irq) => tokens = vec![words[notice::IRQ_CHILD_TOKEN]],
            Some(label) => {
                let child = context.badge().checked_sub(NAMES).unwrap_or(u64::MAX);
                self.play.heard.push((child as usize, label));
                if matches!(label, Label::Preempted | Label::Lost | Label::Yielded | Label::Woken) {
                    tokens.push(words[notice::PREEMPTER_TOKEN]);
                }
            }
            None => {
                if context.tag() != 0 || !arrived {
                    self.play.at_roots.push(context);
                }
                return;
            }
        }
        for token in tokens.into_iter().filter(|token| *token != 0).map(Token) {
            self.play.known[core].retain(|known| known.frame() != token.frame());
            self.play.known[core].push(token);
        }
        if label == Some(Label::Irq) {
            let child = words[notice::IRQ_CHILD].checked_sub(NAMES);
            self.play.heard.extend(child.map(|child| (child as usize, Label::Irq)));
        }
    }

    /// Dispatches who is wanted, else who has waited longest, else idles.
    fn root_step(&mut self, root: usize) {
        let core = self.actors[root].core.index();
        // A token names an account.
        let frame_of = |actor: Option<usize>| actor.map(|actor| self.look(actor).account.frame().0);
        let (wanted, held) = (frame_of(self.play.wanted), frame_of(self.play.held));
        let known = &mut self.play.known[core];
        let place = known.iter().position(|token| Some(token.frame()) == wanted);
        let place = place.or(known.iter().position(|token| Some(token.frame()) != held));
        let seen = self.play.seen[core];
        let roles = if place.is_none() {
            let to = u64::from(slot::CORE_0) + core as u64;
            let operation = operation(Call::Core, core_call::IDLE, 0);
            let words = [seen, 0, 0, 0, 0, 0, 0];
            Roles { operation, to, from: name::NOBODY, tag: 0, words }
        } else {
            let token = known.remove(place.unwrap_or(0));
            let words = [seen, 0, 0, 0, 0, 0, 0];
            let operation = operation(Call::Ipc, 0, ipc::SEND | ipc::RECEIVE);
            Roles { operation, to: token.0, from: name::ANY, tag: 0, words }
        };
        self.play.dispatched[core] = Some(Token(roles.to)).filter(|_| place.is_some());
        self.call(root, &roles);
    }

    /// True if the root of an actor's core can dispatch it.
    pub fn knows(&self, actor: usize) -> bool {
        let Actor { id, core, .. } = &self.actors[actor];
        self.play.known[core.index()].iter().any(|token| token.frame() == id.frame().0)
    }

    /// The pager of a fault that it kept answers after all.
    pub fn answer(&mut self, heard: Heard) {
        self.bring(0);
        assert_eq!(self.abort(heard.pager), Status::Ok, "it waits for the next fault");
        self.bring(heard.pager);
        let roles = Roles { to: heard.token, from: name::ANY, ..reply_and_wait() };
        self.call(heard.pager, &roles);
    }

    fn pager_step(&mut self, pager: usize, client: usize) {
        let duty = self.play.duties.get(&pager).copied().unwrap_or(Duty::Receive);
        let Some(context) = self.actors[pager].done.take() else {
            return self.call(pager, &receive_roles());
        };
        if let Duty::Map { token } = duty {
            let roles = Roles { to: token, from: name::ANY, ..reply_and_wait() };
            self.play.duties.insert(pager, Duty::Receive);
            return self.call(pager, &roles);
        }
        let is_fault = Tag(context.tag()).kernel_label() == Some(Label::Fault);
        if !is_fault || !context.status().is_done() {
            self.play.at_pagers.push(context);
            return self.call(pager, &receive_roles());
        }
        let token = context.token();
        let address = context.words()[notice::FAULT_ADDRESS];
        self.play.faults.push(Heard {
            pager,
            token,
            cause: context.words()[notice::FAULT_CAUSE],
            address,
            instruction: context.words()[notice::INSTRUCTION],
        });
        let page = (address - DATA) / PAGE_SIZE;
        match self.play.paging.get(&pager).copied().unwrap_or(Paging::Resolve) {
            Paging::Keep => self.call(pager, &receive_roles()),
            Paging::Late(times) if times > 0 => {
                self.play.paging.insert(pager, Paging::Late(times - 1));
                let roles = Roles { to: token, from: name::ANY, ..reply_and_wait() };
                self.call(pager, &roles);
            }
            Paging::Resolve | Paging::Late(_) => {
                self.play.duties.insert(pager, Duty::Map { token });
                let roles = self.map_roles(client, page as u32);
                self.call(pager, &roles);
            }
        }
    }
}

/// The registers of a thread as those of the call that it makes.
fn roles_of(context: &HostContext) -> Roles {
    Roles {
        operation: context.operation(),
        to: context.to(),
        from: context.from(),
        tag: context.tag(),
        words: context.words(),
    }
}

fn yield_roles() -> Roles {
    Roles { operation: operation(Call::Yield, 0, 0), ..Roles::default() }
}

fn receive_roles() -> Roles {
    let operation = operation(Call::Ipc, 0, ipc::RECEIVE);
    Roles { operation, from: name::ANY, ..Roles::default() }
}

fn reply_and_wait() -> Roles {
    let operation = operation(Call::Ipc, 0, ipc::SEND | ipc::RECEIVE);
    Roles { operation, ..Roles::default() }
}
