//! What the cores of the simulated machine share.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use cedo_machine::{CoreNumber, Frame, Interrupt, Line, Power, Ticks};

use crate::line::LineState;
use crate::memory::Memory;
use crate::setup::Setup;
use crate::translate::Translation;

/// Memory, and everything that a snapshot must copy.
pub(crate) struct Board {
    pub memory: Memory,
    pub kernel_root: Frame,
    pub ns_per_tick: u64,
    pub keeps_translations: bool,
    pub state: RefCell<State>,
}

/// The state of all devices and cores. Not borrowed while the kernel runs, but by the machine's
/// methods for their duration.
#[derive(Clone)]
pub(crate) struct State {
    pub now: Ticks,
    pub cores: Vec<CoreState>,
    pub lines: Vec<LineState>,
    /// What was last written to each port; nothing if the machine has no ports.
    pub ports: Option<BTreeMap<u16, u32>>,
    pub console: Vec<u8>,
    pub power: Option<Power>,
}

/// Which part of its life a core is in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mode {
    /// [`cedo_machine::Upcalls::first`] was not called yet.
    Off,
    /// User code runs.
    User,
    /// Halted with interrupts enabled.
    Halted,
}

/// The state of one core.
#[derive(Clone)]
pub(crate) struct CoreState {
    pub mode: Mode,
    pub current: Option<Frame>,
    /// The segment bases that user code runs with.
    pub bases: [u64; 2],
    pub root: Option<Frame>,
    pub deadline_ns: Option<u64>,
    pub signal: bool,
    /// Cached translations by page table and page: of the active one, or of others too if the machine
    /// keeps them.
    pub translations: BTreeMap<(Frame, u64), Translation>,
    pub counters: Counters,
    pub floating: FloatingPoint,
}

/// The floating-point register of a core: there is one.
#[derive(Clone, Copy, Default, Hash)]
pub(crate) struct FloatingPoint {
    pub register: u64,
    /// The frame of the thread that it belongs to.
    pub owner: Option<Frame>,
    /// User code may use it.
    pub is_open: bool,
}

/// How often the kernel asked this core for something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Page tables made active.
    pub activations: u64,
    /// Single translations flushed.
    pub page_flushes: u64,
    /// Flushes of everything.
    pub full_flushes: u64,
    /// Signals sent by this core.
    pub signals_sent: u64,
    /// Entries into the kernel.
    pub entries: u64,
}

impl Board {
    pub fn new(setup: &Setup, memory: Memory, kernel_root: Frame) -> Board {
        let core = CoreState {
            mode: Mode::Off,
            current: None,
            bases: [0; 2],
            root: None,
            deadline_ns: None,
            signal: false,
            translations: BTreeMap::new(),
            counters: Counters::default(),
            floating: FloatingPoint::default(),
        };
        let state = State {
            now: Ticks(0),
            cores: vec![core; usize::from(setup.cores)],
            lines: vec![LineState::IDLE; setup.lines as usize],
            ports: setup.ports.then(BTreeMap::new),
            console: Vec::new(),
            power: None,
        };
        let ns_per_tick = setup.ns_per_tick;
        let keeps_translations = setup.keeps_translations;
        Board { memory, kernel_root, ns_per_tick, keeps_translations, state: RefCell::new(state) }
    }

    /// True if the core's deadline has passed.
    fn deadline_passed(&self, state: &State, core: CoreNumber) -> bool {
        let now_ns = state.now.0.saturating_mul(self.ns_per_tick);
        state.cores[core.index()].deadline_ns.is_some_and(|deadline_ns| deadline_ns <= now_ns)
    }

    /// The interrupts that could arrive at this core now.
    pub fn pending(&self, core: CoreNumber) -> Vec<Interrupt> {
        let state = self.state.borrow();
        let timer = self.deadline_passed(&state, core).then_some(Interrupt::Timer);
        let signal = state.cores[core.index()].signal.then_some(Interrupt::Signal);
        let lines = state.lines.iter().enumerate().filter(|(_, line)| line.wants(core));
        let lines = lines.map(|(number, _)| Interrupt::Line(Line(number as u32)));
        timer.into_iter().chain(signal).chain(lines).collect()
    }

    /// The controller's side of a delivery.
    pub fn acknowledge(&self, core: CoreNumber, source: Interrupt) {
        let mut state = self.state.borrow_mut();
        match source {
            Interrupt::Timer => state.cores[core.index()].deadline_ns = None,
            Interrupt::Signal => state.cores[core.index()].signal = false,
            Interrupt::Line(line) => state.lines[line.0 as usize].deliver(),
        }
    }

    /// Hashes what decides the future. Counters and console do not; the time does only as what is
    /// left until the deadlines.
    pub fn hash_state(&self, hasher: &mut impl Hasher) {
        let state = self.state.borrow();
        let now_ns = state.now.0.saturating_mul(self.ns_per_tick);
        for core in &state.cores {
            (core.mode, core.current, core.root, core.signal).hash(hasher);
            core.deadline_ns.map(|deadline_ns| deadline_ns.saturating_sub(now_ns)).hash(hasher);
            (&core.translations, core.floating).hash(hasher);
        }
        state.lines.hash(hasher);
        state.ports.hash(hasher);
        state.power.is_some().hash(hasher);
    }
}
