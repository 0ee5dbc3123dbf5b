//! The ticket lock.

use crate::{Plain, check};
use cedo_floor::TicketLock;
use loom::sync::Arc;
use loom::thread;

fn add(lock: &TicketLock, data: &Plain, times: u32) {
    for _ in 0..times {
        let _held = lock.lock(thread::yield_now);
        data.set(data.get() + 1);
    }
}

#[test]
fn two_writers_take_turns() {
    check(5, || {
        let shared = Arc::new((TicketLock::new(), Plain::new(0)));
        let other = thread::spawn({
            let shared = Arc::clone(&shared);
            move || add(&shared.0, &shared.1, 2)
        });
        add(&shared.0, &shared.1, 2);
        other.join().expect("does not fail");
        assert_eq!(shared.1.get(), 4);
    });
}
