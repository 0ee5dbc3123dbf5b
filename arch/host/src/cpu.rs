//! One core of the simulated machine.

use std::cell::{Cell, RefMut};
use std::fmt;
use std::panic;
use std::rc::Rc;

use cedo_machine::{
    CoreNumber, Frame, Line, Machine, PageFormat, Power, Ticks, Trigger, UserAddress,
};

use crate::board::{Board, CoreState, FloatingPoint};
use crate::memory::FRAME_WORDS;
use crate::{HostContext, HostPages};

/// Rounds after which a spin loop counts as endless: no other core runs during a step, so whoever
/// waits for one waits for ever.
const SPIN_LIMIT: u32 = 100_000;

thread_local! {
    static SPINS: Cell<u32> = const { Cell::new(0) };
}

/// A handle to one core. Copies name the same core; its state belongs to the world.
#[derive(Clone)]
pub struct HostMachine {
    core: CoreNumber,
    board: Rc<Board>,
}

/// What [`Machine::power`] unwinds with; the world catches it.
pub(crate) struct PowerEvent(pub Power);

impl HostMachine {
    pub(crate) fn new(core: CoreNumber, board: Rc<Board>) -> HostMachine {
        HostMachine { core, board }
    }

    /// Starts counting the rounds of spin loops anew.
    pub(crate) fn forget_spins() {
        SPINS.set(0);
    }

    /// Memory, for a kernel under test that has no floor.
    #[cfg(test)]
    pub(crate) fn memory(&self) -> crate::memory::Memory {
        self.board.memory
    }

    fn state(&self) -> RefMut<'_, CoreState> {
        RefMut::map(self.board.state.borrow_mut(), |state| &mut state.cores[self.core.index()])
    }

    fn has_kernel_entries(&self, root: Frame) -> bool {
        let memory = &self.board.memory;
        let same = |index| memory.read(root, index) == memory.read(self.board.kernel_root, index);
        (0..FRAME_WORDS).filter(|index| HostPages::is_kernel_entry(*index)).all(same)
    }
}

impl fmt::Debug for HostMachine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HostMachine(core {})", self.core.0)
    }
}

impl Machine for HostMachine {
    type Context = HostContext;
    type Pages = HostPages;

    fn core(&self) -> CoreNumber {
        self.core
    }

    fn set_current(&mut self, context: &mut HostContext) {
        let frame = self.board.memory.frame_at(core::ptr::from_mut(context).addr());
        assert!(frame.is_some(), "a context lives at the start of its thread's frame");
        self.is_plain();
        let mut state = self.state();
        (state.current, state.bases) = (frame, context.bases());
    }

    fn is_plain(&mut self) -> bool {
        self.state().floating.is_open = false;
        true
    }

    fn save_floating(&mut self, context: &mut HostContext) {
        let frame = self.board.memory.frame_at(core::ptr::from_mut(context).addr());
        let floating = self.state().floating;
        if frame.is_some() && floating.owner == frame {
            context.set_floating(floating.register);
            self.state().floating = FloatingPoint::default();
        }
    }

    fn keeps_translations(&self) -> bool {
        self.board.keeps_translations
    }

    fn activate(&mut self, root: Frame) {
        assert!(self.board.memory.contains(root), "a page table outside memory: {root:?}");
        assert!(self.has_kernel_entries(root), "a page table without the kernel's entries");
        let mut state = self.state();
        state.root = Some(root);
        if !self.board.keeps_translations {
            state.translations.clear();
        }
        state.counters.activations += 1;
    }

    fn publish_entries() {}

    fn flush_page(&mut self, page: UserAddress) {
        let mut state = self.state();
        if let Some(root) = state.root {
            state.translations.remove(&(root, page.number() & !0xfff));
        }
        state.counters.page_flushes += 1;
    }

    fn flush_all(&mut self) {
        let mut state = self.state();
        state.translations.clear();
        state.counters.full_flushes += 1;
    }

    fn now(&mut self) -> Ticks {
        self.board.state.borrow().now
    }

    fn nanoseconds(&self, ticks: Ticks) -> u64 {
        ticks.0.saturating_mul(self.board.ns_per_tick)
    }

    fn set_deadline(&mut self, deadline_ns: Option<u64>) {
        self.state().deadline_ns = deadline_ns;
    }

    fn relax() {
        SPINS.set(SPINS.get() + 1);
        assert!(SPINS.get() < SPIN_LIMIT, "a spin loop that waits for another core: it never ends");
    }

    fn signal(&mut self, core: CoreNumber) {
        self.state().counters.signals_sent += 1;
        self.board.state.borrow_mut().cores[core.index()].signal = true;
    }

    fn route_line(&mut self, line: Line, trigger: Trigger) -> bool {
        let core = self.core;
        let mut state = self.board.state.borrow_mut();
        state.lines.get_mut(line.0 as usize).map(|line| line.route(core, trigger)).is_some()
    }

    fn unmask_line(&mut self, line: Line) {
        if let Some(line) = self.board.state.borrow_mut().lines.get_mut(line.0 as usize) {
            line.masked = false;
        }
    }

    fn mask_line(&mut self, line: Line) {
        if let Some(line) = self.board.state.borrow_mut().lines.get_mut(line.0 as usize) {
            line.masked = true;
        }
    }

    fn port_read(&mut self, port: u16, bytes: u8) -> Option<u32> {
        let state = self.board.state.borrow();
        let ports = state.ports.as_ref()?;
        Some(ports.get(&port).copied().unwrap_or(u32::MAX) & width(bytes))
    }

    fn port_write(&mut self, port: u16, bytes: u8, value: u32) -> bool {
        let mut state = self.board.state.borrow_mut();
        let Some(ports) = state.ports.as_mut() else { return false };
        ports.insert(port, value & width(bytes));
        true
    }

    fn console(&mut self, text: &[u8]) {
        self.board.state.borrow_mut().console.extend_from_slice(text);
    }

    fn power(&mut self, action: Power) -> ! {
        self.board.state.borrow_mut().power = Some(action);
        panic::resume_unwind(Box::new(PowerEvent(action)))
    }
}

/// The bits that an access of this many bytes moves.
fn width(bytes: u8) -> u32 {
    match bytes {
        1 => 0xff,
        2 => 0xffff,
        4 => u32::MAX,
        _ => panic!("a port access of {bytes} bytes"),
    }
}
