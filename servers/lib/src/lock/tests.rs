//! A lock against scripted answers of its scheduler.

use super::{Lock, Member, Refused};
use crate::environment::Environment;
use crate::sched::{DEADLOCK, DONE, HOLDER_STOPPED, JOIN, LATE, LEVEL, LOOK, RELEASE, WAIT};
use cedo_abi::{Status, Tag};
use cedo_rt::ThisThread;
use cedo_rt::raw::{Answer, host};
use std::vec::Vec;

const PATIENCE_NS: u64 = 700;

/// The scheduler's next answer.
fn answer(label: u32, words: [u64; 2]) {
    let tag = Tag::new(label, 2).0;
    let [first, second] = words;
    let words = [first, second, 0, 0, 0, 0, 0];
    host::answer(Answer { result: Status::Ok as u64, tag, words, ..Answer::default() });
}

/// Child `number` of scheduler `family`.
fn member(number: u64, family: u64) -> Member {
    answer(DONE, [number, family]);
    let member = Member::join(&Environment::of(&ThisThread::for_tests(&[]))).expect("answered");
    assert_eq!(asked(), [(JOIN, [0; 3])]);
    member
}

/// Labels and words of the calls since it was asked last.
fn asked() -> Vec<(u32, [u64; 3])> {
    let words = |words: [u64; 7]| [words[0], words[1], words[2]];
    host::take_calls().iter().map(|call| (Tag(call.tag).label(), words(call.words))).collect()
}

#[test]
fn without_contention_no_lock_calls_anybody() {
    let (me, lock) = (member(1, 9), Lock::new(5));
    for expected in [6, 7] {
        let mut value = lock.acquire(&me, PATIENCE_NS).expect("free");
        *value += 1;
        assert_eq!(*value, expected);
    }
    assert_eq!(asked(), []);
}

#[test]
fn a_holder_that_wants_its_lock_again_is_told_so() {
    let (me, lock) = (member(1, 9), Lock::new(()));
    let _held = lock.acquire(&me, PATIENCE_NS).expect("free");
    assert_eq!(lock.acquire(&me, PATIENCE_NS).err(), Some(Refused::Deadlock));
    assert_eq!(asked(), []);
}

#[test]
fn a_lock_belongs_to_the_children_of_one_scheduler() {
    let (me, other, lock) = (member(1, 9), member(1, 8), Lock::new(()));
    drop(lock.acquire(&me, PATIENCE_NS).expect("free"));
    assert_eq!(lock.acquire(&other, PATIENCE_NS).err(), Some(Refused::OtherScheduler));
}

#[test]
fn who_wants_a_held_lock_looks_waits_and_is_remembered_by_it() {
    host::set_counter(1000);
    let (low, high, lock) = (member(1, 9), member(2, 9), Lock::new(()));
    let held = lock.acquire(&low, PATIENCE_NS).expect("free");
    for (label, refused) in [
        (LATE, Refused::Late),
        (HOLDER_STOPPED, Refused::HolderStopped),
        (DEADLOCK, Refused::Deadlock),
    ] {
        answer(DONE, [0; 2]);
        answer(label, [0; 2]);
        assert_eq!(lock.acquire(&high, PATIENCE_NS).err(), Some(refused));
        let name = lock.name();
        assert_eq!(asked(), [(LOOK, [name, 0, 0]), (WAIT, [name, 1, 1000 + PATIENCE_NS])]);
    }
    answer(DONE, [0; 2]);
    drop(held);
    assert_eq!(asked(), [(RELEASE, [lock.name(), 0, 0])]);
    drop(lock.acquire(&high, PATIENCE_NS).expect("free"));
    assert_eq!(asked(), []);
}

#[test]
fn a_spent_patience_ends_the_wait_whatever_the_scheduler_says() {
    host::set_counter(0);
    let (low, high, lock) = (member(1, 9), member(2, 9), Lock::new(()));
    let _held = lock.acquire(&low, PATIENCE_NS).expect("free");
    answer(DONE, [0; 2]);
    assert_eq!(lock.acquire(&high, 0).err(), Some(Refused::Late));
}

#[test]
fn a_ceiling_holds_as_long_as_the_lock_is_held() {
    let (me, outer, inner) = (member(1, 9), Lock::with_ceiling(4, ()), Lock::with_ceiling(7, ()));
    let low = Lock::with_ceiling(2, ());
    (0..4).for_each(|_| answer(DONE, [0; 2]));
    let first = outer.acquire(&me, PATIENCE_NS).expect("free");
    let second = inner.acquire(&me, PATIENCE_NS).expect("free");
    let third = low.acquire(&me, PATIENCE_NS).expect("free");
    drop(third);
    drop(second);
    drop(first);
    assert_eq!(asked(), [4, 7, 4, 0].map(|level| (LEVEL, [level, 0, 0])));
}

#[test]
fn where_a_ceiling_is_refused_nothing_is_held_and_who_is_refused_goes_back() {
    host::set_counter(0);
    let (low, high, lock) = (member(1, 9), member(2, 9), Lock::with_ceiling(4, ()));
    answer(0x100, [0; 2]);
    assert_eq!(lock.acquire(&low, PATIENCE_NS).err(), Some(Refused::Unsupported));
    answer(DONE, [0; 2]);
    let _held = lock.acquire(&low, PATIENCE_NS).expect("free: the refused one does not have it");
    asked();
    answer(DONE, [0; 2]);
    answer(DONE, [0; 2]);
    answer(LATE, [0; 2]);
    answer(DONE, [0; 2]);
    assert_eq!(lock.acquire(&high, PATIENCE_NS).err(), Some(Refused::Late));
    let labels: Vec<u32> = asked().iter().map(|(label, _)| *label).collect();
    assert_eq!(labels, [LEVEL, LOOK, WAIT, LEVEL]);
    assert_eq!(high.level(), 0);
}
