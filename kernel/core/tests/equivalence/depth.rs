//! A leaf at every depth that a tree can have, preempted by a handler below every scheduler above it:
//! DESIGN.md section 6, "for any depth up to 8".

use crate::compare::compare;
use crate::interrupts;
use crate::operation::Step;
use crate::play::{Dispatch, Play};
use crate::system::Plan;
use cedo_abi::MAX_DEPTH;
use cedo_core::kernel::Protocol;

/// The root is 0, the schedulers follow down to the leaf, which works; the handler, the last one, is
/// scheduled by `above`.
fn plan(depth: usize, above: usize) -> Plan {
    let mut parent = vec![0];
    parent.extend(0..depth);
    parent.push(above);
    crate::plan(&parent, &[depth + 1], &[depth])
}

fn every_plan() -> impl Iterator<Item = (usize, usize, Plan)> {
    (1..=MAX_DEPTH).flat_map(|depth| (0..depth).map(move |at| (depth, at, plan(depth, at))))
}

#[test]
fn who_decides_about_a_preempted_leaf_runs_it_or_the_handler_at_any_depth() {
    for (depth, above, plan) in every_plan() {
        let (leaf, handler) = (depth, depth + 1);
        for protocol in [Protocol::Chain, Protocol::Direct] {
            let mut play = Play::new(&plan, protocol, Dispatch::Reschedule);
            let start = play.state.clone();
            assert_eq!(start.current(), Some(leaf), "{plan:?}");
            for (favourite, runs) in [(above + 1, leaf), (handler, handler)] {
                let outcome = play.happen(&start, Step::Interrupt(0), favourite);
                let text = format!("{protocol:?}, leaf at depth {depth}, handler below {above}");
                assert_eq!(outcome.runs, Some(runs), "{text}");
                let waits = if runs == leaf { handler } else { leaf };
                assert_eq!(outcome.ready, [waits], "{text}");
            }
        }
    }
}

#[test]
fn preemption_at_any_depth_tells_every_scheduler_the_same_in_both_protocols() {
    for (depth, above, plan) in every_plan() {
        let comparison = compare(&plan, Dispatch::Reschedule, usize::MAX, interrupts);
        println!("depth {depth}, handler below {above}: {} pairs of states", comparison.pairs);
        assert!(comparison.complete && comparison.differences.is_empty(), "{plan:?}");
    }
}
