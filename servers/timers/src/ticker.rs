//! The handler of a device that interrupts after a time: a PC's interval timer, or a core's own.

use crate::agreement;
use crate::comparator::Comparator;
use crate::counters;
use crate::meter::{DONE, REFUSED};
use crate::storms::{self, STORM};
use cedo_lib::alarm::Alarm;
use cedo_lib::driver::{Next, reply};
use cedo_lib::{Clock, Environment, Label};

/// A call: compare the device with the clock. Answer: [`DONE`], the words of an agreement, in word 6 which
/// device it is ([`name`]).
pub const COMPARE: u32 = 10;
/// A call: [`SHOTS`] interrupts, one after another, of the device, or of a comparator that can use its
/// line if word 0 is 1. Answer: [`DONE`], word 0 = how many came, word 1 and 2 = the least and the most that
/// one came after its time, in nanoseconds, signed, word 3 = 1 if there is no such comparator.
pub const SHOOT: u32 = 11;

/// Interrupts against the clock.
pub const SHOTS: u64 = 500;
/// Time until each.
const SHOT_NS: u64 = 2_000_000;
/// Time between two interrupts of a storm.
const STORM_NS: u64 = 100_000;

/// The device's name by the number in an answer.
pub fn name(number: u64) -> &'static str {
    if number == 0 { "pit" } else { "arm-physical" }
}

/// Serves.
pub fn run(environment: &Environment) {
    let range = environment.ports("timer");
    let (Some(alarm), Some(counter)) = (Alarm::of(environment), range.and_then(counters::of_timer))
    else {
        return;
    };
    let clock = Clock::of_core(environment.core_number());
    let comparator = Comparator::of(environment);
    alarm.silence();
    let mut next = Next::Wait;
    loop {
        let message = next.wait();
        next = match (message.kernel_label(), message.label()) {
            (Some(Label::Irq), _) => {
                if storms::is_on() {
                    storms::count();
                    alarm.set(STORM_NS);
                }
                Next::acknowledge(&message)
            }
            (None, STORM) => {
                alarm.set(STORM_NS);
                Next::Wait
            }
            (None, COMPARE) => {
                let mut words = agreement::compare(&counter, &clock).words();
                words[6] = u64::from(counter.name() == name(1));
                alarm.silence();
                Next::answer(&message, DONE, 7, words)
            }
            (None, SHOOT) => {
                let words = match (message.words[0], &comparator) {
                    (0, _) => shoot(|| alarm.set(SHOT_NS), &clock),
                    (_, Some(comparator)) => {
                        let words = shoot(|| comparator.set(SHOT_NS), &clock);
                        comparator.silence();
                        words
                    }
                    (_, None) => [0, 0, 0, 1, 0, 0, 0],
                };
                Next::answer(&message, DONE, 4, words)
            }
            _ => Next::answer(&message, REFUSED, 0, [0; 7]),
        };
    }
}

/// Each interrupt starts the next shot, so a missing one is a program that stands still.
fn shoot(set: impl Fn(), clock: &Clock) -> [u64; 7] {
    let (mut least_ns, mut most_ns) = (i64::MAX, i64::MIN);
    for _ in 0..SHOTS {
        let start_ns = clock.now_ns();
        set();
        let message = loop {
            let message = Next::Wait.wait();
            if message.kernel_label() == Some(Label::Irq) {
                break message;
            }
        };
        let after_ns = (clock.now_ns() - start_ns) as i64 - SHOT_NS as i64;
        (least_ns, most_ns) = (least_ns.min(after_ns), most_ns.max(after_ns));
        if let Some(token) = message.token() {
            reply(token, 0, 0, [0; 7]);
        }
    }
    [SHOTS, least_ns as u64, most_ns as u64, 0, 0, 0, 0]
}
