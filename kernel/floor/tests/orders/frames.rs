//! Two cores that change the entry of one frame.

use crate::check;
use cedo_floor::{FrameKind, FrameTable};
use cedo_machine::atomic::AtomicU64;
use cedo_machine::{CoreNumber, Frame};
use loom::thread;

const FRAME: Frame = Frame(1);

/// A table in which frame 1 is memory for users.
pub fn table() -> FrameTable {
    let words = || -> Vec<AtomicU64> { (0..2).map(|_| AtomicU64::new(0)).collect() };
    let table = FrameTable::new(words().leak(), words().leak());
    table.add_ram(FRAME);
    table
}

/// What two cores get that do this at the same time, and the table afterwards.
fn race(
    prepare: fn(FrameTable),
    one: fn(FrameTable) -> bool,
    other: fn(FrameTable) -> bool,
    end: fn(bool, bool, FrameTable),
) {
    check(4, move || {
        let table = table();
        prepare(table);
        let second = thread::spawn(move || other(table));
        let first = one(table);
        end(first, second.join().expect("does not fail"), table);
    });
}

fn claim(table: FrameTable) -> bool {
    table.claim(FRAME, FrameKind::Stock, CoreNumber(1))
}

#[test]
fn one_of_two_cores_claims_a_frame() {
    race(
        |_| {},
        claim,
        claim,
        |one, other, table| {
            assert!(one != other);
            assert_eq!(table.entry(FRAME).kind(), FrameKind::Stock);
        },
    );
}

#[test]
fn a_frame_becomes_an_object_or_is_mapped() {
    race(
        |_| {},
        claim,
        |table| table.count_mapping(FRAME),
        |claimed, mapped, table| {
            assert!(claimed != mapped);
            let entry = table.entry(FRAME);
            assert_eq!(entry.kind() == FrameKind::Ram, mapped);
            assert_eq!(entry.map_count(), u16::from(mapped));
        },
    );
}

#[test]
fn mappings_are_counted_exactly() {
    race(
        |table| assert!(table.count_mapping(FRAME)),
        |table| table.count_mapping(FRAME) && table.uncount_mapping(FRAME),
        |table| table.uncount_mapping(FRAME),
        |one, other, table| {
            assert!(one && other);
            assert_eq!(table.entry(FRAME).map_count(), 0);
        },
    );
}

#[test]
fn an_object_is_destroyed_once() {
    race(
        |table| assert!(claim(table)),
        |table| table.retire(FRAME),
        |table| table.retire(FRAME),
        |one, other, table| {
            assert!(one != other);
            assert_eq!(table.entry(FRAME).generation(), 2);
        },
    );
}

#[test]
fn a_retired_frame_is_not_claimed_before_it_is_released() {
    race(
        |table| assert!(claim(table)),
        |table| {
            assert!(table.retire(FRAME));
            table.release(FRAME)
        },
        claim,
        |released, claimed, table| {
            assert!(released);
            let entry = table.entry(FRAME);
            assert_eq!(entry.generation(), 2);
            assert_eq!(entry.kind() == FrameKind::Stock, claimed);
        },
    );
}
