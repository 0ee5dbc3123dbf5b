//! What names mean something to the program: slots, pages, addresses.
//!
//! A program keeps what it makes in slots of its own, by kind, and makes thing number `n` out of
//! frames and at addresses of their own. So most calls fit together, and those that do not meet
//! something that exists.

use crate::random::Random;
use cedo_abi::layout::PAGE_SIZE;

/// A few neighbouring slots.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slots {
    /// The first.
    pub first: u64,
    /// How many.
    pub count: u64,
}

impl Slots {
    /// None.
    pub const NONE: Slots = Slots { first: 0, count: 0 };

    /// Slot number `index`, wrapped around.
    pub const fn at(self, index: u64) -> u64 {
        if self.count == 0 { 0 } else { self.first + index % self.count }
    }

    /// One of them; 0 of none.
    pub fn one(self, random: &mut Random) -> u64 {
        self.at(random.below(self.count))
    }
}

/// Threads, Spaces, gates, interrupt objects and ranges that a program makes.
pub const MADE: [u64; 5] = [8, 3, 12, 3, 6];
/// Slots for all of them.
pub const MADE_SLOTS: u64 = MADE[0] + MADE[1] + MADE[2] + MADE[3] + MADE[4];
/// Pages that a program should own at least.
pub const PAGES: u64 = 96;
/// First page of the first Space; threads take the pages before.
pub const SPACE_PAGES: u64 = 2 * MADE[0];
/// Pages of one Space.
pub const PAGES_OF_SPACE: u64 = 8;
/// First page of the interrupt objects.
pub const IRQ_PAGES: u64 = SPACE_PAGES + MADE[1] * PAGES_OF_SPACE;
/// First page that is for mapping and stock.
pub const LOOSE_PAGES: u64 = IRQ_PAGES + MADE[3];
/// Pages of addresses where the program maps.
pub const AREA_PAGES: u64 = 48;

/// What a program has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Surroundings {
    /// Cores of the machine.
    pub cores: u64,
    /// Thread capabilities it was given.
    pub threads: Slots,
    /// Gates it was given.
    pub gates: Slots,
    /// Space capabilities it was given.
    pub spaces: Slots,
    /// Regions it was given; the first is the one it makes objects of.
    pub regions: Slots,
    /// Pages of the first Region.
    pub pages: u64,
    /// Lines and Ports capabilities it was given.
    pub ranges: Slots,
    /// First interrupt line it may use, and how many.
    pub lines: (u64, u64),
    /// First slot of those it makes things in ([`MADE_SLOTS`]).
    pub made: u64,
    /// Where its threads start.
    pub entry: u64,
    /// Top of the stack of the first thread it makes; the others are [`Surroundings::stack_bytes`]
    /// further on.
    pub stack_top: u64,
    /// Distance of the stacks.
    pub stack_bytes: u64,
    /// Where it maps ([`AREA_PAGES`]); UTCBs of its threads follow.
    pub area: u64,
    /// Addresses in which the program itself lives: it leaves those of its own Space alone.
    pub spared: (u64, u64),
    /// Its messages carry typed items.
    pub items: bool,
}

impl Surroundings {
    const fn slots_of(&self, kind: usize) -> Slots {
        let mut first = self.made;
        let mut before = 0;
        while before < kind {
            first += MADE[before];
            before += 1;
        }
        Slots { first, count: MADE[kind] }
    }

    /// Slots for threads it makes.
    pub const fn made_threads(&self) -> Slots {
        self.slots_of(0)
    }

    /// Slots for Spaces it makes.
    pub const fn made_spaces(&self) -> Slots {
        self.slots_of(1)
    }

    /// Slots for gates it makes.
    pub const fn made_gates(&self) -> Slots {
        self.slots_of(2)
    }

    /// Slots for interrupt objects it makes.
    pub const fn made_irqs(&self) -> Slots {
        self.slots_of(3)
    }

    /// Slots for Regions, Ports and Lines it divides off.
    pub const fn made_ranges(&self) -> Slots {
        self.slots_of(4)
    }

    /// Address of the UTCB of the thread number `index`.
    pub const fn utcb(&self, index: u64) -> u64 {
        self.area + (AREA_PAGES + index) * PAGE_SIZE
    }

    /// Stack of the thread number `index`.
    pub const fn stack(&self, index: u64) -> u64 {
        self.stack_top + index * self.stack_bytes
    }

    /// An address where it maps.
    pub fn address(&self, random: &mut Random) -> u64 {
        self.area + random.below(AREA_PAGES) * PAGE_SIZE
    }

    /// A thread, made or given.
    pub fn thread(&self, random: &mut Random) -> u64 {
        self.made_or(random, self.made_threads(), self.threads)
    }

    /// A gate, made or given.
    pub fn gate(&self, random: &mut Random) -> u64 {
        self.made_or(random, self.made_gates(), self.gates)
    }

    /// A Region, made or given.
    pub fn region(&self, random: &mut Random) -> u64 {
        if random.once_in(8) { self.made_ranges().one(random) } else { self.regions.one(random) }
    }

    fn made_or(&self, random: &mut Random, made: Slots, given: Slots) -> u64 {
        if random.once_in(2) { made.one(random) } else { given.one(random) }
    }
}
