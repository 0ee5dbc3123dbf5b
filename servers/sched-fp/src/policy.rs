//! Fixed priority, preemptive: of those that can run, one with the highest priority does.
//!
//! Within a priority each child runs until it waits (first in, first out), or, if it has a slice,
//! takes turns with its equals (round robin): POSIX's SCHED_FIFO and SCHED_RR, child by child.

use cedo_lib::abi::system::parameter::{PRIORITY, SLICE_NS};
use cedo_lib::lists::Lists;
use cedo_lib::policy::{CHILDREN, Decision, Grant, PARAMETERS, Policy, Why};

/// Priorities: 0 is the least urgent, `PRIORITIES - 1` the most urgent; a number too high means that.
pub const PRIORITIES: usize = 64;

/// One line per priority.
pub struct FixedPriority {
    ready: Lists<CHILDREN, PRIORITIES>,
    /// Bit `p` is set where the line of priority `p` is not empty.
    lines: u64,
    children: [Child; CHILDREN],
    /// Longest turn of children that have none of their own; 0: until they wait or yield.
    slice_ns: u64,
    /// Highest level that a child may ask for.
    ceiling: u64,
}

#[derive(Clone, Copy)]
struct Child {
    priority: usize,
    /// The line that it asked to be in while it holds locks; 0: none.
    level: usize,
    slice_ns: u64,
    /// End of its turn; 0 where it has none.
    end_ns: u64,
}

impl FixedPriority {
    /// Nobody ready. `slice_ns` is for children that have none; for locks they may rise to `ceiling`.
    pub const fn new(slice_ns: u64, ceiling: u64) -> FixedPriority {
        let child = Child { priority: 0, level: 0, slice_ns, end_ns: 0 };
        let children = [child; CHILDREN];
        FixedPriority { ready: Lists::new(), lines: 0, children, slice_ns, ceiling }
    }

    fn take(&mut self, child: usize) {
        let Some(line) = self.ready.list_of(child) else { return };
        self.ready.remove(child);
        if self.ready.is_empty(line) {
            self.lines &= !(1 << line);
        }
    }
}

impl Policy for FixedPriority {
    fn admit(&mut self, child: usize, parameters: &[u64; PARAMETERS]) {
        let Some(child) = self.children.get_mut(child) else { return };
        child.priority = parameters[PRIORITY].min(PRIORITIES as u64 - 1) as usize;
        let own_ns = parameters[SLICE_NS];
        child.slice_ns = if own_ns == 0 { self.slice_ns } else { own_ns };
    }

    fn ready(&mut self, number: usize, why: Why, now_ns: u64) {
        self.take(number);
        let Some(child) = self.children.get_mut(number) else { return };
        let line = child.priority.max(child.level);
        if why == Why::Preempted && now_ns < child.end_ns {
            self.ready.push_first(line, number);
        } else {
            child.end_ns = 0;
            self.ready.push_last(line, number);
        }
        self.lines |= 1 << line;
    }

    fn blocked(&mut self, child: usize) {
        self.take(child);
        if let Some(child) = self.children.get_mut(child) {
            child.end_ns = 0;
        }
    }

    fn choose(&mut self, now_ns: u64) -> Option<Decision> {
        let number = self.ready.first(self.lines.checked_ilog2()? as usize)?;
        self.take(number);
        let child = &mut self.children[number];
        let grant = if now_ns < child.end_ns { Grant::Rest } else { Grant::Fresh };
        if grant == Grant::Fresh {
            let longest_ns = if child.slice_ns == 0 { u64::MAX } else { child.slice_ns };
            child.end_ns = now_ns.saturating_add(longest_ns);
        }
        let until_ns = (child.slice_ns > 0).then_some(child.end_ns);
        Some(Decision { child: number, until_ns, grant })
    }

    fn set_level(&mut self, child: usize, level: u64) -> bool {
        if child >= CHILDREN || level > self.ceiling.min(PRIORITIES as u64 - 1) {
            return false;
        }
        self.children[child].level = level as usize;
        true
    }
}
