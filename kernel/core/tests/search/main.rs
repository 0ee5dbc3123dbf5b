//! The kernel, searched: every state that small systems can reach, with the invariants of
//! DESIGN.md section 12 asserted in each (docs/semantics.md).
//!
//! | file | contents |
//! |---|---|
//! | [`system`] | builds a tree of threads on one simulated core |
//! | [`cases`] | the systems that are searched |
//! | [`program`] | what their threads may do |
//! | [`operation`] | one step: making it, saying it in words |
//! | [`state`] | a state as data: copying, putting back, the key |
//! | [`explore`] | breadth-first search, traces, liveness |
//! | [`check`] | what must hold in every state |
//! | [`step_check`] | what must hold of every step |

mod cases;
mod check;
mod explore;
mod operation;
mod program;
mod state;
mod step_check;
mod system;

use explore::{Case, explore};

fn search(case: &Case) {
    let started = std::time::Instant::now();
    let report = explore(case);
    println!(
        "{}: {} states, {} steps, complete {}, {:?}",
        case.name,
        report.states,
        report.steps,
        report.complete,
        started.elapsed()
    );
    assert!(report.counterexamples.is_empty(), "\n{}", report.counterexamples.join("\n"));
}

#[test]
fn a_rich_system_keeps_every_invariant() {
    let mut case = cases::rich(0);
    case.limit = std::env::var("LIMIT").map_or(20_000, |text| text.parse().expect("a number"));
    search(&case);
}
