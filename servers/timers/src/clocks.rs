//! Does a core's clock run backwards, and do two cores' clocks agree? They meet at shared words: one asks,
//! the other answers with its time, which must lie between the question and the hearing of the answer.

use cedo_lib::Clock;
use core::hint::spin_loop;
use core::sync::atomic::{AtomicU64, Ordering};

/// Readings of one clock in a row.
pub const READINGS: u64 = 1_000_000;
/// Questions between two.
pub const ROUNDS: u64 = 500;
/// Fewer answers say nothing.
pub const ENOUGH: u64 = 100;
/// As long may all questions take: an emulator's cores run when its host lets them.
const PATIENCE_NS: u64 = 40_000_000_000;

/// The question under way; 0 before the first, [`END`] after the last.
static ASKED: AtomicU64 = AtomicU64::new(0);
static ANSWERED: AtomicU64 = AtomicU64::new(0);
static TIME_NS: AtomicU64 = AtomicU64::new(0);
const END: u64 = u64::MAX;

/// How often a reading was before the one before it.
pub fn steps_backwards(clock: &Clock) -> u64 {
    let mut last_ns = clock.now_ns();
    let mut backwards = 0;
    for _ in 0..READINGS {
        let now_ns = clock.now_ns();
        backwards += u64::from(now_ns < last_ns);
        last_ns = now_ns;
    }
    backwards
}

/// What the questions found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Meeting {
    /// Questions that were answered.
    pub rounds: u64,
    /// Answers from before their question, or from after they were heard.
    pub disorder: u64,
    /// The other clock less this one, in the round that was quickest.
    pub offset_ns: i64,
    /// How long that round took: the offset is known to half of it.
    pub round_ns: u64,
}

/// Makes ready for [`ask`]; before [`answer`] begins.
pub fn prepare() {
    ANSWERED.store(0, Ordering::SeqCst);
    ASKED.store(0, Ordering::SeqCst);
}

/// Asks the core that answers.
pub fn ask(clock: &Clock) -> Meeting {
    let mut meeting = Meeting { rounds: 0, disorder: 0, offset_ns: 0, round_ns: u64::MAX };
    let until_ns = clock.now_ns() + PATIENCE_NS;
    for round in 1..=ROUNDS {
        let before_ns = clock.now_ns();
        ASKED.store(round, Ordering::SeqCst);
        while ANSWERED.load(Ordering::SeqCst) != round {
            if clock.now_ns() > until_ns {
                ASKED.store(END, Ordering::SeqCst);
                return meeting;
            }
            spin_loop();
        }
        let theirs_ns = TIME_NS.load(Ordering::SeqCst);
        meeting.add(before_ns, theirs_ns, clock.now_ns());
    }
    ASKED.store(END, Ordering::SeqCst);
    meeting
}

/// Answers until the last question.
pub fn answer(clock: &Clock) {
    let mut last = 0;
    loop {
        match ASKED.load(Ordering::SeqCst) {
            END => return,
            asked if asked == last => spin_loop(),
            asked => {
                TIME_NS.store(clock.now_ns(), Ordering::SeqCst);
                ANSWERED.store(asked, Ordering::SeqCst);
                last = asked;
            }
        }
    }
}

impl Meeting {
    fn add(&mut self, before_ns: u64, theirs_ns: u64, after_ns: u64) {
        self.rounds += 1;
        self.disorder += u64::from(theirs_ns < before_ns || theirs_ns > after_ns);
        let round_ns = after_ns.saturating_sub(before_ns);
        if round_ns < self.round_ns {
            self.round_ns = round_ns;
            self.offset_ns = theirs_ns.wrapping_sub(before_ns + round_ns / 2) as i64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Meeting;

    #[test]
    fn an_answer_from_before_its_question_is_disorder() {
        let mut meeting = Meeting { rounds: 0, disorder: 0, offset_ns: 0, round_ns: u64::MAX };
        meeting.add(1000, 1050, 1200);
        meeting.add(2000, 1990, 2100);
        meeting.add(3000, 3500, 3400);
        let expected = Meeting { rounds: 3, disorder: 2, offset_ns: -60, round_ns: 100 };
        assert_eq!(meeting, expected);
    }
}
