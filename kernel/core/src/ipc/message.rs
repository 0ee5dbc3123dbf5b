//! Words from one thread to another, as one step.

use crate::call::REPEATS;
use crate::kernel::Kernel;
use cedo_abi::{REGISTER_WORDS, Status, Tag};
use cedo_floor::ThreadId;
use cedo_machine::{Context, Frame, Machine};

impl<M: Machine> Kernel<M> {
    /// Moves the message in the registers and UTCB of `from` to `to`, both of this core.
    pub fn move_message(&mut self, from: ThreadId, to: ThreadId, badge: u64, token: u64) {
        let (sender, receiver) = self.objects.threads(from, to);
        let tag = Tag::from_user(sender.context.tag()).unwrap_or_default();
        let words = sender.context.words();
        receiver.context.set_result(receiver.scheduler.event << 16 | Status::Ok as u64);
        receiver.context.set_message(badge, token, tag.0);
        receiver.context.set_words(&words);
        let (source, target) = (sender.utcb, receiver.utcb);
        self.copy_utcb_words(source, target, tag);
    }

    /// Copies the words that do not travel in registers.
    pub fn copy_utcb_words(&self, source: Frame, target: Frame, tag: Tag) {
        if tag.words() <= REGISTER_WORDS {
            return;
        }
        let (Some(source), Some(target)) = (self.objects.words(source), self.objects.words(target))
        else {
            return;
        };
        let beyond = REGISTER_WORDS..tag.words();
        if let (Some(from), Some(to)) = (source.get(beyond.clone()), target.get(beyond)) {
            M::copy_words(from, to);
        }
    }

    /// Replaces the status of a message that has been delivered.
    pub fn replace_status(&mut self, id: ThreadId, status: Status) {
        let thread = self.thread(id);
        debug_assert!(thread.repeat.is_none(), "{REPEATS}");
        thread.context.set_result(thread.scheduler.event << 16 | status as u64);
    }

    /// Puts the words of the message that `id` sends into its mail, for another core.
    pub fn put_words_into_mail(&mut self, id: ThreadId) {
        let thread = self.look(id);
        let mail = self.mail(id);
        mail.tag.set(Tag::from_user(thread.context.tag()).unwrap_or_default().0);
        mail.utcb.set(thread.utcb.0);
        for (to, word) in mail.words.iter().zip(thread.context.words()) {
            to.set(word);
        }
    }

    /// Moves the message in the mail of `from` (and the UTCB lent with it) to `to`, of this core.
    pub fn move_mail(&mut self, from: ThreadId, to: ThreadId, token: u64) {
        let mail = self.mail(from);
        let (tag, badge) = (Tag(mail.tag.get()), mail.badge.get());
        let words = core::array::from_fn(|index| mail.words[index].get());
        let source = Frame(mail.utcb.get());
        let receiver = self.thread(to);
        receiver.context.set_result(receiver.scheduler.event << 16 | Status::Ok as u64);
        receiver.context.set_message(badge, token, tag.0);
        receiver.context.set_words(&words);
        let target = receiver.utcb;
        self.copy_utcb_words(source, target, tag);
    }
}
