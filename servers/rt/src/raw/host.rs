//! The host: system calls are recorded, their answers are scripted, time stands still until moved.
//! Each test thread has its own record.

use super::{Answer, Request};
use core::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::thread_local;
use std::vec::Vec;

/// The number that no processor has: the host runs no programs.
pub const ELF_MACHINE: u16 = 0;

/// Cycles are not counted apart from the clock.
pub const CYCLES_APART: bool = false;

thread_local! {
    static CALLS: RefCell<Vec<Request>> = const { RefCell::new(Vec::new()) };
    static ANSWERS: RefCell<VecDeque<Answer>> = const { RefCell::new(VecDeque::new()) };
    static COUNTER: Cell<u64> = const { Cell::new(0) };
}

/// Records the call and gives the next scripted answer; where the script has ended, all zeroes.
pub fn invoke(request: Request) -> Answer {
    CALLS.with_borrow_mut(|calls| calls.push(request));
    ANSWERS.with_borrow_mut(VecDeque::pop_front).unwrap_or_default()
}

/// The counter as [`set_counter`] left it.
pub fn counter() -> u64 {
    COUNTER.get()
}

/// The same.
pub fn cycles() -> u64 {
    counter()
}

/// Adds an answer to the script.
pub fn answer(answer: Answer) {
    ANSWERS.with_borrow_mut(|answers| answers.push_back(answer));
}

/// Moves the counter; on the host one tick is one nanosecond.
pub fn set_counter(ticks: u64) {
    COUNTER.set(ticks);
}

/// Takes the calls recorded so far.
pub fn take_calls() -> Vec<Request> {
    CALLS.with_borrow_mut(core::mem::take)
}
