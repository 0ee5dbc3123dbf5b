//! Posting, taking, kicks, halting.

use crate::cores::{Machine, Taker};
use crate::{Plain, check};
use loom::sync::Arc;
use loom::thread;

const TAKER: usize = 0;

/// A machine whose core 0 takes what other cores do with it.
fn with_posters<const N: usize>(
    mails: usize,
    posters: [fn(&Machine); N],
    taker: impl FnOnce(&Machine),
) {
    let machine = Arc::new(Machine::new(1, mails));
    let posters = posters.map(|poster| {
        let machine = Arc::clone(&machine);
        thread::spawn(move || poster(&machine))
    });
    taker(&machine);
    posters.into_iter().for_each(|poster| poster.join().expect("does not fail"));
    machine.check_end();
}

fn post(machine: &Machine, number: u32) {
    machine.mail(number).words[0].set(u64::from(number) * 10);
    machine.post(TAKER, number);
}

/// Takes until `count` mails have come, each with what its poster wrote.
fn take(machine: &Machine, count: usize, limit: usize) -> Vec<u32> {
    let mut taken = Vec::new();
    while taken.len() < count {
        machine.halt(TAKER, limit, |number| {
            assert_eq!(machine.mail(number).words[0].get(), u64::from(number) * 10);
            taken.push(number);
        });
    }
    taken
}

#[test]
fn what_two_cores_post_is_taken_once_each() {
    check(4, || {
        with_posters(2, [|machine| post(machine, 1), |machine| post(machine, 2)], |machine| {
            let mut taken = take(machine, 2, 8);
            taken.sort_unstable();
            assert_eq!(taken, [1, 2]);
        });
    });
}

#[test]
fn what_one_core_posts_comes_in_order() {
    let poster = |machine: &Machine| (1..=3).for_each(|number| post(machine, number));
    check(5, move || {
        with_posters(3, [poster], |machine| assert_eq!(take(machine, 3, 8), [1, 2, 3]))
    });
}

#[test]
fn a_core_that_takes_few_at_a_time_looks_again() {
    let poster = |machine: &Machine| (1..=2).for_each(|number| post(machine, number));
    check(5, move || with_posters(2, [poster], |machine| assert_eq!(take(machine, 2, 1), [1, 2])));
}

/// The bits that have come, and what each kicker wrote before it kicked.
struct Kicked<'a> {
    bits: u64,
    mails: u32,
    written: &'a [Plain; 2],
}

impl Taker for &mut Kicked<'_> {
    fn kicked(&mut self, bits: u64) {
        assert_eq!(self.bits & bits, 0, "a kick came twice");
        self.bits |= bits;
        let kickers = self.written.iter().enumerate().filter(|(kicker, _)| bits >> kicker & 1 != 0);
        kickers.for_each(|(_, written)| assert_eq!(written.get(), 1));
    }

    fn received(&mut self, _: u32) {
        self.mails += 1;
    }
}

#[test]
fn no_kick_is_lost() {
    check(3, || {
        let machine = Arc::new((Machine::new(1, 1), [Plain::new(0), Plain::new(0)]));
        let kickers = [0, 1].map(|kicker| {
            let shared = Arc::clone(&machine);
            thread::spawn(move || {
                let (machine, written) = &*shared;
                written[kicker].set(1);
                machine.kick(TAKER, 1 << kicker);
                if kicker == 1 {
                    machine.post(TAKER, 1);
                }
            })
        });
        let (machine, written) = &*machine;
        let mut kicked = Kicked { bits: 0, mails: 0, written };
        while kicked.bits != 3 || kicked.mails != 1 {
            machine.halt(TAKER, 8, &mut kicked);
        }
        kickers.into_iter().for_each(|kicker| kicker.join().expect("does not fail"));
        machine.check_end();
    });
}

/// A root that idles with the event number it has seen: the kernel compares and halts with
/// interrupts masked in between (DESIGN.md section 12, 4).
#[test]
fn a_core_does_not_halt_over_an_event_that_was_not_seen() {
    let poster = |machine: &Machine| (1..=2).for_each(|number| post(machine, number));
    check(5, move || {
        with_posters(2, [poster], |machine| {
            let (mut event, mut seen) = (0, 0);
            while seen < 2 {
                machine.run_user(TAKER, 1, |_| event += 1);
                if event == seen {
                    machine.halt(TAKER, 1, |_| event += 1);
                }
                seen = event;
            }
        });
    });
}
