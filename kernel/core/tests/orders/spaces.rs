//! The life of a Space: threads enter, its end begins.

use crate::check;
use cedo_core::object::space::Space;
use cedo_machine::{CoreNumber, Frame};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

const CORE: CoreNumber = CoreNumber(1);

fn space() -> Arc<Space> {
    Arc::new(Space::new(Frame(1), Frame(2), 1))
}

#[test]
fn a_thread_enters_or_the_space_ends() {
    check(6, || {
        let space = space();
        let creator = thread::spawn({
            let space = Arc::clone(&space);
            move || space.enter(CORE)
        });
        let ends = space.start_dying();
        let entered = creator.join().expect("does not fail");
        assert!(ends != entered);
        assert_eq!(space.is_dying(), ends);
    });
}

#[test]
fn the_last_thread_leaves_before_the_space_ends() {
    check(6, || {
        let space = space();
        assert!(space.enter(CORE));
        let gone = Arc::new(AtomicBool::new(false));
        let leaver = thread::spawn({
            let (space, gone) = (Arc::clone(&space), Arc::clone(&gone));
            move || {
                gone.store(true, Ordering::Relaxed);
                space.exit();
            }
        });
        if space.start_dying() {
            assert!(gone.load(Ordering::Relaxed), "what a thread did is not over");
        }
        leaver.join().expect("does not fail");
        assert!(space.start_dying() && !space.enter(CORE));
    });
}

/// What `unmap` relies on: it reads the set of cores with the lock held after it has changed the
/// page table; a thread is created with the lock held, and runs later.
#[test]
fn a_core_is_flushed_or_sees_the_page_table_changed() {
    check(5, || {
        let space = space();
        let mapped = Arc::new(AtomicBool::new(true));
        let creator = thread::spawn({
            let (space, mapped) = (Arc::clone(&space), Arc::clone(&mapped));
            move || {
                let held = space.lock.lock(thread::yield_now);
                assert!(space.enter(CORE));
                drop(held);
                // It runs, and walks the page table.
                mapped.load(Ordering::Relaxed)
            }
        });
        let held = space.lock.lock(thread::yield_now);
        mapped.store(false, Ordering::Relaxed);
        let is_flushed = space.cores.load(Ordering::Relaxed) & 1 << CORE.0 != 0;
        drop(held);
        let uses_mapping = creator.join().expect("does not fail");
        assert!(is_flushed || !uses_mapping, "a core keeps a translation for ever");
    });
}
