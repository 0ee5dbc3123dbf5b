//! The two protocols held against each other: where DESIGN.md section 6 says that they agree, they
//! tell every scheduler the same.
//!
//! | file | contents |
//! |---|---|
//! | [`play`] | one system under one protocol, with schedulers that always decide the same way |
//! | [`facts`] | what schedulers are told |
//! | [`compare`] | both protocols side by side, through all states or one program |
//! | [`random`] | random trees and programs |
//! | [`depth`] | preemption at every depth that a tree can have |
//! | [`differences`] | the systems in which all ways to differ are looked for |
//! | [`document`] | `docs/protocols.md`, which lists them |

mod compare;
mod depth;
mod differences;
mod document;
mod facts;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/mail.rs"]
mod mail;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/operation.rs"]
mod operation;
mod play;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/program.rs"]
mod program;
mod random;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/state.rs"]
mod state;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/system.rs"]
mod system;

use cedo_core::object::irq::IrqState;
use compare::compare;
use operation::Step;
use play::Dispatch;
use state::Snapshot;
use system::Plan;

fn plan(parent: &[usize], handlers: &[usize], started: &[usize]) -> Plan {
    const NAMES: [&str; 10] = ["R", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    Plan {
        lines: handlers.to_vec(),
        started: started.to_vec(),
        ..Plan::new(&NAMES[..parent.len()], parent)
    }
}

/// Events of the kind that the protocols agree on.
fn interrupts(state: &Snapshot) -> Vec<Step> {
    let mut steps = Vec::new();
    for (line, irq) in (0..).zip(&state.irqs) {
        if irq.state == IrqState::Armed {
            steps.push(Step::Interrupt(line));
        }
        if irq.state == IrqState::Delivered && state.current() == Some(state.index(irq.handler)) {
            steps.push(Step::Acknowledge(line));
        }
    }
    if state.current().is_some() {
        steps.push(Step::Yield);
    }
    if !state.local().timer_pending {
        steps.push(Step::Timer);
    }
    steps
}

#[test]
fn interrupts_tell_every_scheduler_the_same() {
    for (parent, handlers, started) in [
        (vec![0, 0, 0, 0], vec![2, 3], vec![1]),
        (vec![0, 0, 0, 1, 1, 2, 2], vec![4, 6], vec![3]),
        (vec![0, 0, 0, 1, 1, 2, 2], vec![4, 5, 6], vec![3]),
        (vec![0, 0, 1, 2, 0, 4, 3, 3, 5], vec![7, 8], vec![6]),
    ] {
        let comparison = compare(
            &plan(&parent, &handlers, &started),
            Dispatch::Reschedule,
            usize::MAX,
            interrupts,
        );
        println!("{parent:?}: {} pairs of states, all there are", comparison.pairs);
        assert!(comparison.complete && comparison.differences.is_empty());
    }
}

#[test]
fn random_programs_of_interrupts_tell_every_scheduler_the_same() {
    // Two tests, so that both cores of a small machine have something to do.
    let events = random::play(1, 500, 100);
    println!("50000 programs, {events} events");
}

#[test]
fn more_random_programs_of_interrupts_tell_every_scheduler_the_same() {
    let events = random::play(2, 500, 100);
    println!("50000 programs, {events} events");
}

#[test]
fn the_document_lists_every_difference() {
    let (differences, pairs) = differences::all();
    println!("{pairs} pairs of states, all there are; {} kinds of differences", differences.len());
    let text = document::text(&differences);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocols.md");
    if std::env::var_os("CEDO_WRITE").is_some() {
        std::fs::write(path, text).expect("the document can be written");
        return;
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == text,
        "docs/protocols.md is not what the kernel does; look at the change that \
         `CEDO_WRITE=1 cargo test -p cedo-core --test equivalence document` makes"
    );
}
