//! A page that all trusted Spaces share: who got how far, and what was found broken.

use cedo_lib::abi::system::place;
use cedo_lib::{Environment, View};

/// Where the descriptions map the memory called "board".
const ADDRESS: u64 = place::MEMORY + 0x0100_0000;
/// Words of one thread: rounds, rule, three numbers about it, what it does.
const WORDS: usize = 8;
/// Threads that it has room for.
const THREADS: usize = 64;
const RULE: usize = 1;
const NUMBERS: usize = 2;
const DOING: usize = 5;

/// A rule that must hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Rule {
    ClientsGetTheirAnswers = 1,
    AnswersArriveUnharmed,
    MessagesArriveUnharmed,
    MessagesArriveOnceAndInOrder,
    BadgesAreTheirMakers,
    ServersCanWait,
    HandlersCanWait,
    HandlersHearOfEnemiesOnly,
    RootsCanDispatch,
    RootsCanIdle,
    RootsCanWake,
    CookiesAreTheirChilds,
    MemoryIsItsOwners,
    RegistersAreTheirThreads,
    SleepersWakeInTime,
}

/// All of them, as people read them.
const TEXTS: [(Rule, &str); 15] = [
    (Rule::ClientsGetTheirAnswers, "clients get their answers"),
    (Rule::AnswersArriveUnharmed, "answers arrive unharmed"),
    (Rule::MessagesArriveUnharmed, "messages arrive unharmed"),
    (Rule::MessagesArriveOnceAndInOrder, "messages arrive once and in order"),
    (Rule::BadgesAreTheirMakers, "badges are their maker's"),
    (Rule::ServersCanWait, "servers can answer and wait"),
    (Rule::HandlersCanWait, "handlers can answer and wait"),
    (Rule::HandlersHearOfEnemiesOnly, "handlers hear of enemies only"),
    (Rule::RootsCanDispatch, "roots can dispatch"),
    (Rule::RootsCanIdle, "roots can idle"),
    (Rule::RootsCanWake, "roots can wake who sleeps"),
    (Rule::CookiesAreTheirChilds, "cookies are their child's"),
    (Rule::MemoryIsItsOwners, "memory is its owner's"),
    (Rule::RegistersAreTheirThreads, "registers are their thread's"),
    (Rule::SleepersWakeInTime, "sleepers wake, and not before their time"),
];

/// What a thread found broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken {
    /// The rule.
    pub rule: &'static str,
    /// Numbers that say more.
    pub numbers: [u64; 3],
}

/// A thread's place on the board.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    board: View,
    first: usize,
}

impl Place {
    /// The place of the thread with this environment.
    pub fn of(environment: &Environment) -> Place {
        Place::at(environment.thread_index() as usize)
    }

    /// The place of the thread with this index in the description.
    ///
    /// # Panics
    /// If the description has more threads than the board has room for.
    pub fn at(thread: usize) -> Place {
        assert!(thread < THREADS, "the board has room for {THREADS} threads");
        let board = View::new(ADDRESS, THREADS * WORDS * 8);
        Place { board: board.expect("the board is where memories are"), first: thread * WORDS }
    }

    /// One more round is done.
    pub fn count_round(self) {
        self.board.set_word(self.first, self.rounds().wrapping_add(1));
    }

    /// Rounds done.
    pub fn rounds(self) -> u64 {
        self.board.word(self.first)
    }

    /// Says what the thread does next: should it not get on, that is where it stopped.
    pub fn does(self, what: u64) {
        self.board.set_word(self.first + DOING, what);
    }

    /// What it said last.
    pub fn doing(self) -> u64 {
        self.board.word(self.first + DOING)
    }

    /// Says that a rule is broken; the first one counts.
    pub fn broken(self, rule: Rule, numbers: [u64; 3]) {
        if self.board.word(self.first + RULE) != 0 {
            return;
        }
        for (place, number) in (self.first + NUMBERS..).zip(numbers) {
            self.board.set_word(place, number);
        }
        self.board.set_word(self.first + RULE, rule as u64);
    }

    /// What the thread found broken, if anything.
    pub fn found(self) -> Option<Broken> {
        let rule = self.board.word(self.first + RULE);
        if rule == 0 {
            return None;
        }
        let known = TEXTS.iter().find(|(known, _)| *known as u64 == rule);
        let numbers = core::array::from_fn(|at| self.board.word(self.first + NUMBERS + at));
        Some(Broken { rule: known.map_or("the board is legible", |(_, text)| *text), numbers })
    }
}
