//! Capability slots: one writer at a time, readers without a lock.

use crate::check;
use cedo_core::object::slot::{self, Content, Slot};
use cedo_floor::TicketLock;
use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;
use loom::thread;

/// A content whose four parts say whose they are.
const fn content(number: u64) -> Content {
    Content {
        what: number as u32,
        name: 0x100 + number,
        badge: 0x200 + number,
        count: 0x300 + number,
    }
}

const OLD: Content = content(1);
const NEW: Content = content(2);
const OTHER: Content = content(3);

fn empty() -> Slot {
    core::array::from_fn(|_| AtomicU64::new(0))
}

#[test]
fn a_reader_sees_the_old_or_the_new_content() {
    check(6, || {
        let slot = Arc::new(empty());
        slot::write(&slot, &OLD);
        let reader = thread::spawn({
            let slot = Arc::clone(&slot);
            move || slot::read(&slot)
        });
        slot::write(&slot, &NEW);
        let seen = reader.join().expect("does not fail");
        assert!([None, Some(OLD), Some(NEW)].contains(&seen), "a mix: {seen:x?}");
        assert_eq!(slot::read(&slot), Some(NEW));
    });
}

#[test]
fn a_reader_that_sees_the_same_content_twice_sees_no_mix() {
    check(4, || {
        let slot = Arc::new(empty());
        slot::write(&slot, &OLD);
        let reader = thread::spawn({
            let slot = Arc::clone(&slot);
            move || slot::read(&slot)
        });
        // The first word has the same `what` again; only the sequence tells the two apart.
        slot::write(&slot, &NEW);
        slot::write(&slot, &Content { what: OLD.what, ..OTHER });
        let seen = reader.join().expect("does not fail");
        let last = Content { what: OLD.what, ..OTHER };
        assert!([None, Some(OLD), Some(NEW), Some(last)].contains(&seen), "a mix: {seen:x?}");
    });
}

#[test]
fn an_emptied_slot_is_old_or_empty() {
    check(6, || {
        let slot = Arc::new(empty());
        slot::write(&slot, &OLD);
        let reader = thread::spawn({
            let slot = Arc::clone(&slot);
            move || [slot::read(&slot), slot::read(&slot)]
        });
        slot::clear(&slot);
        let seen = reader.join().expect("does not fail");
        assert!(seen[0].is_none_or(|seen| seen == OLD));
        assert!(seen[1].is_none() || seen[0].is_some(), "it came back");
    });
}

#[test]
fn writers_on_two_cores_take_the_lock() {
    check(2, || {
        let shared = Arc::new((TicketLock::new(), empty()));
        let writer = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                let _held = shared.0.lock(thread::yield_now);
                slot::write(&shared.1, &OLD);
            }
        });
        let reader = thread::spawn({
            let shared = Arc::clone(&shared);
            move || slot::read(&shared.1)
        });
        {
            let _held = shared.0.lock(thread::yield_now);
            slot::write(&shared.1, &NEW);
        }
        writer.join().expect("does not fail");
        let seen = reader.join().expect("does not fail");
        assert!([None, Some(OLD), Some(NEW)].contains(&seen), "a mix: {seen:x?}");
        assert!([Some(OLD), Some(NEW)].contains(&slot::read(&shared.1)));
    });
}

/// Shows that the tests above can fail: a writer that does not clear the slot first.
#[test]
#[should_panic = "a mix"]
fn a_slot_that_is_overwritten_in_place_is_seen_mixed() {
    use loom::sync::atomic::Ordering;
    check(3, || {
        let slot = Arc::new(empty());
        slot::write(&slot, &OLD);
        let reader = thread::spawn({
            let slot = Arc::clone(&slot);
            move || slot::read(&slot)
        });
        slot[0].store(NEW.name, Ordering::Release);
        slot[2].store(NEW.badge, Ordering::Release);
        slot[3].store(NEW.count, Ordering::Release);
        let seen = reader.join().expect("does not fail");
        assert!([Some(OLD), Some(Content { what: OLD.what, ..NEW })].contains(&seen), "a mix");
    });
}
