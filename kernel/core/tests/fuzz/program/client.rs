//! A victim that calls a server of its own core and one of the next, and keeps notes in memory.

use super::{Deed, Sight, Untouched};
use crate::stage::DATA;
use crate::violation::{Violation, broken};
use cedo_abi::call::{Call, ipc};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::name::ANY;
use cedo_abi::{Status, Tag};
use cedo_fuzz::pattern::{ANSWER, CALL, answer, length, mix, word};

/// Words of a page.
const NOTES: u64 = 512;

#[derive(Clone, Debug)]
pub struct Client {
    core: u64,
    cores: u64,
    /// Calls made.
    number: u64,
    answered: u64,
    yielded: bool,
    untouched: Option<Untouched>,
}

/// What the client notes with its call `number`.
pub fn note(client: u64, number: u64) -> u64 {
    mix(client ^ number << 32)
}

impl Client {
    pub fn new(core: u64, cores: u64) -> Client {
        Client { core, cores, number: 0, answered: 0, yielded: false, untouched: None }
    }

    /// Calls that were answered.
    pub fn rounds(&self) -> u64 {
        self.answered
    }

    /// What word `index` of its page must be.
    pub fn noted(&self, index: u64) -> u64 {
        let back = self.number.wrapping_sub(index) % NOTES;
        match self.number.checked_sub(back) {
            None | Some(0) => 0,
            Some(number) => note(self.core, number),
        }
    }

    pub fn next(&mut self, sight: &Sight<'_>) -> Result<Deed, Violation> {
        Untouched::check(&mut self.untouched, sight.context)?;
        let yielded = std::mem::replace(&mut self.yielded, false);
        if self.answered < self.number && !yielded {
            self.check_answer(sight)?;
            self.answered = self.number;
            if self.number.is_multiple_of(2) {
                self.yielded = true;
                return Ok(Deed::call(Call::Yield, 0, 0, 0, &[]));
            }
        }
        self.number += 1;
        let number = self.number;
        // Slots 1 and 2 for core 0, 3 and 4 for core 1: the own core's server and the next's.
        let server = 1 + 2 * self.core + number % 2;
        let flags = ipc::SEND | ipc::RECEIVE | ipc::CALL;
        let mut deed = Deed::ipc(flags, server, ANY);
        deed = deed.message(CALL, length(number), |index| word(self.core, number, index));
        let address = DATA + self.core * PAGE_SIZE + number % NOTES * 8;
        deed.store = Some((address, note(self.core, number)));
        debug_assert!(self.cores > self.core);
        Ok(deed)
    }

    fn check_answer(&self, sight: &Sight<'_>) -> Result<(), Violation> {
        let (status, tag) = (sight.status(), sight.tag());
        let length = length(self.number + 1);
        if status != Status::Ok || tag != Tag::new(ANSWER, length) {
            let text = format!("call {}: {status:?}, tag {:#x}", self.number, tag.0);
            return broken("a client gets its answer", text);
        }
        for index in 0..length {
            let (found, expected) = (sight.word(index), answer(self.core, self.number, index));
            if found != expected {
                let text = format!("word {index}: {found:#x} for {expected:#x}");
                return broken("answers arrive unharmed", text);
            }
        }
        Ok(())
    }
}
