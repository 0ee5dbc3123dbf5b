//! A victim that answers calls: those of victims must come in order and unharmed.

use super::{Deed, Sight, Untouched, failed_by_partner};
use crate::stage::CLIENT_BADGE;
use crate::violation::{Violation, broken};
use cedo_abi::{MESSAGE_WORDS, Name, Status};
use cedo_fuzz::pattern;

/// Label of answers to hostile threads.
const OTHER: u32 = 5;

#[derive(Clone, Debug)]
pub struct Server {
    /// Only hostile threads call.
    lends: bool,
    /// By client: number of its last call to this server.
    seen: Vec<u64>,
    answers: Answers,
    untouched: Option<Untouched>,
}

/// Whom the last call answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Answers {
    NotStarted,
    Nobody,
    Victim,
    Other,
}

impl Server {
    pub fn new(clients: usize, lends: bool) -> Server {
        Server { lends, seen: vec![0; clients], answers: Answers::NotStarted, untouched: None }
    }

    pub fn next(&mut self, sight: &Sight<'_>) -> Result<Deed, Violation> {
        Untouched::check(&mut self.untouched, sight.context)?;
        let status = sight.status();
        let before = std::mem::replace(&mut self.answers, Answers::Nobody);
        let gone = before == Answers::Other && status == Status::Stale;
        if before == Answers::NotStarted || gone || failed_by_partner(status) {
            return Ok(Deed::wait());
        }
        if !status.is_done() {
            return broken("a server can answer and wait", format!("{before:?} {status:?}"));
        }
        let (badge, token) = (sight.context.badge(), sight.context.token());
        let is_call = matches!(Name::from_word(token), Some(Name::Token(_)));
        if badge >= CLIENT_BADGE {
            return self.serve(badge - CLIENT_BADGE, sight, token);
        }
        if !is_call {
            return Ok(Deed::wait());
        }
        self.answers = Answers::Other;
        let count = (token % 65) as usize;
        let word = |index| token ^ index as u64;
        Ok(Deed::reply_and_wait(token).message(OTHER, count.min(MESSAGE_WORDS), word))
    }

    fn serve(&mut self, client: u64, sight: &Sight<'_>, token: u64) -> Result<Deed, Violation> {
        let number = sight.word(0);
        let Some(seen) = self.seen.get_mut(client as usize).filter(|_| !self.lends) else {
            return broken("badges are their maker's", format!("{client:#x}"));
        };
        if number <= *seen {
            return broken("messages arrive once and in order", format!("{number} after {seen}"));
        }
        *seen = number;
        if sight.tag() != pattern::tag(number) {
            return broken("messages arrive unharmed", format!("tag {:#x}", sight.tag().0));
        }
        for index in 0..pattern::length(number) {
            let (found, expected) = (sight.word(index), pattern::word(client, number, index));
            if found != expected {
                let text = format!("word {index}: {found:#x} for {expected:#x}");
                return broken("messages arrive unharmed", text);
            }
        }
        self.answers = Answers::Victim;
        let word = |index| pattern::answer(client, number, index);
        let count = pattern::length(number + 1);
        Ok(Deed::reply_and_wait(token).message(pattern::ANSWER, count, word))
    }
}
