//! The stream: plans, single calls, mutations, noise.
//!
//! ```text
//!            once in 6: a new plan
//!   next --> the plan's next step | a sensible call -- mutations --> noise, once in 60 --> spare
//! ```

use crate::plans;
use crate::random::Random;
use crate::spec::{Spec, Word};
use crate::state::STRANGE;
use crate::surroundings::Surroundings;
use cedo_abi::call::{Call, memory};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::name::{ANY, MY_HANDLER, MY_SCHEDULER, NOBODY, SELF};
use cedo_abi::{MESSAGE_WORDS, Tag};

/// A new plan is made once in this many calls outside of one.
const PLANS: u64 = 6;
/// A plan is given up once in this many of its steps.
const GIVEN_UP: u64 = 24;
/// Each word of a call is changed once in this many times.
const WRONG_WORDS: u64 = 40;
/// A call is noise once in this many times.
const NOISE: u64 = 60;

/// What a call could be made from.
pub struct Source<'a> {
    /// Numbers.
    pub random: &'a mut Random,
    /// Names.
    pub around: &'a Surroundings,
}

/// A stream of calls.
#[derive(Clone, Debug)]
pub struct Generator {
    random: Random,
    around: Surroundings,
    plan: plans::Plan,
}

impl Generator {
    /// The stream of these numbers.
    pub const fn new(random: Random, around: Surroundings) -> Generator {
        Generator { random, around, plan: plans::Plan::EMPTY }
    }

    /// What the program has.
    pub const fn surroundings(&self) -> &Surroundings {
        &self.around
    }

    /// The next call.
    pub fn next_call(&mut self) -> Spec {
        let Generator { random, around, plan } = self;
        let mut source = Source { random, around };
        if source.random.once_in(GIVEN_UP) {
            *plan = plans::Plan::EMPTY;
        }
        let planned = plan.take();
        let sensible = match planned {
            Some(spec) => spec,
            None if source.random.once_in(PLANS) => {
                *plan = source.plan();
                plan.take().unwrap_or_else(|| source.ipc())
            }
            None => source.single(),
        };
        let spec = source.mutated(sensible);
        source.spare(spec)
    }
}

impl Source<'_> {
    /// A sensible call that is no part of a plan.
    fn single(&mut self) -> Spec {
        match self.random.below(100) {
            0..=49 => self.ipc(),
            50..=66 => self.thread(),
            67..=73 => self.object(),
            74..=83 => self.capability(),
            84..=92 => self.memory(),
            93..=94 => self.core(),
            95..=96 => self.ports(),
            _ => Spec::new(Call::Yield, 0, 0),
        }
    }

    /// The call with some words wrong, or noise instead of it.
    fn mutated(&mut self, mut spec: Spec) -> Spec {
        if self.random.once_in(NOISE) {
            return self.noise();
        }
        for at in 0..spec.words.len() {
            self.perhaps_wrong(&mut spec.words[at]);
        }
        self.perhaps_wrong(&mut spec.to);
        self.perhaps_wrong(&mut spec.from);
        if self.random.once_in(WRONG_WORDS) {
            spec.operation ^= 1 << self.random.below(64);
        }
        if self.random.once_in(WRONG_WORDS) {
            spec.tag ^= 1 << self.random.below(64);
        }
        spec
    }

    fn perhaps_wrong(&mut self, word: &mut Word) {
        if !self.random.once_in(WRONG_WORDS) {
            return;
        }
        let bit = 1 << self.random.below(64);
        *word = match *word {
            Word::Plain(number) if self.random.once_in(3) => Word::Plain(number ^ bit),
            Word::Token { age, flip } if self.random.once_in(2) => {
                Word::Token { age, flip: flip ^ bit }
            }
            Word::Foreign { place, flip } => Word::Foreign { place, flip: flip ^ bit },
            _ => self.any_word(),
        };
    }

    /// Any word: some mean something somewhere.
    pub(crate) fn any_word(&mut self) -> Word {
        let random = &mut *self.random;
        let number = match random.below(14) {
            0 => SELF,
            1 => random.pick(&[MY_SCHEDULER, MY_HANDLER, ANY, NOBODY]),
            2 => self.around.thread(random),
            3 => self.around.gate(random),
            4 => self.around.region(random),
            5 => self.around.address(random),
            6 => random.pick(&STRANGE),
            7 => random.below(self.around.pages + 2),
            8 => random.below(8),
            9 => return Word::Token { age: random.below(8) as u8, flip: 0 },
            10 => return Word::Foreign { place: random.below(16) as u8, flip: 0 },
            11 => self.around.made + random.below(64),
            12 => u64::MAX - random.below(0x3000),
            _ => random.number() >> random.below(64),
        };
        Word::Plain(number)
    }

    /// Nothing but noise.
    fn noise(&mut self) -> Spec {
        let mut spec = Spec::new(Call::Ipc, 0, 0);
        let random = &mut *self.random;
        spec.operation = match random.below(4) {
            0 => random.number(),
            1 => random.below(256) | random.below(256) << 8,
            _ => random.below(8) | random.below(10) << 8 | (random.number() & 0xfff_0000),
        };
        spec.tag = random.number() >> random.below(64);
        spec.fill = random.number();
        spec.to = self.any_word();
        spec.from = self.any_word();
        for at in 0..spec.words.len() {
            spec.words[at] = self.any_word();
        }
        spec
    }

    /// A tag that most partners understand.
    pub(crate) fn tag(&mut self) -> u64 {
        let words = match self.random.below(8) {
            0 => MESSAGE_WORDS as u64,
            1 => self.random.below(MESSAGE_WORDS as u64 + 2),
            2 => 8,
            _ => self.random.below(8),
        };
        let some = self.around.items && self.random.once_in(5);
        let items = if some { self.random.below(4) } else { 0 };
        Tag::new(self.random.below(4) as u32, words as usize).with_items(items as usize).0
    }

    /// The program does not take its own code, stacks and data away.
    fn spare(&mut self, mut spec: Spec) -> Spec {
        let (first, end) = self.around.spared;
        let is_map = spec.sub_operation() == memory::MAP;
        if spec.call() != Call::Memory as u8 || first == end {
            return spec;
        }
        let place = if is_map { 1 } else { 0 };
        let reach = memory::PAGES_PER_CALL * PAGE_SIZE;
        let harmless = match spec.words[place] {
            Word::Plain(address) => address.saturating_add(reach) <= first || address >= end,
            _ => true,
        };
        if !harmless && spec.sub_operation() != memory::STOCK {
            spec.words[place] = Word::Plain(self.around.address(self.random));
        }
        spec
    }
}
