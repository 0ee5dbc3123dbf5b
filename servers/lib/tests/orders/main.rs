//! A lock and its scheduler in every order that the memory model allows: one holder at a time, each
//! sees what the one before wrote, and nobody waits for ever.
//!
//! Threads of the model checker are the children; what the loop of a scheduler does for them is done
//! here under a mutex, with the same table of who waits for whom. Built by `cargo xtask test orders`.
#![cfg(loom)]
#![forbid(unsafe_code)]

use cedo_lib::Token;
use cedo_lib::lock::Refused;
use cedo_lib::lock::word::{Waiting, Word};
use cedo_lib::sched::lending::{Begun, Lending};
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

/// What the scheduler knows the lock by.
const LOCK: u64 = 0x1000;
const CHILDREN: usize = 3;

/// Who waits, and whose wait is over.
struct Table {
    lending: Lending,
    answered: [bool; CHILDREN],
}

/// What the children share.
struct Shared {
    word: Word,
    table: Mutex<Table>,
    changed: Condvar,
    /// Written by the holder only.
    value: AtomicU64,
}

/// A child as the lock sees it.
struct Child<'a> {
    shared: &'a Shared,
    number: usize,
}

impl Waiting for Child<'_> {
    fn look(&self, lock: u64) -> Result<(), Refused> {
        self.shared.table.lock().expect("no panic").lending.look(self.number, lock);
        Ok(())
    }

    fn wait(&self, lock: u64, holder: u64) -> Result<(), Refused> {
        let mut table = self.shared.table.lock().expect("no panic");
        let token = Token(self.number as u64);
        match table.lending.wait(self.number, lock, holder as usize - 1, token, u64::MAX) {
            Begun::LookAgain => return Ok(()),
            Begun::Deadlock => return Err(Refused::Deadlock),
            Begun::Waits => {}
        }
        while !table.answered[self.number] {
            table = self.shared.changed.wait(table).expect("no panic");
        }
        table.answered[self.number] = false;
        Ok(())
    }

    fn released(&self, lock: u64) {
        let mut table = self.shared.table.lock().expect("no panic");
        table.lending.released(lock);
        while let Some((child, _)) = table.lending.take_waiter(lock) {
            table.answered[child] = true;
        }
        self.shared.changed.notify_all();
    }
}

/// The child takes the lock so often, and adds one to the value each time.
fn add(shared: &Shared, number: usize, times: u64) {
    let child = Child { shared, number };
    for _ in 0..times {
        let acquired = shared.word.acquire(number as u64 + 1, LOCK, &child);
        assert_eq!(acquired, Ok(()));
        let value = shared.value.load(Ordering::Relaxed);
        thread::yield_now();
        shared.value.store(value + 1, Ordering::Relaxed);
        shared.word.release(LOCK, &child);
    }
}

/// Children that take the lock so often each, in every order with so many preemptions.
fn run(times: &'static [u64], preemptions: usize) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(move || {
        let table = Table { lending: Lending::new(), answered: [false; CHILDREN] };
        let shared = Arc::new(Shared {
            word: Word::new(),
            table: Mutex::new(table),
            changed: Condvar::new(),
            value: AtomicU64::new(0),
        });
        let others = (1..times.len()).map(|number| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || add(&shared, number, times[number]))
        });
        let others: Vec<_> = others.collect();
        add(&shared, 0, times[0]);
        others.into_iter().for_each(|other| other.join().expect("no panic"));
        assert_eq!(shared.value.load(Ordering::Relaxed), times.iter().sum::<u64>());
    });
}

#[test]
fn two_children_take_a_lock_in_turn() {
    run(&[2, 2], 3);
}

#[test]
fn of_three_children_none_waits_for_ever() {
    run(&[1, 1, 1], 2);
}
