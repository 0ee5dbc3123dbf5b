//! Who keeps a core busy while deadlines are measured there, and what else is done on that core.

use crate::clocks;
use crate::meter::{DONE, REFUSED};
use cedo_lib::driver::Next;
use cedo_lib::ipc::{Ipc, Partner};
use cedo_lib::{Clock, Environment, Gate};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A send: storm until [`stop`].
pub const STORM: u32 = 1;
/// A call: does the clock run backwards on this core? Answer: [`DONE`], word 0 = how often it did.
pub const MONOTONIC: u32 = 2;
/// A send: answer the questions of [`clocks::ask`].
pub const MEET: u32 = 3;

static ON: AtomicBool = AtomicBool::new(false);
/// Calls or interrupts of the storm.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Lets `gate`'s thread storm.
pub fn start(gate: Gate) -> bool {
    COUNT.store(0, Ordering::SeqCst);
    ON.store(true, Ordering::SeqCst);
    Ipc::send(gate).message(STORM, 0, [0; 7]).make().arrived()
}

/// Ends the storm; answers how many calls or interrupts it was.
pub fn stop() -> u64 {
    ON.store(false, Ordering::SeqCst);
    COUNT.load(Ordering::SeqCst)
}

/// True while the storm is to go on.
pub fn is_on() -> bool {
    ON.load(Ordering::SeqCst)
}

/// One more.
pub fn count() {
    COUNT.fetch_add(1, Ordering::SeqCst);
}

/// Answers whoever calls.
pub fn answer() {
    let mut next = Next::Wait;
    loop {
        let message = next.wait();
        next = Next::answer(&message, DONE, 0, [0; 7]);
    }
}

/// Does what it is told: calls "pong" all the time, or looks at its core's clock.
pub fn work(environment: &Environment) {
    let Some(pong) = environment.gate("pong") else { return };
    let clock = Clock::of_core(environment.core_number());
    let mut next = Next::Wait;
    loop {
        let message = next.wait();
        next = match message.label() {
            STORM => {
                call(pong);
                Next::Wait
            }
            MEET => {
                clocks::answer(&clock);
                Next::Wait
            }
            MONOTONIC => {
                let backwards = clocks::steps_backwards(&clock);
                Next::answer(&message, DONE, 1, [backwards, 0, 0, 0, 0, 0, 0])
            }
            _ => Next::answer(&message, REFUSED, 0, [0; 7]),
        };
    }
}

fn call(pong: Gate) {
    while is_on() {
        if Ipc::call(Partner::from(pong)).message(0, 0, [0; 7]).make().arrived() {
            count();
        }
    }
}
