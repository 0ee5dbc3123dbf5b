//! A whole decision of a user-mode scheduler: the timer interrupts one thread, its scheduler hears,
//! decides, sets the next deadline and dispatches another thread.
//!
//! Two threads of one priority spin and read the counter into a place of their own. Whoever finds
//! that the other was the last to run takes the distance between the other's last reading and its
//! own first one. It contains at most one turn of the loop besides the decision.

use crate::samples::{Samples, Summary};
use crate::stopwatch;
use cedo_lib::ipc::{Ipc, Partner};
use cedo_lib::{Environment, Gate};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const WARM_UP: usize = 16;
const COUNT: usize = 400;
/// Label of the message that starts a spinner. Word 0: 1 to measure, 0 to spin until told to stop.
const GO: u32 = 1;

/// Each spinner's last reading.
static LAST: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
/// Who ran last.
static TURN: AtomicU64 = AtomicU64::new(0);
static STOP: AtomicBool = AtomicBool::new(false);
static SAMPLES: Samples = Samples::new();

/// Spins whenever it is told to, and tells the measuring thread when it has finished.
pub fn spin(environment: &Environment, me: usize) {
    let Some(bench) = environment.gate("bench") else { return };
    loop {
        let order = Ipc::receive(Partner::ANY).make();
        if !order.arrived() || order.label() != GO {
            continue;
        }
        if order.words[0] == 1 {
            alternate(me);
        } else {
            read_until_stopped(me);
        }
        let _ = Ipc::send(bench).message(GO, 0, [0; 7]).make();
    }
}

/// Reads the counter and looks whether the other one ran, until there are enough measurements.
fn alternate(me: usize) {
    let (mine, other) = (&LAST[me], &LAST[1 - me]);
    mine.store(stopwatch::now(), Ordering::Relaxed);
    loop {
        let now = stopwatch::now();
        if TURN.load(Ordering::Relaxed) != me as u64 {
            let last = other.load(Ordering::Relaxed);
            if now <= last {
                // This reading was made before the switch to the other. If it were only left out, a
                // deadline that always hits this place of the loop would leave nothing to measure.
                continue;
            }
            TURN.store(me as u64, Ordering::Relaxed);
            if last != 0 && SAMPLES.add(now - last) >= WARM_UP + COUNT {
                STOP.store(true, Ordering::Relaxed);
            }
        }
        mine.store(now, Ordering::Relaxed);
        if STOP.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// Reads the counter only: for whoever interrupts this.
fn read_until_stopped(me: usize) {
    while !STOP.load(Ordering::Relaxed) {
        LAST[me].store(stopwatch::now(), Ordering::Relaxed);
    }
}

/// The last reading of the first spinner.
#[inline]
pub fn last_reading() -> u64 {
    LAST[0].load(Ordering::Relaxed)
}

/// Lets the spinners read the counter until [`stop`]. Waits for a spinner that is still on its way
/// back from the measurement before.
pub fn go(spinner: Gate, alternate: bool) -> bool {
    let words = [u64::from(alternate), 0, 0, 0, 0, 0, 0];
    Ipc::send(spinner).message(GO, 1, words).make().arrived()
}

/// Ends every spin.
pub fn stop() {
    STOP.store(true, Ordering::Relaxed);
}

/// Forgets what was.
pub fn prepare() {
    STOP.store(false, Ordering::Relaxed);
    LAST.iter().for_each(|last| last.store(0, Ordering::Relaxed));
    SAMPLES.clear();
}

/// Measures; nothing if a spinner does not start.
pub fn measure(spinners: [Gate; 2]) -> Option<Summary> {
    prepare();
    if !spinners.into_iter().all(|spinner| go(spinner, true)) {
        return None;
    }
    // While this thread waits, the two take turns.
    for _ in spinners {
        Ipc::receive(Partner::ANY).make().done().ok()?;
    }
    Some(SAMPLES.summary(WARM_UP, 0))
}
