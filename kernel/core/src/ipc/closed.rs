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
use crate::call::Answer;
use crate::cross::Post;
use crate::kernel::Kernel;
use crate::list::MailList;
use crate::object::thread::{Peer, State};
use cedo_abi::Status;
use cedo_floor::ThreadId;
use cedo_machine::Machine;

/// In `Mail::detail` of a call: another core's server has passed it on, so that it has not come with
/// the mail of who receives from its client only.
pub const PASSED_ON: u32 = u32::MAX;

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
            self.take_out(peer.thread, MailList::Closed, id);
        }
    }

    fn list_closed(&mut self, partner: ThreadId, id: ThreadId) {
        let suspensions = self.look(partner).suspensions;
        self.append_mail(partner, MailList::Closed, id).suspensions.set(suspensions);
    }

    /// The mail of `receiver`, which receives from `partner` only, has come.
    pub fn closed_receiver_arrived(&mut self, partner: ThreadId, receiver: ThreadId) {
        // Of this core if the partner has moved here: it looks for itself.
        if self.objects.is_here(receiver) || self.is_on_its_way(partner, receiver) {
            return self.send_home(receiver, Post::LookAgain, Status::Ok);
        }
        self.list_closed(partner, receiver);
    }

    /// True if a message of `sender` has been posted to `receiver`, of another core, and may not have
    /// been taken.
    fn is_on_its_way(&self, sender: ThreadId, receiver: ThreadId) -> bool {
        let (mail, receiver) = (self.mail(sender), receiver.number().get());
        matches!(self.look(sender).state, State::Remote(_) | State::Recalled(_))
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

    /// True if `receiver`, of this core, is in a list of `sender`, of another one, or on its way there.
    pub fn awaits_elsewhere(&self, receiver: ThreadId, sender: ThreadId) -> bool {
        let mail = self.mail(receiver);
        matches!(self.look(receiver).state, State::Remote(_) | State::Recalled(_))
            && mail.kind.get() == Sender::Closed as u32
            && mail.destination.get() == sender.number().get()
    }

    /// The call of `id`, which is home, has been passed on to one who receives from `id` only. What
    /// that came to; nothing if `id` waits on.
    pub fn call_passed_on(&mut self, id: ThreadId) -> Option<Answer> {
        if matches!(self.look(id).state, State::Recalled(_)) {
            return self.take_verdict(id, Status::Aborted);
        }
        let mail = self.mail(id);
        mail.detail.set(0);
        let thread = ThreadId::from_number(mail.destination.get())?;
        self.post_to_peer(id, Peer { thread, generation: mail.generation.get() });
        self.send_after(thread, id);
        None
    }

    /// A message of `sender` has been posted to `receiver`: if that waits for it, its mail follows.
    pub fn send_after(&mut self, receiver: ThreadId, sender: ThreadId) {
        if self.is_awaited(receiver, sender) {
            self.take_out(sender, MailList::Closed, receiver);
            self.send_home(receiver, Post::LookAgain, Status::Ok);
        }
    }

    /// The mail of `id`, which receives from one thread only, is home: the message is queued here, or
    /// has gone. What that came to; nothing if `id` waits on.
    pub fn look_again(&mut self, id: ThreadId) -> Option<Answer> {
        let mail = self.mail(id);
        let thread = ThreadId::from_number(mail.destination.get())?;
        let peer = Peer { thread, generation: mail.generation.get() };
        if matches!(self.look(id).state, State::Recalled(_)) {
            return Some(Status::Aborted.into());
        }
        if self.is_queued_at(peer, id) {
            let taken = self.take_sender(id, thread);
            self.arrived_if_released(taken);
            return Some(Answer::Later);
        }
        if self.exists(peer) {
            self.wait_only_for(id, peer);
            return None;
        }
        Some(Status::PartnerGone.into())
    }
}
