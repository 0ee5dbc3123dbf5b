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
    priority: [u8; CHILDREN],
    /// Lines that children have asked to be in while they hold locks; 0: none.
    level: [u8; CHILDREN],
    /// Highest level that a child may ask for.
    ceiling: u64,
    /// Longest turn of each child; 0: a turn lasts until the child waits or yields.
    slice_ns: [u64; CHILDREN],
    default_slice_ns: u64,
    /// End of each child's turn, 0 where it has none.
    end_ns: [u64; CHILDREN],
}

impl FixedPriority {
    /// Nobody ready; children without a slice of their own get `default_slice_ns`.
    pub const fn new(default_slice_ns: u64) -> FixedPriority {
        FixedPriority {
            ready: Lists::new(),
            lines: 0,
            priority: [0; CHILDREN],
            level: [0; CHILDREN],
            ceiling: 0,
            slice_ns: [default_slice_ns; CHILDREN],
            default_slice_ns,
            end_ns: [0; CHILDREN],
        }
    }

    /// The same, and children may raise themselves to priority `ceiling`.
    pub const fn with_ceiling(mut self, ceiling: u64) -> FixedPriority {
        self.ceiling = if ceiling < PRIORITIES as u64 { ceiling } else { PRIORITIES as u64 - 1 };
        self
    }

    fn line(&self, child: usize) -> usize {
        usize::from(self.priority[child].max(self.level[child]))
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
        if child >= CHILDREN {
            return;
        }
        self.priority[child] = parameters[PRIORITY].min(PRIORITIES as u64 - 1) as u8;
        let own_ns = parameters[SLICE_NS];
        self.slice_ns[child] = if own_ns == 0 { self.default_slice_ns } else { own_ns };
    }

    fn ready(&mut self, child: usize, why: Why, now_ns: u64) {
        if child >= CHILDREN {
            return;
        }
        let line = self.line(child);
        let end_ns = &mut self.end_ns[child];
        let in_its_turn = why == Why::Preempted && now_ns < *end_ns;
        if !in_its_turn {
            *end_ns = 0;
        }
        self.take(child);
        if in_its_turn {
            self.ready.push_first(line, child);
        } else {
            self.ready.push_last(line, child);
        }
        self.lines |= 1 << line;
    }

    fn blocked(&mut self, child: usize) {
        self.take(child);
        if let Some(end_ns) = self.end_ns.get_mut(child) {
            *end_ns = 0;
        }
    }

    fn choose(&mut self, now_ns: u64) -> Option<Decision> {
        let line = self.lines.checked_ilog2()? as usize;
        let child = self.ready.first(line)?;
        self.take(child);
        let has_rest = now_ns < self.end_ns[child];
        let slice_ns = self.slice_ns[child];
        if !has_rest {
            let longest_ns = if slice_ns == 0 { u64::MAX } else { slice_ns };
            self.end_ns[child] = now_ns.saturating_add(longest_ns);
        }
        let grant = if has_rest { Grant::Rest } else { Grant::Fresh };
        let until_ns = (slice_ns > 0).then_some(self.end_ns[child]);
        Some(Decision { child, until_ns, grant })
    }

    fn set_level(&mut self, child: usize, level: u64) -> bool {
        if child >= CHILDREN || level > self.ceiling {
            return false;
        }
        self.level[child] = level as u8;
        true
    }
}
