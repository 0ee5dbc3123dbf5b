//! Intrusive lists. Every operation is O(1); a list holds the names of its elements, and an element
//! its neighbours.

use crate::kernel::Kernel;
use crate::object::thread::{Link, List, Thread};
use cedo_floor::mail::Half;
use cedo_floor::{Mail, ThreadId};
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
        let link = L::list(self.thread(owner)).push(element);
        *L::link(self.thread(element)) = link;
        self.follow::<L>(element, link);
    }

    /// Tells the older neighbour of `element`, which has come last.
    #[inline]
    pub fn follow<L: Listed<M::Context>>(&mut self, element: ThreadId, link: Link) {
        if let Some(previous) = link.previous {
            L::link(self.thread(previous)).next = Some(element);
        }
    }

    /// Tells the neighbours of an element that has gone of each other.
    #[inline]
    pub fn close<L: Listed<M::Context>>(&mut self, link: Link) {
        if let Some(previous) = link.previous {
            L::link(self.thread(previous)).next = link.next;
        }
        if let Some(next) = link.next {
            L::link(self.thread(next)).previous = link.previous;
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
        if link.previous.is_none() || link.next.is_none() {
            L::list(self.thread(owner)).cut(link);
        }
        self.close::<L>(link);
    }

    /// Appends the mail of `element`, of any core, to `list` of `owner`.
    #[inline]
    pub fn append_mail(&mut self, owner: ThreadId, list: MailList, element: ThreadId) -> &Mail {
        let link = list.of(self.thread(owner)).push(element);
        if let Some(previous) = link.previous {
            self.mail(previous).next.set(element.number().get());
        }
        let mail = self.mail(element);
        mail.next.set(0);
        mail.previous.set(number(link.previous));
        list.place(mail).set(owner.number().get());
        mail
    }

    /// Takes the mail of `element`, of any core, out of `list` of `owner`: it is in none then.
    pub fn take_out(&mut self, owner: ThreadId, list: MailList, element: ThreadId) {
        let mail = self.mail(element);
        let next = ThreadId::from_number(mail.next.get());
        let previous = ThreadId::from_number(mail.previous.get());
        mail.next.set(0);
        mail.previous.set(0);
        list.place(mail).set(0);
        if previous.is_none() || next.is_none() {
            list.of(self.thread(owner)).cut(Link { next, previous });
        }
        if let Some(id) = previous {
            self.mail(id).next.set(number(next));
        }
        if let Some(id) = next {
            self.mail(id).previous.set(number(previous));
        }
    }
}

/// A neighbour's name in a mail.
#[inline]
fn number(id: Option<ThreadId>) -> u32 {
    id.map_or(0, |id| id.number().get())
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
    /// Where a mail says in whose list of this kind it is.
    #[inline]
    fn place(self, mail: &Mail) -> &Half {
        match self {
            MailList::Senders => &mail.queued_at,
            MailList::Owed => &mail.owed_by,
            MailList::Closed => &mail.awaits,
        }
    }

    #[inline]
    fn of<C: Context>(self, thread: &mut Thread<C>) -> &mut List<ThreadId> {
        match self {
            MailList::Senders => &mut thread.senders,
            MailList::Owed => &mut thread.owed,
            MailList::Closed => &mut thread.closed,
        }
    }
}
