//! *stuck* (DESIGN.md section 5): the children of a stopped scheduler are not lost to the processor.

use crate::check::{Finding, View};
use crate::state::is_stopped;
use cedo_core::object::thread::State;

/// Everything that is wrong with who is told of stopped schedulers.
pub fn findings(view: &View<'_>, found: &mut Vec<Finding>) {
    for at in view.living() {
        if is_stopped(view.state.threads[at].state) {
            told_of(view, at, found);
        }
        let listed = view.state.stuck(view.state.threads[at].scheduler.stuck);
        for below in listed {
            if view.scheduler[below] != Some(at) {
                found.push(("stuck names a child", view.names[below].into()));
            }
            if !is_stopped(view.state.threads[below].state) || !has_ready_below(view, below) {
                let text = format!("{} at {}", view.names[below], view.names[at]);
                found.push(("stuck is withdrawn when it is void", text));
            }
        }
        let idles = view.is(at, State::Open) && !view.stack.contains(&at) && !view.frozen[at];
        if idles && view.state.threads[at].scheduler.unheard.is_some() {
            found.push(("who waits is told who is stuck", view.names[at].into()));
        }
    }
}

/// The nearest ancestor that is not stopped has been told of each ready child of stopped `scheduler`,
/// or is going to be.
fn told_of(view: &View<'_>, scheduler: usize, found: &mut Vec<Finding>) {
    let mut branch = scheduler;
    let ancestor = loop {
        let Some(above) = view.scheduler[branch] else { return };
        if !is_stopped(view.state.threads[above].state) {
            break above;
        }
        branch = above;
    };
    let will_be = view.state.unheard(ancestor).contains(&branch);
    for child in ready_children(view, scheduler) {
        let has_been = view.state.told[ancestor] & 1 << child != 0;
        if !has_been && !will_be {
            let (scheduler, child) = (view.names[scheduler], view.names[child]);
            let text = format!("{} of {child} of {scheduler}", view.names[ancestor]);
            found.push(("an ancestor is told of children of stopped schedulers", text));
        }
    }
}

fn has_ready_below(view: &View<'_>, scheduler: usize) -> bool {
    let below = view.state.stuck(view.state.threads[scheduler].scheduler.stuck);
    !ready_children(view, scheduler).is_empty()
        || below.into_iter().any(|below| has_ready_below(view, below))
}

/// The children recorded ready at `scheduler`, told or not.
fn ready_children(view: &View<'_>, scheduler: usize) -> Vec<usize> {
    let lists = &view.state.threads[scheduler].scheduler;
    [lists.records, lists.delivered].map(|list| view.state.records(list)).concat()
}
