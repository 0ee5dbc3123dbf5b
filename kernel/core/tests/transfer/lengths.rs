//! Every length in every operation.

use crate::message::LABEL;
use crate::stage::{DATA, NAMES, Plan, Stage};
use crate::ways::{Carry, Way};
use cedo_abi::Status;
use cedo_abi::item::{BYTES_PER_ENTRY, Item, MAX_STRING};

/// Moves one string of `bytes` bytes in every way and looks at all of memory.
fn every_way(plan: &Plan, sizes: &[(u64, u64, u64)]) {
    let mut stage = Stage::build(plan);
    for way in Way::ALL {
        for (bytes, from_offset, to_offset) in sizes {
            one(&mut stage, way, *bytes, DATA + from_offset, DATA + to_offset);
        }
    }
}

fn one(stage: &mut Stage, way: Way, bytes: u64, source: u64, target: u64) {
    let carry = Carry::of(stage, &[Item::string(source, bytes)], &[Item::string(target, bytes)]);
    let (from, to) = (carry.from, carry.to);
    stage.fill(from);
    stage.fill(to);
    let before = stage.play.repetitions;
    let epochs = [stage.look(from).epoch, stage.look(to).epoch];
    let (received, sent) = carry.go(stage, way);
    let what = format!("{way:?}, {bytes} bytes");
    assert_eq!((received.status, received.label), (Status::Ok, LABEL), "{what}");
    assert!(sent.status.is_done(), "{what}: {sent:?}");
    let badge = if way.replies() { 0 } else { NAMES + to as u64 };
    assert_eq!(received.badge, badge, "{what}");
    let report = if bytes == 0 { Item::string(0, 0) } else { Item::string(target, bytes) };
    assert_eq!(received.items, [report], "{what}");
    assert_eq!(stage.read(to, target, bytes), stage.filled(from, source, bytes), "{what}");
    stage.assert_untouched_but(to, &[(target, bytes)]);
    stage.assert_untouched_but(from, &[]);
    let entries = (stage.play.repetitions - before) as u64;
    // Pages do not end at the same places, and some ways begin with an empty entry.
    let at_most = bytes.div_ceil(BYTES_PER_ENTRY) + 1;
    assert!(entries <= at_most, "{what}: {entries} repetitions");
    let started = |actor: usize, was: u64| stage.look(actor).epoch - was;
    let (by_from, by_to) = (started(from, epochs[0]), started(to, epochs[1]));
    assert!(by_from <= 2 && by_to <= 4, "{what}: repetitions count: {by_from} {by_to}");
}

#[test]
fn short_strings_get_there_in_every_way() {
    let plan = Plan::mapped(&[3, 3, 1]);
    let lengths = [0, 1, 7, 8, 9, 15, 16, 17];
    let sizes = lengths.map(|bytes| (bytes, 4090 - bytes % 5, 8 + bytes % 7));
    every_way(&plan, &sizes);
    every_way(&plan.chain(), &sizes);
}

#[test]
fn strings_around_a_page_get_there_in_every_way() {
    let plan = Plan::mapped(&[3, 3, 1]);
    let mut sizes = Vec::new();
    for bytes in [4095, 4096, 4097] {
        for offsets in [(0, 0), (1, 0), (0, 7), (3, 5), (4095, 1), (2, 4090)] {
            sizes.push((bytes, offsets.0, offsets.1));
        }
    }
    every_way(&plan, &sizes);
    every_way(&plan.chain(), &sizes[..3]);
}

#[test]
fn strings_of_many_pages_get_there_in_every_way() {
    let plan = Plan::mapped(&[20, 20, 1]);
    every_way(&plan, &[(0x1_0003, 5, 4094), (0x1_0003, 0, 0)]);
    every_way(&plan.chain(), &[(0x1_0003, 8, 16)]);
}

#[test]
fn the_longest_string_gets_there_in_every_way() {
    every_way(&Plan::mapped(&[1026, 1026, 1]), &[(MAX_STRING, 3, 4095)]);
}
