//! Watches its memory and its registers. It shares the processor with enemies, and is interrupted by
//! whatever they do.

use crate::board::{Place, Rule};
use cedo_fuzz::pattern::mix;
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::raw::steady::steady;
use cedo_lib::sched::sleep_until;
use cedo_lib::{Clock, Environment, ThisThread, View};

/// Turns of the loop that holds the registers: some microseconds.
const TURNS: u64 = 4_000;
/// Length of a rest between two rounds.
const REST_NS: u64 = 3_000_000;
/// Words of a page.
const WORDS: usize = (PAGE_SIZE / 8) as usize;

/// Watches for ever.
///
/// # Panics
/// If the description gives it no memory.
pub fn run(this: ThisThread) {
    let environment = Environment::of(&this);
    let place = Place::of(&environment);
    let memory = environment.memory("notes").and_then(|memory| memory.view());
    let memory = memory.expect("steady threads have memory");
    let clock = Clock::of_core(environment.core_number());
    let thread = u64::from(environment.thread_index()) << 32;
    (0..memory.bytes() / 8).for_each(|index| memory.set_word(index, mix(thread | index as u64)));
    let stack: [u64; WORDS] = core::array::from_fn(|index| mix(!(thread | index as u64)));
    let stack = core::hint::black_box(stack);
    loop {
        let difference = steady(mix(place.rounds()), TURNS);
        if difference != 0 {
            place.broken(Rule::RegistersAreTheirThreads, [difference, 0, 0]);
        }
        check(memory, thread, place);
        check_stack(core::hint::black_box(&stack), thread, place);
        place.count_round();
        // A root that is full of sleepers refuses: then there is no rest.
        let _ = sleep_until(clock.now_ns() + REST_NS);
    }
}

fn check(memory: View, thread: u64, place: Place) {
    for index in 0..memory.bytes() / 8 {
        let (found, expected) = (memory.word(index), mix(thread | index as u64));
        if found != expected {
            place.broken(Rule::MemoryIsItsOwners, [index as u64, found, expected]);
        }
    }
}

fn check_stack(stack: &[u64; WORDS], thread: u64, place: Place) {
    for (index, found) in stack.iter().enumerate() {
        let expected = mix(!(thread | index as u64));
        if *found != expected {
            place.broken(Rule::MemoryIsItsOwners, [1 << 32 | index as u64, *found, expected]);
        }
    }
}
