//! A seeded driver: any core, any pending interrupt, in an order that a number decides.

use cedo_machine::{CoreNumber, Frame, Power, Upcalls};

use crate::context::HostContext;
use crate::event::{Action, Event};
use crate::snapshot::mixed;
use crate::{HostMachine, World};

/// Numbers that look random and depend on the seed alone (splitmix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Numbers of this seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound as u64) as usize
    }

    /// One of the elements, if there is one.
    pub fn choose<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { Some(&of[self.below(of.len())]) }
    }
}

/// Why a drive ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pause {
    /// All steps were made.
    Steps,
    /// Every core halts and nothing will wake one.
    Quiet,
    /// The kernel switched the machine off.
    Power(Power),
}

/// Makes at most `steps` steps. `program` says what the thread in this frame with these registers
/// does next on this core. Each event is added to `trace` *before* it happens, so that after a
/// panic the last entry is the culprit.
pub fn drive<K, P>(
    world: &mut World<K>,
    random: &mut Random,
    steps: usize,
    trace: &mut Vec<Event>,
    mut program: P,
) -> Pause
where
    K: Upcalls<Machine = HostMachine>,
    P: FnMut(CoreNumber, Frame, &HostContext) -> Action,
{
    for _ in 0..steps {
        if let Some(action) = world.power() {
            return Pause::Power(action);
        }
        let Some(event) = pick(world, random, &mut program) else { return Pause::Quiet };
        trace.push(event);
        let done = world.apply(event);
        assert!(done.is_ok(), "{event:?} could not happen: {done:?}");
    }
    world.power().map_or(Pause::Steps, Pause::Power)
}

/// One of the things that could happen; time passes only when nothing else can.
fn pick<K, P>(world: &mut World<K>, random: &mut Random, program: &mut P) -> Option<Event>
where
    K: Upcalls<Machine = HostMachine>,
    P: FnMut(CoreNumber, Frame, &HostContext) -> Action,
{
    let running = world.running();
    let interrupts = world.interrupts();
    if running.is_empty() && interrupts.is_empty() {
        return world.until_deadline().map(Event::Advance);
    }
    let choice = random.below(running.len() + interrupts.len());
    let Some(core) = running.get(choice) else { return Some(interrupts[choice - running.len()]) };
    let frame = world.current(*core)?;
    Some(Event::Act(*core, program(*core, frame, &world.context(frame))))
}
