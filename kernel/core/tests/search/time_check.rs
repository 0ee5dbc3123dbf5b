//! Invariant 13: times charged on a core add up to the time that passed.

use crate::state::Snapshot;
use crate::system::STEP_TICKS;
use cedo_core::kernel::Protocol;
use cedo_machine::Ticks;

/// What is wrong with the times after a step, before which [`STEP_TICKS`] passed since `began`.
///
/// Whoever was the grantee gets them, once: at the latest when it no longer is, or the core halts or
/// goes on. In chain mode a donated call is no scheduling event, and who ends it is charged for all.
pub fn finding(
    before: &Snapshot,
    after: &Snapshot,
    began: Ticks,
    names: &[&str],
) -> Option<String> {
    let ran = before.local().grantee.filter(|_| before.local().current.is_some());
    let charged = after.local().charged.since(began).0;
    let halts = before.local().current.is_some() != after.local().current.is_some();
    let ends = halts || after.local().grantee != before.local().grantee;
    let direct = before.local().protocol == Protocol::Direct;
    if charged != 0 && charged != STEP_TICKS || direct && ends && charged == 0 {
        return Some(format!("{charged} of {STEP_TICKS} ticks are charged"));
    }
    let gained = |at: usize| after.threads[at].time.wrapping_sub(before.threads[at].time);
    let lives = |at: &usize| after.alive[*at];
    if !direct {
        let sum: u64 = (0..after.threads.len()).filter(lives).map(gained).sum();
        // What was destroyed by another core has its last time with it.
        let ran = ran.filter(|id| lives(&after.index(*id)));
        return (sum != if ran.is_some() { charged } else { 0 })
            .then(|| format!("{sum} ticks in all"));
    }
    let wrong = (0..after.threads.len()).filter(lives).find(|at| {
        let mine = if ran == Some(after.threads[*at].id) { charged } else { 0 };
        gained(*at) != mine
    });
    wrong.map(|at| format!("{}: {} of {charged} ticks", names[at], gained(at)))
}
