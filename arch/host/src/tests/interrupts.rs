//! Signals, deadlines and lines: when they are pending, and for whom.

use super::toy::{Operation, Toy, roles};
use super::{A, B, registers, world};
use crate::{Event, Outcome, Refusal};
use cedo_machine::{Context, Interrupt, Line, Ticks};

#[test]
fn signals_wait_coalesce_and_wake_a_halted_core() {
    let mut world = world();
    assert_eq!(world.interrupt(B, Interrupt::Signal), Err(Refusal::NotPending));
    world.call(B, &roles(Operation::Halt, 0, 0, 0)).expect("runs");
    world.call(A, &roles(Operation::Post, 1, 5, 0)).expect("runs");
    world.call(A, &roles(Operation::Post, 1, 6, 0)).expect("runs");
    assert_eq!(world.interrupts(), [Event::Interrupt(B, Interrupt::Signal)]);
    let woken = world.interrupt(B, Interrupt::Signal).expect("arrives");
    assert_eq!(woken, Outcome::Running(Toy::frame(world.platform(), 1)));
    assert_eq!(registers(&world, B).words()[0], 11);
    assert!(world.interrupts().is_empty());
    assert_eq!(world.counters(A).signals_sent, 2);
    world.call(A, &roles(Operation::Post, 0, 7, 0)).expect("runs");
    assert_eq!(world.interrupts(), [Event::Interrupt(A, Interrupt::Signal)], "its own");
}

#[test]
fn a_deadline_fires_once_when_its_time_has_come() {
    let mut world = world();
    world.call(A, &roles(Operation::Deadline, 0, 95, 0)).expect("runs");
    assert_eq!(world.until_deadline(), Some(Ticks(10)));
    world.advance(Ticks(9));
    assert!(world.pending(A).is_empty());
    world.advance(Ticks(1));
    assert_eq!(world.pending(A), [Interrupt::Timer]);
    world.interrupt(A, Interrupt::Timer).expect("arrives");
    assert_eq!(registers(&world, A).words()[1], 95 + 1);
    assert!(world.pending(A).is_empty() && world.until_deadline().is_none());
    let answer = world.call(A, &roles(Operation::Time, 0, 0, 0)).expect("runs");
    assert_eq!(answer.map(|context| context.result()), Some(100));
}

#[test]
fn a_level_line_is_masked_by_delivery_and_comes_again_while_asserted() {
    let mut world = world();
    let line = Line(3);
    world.raise(line);
    world.call(B, &roles(Operation::Route, 3, 0, 1)).expect("runs");
    assert!(world.pending(B).is_empty());
    world.call(B, &roles(Operation::Unmask, 3, 0, 0)).expect("runs");
    assert_eq!((world.pending(A), world.pending(B)), (vec![], vec![Interrupt::Line(line)]));
    world.interrupt(B, Interrupt::Line(line)).expect("arrives");
    assert_eq!(registers(&world, B).words()[2], 4);
    assert!(world.pending(B).is_empty());
    world.call(B, &roles(Operation::Unmask, 3, 0, 0)).expect("runs");
    assert_eq!(world.pending(B), [Interrupt::Line(line)]);
    world.lower(line);
    assert!(world.pending(B).is_empty());
}

#[test]
fn an_edge_is_remembered_unless_the_line_is_masked() {
    let mut world = world();
    let line = Line(2);
    let answer = world.call(A, &roles(Operation::Route, 2, 0, 0)).expect("runs");
    assert_eq!(answer.map(|context| context.result()), Some(1));
    world.raise(line);
    world.call(A, &roles(Operation::Unmask, 2, 0, 0)).expect("runs");
    assert!(world.pending(A).is_empty());
    world.raise(line);
    world.lower(line);
    assert_eq!(world.pending(A), [Interrupt::Line(line)]);
    world.interrupt(A, Interrupt::Line(line)).expect("arrives");
    world.raise(line);
    assert_eq!(world.pending(A), [Interrupt::Line(line)]);
    world.call(A, &roles(Operation::Mask, 2, 0, 0)).expect("runs");
    assert!(world.pending(A).is_empty());
    let answer = world.call(A, &roles(Operation::Route, 8, 0, 0)).expect("runs");
    assert_eq!(answer.map(|context| context.result()), Some(0));
}
