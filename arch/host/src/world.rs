//! All cores of the simulated machine with their kernels, step by step.
//!
//! ```text
//!            first              Next::User, set_current before
//!   (off) ---------> halted <---------------------------------> user
//!                      |  interrupt                               |  call, fault, interrupt
//!                      +------------------- kernel ---------------+
//!                                              | power
//!                                              v
//!                                       nothing runs any more
//! ```

use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;

use cedo_machine::{
    Context, CoreNumber, Fault, Frame, Interrupt, Next, Platform, Power, Ticks, Upcalls,
};

use crate::board::{Board, Mode};
use crate::context::{HostContext, Resume, Roles};
use crate::cpu::{HostMachine, PowerEvent};
use crate::setup::Setup;
use crate::snapshot::Images;

/// Bytes by which a call moves the instruction pointer.
pub const CALL_BYTES: u64 = 4;

/// A machine and the kernels that run on it.
pub struct World<K: Upcalls<Machine = HostMachine>> {
    pub(crate) board: Rc<Board>,
    pub(crate) kernels: Vec<K>,
    pub(crate) shared: &'static K::Shared,
    pub(crate) platform: &'static Platform,
    pub(crate) images: Images,
    ticks_per_entry: u64,
    takes_short_cuts: bool,
}

/// What a core does after a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Runs the thread whose context is at the start of this frame.
    Running(Frame),
    /// Waits for an interrupt.
    Halted,
    /// The kernel has switched the machine off.
    Power(Power),
}

/// Why a step cannot be made. Nothing changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The machine is switched off.
    Power(Power),
    /// The core was not started, or was started before.
    NotThen,
    /// No user code runs on this core.
    Halted,
    /// This interrupt does not wait for this core.
    NotPending,
}

