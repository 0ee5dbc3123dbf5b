//! Looking at a world, and the driver's hand on clock, lines, ports and memory.

use cedo_machine::{CoreNumber, Frame, Interrupt, Line, Platform, Power, Ticks, Upcalls};

use crate::board::{CoreState, Counters, Mode};
use crate::context::{CONTEXT_WORDS, FLOATING_WORD};
use crate::{HostContext, HostMachine, World};

impl<K: Upcalls<Machine = HostMachine>> World<K> {
    /// The interrupts that could arrive at `core` now.
    pub fn pending(&self, core: CoreNumber) -> Vec<Interrupt> {
        self.board.pending(core)
    }

    /// The time.
    pub fn now(&self) -> Ticks {
        self.board.state.borrow().now
    }

    /// The deadline of `core` in nanoseconds.
    pub fn deadline_ns(&self, core: CoreNumber) -> Option<u64> {
        self.board.state.borrow().cores[core.index()].deadline_ns
    }

    /// True if user code of `core` may read its cycle counter.
    pub fn shows_cycles(&self, core: CoreNumber) -> bool {
        self.board.state.borrow().cores[core.index()].shows_cycles
    }

    /// What `core` is doing.
    pub fn mode(&self, core: CoreNumber) -> Mode {
        self.board.state.borrow().cores[core.index()].mode
    }

    /// The frame of the thread that runs on `core`; nothing while it halts.
    pub fn current(&self, core: CoreNumber) -> Option<Frame> {
        self.board.state.borrow().cores[core.index()].current
    }

    /// The active page table of `core`.
    pub fn root(&self, core: CoreNumber) -> Option<Frame> {
        self.board.state.borrow().cores[core.index()].root
    }

    /// The frame of the thread whose floating-point register `core` holds, if it does.
    pub fn floating_owner(&self, core: CoreNumber) -> Option<Frame> {
        self.board.state.borrow().cores[core.index()].floating.owner
    }

    /// What the kernel has asked of `core` so far.
    pub fn counters(&self, core: CoreNumber) -> Counters {
        self.board.state.borrow().cores[core.index()].counters
    }

    /// How the machine was switched off, if it was.
    pub fn power(&self) -> Option<Power> {
        self.board.state.borrow().power
    }

    /// Everything written to the console.
    pub fn console(&self) -> String {
        String::from_utf8_lossy(&self.board.state.borrow().console).into_owned()
    }

    /// What was last written to a port, or what a device put there.
    pub fn port(&self, port: u16) -> Option<u32> {
        self.board.state.borrow().ports.as_ref()?.get(&port).copied()
    }

    /// Cores in order.
    pub fn cores(&self) -> impl Iterator<Item = CoreNumber> + use<K> {
        (0..self.kernels.len() as u8).map(CoreNumber)
    }

    /// The platform that the kernels got.
    pub fn platform(&self) -> &'static Platform {
        self.platform
    }

    /// The kernel of one core.
    pub fn kernel(&self, core: CoreNumber) -> &K {
        &self.kernels[core.index()]
    }

    /// The kernel of one core, for a search that calls and restores it by itself. The machine is not
    /// told what that does: see [`World::restore`] for whole worlds.
    pub fn kernel_mut(&mut self, core: CoreNumber) -> &mut K {
        &mut self.kernels[core.index()]
    }

    /// What the kernels share.
    pub fn shared(&self) -> &'static K::Shared {
        self.shared
    }

    /// The context of any thread, by its frame.
    pub fn context(&self, frame: Frame) -> HostContext {
        let words: [u64; CONTEXT_WORDS] =
            core::array::from_fn(|index| self.board.memory.read(frame, index));
        HostContext::from_memory(&words)
    }

    /// Word `index` (of 512) of a frame.
    pub fn read(&self, frame: Frame, index: usize) -> u64 {
        self.board.memory.read(frame, index)
    }
}

impl<K: Upcalls<Machine = HostMachine>> World<K> {
    /// The thread that runs on a core writes the floating-point register; what was in it. Nothing if the
    /// core runs no user code.
    pub fn exchange_floating(&mut self, core: CoreNumber, value: u64) -> Option<u64> {
        let memory = self.board.memory;
        let mut state = self.board.state.borrow_mut();
        let CoreState { mode: Mode::User, current: Some(current), floating, .. } =
            &mut state.cores[core.index()]
        else {
            return None;
        };
        if !floating.is_open && floating.owner != Some(*current) {
            if let Some(owner) = floating.owner {
                memory.write(owner, FLOATING_WORD, floating.register);
            }
            floating.register = memory.read(*current, FLOATING_WORD);
            floating.owner = Some(*current);
        }
        floating.is_open = true;
        Some(std::mem::replace(&mut floating.register, value))
    }

    /// A device raises a line (an edge line: one edge).
    pub fn raise(&mut self, line: Line) {
        self.board.state.borrow_mut().lines[line.0 as usize].raise();
    }

    /// A device lowers a line.
    pub fn lower(&mut self, line: Line) {
        self.board.state.borrow_mut().lines[line.0 as usize].lower();
    }

    /// True if the controller lets no interrupt of `line` through.
    pub fn is_masked(&self, line: Line) -> bool {
        self.board.state.borrow().lines[line.0 as usize].masked
    }

    /// Masks a line or not, for a search that goes back.
    pub fn set_masked(&mut self, line: Line, masked: bool) {
        self.board.state.borrow_mut().lines[line.0 as usize].masked = masked;
    }

    /// The controller has delivered an interrupt of `line`, for a search that brings it to the kernel
    /// itself.
    pub fn delivered(&mut self, line: Line) {
        self.board.state.borrow_mut().lines[line.0 as usize].deliver();
    }

    /// Another core has signalled `core`, or, for a search that goes back, it has not.
    pub fn set_signal(&mut self, core: CoreNumber, pending: bool) {
        self.board.state.borrow_mut().cores[core.index()].signal = pending;
    }

    /// Lets time pass.
    pub fn advance(&mut self, ticks: Ticks) {
        let now = &mut self.board.state.borrow_mut().now;
        *now = Ticks(now.0 + ticks.0);
    }

    /// Ticks until the earliest deadline, if there is one.
    pub fn until_deadline(&self) -> Option<Ticks> {
        let state = self.board.state.borrow();
        let deadline_ns = state.cores.iter().filter_map(|core| core.deadline_ns).min()?;
        Some(Ticks(deadline_ns.div_ceil(self.board.ns_per_tick)).since(state.now))
    }

    /// A device changes what a port reads as.
    pub fn set_port(&mut self, port: u16, value: u32) {
        if let Some(ports) = &mut self.board.state.borrow_mut().ports {
            ports.insert(port, value);
        }
    }

    /// Sets word `index` of a frame behind everybody's back: only for memory that belongs to user
    /// code, such as UTCBs.
    pub fn write(&mut self, frame: Frame, index: usize, value: u64) {
        self.board.memory.write(frame, index, value);
    }
}
