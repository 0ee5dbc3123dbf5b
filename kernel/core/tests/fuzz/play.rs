//! A run: the machine, what everybody knows, and one step after the other.

use crate::cast::{Cast, Role};
use crate::check::Baseline;
use crate::config::Config;
use crate::program::{Choice, Deed, Program, Sight};
use crate::stage::{self, CORE, Machine, id};
use crate::step::Step;
use crate::violation::{Violation, broken, holds};
use cedo_abi::call::{Call, operation, thread};
use cedo_abi::utcb::{StateArea, Utcb};
use cedo_abi::{MESSAGE_WORDS, REGISTER_WORDS, Status};
use cedo_arch_host::board::Mode;
use cedo_arch_host::{Action, Event, HostContext, Outcome, Roles, Snapshot};
use cedo_core::kernel::Local;
use cedo_core::object::unusual;
use cedo_fuzz::{Generator, Mailbox, Random, Registers, Spec, Surroundings, state};
use cedo_machine::{Context, CoreNumber, Fault, Frame, Interrupt, Ticks};
use std::collections::{BTreeMap, HashMap};
use std::mem::offset_of;
use std::sync::atomic::Ordering;

/// Of the simulated clock.
pub const NS_PER_TICK: u64 = 10;
/// The operation that is done when its answer is there.
const MIGRATE: &str = "migrate";
/// Tokens that hostile threads share.
const FOREIGN: usize = 16;

/// Words of a UTCB where items and windows are.
const SEND_ITEMS: usize = offset_of!(Utcb, send_items) / 8;
const WINDOWS: usize = offset_of!(Utcb, windows) / 8;

/// What kernels keep outside frames.
pub struct Kept {
    locals: Vec<Local>,
    lines: Vec<u64>,
}

/// A machine that can be made new.
pub struct Stage {
    pub world: Machine,
    pub cast: Cast,
    pub baseline: Baseline,
    pub around: Surroundings,
    programs: BTreeMap<u32, Program>,
    first: Snapshot<Kept>,
}

/// What a hostile thread knows.
#[derive(Clone)]
struct Hostile {
    mailbox: Mailbox,
    /// The operation whose answer has yet to be looked at.
    operation: Option<u64>,
    generator: Generator,
}

/// How often each operation was made, and done.
#[derive(Clone, Default)]
pub struct Tally {
    pub calls: u64,
    pub steps: u64,
    pub by_name: BTreeMap<&'static str, (u64, u64)>,
}

/// A run.
pub struct Play<'a> {
    pub stage: &'a mut Stage,
    pub programs: BTreeMap<u32, Program>,
    hostile: HashMap<u32, Hostile>,
    /// By thread: where its last call was made.
    sites: HashMap<u32, u64>,
    foreign: [u64; FOREIGN],
    next_foreign: usize,
    seed: u64,
    /// By trusted thread: what it has left in the floating-point register.
    floating: HashMap<u32, u64>,
    pub tally: Tally,
}

impl Stage {
    pub fn new(config: Config) -> Stage {
        let stage::Builder { mut world, cast, .. } = stage::build(config);
        let mut programs: BTreeMap<u32, Program> = cast
            .members
            .values()
            .filter_map(|member| Some((member.frame.0, Program::new(&cast, member)?)))
            .collect();
        warm_up(&mut world, &cast, &mut programs);
        let baseline = Baseline::of(&world, &cast);
        let around = stage::surroundings(&cast);
        let first = world.snapshot(|kernels, shared| Kept {
            locals: kernels.iter().map(|kernel| kernel.local).collect(),
            lines: shared.lines.iter().map(|word| word.load(Ordering::Relaxed)).collect(),
        });
        Stage { world, cast, baseline, around, programs, first }
    }

    /// The machine as it was built, for a new run.
    pub fn play(&mut self, seed: u64) -> Play<'_> {
        self.world.restore(&self.first, |kernels, shared, kept| {
            kernels.iter_mut().zip(&kept.locals).for_each(|(kernel, local)| kernel.restore(*local));
            for (word, kept) in shared.lines.iter().zip(&kept.lines) {
                word.store(*kept, Ordering::Relaxed);
            }
            shared.inboxes.iter().for_each(|inbox| inbox.clear());
        });
        let programs = self.programs.clone();
        let foreign = [0; FOREIGN];
        let (hostile, tally) = (HashMap::new(), Tally::default());
        let sites = HashMap::new();
        let floating = HashMap::new();
        let (stage, next_foreign) = (self, 0);
        Play { stage, programs, hostile, sites, foreign, next_foreign, seed, floating, tally }
    }
}