impl<K: Upcalls<Machine = HostMachine>> World<K> {
    /// Builds a machine and a kernel for each core; none has started yet. The error is the
    /// kernel's.
    pub fn new(setup: &Setup) -> Result<World<K>, &'static str> {
        let (memory, platform) = setup.build();
        let platform: &'static Platform = Box::leak(Box::new(platform));
        let board = Rc::new(Board::new(setup, memory, platform.kernel_root));
        let shared: &'static K::Shared = Box::leak(Box::new(K::share(platform)?));
        let machine = |core| HostMachine::new(CoreNumber(core), Rc::clone(&board));
        let kernels =
            (0..setup.cores).map(|core| K::new(machine(core), shared, platform)).collect();
        let images = Images::new(memory, platform);
        let ticks_per_entry = setup.ticks_per_entry;
        Ok(World {
            board,
            kernels,
            shared,
            platform,
            images,
            ticks_per_entry,
            takes_short_cuts: true,
        })
    }

    /// Builds a machine and starts all its cores in order.
    pub fn boot(setup: &Setup) -> Result<World<K>, &'static str> {
        let mut world = World::new(setup)?;
        for core in 0..setup.cores {
            world.first(CoreNumber(core))?;
        }
        Ok(world)
    }

    /// Starts a core. The error is the kernel's.
    pub fn first(&mut self, core: CoreNumber) -> Result<Outcome, &'static str> {
        if self.allow(core, &[Mode::Off]).is_err() {
            return Err("this core has started already");
        }
        let mut problem = None;
        let outcome = self.enter(core, |kernel| {
            kernel.first().unwrap_or_else(|text| {
                problem = Some(text);
                Next::Halt
            })
        });
        problem.map_or(Ok(outcome), Err)
    }

    /// The current thread of `core` makes a call.
    pub fn system_call(&mut self, core: CoreNumber, roles: &Roles) -> Result<Outcome, Refusal> {
        self.allow(core, &[Mode::User])?;
        self.change_current(core, |context| {
            context.set_request(&roles.request());
            context.set_instruction(context.instruction().wrapping_add(CALL_BYTES));
            context.set_resume(Resume::Short);
        });
        self.begin(core);
        let short = self.takes_short_cuts && {
            let kernel = &mut self.kernels[core.index()];
            kernel.short_cut(&roles.request())
        };
        let outcome = short.then(|| self.leave(core, Next::User));
        // Of whoever is current now: the message words are still in the registers.
        self.change_current(core, |context| context.set_words(&roles.words));
        Ok(outcome.unwrap_or_else(|| self.run(core, K::system_call)))
    }

    /// Whether calls first try [`Upcalls::short_cut`], as they do on every real machine.
    pub fn take_short_cuts(&mut self, yes: bool) {
        self.takes_short_cuts = yes;
    }

    /// As [`World::system_call`]; the registers afterwards if the same thread goes on at once.
    pub fn call(
        &mut self,
        core: CoreNumber,
        roles: &Roles,
    ) -> Result<Option<HostContext>, Refusal> {
        let caller = self.current(core);
        self.system_call(core, roles)?;
        let same = self.current(core).filter(|_| self.current(core) == caller);
        Ok(same.map(|frame| self.context(frame)))
    }

    /// User code on `core` makes an exception.
    pub fn fault(&mut self, core: CoreNumber, fault: Fault) -> Result<Outcome, Refusal> {
        self.allow(core, &[Mode::User])?;
        self.change_current(core, |context| context.set_resume(Resume::Full));
        Ok(self.enter(core, |kernel| kernel.fault(fault)))
    }

    /// A pending interrupt arrives at `core`.
    pub fn interrupt(&mut self, core: CoreNumber, source: Interrupt) -> Result<Outcome, Refusal> {
        self.allow(core, &[Mode::User, Mode::Halted])?;
        if !self.pending(core).contains(&source) {
            return Err(Refusal::NotPending);
        }
        self.board.acknowledge(core, source);
        self.spurious(core, source)
    }

    /// An interrupt arrives that nobody asked for, as real controllers sometimes deliver one.
    pub fn spurious(&mut self, core: CoreNumber, source: Interrupt) -> Result<Outcome, Refusal> {
        self.allow(core, &[Mode::User, Mode::Halted])?;
        self.change_current(core, |context| context.set_resume(Resume::Full));
        Ok(self.enter(core, |kernel| kernel.interrupt(source)))
    }

    /// User code on `core` runs on, or jumps, without entering the kernel.
    pub fn jump(&mut self, core: CoreNumber, instruction: u64) -> Result<(), Refusal> {
        self.allow(core, &[Mode::User])?;
        self.change_current(core, |context| context.set_instruction(instruction));
        Ok(())
    }

    /// True if `core` is in one of these modes and the machine is on.
    fn allow(&self, core: CoreNumber, modes: &[Mode]) -> Result<(), Refusal> {
        if let Some(action) = self.power() {
            return Err(Refusal::Power(action));
        }
        match self.mode(core) {
            mode if modes.contains(&mode) => Ok(()),
            Mode::Halted => Err(Refusal::Halted),
            Mode::Off | Mode::User => Err(Refusal::NotThen),
        }
    }

    /// User code has read a word into message word 0.
    pub(crate) fn loaded(&mut self, core: CoreNumber, value: u64) {
        self.change_current(core, |context| {
            let mut words = context.words();
            words[0] = value;
            context.set_words(&words);
        });
    }

    fn change_current(&mut self, core: CoreNumber, change: impl FnOnce(&mut HostContext)) {
        let Some(frame) = self.current(core) else { return };
        let mut context = self.context(frame);
        change(&mut context);
        for (index, value) in context.to_memory().into_iter().enumerate() {
            self.board.memory.write(frame, index, value);
        }
    }

    /// One entry into the kernel, up to where it leaves again or switches off.
    fn enter(&mut self, core: CoreNumber, run: impl FnOnce(&mut K) -> Next) -> Outcome {
        self.begin(core);
        self.run(core, run)
    }

    fn begin(&mut self, core: CoreNumber) {
        self.advance(Ticks(self.ticks_per_entry));
        self.board.state.borrow_mut().cores[core.index()].counters.entries += 1;
        HostMachine::forget_spins();
    }

    fn run(&mut self, core: CoreNumber, run: impl FnOnce(&mut K) -> Next) -> Outcome {
        let kernel = &mut self.kernels[core.index()];
        match panic::catch_unwind(AssertUnwindSafe(|| run(kernel))) {
            Ok(next) => self.leave(core, next),
            Err(payload) => match payload.downcast::<PowerEvent>() {
                Ok(event) => Outcome::Power(event.0),
                Err(other) => panic::resume_unwind(other),
            },
        }
    }

    /// What entry code does with the kernel's answer.
    fn leave(&mut self, core: CoreNumber, next: Next) -> Outcome {
        let who = self.kernels[core.index()].who();
        let bases = self.current(core).map(|frame| self.context(frame).bases());
        assert_eq!(who.0, core, "a kernel that takes itself for another core's");
        let state = &mut self.board.state.borrow_mut().cores[core.index()];
        if next == Next::Halt {
            (state.mode, state.current) = (Mode::Halted, None);
            return Outcome::Halted;
        }
        state.mode = Mode::User;
        assert!(state.root.is_some(), "user code without a page table");
        let frame = state.current.expect("a core that halted resumes only what was set current");
        assert_eq!(who.1, frame.0, "the kernel's current thread is not the machine's");
        assert_eq!(Some(state.bases), bases, "the thread would run on with the bases that it had");
        Outcome::Running(frame)
    }
}
