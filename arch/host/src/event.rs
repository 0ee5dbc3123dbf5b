//! Steps as data: what can happen next, and doing it. A list of events is a run that can be
//! repeated.

use cedo_machine::{CoreNumber, Fault, Interrupt, Line, Ticks, Upcalls};

use crate::board::Mode;
use crate::context::Roles;
use crate::world::{Outcome, Refusal};
use crate::{HostMachine, World};

/// What user code does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// A call.
    Call(Roles),
    /// An exception.
    Fault(Fault),
    /// Goes on at this address without entering the kernel.
    Jump(u64),
    /// Reads the word at an aligned address into message word 0, or faults.
    Load(u64),
    /// Writes the word at an aligned address, or faults.
    Store(u64, u64),
}

/// One step of the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// User code on this core does something.
    Act(CoreNumber, Action),
    /// A pending interrupt arrives.
    Interrupt(CoreNumber, Interrupt),
    /// A device raises a line.
    Raise(Line),
    /// A device lowers a line.
    Lower(Line),
    /// Time passes.
    Advance(Ticks),
}

impl<K: Upcalls<Machine = HostMachine>> World<K> {
    /// The cores that run user code.
    pub fn running(&self) -> Vec<CoreNumber> {
        self.cores().filter(|core| self.mode(*core) == Mode::User).collect()
    }

    /// The interrupts that could arrive now, at any core that has started.
    pub fn interrupts(&self) -> Vec<Event> {
        let started = self.cores().filter(|core| self.mode(*core) != Mode::Off);
        started
            .flat_map(|core| {
                self.pending(core).into_iter().map(move |source| Event::Interrupt(core, source))
            })
            .collect()
    }

    /// Makes one step. Where the event is no core's, the answer is nothing.
    pub fn apply(&mut self, event: Event) -> Result<Option<Outcome>, Refusal> {
        match event {
            Event::Act(core, action) => self.act(core, action).map(Some),
            Event::Interrupt(core, source) => self.interrupt(core, source).map(Some),
            Event::Raise(line) => {
                self.raise(line);
                Ok(None)
            }
            Event::Lower(line) => {
                self.lower(line);
                Ok(None)
            }
            Event::Advance(ticks) => {
                self.advance(ticks);
                Ok(None)
            }
        }
    }

    /// Repeats a run. The error says which event could not happen.
    pub fn replay(&mut self, events: &[Event]) -> Result<(), (usize, Refusal)> {
        for (index, event) in events.iter().enumerate() {
            self.apply(*event).map_err(|refusal| (index, refusal))?;
        }
        Ok(())
    }

    fn act(&mut self, core: CoreNumber, action: Action) -> Result<Outcome, Refusal> {
        let frame = self.current(core).ok_or(Refusal::Halted)?;
        let accessed = match action {
            Action::Call(roles) => return self.system_call(core, &roles),
            Action::Fault(fault) => return self.fault(core, fault),
            Action::Jump(instruction) => {
                self.jump(core, instruction)?;
                Ok(())
            }
            Action::Load(address) => self.load(core, address).map(|value| self.loaded(core, value)),
            Action::Store(address, value) => self.store(core, address, value),
        };
        match accessed {
            Ok(()) => Ok(Outcome::Running(frame)),
            Err(fault) => self.fault(core, fault),
        }
    }
}
