//! The part of a state that other cores may touch: a thread's mail, copied.

use cedo_floor::mail::{Half, Word};
use cedo_floor::{Mail, ThreadId};

/// A mail: what belongs to a wait on this core, and what carries an operation that takes long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MailCopy {
    halves: [u32; 19],
    words: [u64; 13],
}

fn halves(mail: &Mail) -> [&Half; 19] {
    [
        &mail.next,
        &mail.previous,
        &mail.owed_by,
        &mail.queued_at,
        &mail.sequence,
        &mail.kind,
        &mail.home,
        &mail.status,
        &mail.detail,
        &mail.awaits,
        &mail.post,
        &mail.destination,
        &mail.generation,
        &mail.suspensions,
        &mail.utcb,
        &mail.space,
        &mail.handler,
        &mail.handler_generation,
        &mail.handler_rights,
    ]
}

fn words(mail: &Mail) -> [&Word; 13] {
    let [a, b, c, d, e, f, g] = &mail.words;
    let [flags, badge, token, tag] = [&mail.flags, &mail.badge, &mail.token, &mail.tag];
    [flags, badge, token, a, b, c, d, e, f, g, tag, &mail.epoch, &mail.handler_badge]
}

impl MailCopy {
    pub fn of(mail: &Mail) -> MailCopy {
        MailCopy { halves: halves(mail).map(Half::get), words: words(mail).map(Word::get) }
    }

    pub fn put(&self, mail: &Mail) {
        halves(mail).iter().zip(self.halves).for_each(|(half, value)| half.set(value));
        words(mail).iter().zip(self.words).for_each(|(word, value)| word.set(value));
    }

    /// Why it was posted.
    pub fn post(&self) -> u32 {
        self.halves[10]
    }

    pub fn destination(&self) -> Option<ThreadId> {
        ThreadId::from_number(self.halves[11])
    }

    /// What it is about: status or stage, operation or detail, the low flags.
    pub fn about(&self) -> [u8; 3] {
        [self.halves[7] as u8, self.halves[8] as u8, self.words[0] as u8]
    }

    /// The words that it carries.
    pub fn carried(&self) -> [u64; 7] {
        let [_, _, _, a, b, c, d, e, f, g, ..] = self.words;
        [a, b, c, d, e, f, g]
    }

    /// Which operation of its thread it is, or is looking for.
    pub fn epoch(&self) -> u64 {
        self.words[11]
    }

    pub fn suspensions(&self) -> u32 {
        self.halves[13]
    }

    pub fn next(&self) -> Option<ThreadId> {
        ThreadId::from_number(self.halves[0])
    }

    pub fn owed_by(&self) -> Option<ThreadId> {
        ThreadId::from_number(self.halves[2])
    }

    pub fn queued_at(&self) -> Option<ThreadId> {
        ThreadId::from_number(self.halves[3])
    }

    pub fn awaits(&self) -> Option<ThreadId> {
        ThreadId::from_number(self.halves[9])
    }

    pub fn sequence(&self) -> u32 {
        self.halves[4]
    }

    pub fn kind(&self) -> u32 {
        self.halves[5]
    }

    pub fn receives_from(&self) -> u32 {
        self.halves[8]
    }
}
