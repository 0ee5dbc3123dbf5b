//! The scheduling tree: ancestors, and the stack of grants that leads through it.

use super::stuck::is_stopped;
use crate::kernel::Kernel;
use crate::list::Children;
use crate::object::thread::State;
use crate::object::unusual::SCHEDULES;
use cedo_abi::{MAX_DEPTH, Status};
use cedo_floor::ThreadId;
use cedo_machine::Machine;

impl<M: Machine> Kernel<M> {
    /// Who schedules `id`; nobody for a root.
    #[inline]
    pub fn scheduler_of(&self, id: ThreadId) -> Option<ThreadId> {
        let scheduler = self.look(id).branch.scheduler;
        (scheduler != id).then_some(scheduler)
    }

    /// True if `ancestor` is `id` or above it.
    pub fn is_ancestor_or_self(&self, ancestor: ThreadId, id: ThreadId) -> bool {
        let mut at = Some(id);
        while let Some(thread) = at {
            if thread == ancestor {
                return true;
            }
            at = self.scheduler_of(thread);
        }
        false
    }

    /// Levels above `id`. At most [`MAX_DEPTH`] steps.
    pub fn depth(&self, id: ThreadId) -> usize {
        let (mut at, mut depth) = (id, 0);
        while let Some(above) = self.scheduler_of(at) {
            (at, depth) = (above, depth + 1);
        }
        depth
    }

    /// The lowest common ancestor-or-self (DESIGN.md section 6).
    pub fn common_ancestor(&self, a: ThreadId, b: ThreadId) -> ThreadId {
        // Most often the two are the root and somebody, or children of one scheduler.
        if self.is_root(a) || self.is_root(b) {
            return self.local.root.unwrap_or(a);
        }
        let scheduler = self.look(a).branch.scheduler;
        if scheduler != a && self.look(b).branch.scheduler == scheduler {
            return scheduler;
        }
        let (mut a, mut b) = (a, b);
        let (depth_a, depth_b) = (self.depth(a), self.depth(b));
        for _ in depth_b..depth_a {
            a = self.look(a).branch.scheduler;
        }
        for _ in depth_a..depth_b {
            b = self.look(b).branch.scheduler;
        }
        while a != b {
            match (self.scheduler_of(a), self.scheduler_of(b)) {
                (Some(above_a), Some(above_b)) => (a, b) = (above_a, above_b),
                // Two trees: one of them is a thread that nobody schedules yet.
                _ => return self.local.root.unwrap_or(a),
            }
        }
        a
    }

    /// The child of `ancestor` towards `id`; nothing if `id` is not below it.
    pub fn branch_of(&self, ancestor: ThreadId, id: ThreadId) -> Option<ThreadId> {
        let mut at = id;
        while let Some(above) = self.scheduler_of(at) {
            if above == ancestor {
                return Some(at);
            }
            at = above;
        }
        None
    }

    /// True if the grants lead from the root to `id` (rule 2). At most [`MAX_DEPTH`] steps.
    pub fn is_on_stack(&self, id: ThreadId) -> bool {
        let mut at = self.local.root;
        while let Some(scheduler) = at {
            if scheduler == id {
                return true;
            }
            at = self.look(scheduler).scheduler.granted;
        }
        false
    }

    /// True if `id` is on the stack and has granted its time.
    pub fn has_granted(&self, id: ThreadId) -> bool {
        self.look(id).scheduler.granted.is_some() && self.is_on_stack(id)
    }

    /// True if `id` waits with a grant out that does not lead from the root.
    pub fn is_frozen(&self, id: ThreadId) -> bool {
        let thread = self.look(id);
        thread.state == State::Open && thread.scheduler.granted.is_some() && !self.is_on_stack(id)
    }

    /// Who has granted its time to `id`, on the stack or frozen: its scheduler, or where that is
    /// passed over, an ancestor. At most [`MAX_DEPTH`] steps.
    pub fn giver(&self, id: ThreadId) -> Option<ThreadId> {
        let mut above = self.scheduler_of(id);
        while let Some(giver) = above
            && self.look(giver).scheduler.granted != Some(id)
        {
            above = self.scheduler_of(giver);
        }
        above
    }

