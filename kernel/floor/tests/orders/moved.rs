//! A thread is handed over from one core to another: what the old one wrote is there for the new one,
//! one of them owns it at any time, and a mail that goes to the old one follows it.

use crate::cores::Machine;
use crate::reuse::{FRAME, TAIL, World};
use crate::{Plain, check};
use cedo_floor::ThreadId;
use cedo_machine::CoreNumber;
use loom::sync::Arc;
use loom::thread;

/// The mail that wants something of the thread.
const WISH: u32 = 1;
/// The last mail that the old home gets.
const LAST: u32 = 2;
const OLD: u64 = 7;
const NEW: u64 = 8;

fn id() -> ThreadId {
    ThreadId::new(FRAME).expect("not frame 0")
}

/// A machine, and what stands for the thread's memory where accesses that nothing orders are found.
struct Moved {
    world: Arc<World>,
    memory: Plain,
}

impl Moved {
    fn new(cores: usize) -> Arc<Moved> {
        let world = World::with(Machine::new(cores, 2));
        Arc::new(Moved { world, memory: Plain::new(0) })
    }
}

/// Core 0 makes the thread, changes it, and gives it to core 1.
fn make_and_hand_over(moved: &Moved) {
    let mut objects = moved.world.objects(0);
    assert!(objects.claim_thread(FRAME, CoreNumber(0), OLD, &TAIL));
    *objects.thread(id()) = NEW;
    moved.memory.set(NEW);
    objects.hand_over(id(), CoreNumber(1));
    assert!(!objects.is_here(id()));
}

#[test]
fn the_new_home_finds_all_that_the_old_one_wrote() {
    check(6, || {
        let moved = Moved::new(2);
        let new_home = thread::spawn({
            let moved = Arc::clone(&moved);
            move || {
                let mut objects = moved.world.objects(1);
                if objects.is_here(id()) {
                    assert_eq!((*objects.thread(id()), moved.memory.get()), (NEW, NEW));
                    assert_eq!(objects.mail(id()).home.get(), 1);
                    moved.memory.set(OLD);
                }
            }
        });
        make_and_hand_over(&moved);
        new_home.join().expect("does not fail");
    });
}

#[test]
fn a_thread_comes_back_as_it_was_left() {
    check(4, || {
        let moved = Moved::new(2);
        let new_home = thread::spawn({
            let moved = Arc::clone(&moved);
            move || {
                let mut objects = moved.world.objects(1);
                let has_come = objects.is_here(id());
                if has_come {
                    *objects.thread(id()) += 1;
                    moved.memory.set(moved.memory.get() + 1);
                    objects.hand_over(id(), CoreNumber(0));
                }
                has_come
            }
        });
        make_and_hand_over(&moved);
        let at_home = moved.world.table.entry(FRAME).home() == CoreNumber(0);
        if at_home {
            assert_eq!(moved.memory.get(), NEW + 1);
        }
        assert!(new_home.join().expect("does not fail") || !at_home);
    });
}

#[test]
fn a_mail_follows_a_thread_to_its_new_home() {
    check(3, || {
        let moved = Moved::new(3);
        let cores = [old_home, new_home].map(|core| {
            let moved = Arc::clone(&moved);
            thread::spawn(move || core(&moved))
        });
        // Core 2 sends to where it believes the thread to be: nowhere yet, on core 0, or on core 1.
        let machine = &moved.world.machine;
        machine.mail(WISH).words[0].set(NEW);
        machine.post(moved.world.table.entry(FRAME).home().index(), WISH);
        machine.post(0, LAST);
        cores.into_iter().for_each(|core| core.join().expect("does not fail"));
        machine.check_end();
    });
}

/// Gives the thread away, and sends what comes for it after it.
fn old_home(moved: &Moved) {
    make_and_hand_over(moved);
    let mut over = false;
    while !over {
        moved.world.machine.halt(0, 8, |mail| match mail {
            LAST => over = true,
            mail => {
                let home = moved.world.table.entry(FRAME).home();
                moved.world.machine.post(home.index(), mail);
            }
        });
    }
}

/// Waits for the mail, which cannot come before the thread.
fn new_home(moved: &Moved) {
    let mut objects = moved.world.objects(1);
    let mut come = false;
    while !come {
        moved.world.machine.halt(1, 8, |mail| {
            assert_eq!(*objects.thread(id()), NEW);
            assert_eq!(moved.memory.get(), moved.world.machine.mail(mail).words[0].get());
            come = true;
        });
    }
}

/// Shows that the tests above can fail.
#[test]
#[should_panic]
fn an_old_home_that_goes_on_writing_is_found() {
    check(4, || {
        let moved = Moved::new(2);
        let new_home = thread::spawn({
            let moved = Arc::clone(&moved);
            move || {
                if moved.world.objects(1).is_here(id()) {
                    assert_eq!(moved.memory.get(), NEW);
                }
            }
        });
        make_and_hand_over(&moved);
        moved.memory.set(OLD);
        new_home.join().expect("does not fail");
    });
}
