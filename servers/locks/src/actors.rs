//! What the threads do, each time that the chief starts them.

use crate::scene::{DONE, HOG, SECTION, Scene, WORK, work};
use cedo_lib::abi::system::place;
use cedo_lib::ipc::{Ipc, Partner, Winner};
use cedo_lib::lock::{Member, Refused};
use cedo_lib::{Clock, Environment, Gate, View};
use core::sync::atomic::{AtomicBool, Ordering};

/// Labels: the chief starts a thread, lets a stuck one go on; a thread is halfway, has finished.
pub const START: u32 = 1;
pub const GO_ON: u32 = 2;
pub const HALFWAY: u32 = 3;
pub const FINISHED: u32 = 4;
/// Label of the plain lock's message: it is free.
const FREE: u32 = 5;

/// What `high` was refused with, in its message to the chief; 0: it had the lock.
pub const REFUSALS: [Refused; 3] = [Refused::Late, Refused::HolderStopped, Refused::Deadlock];

/// The plain lock: held, and wanted by `high`.
static HELD: AtomicBool = AtomicBool::new(false);
static WANTED: AtomicBool = AtomicBool::new(false);

/// Where nothing is ever mapped.
const UNMAPPED: u64 = place::MEMORY + 0x7000_0000;

/// Holds the lock, the chief interferes when it is halfway.
pub fn low(environment: &Environment) {
    each_time(environment, |me, chief| {
        let scene = Scene::now();
        if scene == Scene::Plain {
            HELD.store(true, Ordering::SeqCst);
            section(scene, chief);
            HELD.store(false, Ordering::SeqCst);
            if WANTED.swap(false, Ordering::SeqCst)
                && let Some(high) = environment.gate("high")
            {
                tell(high, FREE, [0; 7]);
            }
        } else if let Ok(mut value) = scene.lock().acquire(me, scene.patience_ns()) {
            section(scene, chief);
            *value += 1;
        }
        tell(chief, FINISHED, [0; 7]);
    });
}

/// The critical section of `low`.
fn section(scene: Scene, chief: Gate) {
    work(SECTION / 2, &DONE);
    tell(chief, HALFWAY, [0; 7]);
    match scene {
        Scene::Stuck => await_label(GO_ON),
        Scene::Fault => {
            // Does not come back.
            let _ = View::new(UNMAPPED, 8).map(|view| view.word(0));
        }
        _ => {}
    }
    work(SECTION / 2, &DONE);
}

/// Has much to do, and nothing to do with any lock.
pub fn hog(environment: &Environment) {
    each_time(environment, |_, chief| {
        work(WORK, &HOG);
        tell(chief, FINISHED, [0; 7]);
    });
}

/// Holds what `high` wants, and wants what `low` holds.
pub fn relay(environment: &Environment) {
    each_time(environment, |me, chief| {
        let scene = Scene::now();
        if let Ok(mut upper) = scene.wanted().acquire(me, scene.patience_ns()) {
            tell(chief, HALFWAY, [0; 7]);
            if let Ok(mut lower) = scene.lock().acquire(me, scene.patience_ns()) {
                *lower += 1;
            }
            *upper += 1;
        }
        tell(chief, FINISHED, [0; 7]);
    });
}

/// Wants the lock, and tells the chief how much was done before and when it had it.
pub fn high(environment: &Environment) {
    let clock = Clock::of_core(environment.core_number());
    each_time(environment, |me, chief| {
        let scene = Scene::now();
        let (hog, done, start_ns) = (HOG.get(), DONE.get(), clock.now_ns());
        let seen = || [HOG.get() - hog, done, DONE.get() - done, clock.now_ns() - start_ns];
        let (refused, seen) = if scene == Scene::Plain {
            if HELD.load(Ordering::SeqCst) {
                WANTED.store(true, Ordering::SeqCst);
                await_label(FREE);
            }
            (None, seen())
        } else {
            let held = scene.wanted().acquire(me, scene.patience_ns());
            (held.as_ref().err().copied(), seen())
        };
        let code = |refused| 1 + REFUSALS.iter().position(|it| *it == refused).unwrap_or(9) as u64;
        let [hog, before, during, waited_ns] = seen;
        tell(chief, FINISHED, [hog, before, during, waited_ns, refused.map_or(0, code), 1, 0]);
    });
}

/// Does something each time that the chief says so.
fn each_time(environment: &Environment, act: impl Fn(&Member, Gate)) {
    let Some(chief) = environment.gate("chief") else { return };
    let me = match Member::join(environment) {
        Ok(me) => me,
        Err(refused) => panic!("the scheduler knows no locks: {refused:?}"),
    };
    loop {
        await_label(START);
        act(&me, chief);
    }
}

fn await_label(label: u32) {
    loop {
        let message = Ipc::receive(Partner::ANY).make();
        if message.arrived() && message.label() == label {
            return;
        }
    }
}

/// Tells somebody who is at least as urgent, and who runs at once.
fn tell(whom: Gate, label: u32, words: [u64; 7]) {
    let _ = Ipc::send(whom).winner(Winner::Scheduler).message(label, 7, words).make();
}