/// The roots hear of everybody, up to their first dispatch.
fn warm_up(world: &mut Machine, cast: &Cast, programs: &mut BTreeMap<u32, Program>) {
    for member in cast.members.values().filter(|member| member.role == Role::Root) {
        while world.current(member.core) == Some(member.frame) {
            let program = programs.get_mut(&member.frame.0).expect("a root has a program");
            let context = world.context(member.frame);
            let sight =
                Sight { context: &context, utcb: &|_| 0, now_ns: world.now().0 * NS_PER_TICK };
            let choice = program.propose(&sight, &mut Random::new(0));
            let choice = choice.expect("nobody does harm yet");
            let deed = program.next(&sight, choice).expect("nobody does harm yet");
            let deed = deed.expect("it proposed that");
            world.system_call(member.core, &deed.roles).expect("a root runs");
        }
    }
}

impl Play<'_> {
    pub fn current(&self, core: CoreNumber) -> Option<Frame> {
        match self.stage.world.mode(core) {
            Mode::User => self.stage.world.current(core),
            _ => None,
        }
    }

    /// Who runs on a core, if it is a hostile thread.
    fn hostile_on(&self, core: CoreNumber) -> Option<Frame> {
        self.current(core).filter(|frame| self.stage.cast.role(*frame) == Role::Hostile)
    }

    /// The call that the hostile thread in `frame` would make next.
    pub fn next_call(&mut self, frame: Frame) -> Spec {
        self.hostile(frame).generator.next_call()
    }

    fn hostile(&mut self, frame: Frame) -> &mut Hostile {
        let (seed, around) = (self.seed, self.stage.around);
        self.hostile.entry(frame.0).or_insert_with(|| Hostile {
            mailbox: Mailbox::EMPTY,
            operation: None,
            generator: Generator::new(Random::part(seed, 1000 + u64::from(frame.0)), around),
        })
    }

    /// Makes a step. False if it means nothing now.
    pub fn step(&mut self, step: &Step) -> Result<bool, Violation> {
        self.tally.steps += 1;
        if let Some(core) = step.actor()
            && self.repeat(core)?
        {
            return Ok(true);
        }
        match *step {
            Step::Hostile(core, spec) => {
                let Some(frame) = self.hostile_on(core) else { return Ok(false) };
                self.hostile_call(core, frame, &spec)?;
            }
            Step::Touch(core, address, write) => {
                let Some(frame) = self.hostile_on(core) else { return Ok(false) };
                self.look_at_answer(frame);
                let action = match write {
                    true => Action::Store(address, u64::MAX),
                    false => Action::Load(address),
                };
                self.apply(Event::Act(core, action))?;
            }
            Step::Fault(core, cause) => {
                let Some(frame) = self.hostile_on(core) else { return Ok(false) };
                self.look_at_answer(frame);
                let fault = Fault { cause, address: 0x1234, code: 6 };
                self.apply(Event::Act(core, Action::Fault(fault)))?;
            }
            Step::Trusted(core, choice) => return self.trusted(core, choice),
            Step::Interrupt(core, source) => {
                if source == Interrupt::Timer {
                    self.pass_deadline(core);
                }
                if !self.stage.world.pending(core).contains(&source) {
                    return Ok(false);
                }
                self.apply(Event::Interrupt(core, source))?;
            }
            Step::Spurious(core, source) => return self.spurious(core, source),
            Step::Raise(line) => self.apply(Event::Raise(line))?,
            Step::Lower(line) => self.apply(Event::Lower(line))?,
            Step::Advance(ticks) => self.apply(Event::Advance(Ticks(ticks)))?,
        }
        Ok(true)
    }

    /// With steps left out, less time has passed than when the deadline arrived.
    fn pass_deadline(&mut self, core: CoreNumber) {
        let world = &mut self.stage.world;
        if let Some(deadline_ns) = world.deadline_ns(core) {
            let left = Ticks(deadline_ns.div_ceil(NS_PER_TICK)).since(world.now());
            world.advance(left);
        }
    }

    fn apply(&mut self, event: Event) -> Result<(), Violation> {
        match self.stage.world.apply(event) {
            Ok(Some(outcome)) => no_power(outcome),
            Ok(None) => Ok(()),
            Err(refusal) => broken("steps are possible", format!("{event:?}: {refusal:?}")),
        }
    }

    fn spurious(&mut self, core: CoreNumber, source: Interrupt) -> Result<bool, Violation> {
        match self.stage.world.spurious(core, source) {
            Ok(outcome) => no_power(outcome).map(|()| true),
            Err(refusal) => broken("steps are possible", format!("{source:?}: {refusal:?}")),
        }
    }

    fn hostile_call(
        &mut self,
        core: CoreNumber,
        frame: Frame,
        spec: &Spec,
    ) -> Result<(), Violation> {
        self.look_at_answer(frame);
        let foreign = self.foreign;
        let hostile = self.hostile(frame);
        let registers =
            spec.resolve(&hostile.mailbox, |place| foreign[usize::from(place) % FOREIGN]);
        hostile.operation = Some(spec.operation);
        if spec.fill != 0 {
            self.fill_utcb(core, frame, spec.fill);
        }
        let Registers { operation, to, from, tag, words } = registers;
        let roles = Roles { operation, to, from, tag, words };
        self.tally.calls += 1;
        self.stage.world.exchange_floating(core, self.tally.calls);
        let tally = self.tally.by_name.entry(spec.name()).or_default();
        tally.0 += 1;
        let outcome = self.make(core, frame, &roles);
        // An operation that is done at once; what waits is counted nowhere.
        let done = self.current(core) == Some(frame)
            && !self.stage.world.kernel(core).look(id(frame)).unusual.has(unusual::FOREIGN)
            && self.stage.world.context(frame).status() == Status::Ok;
        self.tally.by_name.entry(spec.name()).or_default().1 += u64::from(done);
        outcome
    }

    /// A hostile thread writes what goes with its call into its UTCB.
    fn fill_utcb(&mut self, core: CoreNumber, frame: Frame, fill: u64) {
        let utcb = self.stage.world.kernel(core).look(id(frame)).utcb;
        for index in REGISTER_WORDS..MESSAGE_WORDS {
            self.stage.world.write(utcb, index, state::tail_word(fill, index));
        }
        let StateArea { mask, general, bases } = state::area(fill, &self.stage.around);
        let words = [mask].into_iter().chain(general).chain(bases);
        for (index, word) in words.enumerate() {
            self.stage.world.write(utcb, crate::program::REPLY + index, word);
        }
        let (send, windows) = state::items(fill, &self.stage.around);
        for (first, items) in [(SEND_ITEMS, send), (WINDOWS, windows)] {
            for (index, word) in items.iter().flat_map(|item| item.0).enumerate() {
                self.stage.world.write(utcb, first + index, word);
            }
        }
    }

    /// A hostile thread that runs has the answer of its last call.
    fn look_at_answer(&mut self, frame: Frame) {
        let answer = registers(&self.stage.world.context(frame));
        let hostile = self.hostile(frame);
        let Some(operation) = hostile.operation.take() else { return };
        // Never done at once.
        let migrate = self::operation(Call::Thread, thread::MIGRATE, 0);
        if operation & 0xffff == migrate && (answer.operation as u8, answer.words[0]) == (0, 1) {
            self.tally.by_name.entry(MIGRATE).or_default().1 += 1;
        }
        let hostile = self.hostile(frame);
        if let Some(token) = hostile.mailbox.note(operation, &answer) {
            self.next_foreign = (self.next_foreign + 1) % FOREIGN;
            self.foreign[self.next_foreign] = token;
        }
    }

    /// The kernel has had the current thread's last call set up to be made again: it is.
    fn repeat(&mut self, core: CoreNumber) -> Result<bool, Violation> {
        let Some(frame) = self.current(core) else { return Ok(false) };
        let context = self.stage.world.context(frame);
        if self.sites.get(&frame.0) != Some(&context.instruction()) {
            return Ok(false);
        }
        let Registers { operation, to, from, tag, words } = registers(&context);
        self.make(core, frame, &Roles { operation, to, from, tag, words }).map(|()| true)
    }

    /// The current thread makes a call.
    fn make(&mut self, core: CoreNumber, frame: Frame, roles: &Roles) -> Result<(), Violation> {
        self.sites.insert(frame.0, self.stage.world.context(frame).instruction());
        match self.stage.world.system_call(core, roles) {
            Ok(outcome) => no_power(outcome),
            Err(refusal) => broken("steps are possible", format!("{refusal:?}")),
        }
    }

    /// What the root that runs on a core could do next.
    pub fn propose(
        &mut self,
        core: CoreNumber,
        random: &mut Random,
    ) -> Result<Option<Choice>, Violation> {
        let repeats = self.repeats(core);
        self.ask(
            core,
            |program, sight| {
                if repeats { Ok(None) } else { program.propose(sight, random) }
            },
        )
        .map(Option::flatten)
    }

    /// True if the current thread is about to make its last call again.
    fn repeats(&self, core: CoreNumber) -> bool {
        self.current(core).is_some_and(|frame| {
            let instruction = self.stage.world.context(frame).instruction();
            self.sites.get(&frame.0) == Some(&instruction)
        })
    }

    /// Asks the trusted thread that runs on a core.
    fn ask<T>(
        &mut self,
        core: CoreNumber,
        question: impl FnOnce(&mut Program, &Sight<'_>) -> Result<T, Violation>,
    ) -> Result<Option<T>, Violation> {
        let Some(frame) = self.current(core) else { return Ok(None) };
        let world = &self.stage.world;
        let Some(program) = self.programs.get_mut(&frame.0) else { return Ok(None) };
        let utcb = world.kernel(core).look(id(frame)).utcb;
        let context = world.context(frame);
        let read = |index| world.read(utcb, index);
        let sight = Sight { context: &context, utcb: &read, now_ns: world.now().0 * NS_PER_TICK };
        question(program, &sight).map(Some)
    }

    fn trusted(&mut self, core: CoreNumber, choice: Option<Choice>) -> Result<bool, Violation> {
        let Some(frame) = self.current(core) else { return Ok(false) };
        let deed = self.ask(core, |program, sight| program.next(sight, choice))?.flatten();
        let Some(deed) = deed else { return Ok(false) };
        self.use_floating(core, frame)?;
        let utcb = self.stage.world.kernel(core).look(id(frame)).utcb;
        self.carry_out(core, frame, utcb, &deed).map(|()| true)
    }

    /// A trusted thread finds in the floating-point register what it has left there.
    fn use_floating(&mut self, core: CoreNumber, frame: Frame) -> Result<(), Violation> {
        let value = self.tally.steps;
        let found = self.stage.world.exchange_floating(core, value);
        let expected = self.floating.insert(frame.0, value).unwrap_or(0);
        holds("victims find their floating-point register", found == Some(expected), || {
            format!("{frame:?}: {found:?} for {expected}")
        })
    }

    fn carry_out(
        &mut self,
        core: CoreNumber,
        frame: Frame,
        utcb: Frame,
        deed: &Deed,
    ) -> Result<(), Violation> {
        let world = &mut self.stage.world;
        for (index, value) in &deed.utcb {
            world.write(utcb, *index, *value);
        }
        if let Some((address, value)) = deed.store {
            let stored = world.store(core, address, value);
            holds("victims' memory is mapped", stored.is_ok(), || format!("{address:#x}"))?;
        }
        self.make(core, frame, &deed.roles)
    }

    /// What the last call of a thread answered, for a trace.
    pub fn answer_of(&self, frame: Frame) -> Status {
        self.stage.world.context(frame).status()
    }

    /// Rounds that the victims of each core have finished.
    pub fn rounds(&self) -> Vec<u64> {
        self.programs.values().filter_map(Program::rounds).collect()
    }

    pub fn is_chain(&self) -> bool {
        self.stage.cast.config.chain != 0
    }

    /// The number of cores.
    pub fn cores(&self) -> u8 {
        self.stage.cast.config.cores
    }
}

fn registers(context: &HostContext) -> Registers {
    Registers {
        operation: context.result(),
        to: context.badge(),
        from: context.token(),
        tag: context.tag(),
        words: context.words(),
    }
}

fn no_power(outcome: Outcome) -> Result<(), Violation> {
    match outcome {
        Outcome::Power(action) => broken("the machine stays on", format!("{action:?}")),
        _ => Ok(()),
    }
}

const _: () = assert!(CORE.0 == 0);
