//! Strings in pieces, several strings, empty ones, and what does not fit.

use crate::message::Got;
use crate::model;
use crate::stage::{DATA, Plan, Stage};
use crate::ways::{Carry, Way};
use cedo_abi::Status;
use cedo_abi::item::Item;
use cedo_arch_host::Random;
use std::collections::BTreeMap;

fn string(offset: u64, bytes: u64) -> Item {
    Item::string(DATA + offset, bytes)
}

fn piece(offset: u64, bytes: u64) -> Item {
    string(offset, bytes).continues()
}

/// Sends `items` to `windows` in every way and holds what comes of it against the model.
fn every_way(stage: &mut Stage, items: &[Item], windows: &[Item]) {
    for way in Way::ALL {
        check(stage, way, items, windows);
    }
}

fn check(stage: &mut Stage, way: Way, items: &[Item], windows: &[Item]) -> (Got, Got) {
    let carry = Carry::of(stage, items, windows);
    stage.fill(carry.from);
    stage.fill(carry.to);
    let expected = model::expect(items, windows);
    let (received, sent) = carry.go(stage, way);
    let what = format!("{way:?} {items:x?} {windows:x?}");
    match expected.end {
        Ok(reports) => {
            assert_eq!(received.status, Status::Ok, "{what}");
            assert!(sent.status.is_done(), "{what}");
            assert_eq!(received.items, reports, "{what}");
        }
        Err((whole, bytes)) => {
            assert_eq!((received.status, sent.status), (Status::Overflow, Status::Overflow));
            assert_eq!((received.words[0], received.words[1]), (whole, bytes), "{what}");
            assert_eq!((sent.words[0], sent.words[1]), (whole, bytes), "{what}");
        }
    }
    // Windows may overlap: the last byte to come stays.
    let last: BTreeMap<u64, u64> = expected.bytes.into_iter().collect();
    let mut changed: Vec<u64> = Vec::new();
    for (to, from) in last {
        changed.push(to);
        let found = stage.read(carry.to, to, 1);
        assert_eq!(found, stage.filled(carry.from, from, 1), "{what} at {to:#x}");
    }
    stage.assert_untouched_but(carry.to, &merged(&changed));
    (received, sent)
}

/// Neighbouring bytes as ranges.
fn merged(bytes: &[u64]) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for at in bytes {
        match ranges.last_mut() {
            Some((start, count)) if *start + *count == *at => *count += 1,
            _ => ranges.push((*at, 1)),
        }
    }
    ranges
}

#[test]
fn pieces_go_to_pieces_of_other_sizes() {
    let mut stage = Stage::build(&Plan::mapped(&[4, 4, 1]));
    let three = [piece(100, 3000), piece(4000, 200), string(8191, 4097)];
    let two = [piece(0, 5000), string(6001, 9000)];
    every_way(&mut stage, &three, &two);
    every_way(&mut stage, &two[..1].iter().map(whole).collect::<Vec<_>>(), &three);
    every_way(&mut stage, &[string(1, 7297)], &three);
    let bytes: Vec<Item> = (0..7).map(|at| piece(at * 3, 1)).chain([string(50, 1)]).collect();
    every_way(&mut stage, &bytes, &bytes);
}

fn whole(item: &Item) -> Item {
    Item::string(item.0[1], item.0[2])
}

#[test]
fn several_strings_go_to_a_window_each() {
    let mut stage = Stage::build(&Plan::mapped(&[4, 4, 1]));
    let items = [string(10, 100), piece(3000, 2000), string(9000, 1), string(0, 5000)];
    let windows = [string(7, 4096), piece(5000, 1999), string(4500, 2), string(8000, 8000)];
    every_way(&mut stage, &items, &windows);
    let eight: Vec<Item> = (0..8).map(|at| string(at * 1000 + 3, 700 + at)).collect();
    every_way(&mut stage, &eight, &eight);
}

#[test]
fn empty_strings_take_a_window_and_nothing_else() {
    let mut stage = Stage::build(&Plan::mapped(&[2, 2, 1]));
    every_way(&mut stage, &[string(0, 0)], &[]);
    every_way(&mut stage, &[string(0, 0), string(5, 5)], &[string(9, 9), string(100, 5)]);
    every_way(&mut stage, &[string(0, 0), string(5, 5)], &[string(9, 9)]);
    every_way(&mut stage, &[piece(0, 0), piece(1, 0), string(7, 3)], &[string(50, 3)]);
    every_way(&mut stage, &[string(1, 4)], &[piece(0, 0), piece(8, 2), piece(9, 0), string(30, 9)]);
    every_way(&mut stage, &[string(1, 4)], &[string(0, 0), string(30, 9)]);
    let empty: Vec<Item> = (0..8).map(|_| string(0, 0)).collect();
    every_way(&mut stage, &empty, &[string(0, 9)]);
}

#[test]
fn an_address_of_an_empty_string_is_nobodys_business() {
    let mut stage = Stage::build(&Plan::mapped(&[1, 1, 1]));
    for address in [0, u64::MAX, 0xffff_8000_0000_0000] {
        every_way(&mut stage, &[Item::string(address, 0)], &[string(0, 5)]);
    }
}

#[test]
fn what_does_not_fit_is_an_error_with_amounts_to_both() {
    let mut stage = Stage::build(&Plan::mapped(&[4, 4, 1]));
    every_way(&mut stage, &[string(0, 1)], &[]);
    every_way(&mut stage, &[string(0, 5001)], &[string(3, 5000)]);
    every_way(&mut stage, &[string(0, 5), string(9, 9)], &[string(3, 5)]);
    every_way(&mut stage, &[string(0, 5), string(9, 9)], &[string(3, 5), string(100, 8)]);
    every_way(
        &mut stage,
        &[piece(0, 6000), string(7000, 3000)],
        &[piece(1, 8000), string(8001, 999)],
    );
    every_way(&mut stage, &[string(0, 5)], &[Item::NONE, string(3, 5)]);
    every_way(&mut stage, &[string(0, 4096)], &[piece(0, 4095)]);
}

#[test]
fn the_two_go_on_after_an_overflow() {
    let mut stage = Stage::build(&Plan::mapped(&[4, 4, 1]));
    for way in Way::ALL {
        check(&mut stage, way, &[string(0, 9000)], &[string(3, 8999)]);
        check(&mut stage, way, &[string(0, 9000)], &[string(3, 9000)]);
    }
}

#[test]
fn any_lists_do_as_the_model_says() {
    let mut stage = Stage::build(&Plan::mapped(&[4, 4, 1]));
    let mut random = Random::new(11);
    let mut ends = [0; 2];
    for _ in 0..600 {
        let items = list(&mut random, 40);
        let windows = list(&mut random, 2);
        let way = Way::ALL[random.below(Way::ALL.len())];
        let (received, _) = check(&mut stage, way, &items, &windows);
        ends[usize::from(received.status == Status::Ok)] += 1;
    }
    assert!(ends.iter().all(|count| *count > 100), "{ends:?}");
}

/// Up to eight strings or pieces, the last of them whole; small ones are `share` times as many.
fn list(random: &mut Random, share: usize) -> Vec<Item> {
    let count = random.below(9);
    let mut items = Vec::new();
    for index in 0..count {
        let most = if random.below(share) == 0 { 4000 } else { 300 };
        let bytes = random.below(most) as u64;
        let offset = random.below(4 * 4096 - bytes as usize) as u64;
        let ends = index + 1 == count || random.below(3) > 0;
        items.push(if ends { string(offset, bytes) } else { piece(offset, bytes) });
    }
    if items.is_empty() { vec![string(0, 1)] } else { items }
}
