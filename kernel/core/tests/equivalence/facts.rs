//! What schedulers are told of their children.

use crate::state::Snapshot;
use cedo_abi::{Label, Tag};
use cedo_core::object::thread::{Record, State};
use cedo_core::object::unusual::LATCHED;
use cedo_machine::Context;

/// A scheduler has been told of a child.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Fact {
    pub scheduler: usize,
    pub child: usize,
    /// Number of the label.
    pub label: u32,
}

impl Fact {
    pub fn in_words(self, names: &[&str]) -> String {
        let label = Label::from_number(self.label).expect("a label");
        format!("{} hears that {} is {label:?}", names[self.scheduler], names[self.child])
    }
}

/// What was told in the step from `before` to `after`: tokens handed out, and messages without one.
pub fn told(before: &Snapshot, after: &Snapshot) -> Vec<Fact> {
    let mut told = Vec::new();
    for (child, thread) in after.threads.iter().enumerate() {
        let was = before.threads[child].record;
        let same = was.how == Record::Delivered && was.sequence == thread.record.sequence;
        if thread.record.how == Record::Delivered && !same {
            let scheduler = after.index(thread.branch.scheduler);
            told.push(Fact { scheduler, child, label: thread.record.why as u32 });
        }
    }
    let Some(me) = after.current().filter(|me| is_blocked_message(before, after, *me)) else {
        return told;
    };
    let badge = after.threads[me].context.badge();
    let about = after.threads.iter().position(|thread| {
        after.index(thread.branch.scheduler) == me && thread.branch.cookie == badge
    });
    let label = Label::Blocked as u32;
    told.extend(about.map(|child| Fact { scheduler: me, child, label }));
    told
}

/// True if `me` has been told in this step that a child is blocked.
fn is_blocked_message(before: &Snapshot, after: &Snapshot, me: usize) -> bool {
    let thread = &after.threads[me];
    let label = Tag(thread.context.tag()).kernel_label();
    let new =
        before.threads[me].state != State::Running || before.threads[me].context != thread.context;
    label == Some(Label::Blocked) && new && !thread.unusual.has(LATCHED)
}
