//! What must hold of the queues in every step: first in, first out, and everything that comes raises
//! the event number (DESIGN.md section 12, invariant 4).

use crate::check::Finding;
use crate::state::{Snapshot, is_stopped};

/// What is queued at one thread, in the order in which it takes it. Two entries differ if they are
/// about different things or came at different times.
struct Queues {
    irqs: Vec<(usize, u64)>,
    told: Vec<(usize, u64)>,
    senders: Vec<(usize, u64)>,
    /// Stopped schedulers below, if it is not stopped itself: then an ancestor hears of them. One may
    /// come again in the step in which it was taken.
    stuck: Vec<(usize, u64)>,
}

impl Queues {
    fn of(state: &Snapshot, thread: usize) -> Queues {
        let plain = |places: Vec<usize>| places.into_iter().map(|place| (place, 0)).collect();
        let queued = |place: usize| (place, state.threads[place].record.queued);
        let listens = !is_stopped(state.threads[thread].state);
        Queues {
            irqs: plain(state.irqs_of(thread)),
            told: state.queue(thread).into_iter().map(queued).collect(),
            senders: plain(state.mails_in(state.threads[thread].senders)),
            stuck: if listens { plain(state.unheard(thread)) } else { Vec::new() },
        }
    }
}

/// Everything that is wrong with the queues after a step.
pub fn findings(before: &Snapshot, after: &Snapshot, names: &[&str], found: &mut Vec<Finding>) {
    for (thread, name) in names.iter().enumerate() {
        if !before.alive[thread] || !after.alive[thread] {
            continue;
        }
        let (old, new) = (Queues::of(before, thread), Queues::of(after, thread));
        let pairs = [(&old.irqs, &new.irqs), (&old.told, &new.told), (&old.senders, &new.senders)];
        if pairs.iter().any(|(old, new)| !is_behind(old, new)) {
            found.push(("queues are first in, first out", (*name).into()));
        }
        // Who listens again hears of what was there before.
        let listened = !is_stopped(before.threads[thread].state);
        let stuck = listened.then_some((&old.stuck, &new.stuck));
        let mut all = pairs.into_iter().chain(stuck);
        let more = all.any(|(old, new)| new.iter().any(|entry| !old.contains(entry)));
        let event = |state: &Snapshot| state.threads[thread].scheduler.event;
        if more && event(after) <= event(before) {
            found.push(("what is queued raises the event number", (*name).into()));
        }
    }
}

/// True if what was there before is in front, in the same order.
fn is_behind(old: &[(usize, u64)], new: &[(usize, u64)]) -> bool {
    let stayed: Vec<_> = old.iter().filter(|entry| new.contains(entry)).collect();
    new.iter().take(stayed.len()).eq(stayed)
}
