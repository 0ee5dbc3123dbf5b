//! Random trees and random programs of interrupts, which the protocols must agree on.

use crate::compare::Sides;
use crate::interrupts;
use crate::play::Dispatch;
use crate::system::Plan;
use cedo_arch_host::Random;

/// Threads of a tree, the root included: at least, at most.
const THREADS: (usize, usize) = (3, 9);
const EVENTS: usize = 6;

/// Plays `programs` programs on each of `trees` trees. How many events there were.
pub fn play(seed: u64, trees: usize, programs: usize) -> usize {
    let mut random = Random::new(seed);
    let mut events = 0;
    for _ in 0..trees {
        let plan = tree(&mut random);
        let mut sides = Sides::new(&plan, Dispatch::Reschedule);
        for _ in 0..programs {
            events += program(&mut random, &plan, &mut sides);
        }
    }
    events
}

/// Threads at any depth. One thread without children always has work; the others handle interrupts.
fn tree(random: &mut Random) -> Plan {
    let count = THREADS.0 + random.below(THREADS.1 - THREADS.0 + 1);
    let mut parent = vec![0];
    for at in 1..count {
        // Half of them make the tree deeper.
        parent.push(if random.below(2) == 0 { at - 1 } else { random.below(at) });
    }
    let mut leaves: Vec<_> = (1..count).filter(|at| !parent.contains(at)).collect();
    let busy = leaves.remove(random.below(leaves.len()));
    crate::plan(&parent, &leaves, &[busy])
}

fn program(random: &mut Random, plan: &Plan, sides: &mut Sides) -> usize {
    let mut pair = sides.start();
    let mut trace = Vec::new();
    for _ in 0..EVENTS {
        let steps = interrupts(&pair.direct);
        let Some(step) = random.choose(&steps).copied() else { break };
        let event = (step, random.below(plan.names.len()));
        trace.push(event);
        let (next, [chain, direct]) = sides.happen(&pair, event);
        assert_eq!(chain, direct, "{plan:?} after {trace:?}");
        pair = next;
    }
    trace.len()
}
