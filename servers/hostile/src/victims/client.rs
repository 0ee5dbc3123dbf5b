//! Calls a server of its own core and one of the next, with messages of every length.

use crate::board::{Place, Rule};
use cedo_fuzz::pattern::{ANSWER, CALL, answer, length, word};
use cedo_lib::abi::{MESSAGE_WORDS, Tag};
use cedo_lib::sched::sleep_until;
use cedo_lib::{Clock, Environment, Gate, Ipc, Message, ThisThread};

/// Calls between two rests.
const CALLS: u64 = 4;
/// Length of a rest.
const REST_NS: u64 = 1_000_000;

/// Calls for ever.
///
/// # Panics
/// If the description gives it no gates.
pub fn run(mut this: ThisThread) {
    let environment = Environment::of(&this);
    let place = Place::of(&environment);
    let core = environment.core_number();
    let gates = ["near", "far"].map(|name| environment.gate(name).expect("clients have gates"));
    let clock = Clock::of_core(core);
    let mut number = 0;
    loop {
        for _ in 0..CALLS {
            number += 1;
            place.does(number);
            call(&mut this, gates[(number % 2) as usize], (core.into(), number), place);
        }
        place.count_round();
        place.does(0);
        // A root that is full of sleepers refuses: then there is no rest.
        let _ = sleep_until(clock.now_ns() + REST_NS);
    }
}

fn call(this: &mut ThisThread, gate: Gate, (client, number): (u64, u64), place: Place) {
    let words: [u64; MESSAGE_WORDS] = core::array::from_fn(|index| word(client, number, index));
    let out: Message = Ipc::call(gate).long(CALL, &words[..length(number)], this.utcb_mut()).make();
    let length = length(number + 1);
    if !out.arrived() || out.tag != Tag::new(ANSWER, length) {
        return place.broken(Rule::ClientsGetTheirAnswers, [number, out.status as u64, out.tag.0]);
    }
    let mut found = [0; MESSAGE_WORDS];
    out.copy(this.utcb(), &mut found);
    for (index, found) in found.iter().enumerate().take(length) {
        if *found != answer(client, number, index) {
            place.broken(Rule::AnswersArriveUnharmed, [number, index as u64, *found]);
        }
    }
}
