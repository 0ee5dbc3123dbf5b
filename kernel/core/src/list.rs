//! Intrusive lists. Every operation is O(1); a list holds the names of its elements, and an element
//! its neighbours.

use crate::kernel::Kernel;
use crate::object::thread::{Link, List, Thread};
use cedo_floor::ThreadId;
use cedo_machine::{Context, Machine};

/// One kind of list of threads: where the owner keeps its ends and an element its neighbours.
pub trait Listed<C: Context> {
    /// The ends.
    fn list(owner: &mut Thread<C>) -> &mut List<ThreadId>;
    /// The neighbours.
    fn link(element: &mut Thread<C>) -> &mut Link;
}

/// Accounts recorded at a scheduler of which it has not been told.
pub struct Records;
/// Accounts that are not ready and of which a scheduler is to be told something.
pub struct Notices;
/// Accounts recorded at a scheduler whose token it has.
pub struct Delivered;
/// Stopped schedulers that an ancestor is to hear of.
pub struct Stuck;
/// Children of a scheduler.
pub struct Children;

impl<C: Context> Listed<C> for Records {
    fn list(owner: &mut Thread<C>) -> &mut List<ThreadId> {
        &mut owner.scheduler.records
    }
    fn link(element: &mut Thread<C>) -> &mut Link {
        &mut element.record.link
    }
}

impl<C: Context> Listed<C> for Notices {
    fn list(owner: &mut Thread<C>) -> &mut List<ThreadId> {
        &mut owner.scheduler.notices
    }
    fn link(element: &mut Thread<C>) -> &mut Link {
        &mut element.record.link
    }
}

impl<C: Context> Listed<C> for Delivered {
    fn list(owner: &mut Thread<C>) -> &mut List<ThreadId> {
        &mut owner.scheduler.delivered
    }
    fn link(element: &mut Thread<C>) -> &mut Link {
        &mut element.record.link
    }
}

impl<C: Context> Listed<C> for Stuck {
    fn list(owner: &mut Thread<C>) -> &mut List<ThreadId> {
        &mut owner.scheduler.stuck
    }
    fn link(element: &mut Thread<C>) -> &mut Link {
        &mut element.scheduler.stuck_link
    }
}

impl<C: Context> Listed<C> for Children {
    fn list(owner: &mut Thread<C>) -> &mut List<ThreadId> {
        &mut owner.branch.children
    }
    fn link(element: &mut Thread<C>) -> &mut Link {
        &mut element.branch.sibling
    }
}

impl<M: Machine> Kernel<M> {
    /// Appends `element` to the list `L` of `owner`.
    pub fn append<L: Listed<M::Context>>(&mut self, owner: ThreadId, element: ThreadId) {
        let list = L::list(self.thread(owner));
        let last = list.last.replace(element);
        if last.is_none() {
            list.first = Some(element);
        }
        *L::link(self.thread(element)) = Link { next: None, previous: last };
        if let Some(last) = last {
            L::link(self.thread(last)).next = Some(element);
        }
    }

    /// Puts `element` first in the list `L` of `owner`.
    pub fn prepend<L: Listed<M::Context>>(&mut self, owner: ThreadId, element: ThreadId) {
        let list = L::list(self.thread(owner));
        let first = list.first.replace(element);
        if first.is_none() {
            list.last = Some(element);
        }
        *L::link(self.thread(element)) = Link { next: first, previous: None };
        if let Some(first) = first {
            L::link(self.thread(first)).previous = Some(element);
        }
    }

    /// Takes `element` out of the list `L` of `owner`.
    pub fn unlink<L: Listed<M::Context>>(&mut self, owner: ThreadId, element: ThreadId) {
        let link = core::mem::replace(L::link(self.thread(element)), Link::NONE);
        match link.previous {
            Some(previous) => L::link(self.thread(previous)).next = link.next,
            None => L::list(self.thread(owner)).first = link.next,
        }
        match link.next {
            Some(next) => L::link(self.thread(next)).previous = link.previous,
            None => L::list(self.thread(owner)).last = link.previous,
        }
    }

    /// Appends the mail of `element` to `list`, one of the lists of mails of `owner`.
    pub fn append_mail(&mut self, owner: ThreadId, list: MailList, element: ThreadId) {
        let ends = list.of(self.thread(owner));
        let last = ends.last.replace(element);
        if last.is_none() {
            ends.first = Some(element);
        }
        let mail = self.mail(element);
        mail.next.set(0);
        mail.previous.set(last.map_or(0, |id| id.number().get()));
        if let Some(last) = last {
            self.mail(last).next.set(element.number().get());
        }
    }

    /// Takes the mail of `element` out of `list` of `owner`.
    pub fn unlink_mail(&mut self, owner: ThreadId, list: MailList, element: ThreadId) {
        let mail = self.mail(element);
        let next = ThreadId::from_number(mail.next.get());
        let previous = ThreadId::from_number(mail.previous.get());
        mail.next.set(0);
        mail.previous.set(0);
        match previous {
            Some(id) => self.mail(id).next.set(next.map_or(0, |id| id.number().get())),
            None => list.of(self.thread(owner)).first = next,
        }
        match next {
            Some(id) => self.mail(id).previous.set(previous.map_or(0, |id| id.number().get())),
            None => list.of(self.thread(owner)).last = previous,
        }
    }
}

impl<M: Machine> Kernel<M> {
    /// Takes the mail of `element`, of any core, out of `list` of `owner`: it is in none then.
    pub fn take_out(&mut self, owner: ThreadId, list: MailList, element: ThreadId) {
        self.unlink_mail(owner, list, element);
        let mail = self.mail(element);
        match list {
            MailList::Senders => mail.queued_at.set(0),
            MailList::Owed => mail.owed_by.set(0),
            MailList::Closed => mail.awaits.set(0),
        }
    }
}

/// The lists of mails that a thread owns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MailList {
    /// Senders that wait for it to receive.
    Senders,
    /// Callers that it owes a reply.
    Owed,
    /// Those who receive from it only.
    Closed,
}

impl MailList {
    fn of<C: Context>(self, thread: &mut Thread<C>) -> &mut List<ThreadId> {
        match self {
            MailList::Senders => &mut thread.senders,
            MailList::Owed => &mut thread.owed,
            MailList::Closed => &mut thread.closed,
        }
    }
}
