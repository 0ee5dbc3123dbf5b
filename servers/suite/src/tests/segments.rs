//! Segment selectors and bases: user code may load both where the processor has them, and no other
//! thread sees them.

use super::{Test, test};
use crate::cast::Who;
use crate::driver::Driver;
use crate::op::Op;
use crate::pager;
use crate::servant::probing;
use crate::verdict::{Failure, Verdict, done, equal, holds};
use cedo_lib::abi::call::thread;
use cedo_lib::abi::state::{self, Cause};
use cedo_lib::abi::utcb::StateArea;
use cedo_lib::raw::probe::{BASES, Probe, SEGMENTS, Segments};

pub const TESTS: &[Test] = match SEGMENTS {
    Some(_) => &[
        test("a selector that a thread loads reaches no thread that runs after it", selectors),
        test("a selector of the kernel's is a protection violation", kernel_selector),
        test("a base belongs to its thread", bases),
        test("a selector that another thread loads clears no base", bases_and_selectors),
    ],
    None => &[test("a base belongs to its thread", bases)],
};

/// All that user code can load: flat data, flat code, null with a privilege level.
const SELECTORS: [u64; 4] = [0x1b, 0x18, 0x23, 0x3];
/// What threads have that loaded none.
const NULL: u64 = 0;
/// An interrupt between two steps lets another thread run, which costs the selectors.
const ATTEMPTS: usize = 20;

/// Read through one base each.
static BEHIND: [[u64; 2]; 2] = [[0xf5, 0xf6], [0x65, 0x66]];

fn address<T>(of: &'static T) -> u64 {
    (&raw const *of).addr() as u64
}

/// The bases of these addresses, as many as the machine has; the others are 0.
fn own_bases() -> [u64; 2] {
    core::array::from_fn(|base| if base < BASES.len() { address(&BEHIND[base]) } else { 0 })
}

/// Lets a servant run a probe; returns what it read.
fn value(driver: &mut Driver, who: Who, probe: Probe, at: u64) -> Result<u64, Failure> {
    driver.carry_out(who, &[probing(probe, at)])?;
    let [caught, value, ..] = driver.outcome(who, 0)?.out.words;
    equal("faults", caught, 0)?;
    Ok(value)
}

/// The probes of segments, in tests that are there only where these are.
fn segments() -> Result<Segments, Failure> {
    SEGMENTS.ok_or(Failure::missing("segments of the processor"))
}

fn selectors(driver: &mut Driver) -> Verdict {
    let Segments { load_selectors, see_selectors } = segments()?;
    equal("the driver's", see_selectors(0, 0).value, NULL)?;
    for selector in SELECTORS {
        let all = selector * 0x0001_0001_0001_0001;
        let mut own = NULL;
        for _ in 0..ATTEMPTS {
            let steps = [probing(load_selectors, selector), probing(see_selectors, 0)];
            driver.carry_out(Who::A, &steps)?;
            // The first to run after A.
            equal("the driver's", see_selectors(0, 0).value, NULL)?;
            own = driver.outcome(Who::A, 1)?.out.words[1];
            if own == all {
                break;
            }
        }
        equal("A's own", own, all)?;
        for who in [Who::B, Who::Far] {
            driver.order(Who::A, &[probing(load_selectors, selector)])?;
            equal("another's", value(driver, who, see_selectors, 0)?, NULL)?;
        }
    }
    Ok(())
}

fn kernel_selector(_: &mut Driver) -> Verdict {
    let Segments { load_selectors, .. } = segments()?;
    for selector in [0x08, 0x10, 0x28, 0xfff8] {
        equal("faults", load_selectors(selector, 0).caught, 1)?;
        equal("cause", pager::last().cause, Cause::Protection as u64)?;
    }
    Ok(())
}

/// Gives a servant that waits for orders these bases.
fn set_bases(driver: &mut Driver, who: Who, bases: [u64; 2]) -> Verdict {
    done("suspend", Op::thread(thread::SUSPEND, who.thread()).run())?;
    driver.this.utcb_mut().set_reply(&StateArea { mask: state::BASES, bases, ..StateArea::EMPTY });
    let written = Op::thread(thread::WRITE, who.thread()).run();
    done("resume", Op::thread(thread::RESUME, who.thread()).run())?;
    done("write", written)?;
    driver.settle()
}

/// True if a servant reads word `index` of what is behind each of its bases.
fn sees(driver: &mut Driver, who: Who, index: usize) -> Result<bool, Failure> {
    let mut sees = true;
    for (probe, words) in BASES.iter().zip(&BEHIND) {
        sees &= value(driver, who, *probe, 8 * index as u64)? == words[index];
    }
    Ok(sees)
}

fn bases(driver: &mut Driver) -> Verdict {
    set_bases(driver, Who::A, own_bases())?;
    let a = sees(driver, Who::A, 1)?;
    // Those of B are zero: the same address reads what is there.
    let mut b = true;
    for (probe, words) in BASES.iter().zip(&BEHIND) {
        b &= value(driver, Who::B, *probe, address(words))? == words[0];
    }
    let own = BASES[0](address(&BEHIND[1]), 0);
    let again = sees(driver, Who::A, 0)?;
    set_bases(driver, Who::A, [0, 0])?;
    holds("A reads behind its bases", a && again)?;
    holds("B's bases are zero", b)?;
    equal("the driver's base is zero", own.value, BEHIND[1][0])
}

fn bases_and_selectors(driver: &mut Driver) -> Verdict {
    let Segments { load_selectors, .. } = segments()?;
    set_bases(driver, Who::A, own_bases())?;
    driver.order(Who::B, &[probing(load_selectors, SELECTORS[0])])?;
    let a = sees(driver, Who::A, 1)?;
    // A clears its own bases, until another thread has run.
    driver.carry_out(Who::A, &[probing(load_selectors, SELECTORS[0])])?;
    let again = sees(driver, Who::A, 1)?;
    set_bases(driver, Who::A, [0, 0])?;
    holds("A reads behind its bases", a && again)
}