    /// Makes `child` a child of `scheduler`. Errors: `Cycle`; `TooDeep` if a thread below would be
    /// more than [`MAX_DEPTH`] levels down. On an error nothing has changed.
    pub fn adopt(&mut self, child: ThreadId, scheduler: ThreadId) -> Result<(), Status> {
        if self.is_ancestor_or_self(child, scheduler) {
            return Err(Status::Cycle);
        }
        if self.depth(scheduler) + 1 + self.height(child) > MAX_DEPTH {
            return Err(Status::TooDeep);
        }
        self.put_below(child, scheduler);
        Ok(())
    }

    /// True if an ancestor of `child` that is not above `scheduler` has granted its time to a thread
    /// below `child`, over its head: grants lead down the tree. At most [`MAX_DEPTH`] times as many
    /// steps.
    pub fn is_needed_below(&self, child: ThreadId, scheduler: ThreadId) -> bool {
        let mut above = self.scheduler_of(child);
        while let Some(giver) = above {
            if let Some(granted) = self.look(giver).scheduler.granted
                && self.is_ancestor_or_self(child, granted)
                && !self.is_ancestor_or_self(giver, scheduler)
            {
                return true;
            }
            above = self.scheduler_of(giver);
        }
        false
    }

    /// The same where it has been checked. What an earlier scheduler chose for the child, or was
    /// allowed to do with it, does not come along.
    pub fn put_below(&mut self, child: ThreadId, scheduler: ThreadId) {
        self.leave_scheduler(child);
        self.append::<Children>(scheduler, child);
        self.thread(scheduler).branch.child_count += 1;
        self.note_duties(scheduler);
        let branch = &mut self.thread(child).branch;
        branch.scheduler = scheduler;
        (branch.cookie, branch.rank) = (0, 0);
        (branch.state_right, branch.tell_blocked) = (false, false);
        self.count_heights(scheduler, None, Some(self.height(child)));
        let thread = self.look(child);
        if thread.is_scheduler() && is_stopped(thread) {
            self.tell_again(child);
            self.check_stuck(child);
        }
    }

    /// Takes `child` out of the tree; it is its own scheduler then. What its scheduler was to be
    /// told of it is void.
    pub fn leave_scheduler(&mut self, child: ThreadId) {
        let Some(scheduler) = self.scheduler_of(child) else { return };
        self.withdraw_record(child);
        if let Some(at) = self.look(child).scheduler.stuck_at {
            self.leave_stuck(child, at);
            self.check_stuck(at);
        }
        self.unlink::<Children>(scheduler, child);
        self.thread(scheduler).branch.child_count -= 1;
        self.note_duties(scheduler);
        self.thread(child).branch.scheduler = child;
        self.count_heights(scheduler, Some(self.height(child)), None);
    }

    /// Whether `id` schedules may have changed.
    pub fn note_duties(&mut self, id: ThreadId) {
        let is_root = self.is_root(id);
        let thread = self.thread(id);
        thread.unusual.set(SCHEDULES, is_root || thread.is_scheduler());
    }

    /// Levels below `id`; 0 for a leaf.
    pub fn height(&self, id: ThreadId) -> usize {
        let below = &self.look(id).branch.below;
        below.iter().rposition(|count| *count > 0).map_or(0, |height| height + 1)
    }

    /// A child of `scheduler` had the height `before` and has `now`: those above are told, as far as
    /// their own heights change. At most [`MAX_DEPTH`] steps.
    fn count_heights(&mut self, scheduler: ThreadId, before: Option<usize>, now: Option<usize>) {
        let (mut at, mut before, mut now) = (scheduler, before, now);
        loop {
            let was = self.height(at);
            let below = &mut self.thread(at).branch.below;
            if let Some(count) = before.and_then(|height| below.get_mut(height)) {
                *count -= 1;
            }
            if let Some(count) = now.and_then(|height| below.get_mut(height)) {
                *count += 1;
            }
            let is = self.height(at);
            match self.scheduler_of(at) {
                Some(above) if was != is => (at, before, now) = (above, Some(was), Some(is)),
                _ => return,
            }
        }
    }
}
