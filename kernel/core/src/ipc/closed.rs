//! Receiving from one thread only. Who does so is in a list of that thread, and hears of its end.
//!
//! ```text
//!   partner of this core:     Closed, in its list
//!   partner of another core:  Remote, the mail goes there, into its list
//!
//!   the partner sends:  its message goes to the receiver's core, and behind it the receiver's mail,
//!                       which finds the message queued at home
//! ```

use super::send::Sender;
use crate::cross::Post;
use crate::kernel::Kernel;
use crate::list::MailList;
use crate::object::thread::{Peer, State};
use cedo_abi::Status;
use cedo_floor::ThreadId;
use cedo_machine::Machine;

impl<M: Machine> Kernel<M> {
    /// `id`, whose mail is free, receives from `peer` only.
    pub(super) fn wait_only_for(&mut self, id: ThreadId, peer: Peer) {
        if self.objects.is_here(peer.thread) {
            self.thread(id).state = State::Closed(peer);
            return self.list_closed(peer.thread, id);
        }
        self.mail(id).kind.set(Sender::Closed as u32);
        self.post_to_peer(id, peer);
    }

    /// `id` is in a receive from one thread only no longer, if it was.
    pub fn leave_closed(&mut self, id: ThreadId) {
        if let State::Closed(peer) = self.look(id).state {
            self.unlist_closed(peer.thread, id);
        }
    }

    /// Takes the mail of `id`, of any core, out of the list of `partner`.
    pub fn unlist_closed(&mut self, partner: ThreadId, id: ThreadId) {
        self.unlink_mail(partner, MailList::Closed, id);
        self.mail(id).awaits.set(0);
    }

    fn list_closed(&mut self, partner: ThreadId, id: ThreadId) {
        self.append_mail(partner, MailList::Closed, id);
        self.mail(id).awaits.set(partner.number().get());
    }

    /// The mail of `receiver`, of another core, has come: it receives from `partner` only.
    pub fn closed_receiver_arrived(&mut self, partner: ThreadId, receiver: ThreadId) {
        if self.is_on_its_way(partner, receiver) {
            return self.send_home(receiver, Post::LookAgain, Status::Ok);
        }
        self.list_closed(partner, receiver);
    }

    /// True if a message of `sender` has been posted to `receiver`, of another core, and may not have
    /// been taken.
    fn is_on_its_way(&self, sender: ThreadId, receiver: ThreadId) -> bool {
        let (mail, receiver) = (self.mail(sender), receiver.number().get());
        self.look(sender).state == State::Remote
            && mail.post.get() == Post::Message as u32
            && mail.kind.get() != Sender::Closed as u32
            && mail.destination.get() == receiver
            && mail.owed_by.get() != receiver
    }

    /// True if `receiver`, of another core, is known to receive from `sender` only.
    pub fn is_awaited(&self, receiver: ThreadId, sender: ThreadId) -> bool {
        let mail = self.objects.try_mail(receiver);
        mail.is_some_and(|mail| mail.awaits.get() == sender.number().get())
    }

    /// A message of `sender` has been posted to `receiver`: if that waits for it, its mail follows.
    pub fn send_after(&mut self, receiver: ThreadId, sender: ThreadId) {
        if self.is_awaited(receiver, sender) {
            self.unlist_closed(sender, receiver);
            self.send_home(receiver, Post::LookAgain, Status::Ok);
        }
    }

    /// The mail of `id`, which receives from one thread only, is home: the message is queued here, or
    /// has gone.
    pub fn look_again(&mut self, id: ThreadId) {
        let mail = self.mail(id);
        let Some(thread) = ThreadId::from_number(mail.destination.get()) else { return };
        let peer = Peer { thread, generation: mail.generation.get() };
        if self.is_queued_at(peer, id) {
            self.take_sender(id, thread);
        } else if self.exists(peer) {
            return self.post_to_peer(id, peer);
        } else {
            self.answer(id, Status::PartnerGone.into());
        }
        self.arrived(id);
    }
}
