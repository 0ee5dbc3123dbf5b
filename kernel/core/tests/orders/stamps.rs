//! Stamps of slots: making something by means of a capability against dropping, replacing, revoking it.

use crate::check;
use cedo_core::object::slot::{self, Content, Slot};
use cedo_core::object::stamp::{self, HAS_DEPENDENTS, REVOKING, Refused};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering, fence};
use loom::thread;

const OLD: Content = Content { what: 1, name: 2, badge: 3, count: 4 };
const NEW: Content = Content { what: 5, name: 6, badge: 7, count: 8 };

struct Shared {
    content: Slot,
    stamp: AtomicU64,
}

fn shared() -> Arc<Shared> {
    let content = core::array::from_fn(|_| AtomicU64::new(0));
    slot::write(&content, &OLD);
    Arc::new(Shared { content, stamp: AtomicU64::new(0) })
}

/// Reads the slot and notes that something depends on it, as the kernel does.
fn derive(shared: &Shared) -> Option<(Content, u64)> {
    let sequence = stamp::read(&shared.stamp).sequence();
    let content = slot::read(&shared.content)?;
    fence(Ordering::Acquire);
    let is_same = stamp::read(&shared.stamp).sequence() == sequence;
    (is_same && stamp::claim(&shared.stamp, sequence)).then_some((content, sequence))
}

/// Empties the slot, as the kernel does with the lock held.
fn drop_content(shared: &Shared) -> Result<(), Refused> {
    stamp::free(&shared.stamp, None)?;
    slot::clear(&shared.content);
    stamp::raise(&shared.stamp);
    fence(Ordering::Release);
    Ok(())
}

fn derive_meanwhile(shared: &Arc<Shared>) -> thread::JoinHandle<Option<(Content, u64)>> {
    let shared = Arc::clone(shared);
    thread::spawn(move || derive(&shared))
}

#[test]
fn a_capability_is_dropped_or_has_a_dependent() {
    check(6, || {
        let shared = shared();
        let deriver = derive_meanwhile(&shared);
        let dropped = drop_content(&shared);
        let made = deriver.join().expect("does not fail");
        assert!(made.is_none() || dropped == Err(Refused::InUse), "a dependent of nothing");
        let stamp = stamp::read(&shared.stamp);
        if let Some((content, sequence)) = made {
            assert_eq!((content, sequence, stamp.flags()), (OLD, stamp.sequence(), HAS_DEPENDENTS));
        }
    });
}

#[test]
fn what_is_made_depends_on_the_content_that_was_read() {
    check(4, || {
        let shared = shared();
        let deriver = derive_meanwhile(&shared);
        if drop_content(&shared).is_ok() {
            slot::write(&shared.content, &NEW);
        }
        let made = deriver.join().expect("does not fail");
        if let Some((content, sequence)) = made {
            assert_eq!(Some(content), slot::read(&shared.content));
            assert_eq!(sequence, stamp::read(&shared.stamp).sequence());
        }
    });
}

#[test]
fn what_was_made_before_a_revocation_is_dead_and_what_was_made_during_it_is_seen() {
    check(6, || {
        let shared = shared();
        assert!(derive(&shared).is_some());
        let deriver = derive_meanwhile(&shared);
        let seen = stamp::read(&shared.stamp);
        assert!(stamp::kill(&shared.stamp, seen), "nothing else changes it");
        let killed = stamp::read(&shared.stamp);
        let ended = stamp::end(&shared.stamp, killed);
        let made = deriver.join().expect("does not fail");
        let last = stamp::read(&shared.stamp);
        let is_alive = made.is_some_and(|(_, sequence)| sequence == last.sequence());
        let flags = if is_alive { HAS_DEPENDENTS } else { 0 };
        // If it came between the reading and the end, the end did not happen.
        let revoking = if last.flags() & REVOKING == 0 { 0 } else { REVOKING };
        assert_eq!(last.flags(), flags | revoking);
        assert!(!ended || revoking == 0);
        assert!(ended || is_alive);
    });
}

/// Shows that the tests above can fail: who empties the slot looks at the flags first and then raises
/// the sequence.
#[test]
#[should_panic = "a dependent of nothing"]
fn a_look_before_the_drop_is_not_enough() {
    check(3, || {
        let shared = shared();
        let deriver = derive_meanwhile(&shared);
        let free = stamp::read(&shared.stamp).flags() == 0;
        if free {
            slot::clear(&shared.content);
            stamp::raise(&shared.stamp);
        }
        let made = deriver.join().expect("does not fail");
        assert!(made.is_none() || !free, "a dependent of nothing");
    });
}
