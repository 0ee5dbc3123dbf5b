//! Records: how a scheduler learns that an account could run.
//!
//! A ready account is in exactly one place (DESIGN.md section 12, 2): recorded at its scheduler
//! (*Queued* or *Delivered*), granted by a frozen scheduler, or current.
//!
//! ```text
//!             record            take: the scheduler has the token
//!   None ----------------> Queued ----------------------------> Delivered
//!    ^ ^                     |                                      |
//!    | +---------------------+---- withdraw, dispatch --------------+
//!    |        notice            take
//!   None ----------------> Notice ---> None        (not ready: *blocked*, *fault*)
//! ```
//!
//! Queued records and notices are in a list each, so that nobody who looks for what is ready has to
//! pass notices; the scheduler takes both in the order of their coming.

use super::stuck::is_stopped;
use crate::kernel::Kernel;
use crate::list::{Delivered, Notices, Records};
use crate::object::thread::{Link, Record, Recorded, State};
use crate::object::unusual::LATCHED;
use cedo_abi::Label;
use cedo_floor::ThreadId;
use cedo_machine::Machine;

/// Added to a grant sequence by each record: it stays odd, as reply sequences stay even.
const GRANT_STEP: u32 = 2;

impl<M: Machine> Kernel<M> {
    /// Queues ready `account` at its scheduler: it has a new token from now on. Returns the scheduler.
    pub fn queue_record(
        &mut self,
        account: ThreadId,
        why: Label,
        by: Option<ThreadId>,
    ) -> Option<ThreadId> {
        let scheduler = self.scheduler_of(account)?;
        self.drop_notice(account);
        let (above, thread) = self.objects.threads(scheduler, account);
        let stopped = is_stopped(above);
        let above = &mut above.scheduler;
        above.ready += 1;
        above.event += 1;
        if above.untold.is_none() {
            above.untold = Some(account);
        }
        let link = above.records.push(account);
        let sequence = thread.record.sequence.wrapping_add(GRANT_STEP);
        let (how, queued) = (Record::Queued, above.event);
        thread.record = Recorded { how, why, by, sequence, queued, link };
        self.follow::<Records>(account, link);
        if stopped {
            self.post_stuck(scheduler);
        }
        Some(scheduler)
    }

    /// Queues a message about `account`, which is not ready, at its scheduler.
    pub fn queue_notice(&mut self, account: ThreadId, why: Label) {
        let Some(scheduler) = self.scheduler_of(account) else { return };
        let above = &mut self.thread(scheduler).scheduler;
        above.event += 1;
        let queued = above.event;
        if self.look(account).record.how == Record::None {
            self.append::<Notices>(scheduler, account);
            self.thread(account).record.queued = queued;
        }
        let record = &mut self.thread(account).record;
        record.how = Record::Notice;
        record.why = why;
    }

    /// The oldest in the queue of `scheduler`, record or notice.
    pub fn next_record(&self, scheduler: ThreadId) -> Option<ThreadId> {
        let thread = &self.look(scheduler).scheduler;
        match (thread.records.first, thread.notices.first) {
            (Some(record), Some(notice)) => {
                let queued = |id| self.look(id).record.queued;
                Some(if queued(record) < queued(notice) { record } else { notice })
            }
            (record, notice) => record.or(notice),
        }
    }

    /// True if a message about `account` says more than that it waits: that it is ready again, or
    /// that a fault stopped it.
    pub fn is_to_be_told_of(&self, account: ThreadId) -> bool {
        self.look(account).record.how != Record::None
    }

    /// The scheduler of `account` takes it out of its queue: it has the token now.
    pub fn deliver_record(&mut self, scheduler: ThreadId, account: ThreadId) {
        let (above, thread) = self.objects.threads(scheduler, account);
        let record = &mut thread.record;
        if record.how == Record::Notice {
            return self.drop_notice(account);
        }
        let queued = record.link;
        above.scheduler.pass(account, queued.next);
        above.scheduler.records.cut(queued);
        let link = above.scheduler.delivered.push(account);
        (record.how, record.link) = (Record::Delivered, link);
        self.close::<Records>(queued);
        self.follow::<Delivered>(account, link);
    }

    /// `account` is no longer recorded: it was dispatched, or is no longer ready.
    pub fn withdraw_record(&mut self, account: ThreadId) {
        let Some(scheduler) = self.scheduler_of(account) else { return };
        let (above, thread) = self.objects.threads(scheduler, account);
        let may_be_stuck = is_stopped(above) || above.scheduler.stuck_at.is_some();
        let (above, record) = (&mut above.scheduler, &mut thread.record);
        match record.how {
            Record::None => return,
            Record::Notice => return self.drop_notice(account),
            Record::Queued => above.records.cut(record.link),
            Record::Delivered => above.delivered.cut(record.link),
        }
        let link = core::mem::replace(&mut record.link, Link::NONE);
        above.pass(account, link.next);
        above.ready -= 1;
        record.how = Record::None;
        record.by = None;
        record.sequence = record.sequence.wrapping_add(GRANT_STEP);
        // A neighbour in one list is linked as in the other.
        self.close::<Records>(link);
        if may_be_stuck {
            self.check_stuck(scheduler);
        }
    }

    /// The message about `account`, which was not ready, is void.
    #[inline]
    pub fn drop_notice(&mut self, account: ThreadId) {
        if self.look(account).record.how != Record::Notice {
            return;
        }
        if let Some(scheduler) = self.scheduler_of(account) {
            self.unlink::<Notices>(scheduler, account);
        }
        self.thread(account).record.how = Record::None;
    }

    /// True if `account` is recorded ready at its scheduler.
    pub fn is_recorded(&self, account: ThreadId) -> bool {
        matches!(self.look(account).record.how, Record::Queued | Record::Delivered)
    }

    /// Rule 13: `account` was ready and no longer is.
    pub fn unready(&mut self, account: ThreadId) {
        if self.is_recorded(account) {
            return self.withdraw_record(account);
        }
        let Some(giver) = self.giver(account) else { return };
        if self.is_frozen(giver) {
            // It is ready under the record of its own branch.
            let asked = self.is_asked(giver, account) && self.scheduler_of(account) == Some(giver);
            let above = self.thread(giver);
            above.scheduler.granted = None;
            above.state = State::Ready;
            above.unusual.set(LATCHED, true);
            above.leaf = giver;
            if asked {
                self.queue_notice(account, Label::Blocked);
            }
        }
    }
}
