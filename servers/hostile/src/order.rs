//! What enemies are told, and what they say of themselves. Both are pages of the confined Space; the
//! supervisor sees the same pages elsewhere.

use crate::places::{self, slot};
use cedo_fuzz::surroundings::PAGES;
use cedo_fuzz::{Slots, Surroundings};
use cedo_lib::View;
use cedo_lib::abi::layout::PAGE_SIZE;

/// What an episode is made of. One page of words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Order {
    /// Of all numbers.
    pub seed: u64,
    /// Calls that each thread makes.
    pub calls: u64,
    /// Cores of the machine.
    pub cores: u64,
    /// Gates to trusted threads.
    pub trusted_gates: u64,
    /// First instruction of a thread.
    pub entry: u64,
    /// The program's pages.
    pub image: (u64, u64),
    /// Messages carry typed items.
    pub items: bool,
    /// A thread takes a page of its own away once in so many calls; 0: never.
    pub self_harm: u64,
    /// A thread touches memory, or does what faults, once in so many calls.
    pub faults: u64,
    /// A message that could wait for its partner does once in so many; 1: always.
    pub patience: u64,
    /// First interrupt line, and how many.
    pub lines: (u64, u64),
}

impl Order {
    fn words(&self) -> [u64; 13] {
        let Order { seed, calls, cores, trusted_gates, entry, image, lines, .. } = *self;
        let items = u64::from(self.items);
        [
            seed,
            calls,
            cores,
            trusted_gates,
            entry,
            image.0,
            image.1,
            items,
            self.self_harm,
            self.faults,
            self.patience,
            lines.0,
            lines.1,
        ]
    }

    /// Writes it to a page.
    pub fn write(&self, page: View) {
        (0..).zip(self.words()).for_each(|(place, word)| page.set_word(place, word));
    }

    /// Reads it from a page.
    pub fn read(page: View) -> Order {
        let at = |place| page.word(place);
        Order {
            seed: at(0),
            calls: at(1),
            cores: at(2),
            trusted_gates: at(3),
            entry: at(4),
            image: (at(5), at(6)),
            items: at(7) != 0,
            self_harm: at(8),
            faults: at(9),
            patience: at(10),
            lines: (at(11), at(12)),
        }
    }

    /// What calls are made from.
    pub fn surroundings(&self) -> Surroundings {
        let threads = self.cores * places::ENEMIES_PER_CORE;
        Surroundings {
            cores: self.cores,
            threads: Slots { first: slot::THREADS, count: threads },
            gates: Slots { first: slot::GATES, count: threads + self.trusted_gates },
            spaces: Slots { first: slot::SPACE, count: 1 },
            regions: Slots { first: slot::LOOT, count: 2 },
            pages: PAGES,
            ranges: Slots { first: slot::LINES, count: 2 },
            lines: self.lines,
            made: slot::MADE,
            entry: self.entry,
            stack_top: places::stack_pointer(places::ENEMIES),
            stack_bytes: places::STACK_PAGES * PAGE_SIZE,
            area: places::AREA,
            spared: self.image,
            items: self.items,
        }
    }
}

/// What a thread of the confined Space says of itself. Nobody trusts it.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    page: View,
    first: usize,
}

/// Words of one thread.
const WORDS: usize = 4;
/// Where tokens are that threads share.
const FOREIGN: usize = 256;
/// How many.
const TOKENS: usize = 16;

impl Count {
    /// That of a thread, on this page.
    pub const fn of(page: View, thread: u64) -> Count {
        Count { page, first: thread as usize % places::STACKS as usize * WORDS }
    }

    /// Calls made.
    pub fn calls(self) -> u64 {
        self.page.word(self.first)
    }

    /// Says how many calls were made.
    pub fn set_calls(self, calls: u64) {
        self.page.set_word(self.first, calls);
    }

    /// Counts an interrupt that was heard.
    pub fn hear(self) {
        self.page.set_word(self.first + 2, self.heard().wrapping_add(1));
    }

    /// Interrupts heard.
    pub fn heard(self) -> u64 {
        self.page.word(self.first + 2)
    }

    /// Counts a start; how many there were.
    pub fn start(self) -> u64 {
        let starts = self.page.word(self.first + 1).wrapping_add(1);
        self.page.set_word(self.first + 1, starts);
        starts
    }

    /// Starts.
    pub fn starts(self) -> u64 {
        self.page.word(self.first + 1)
    }

    /// A token that some thread received.
    pub fn foreign(self, place: u8) -> u64 {
        self.page.word(FOREIGN + usize::from(place) % TOKENS)
    }

    /// Keeps a token for others.
    pub fn share(self, token: u64) {
        self.page.set_word(FOREIGN + (token ^ token >> 32) as usize % TOKENS, token);
    }
}

const _: () = assert!(places::STACKS as usize * WORDS <= FOREIGN);
