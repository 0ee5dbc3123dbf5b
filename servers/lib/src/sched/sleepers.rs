//! Callers that sleep: a heap by time, so that entering and leaving cost O(log n).

use crate::ipc::{Ipc, Message, Partner};
use cedo_abi::{Status, Token};

/// Label of a call to a root scheduler: answer when the machine-wide clock has reached word 0.
pub const SLEEP_UNTIL: u32 = 1;
/// Answer: done; word 0 = the time.
pub const DONE: u32 = 0;
/// Answer: unknown label, or a scheduler that owns no timer.
pub const REFUSED: u32 = 0x100;
/// Answer: as many callers sleep as there is room for.
pub const FULL: u32 = 0x101;

/// Callers that can sleep at a time.
const ROOM: usize = 64;

/// Sleeps until the machine-wide clock has reached `deadline_ns`, as a child of a root scheduler.
/// Returns the time in nanoseconds at which the scheduler woke it.
pub fn sleep_until(deadline_ns: u64) -> Result<u64, Status> {
    let words = [deadline_ns, 0, 0, 0, 0, 0, 0];
    let answer: Message = Ipc::call(Partner::MY_SCHEDULER).message(SLEEP_UNTIL, 1, words).make();
    answer.done()?;
    match answer.label() {
        DONE => Ok(answer.words[0]),
        _ => Err(Status::Unsupported),
    }
}

/// A binary heap, the earliest first.
pub(super) struct Sleepers {
    heap: [(u64, Token); ROOM],
    used: usize,
}

impl Sleepers {
    pub(super) const fn new() -> Sleepers {
        Sleepers { heap: [(0, Token(0)); ROOM], used: 0 }
    }

    /// When the first one wants to be woken.
    #[inline]
    pub(super) fn earliest_ns(&self) -> Option<u64> {
        if self.used == 0 { None } else { Some(self.heap[0].0) }
    }

    /// Adds a sleeper; false if there is no room.
    pub(super) fn add(&mut self, deadline_ns: u64, token: Token) -> bool {
        if self.used == ROOM {
            return false;
        }
        let mut place = self.used;
        self.used += 1;
        self.heap[place] = (deadline_ns, token);
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent].0 <= self.heap[place].0 {
                break;
            }
            self.heap.swap(parent, place);
            place = parent;
        }
        true
    }

    /// Takes the first sleeper whose time has come.
    pub(super) fn take_due(&mut self, now_ns: u64) -> Option<Token> {
        if self.earliest_ns()? > now_ns {
            return None;
        }
        let (_, token) = self.heap[0];
        self.used -= 1;
        self.heap[0] = self.heap[self.used];
        let mut place = 0;
        loop {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            let mut first = place;
            for child in [left, right] {
                if child < self.used && self.heap[child].0 < self.heap[first].0 {
                    first = child;
                }
            }
            if first == place {
                return Some(token);
            }
            self.heap.swap(place, first);
            place = first;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ROOM, Sleepers};
    use cedo_abi::Token;
    use std::vec::Vec;

    #[test]
    fn sleepers_wake_in_the_order_of_their_times_and_not_before() {
        let mut sleepers = Sleepers::new();
        let mut times: Vec<u64> = (0..ROOM as u64).map(|number| number * 37 % 64 + 1).collect();
        for time in &times {
            assert!(sleepers.add(*time, Token(1 << 63 | *time)));
        }
        assert!(!sleepers.add(1, Token(1)));
        assert_eq!(sleepers.take_due(0), None);
        times.sort_unstable();
        for time in times {
            assert_eq!(sleepers.earliest_ns(), Some(time));
            assert_eq!(sleepers.take_due(time - 1), None);
            assert_eq!(sleepers.take_due(time), Some(Token(1 << 63 | time)));
        }
        assert_eq!(sleepers.earliest_ns(), None);
    }
}
