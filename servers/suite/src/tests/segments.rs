//! Segment selectors and bases: user code may load both, and no other thread sees them.

use super::{Test, test};
use crate::cast::Who;
use crate::driver::Driver;
use crate::op::Op;
use crate::pager;
use crate::servant::{PROBE, PROBES};
use crate::verdict::{Failure, Verdict, done, equal, holds};
use cedo_lib::abi::call::thread;
use cedo_lib::abi::state::{BASES, Cause};
use cedo_lib::abi::utcb::StateArea;
use cedo_lib::raw::probe;

pub const TESTS: &[Test] = &[
    test("a selector that a thread loads reaches no thread that runs after it", selectors),
    test("a selector of the kernel's is a protection violation", kernel_selector),
    test("a segment base belongs to its thread", bases),
    test("a selector that another thread loads clears no base", bases_and_selectors),
];

/// All that user code can load: flat data, flat code, null with a privilege level.
const SELECTORS: [u64; 4] = [0x1b, 0x18, 0x23, 0x3];
/// What threads have that loaded none.
const NULL: u64 = 0;
/// An interrupt between two steps lets another thread run, which costs the selectors.
const ATTEMPTS: usize = 20;

/// Read through FS and GS with bases of these addresses.
static BEHIND_FS: [u64; 2] = [0xf5, 0xf6];
static BEHIND_GS: [u64; 2] = [0x65, 0x66];

type Probe = fn(u64, u64) -> probe::Outcome;

/// The order to run a probe.
fn step(probe: Probe, address: u64) -> Op {
    let known = |other: &Probe| *other as usize == probe as usize;
    let number = PROBES.iter().position(known).unwrap_or(PROBES.len());
    Op::raw(PROBE).word(0, number as u64).word(1, address)
}

fn address<T>(of: &'static T) -> u64 {
    (&raw const *of).addr() as u64
}

/// Lets a servant run a probe; returns what it read.
fn value(driver: &mut Driver, who: Who, probe: Probe, at: u64) -> Result<u64, Failure> {
    driver.carry_out(who, &[step(probe, at)])?;
    let [caught, value, ..] = driver.outcome(who, 0)?.out.words;
    equal("faults", caught, 0)?;
    Ok(value)
}

fn selectors(driver: &mut Driver) -> Verdict {
    equal("the driver's", probe::see_selectors(0, 0).value, NULL)?;
    for selector in SELECTORS {
        let all = selector * 0x0001_0001_0001_0001;
        let mut own = NULL;
        for _ in 0..ATTEMPTS {
            let steps = [step(probe::load_selectors, selector), step(probe::see_selectors, 0)];
            driver.carry_out(Who::A, &steps)?;
            // The first to run after A.
            equal("the driver's", probe::see_selectors(0, 0).value, NULL)?;
            own = driver.outcome(Who::A, 1)?.out.words[1];
            if own == all {
                break;
            }
        }
        equal("A's own", own, all)?;
        for who in [Who::B, Who::Far] {
            driver.order(Who::A, &[step(probe::load_selectors, selector)])?;
            equal("another's", value(driver, who, probe::see_selectors, 0)?, NULL)?;
        }
    }
    Ok(())
}

fn kernel_selector(_: &mut Driver) -> Verdict {
    for selector in [0x08, 0x10, 0x28, 0xfff8] {
        equal("faults", probe::load_selectors(selector, 0).caught, 1)?;
        equal("cause", pager::last().cause, Cause::Protection as u64)?;
    }
    Ok(())
}

/// Gives a servant that waits for orders these bases.
fn set_bases(driver: &mut Driver, who: Who, bases: [u64; 2]) -> Verdict {
    done("suspend", Op::thread(thread::SUSPEND, who.thread()).run())?;
    driver.this.utcb_mut().set_reply(&StateArea { mask: BASES, bases, ..StateArea::EMPTY });
    let written = Op::thread(thread::WRITE, who.thread()).run();
    done("resume", Op::thread(thread::RESUME, who.thread()).run())?;
    done("write", written)?;
    driver.settle()
}

/// What a servant reads at an address behind FS and behind GS.
fn behind(driver: &mut Driver, who: Who, at: u64) -> Result<[u64; 2], Failure> {
    Ok([value(driver, who, probe::read_fs, at)?, value(driver, who, probe::read_gs, at)?])
}

fn bases(driver: &mut Driver) -> Verdict {
    set_bases(driver, Who::A, [address(&BEHIND_FS), address(&BEHIND_GS)])?;
    let a = behind(driver, Who::A, 8)?;
    // Those of B are zero: the same address reads what is there.
    let b = behind(driver, Who::B, address(&BEHIND_FS))?;
    let own = probe::read_fs(address(&BEHIND_GS), 0);
    let again = behind(driver, Who::A, 0)?;
    set_bases(driver, Who::A, [0, 0])?;
    holds("A reads behind its bases", a == [0xf6, 0x66] && again == [0xf5, 0x65])?;
    holds("B's bases are zero", b == [0xf5, 0xf5])?;
    equal("the driver's base is zero", own.value, 0x65)
}

fn bases_and_selectors(driver: &mut Driver) -> Verdict {
    set_bases(driver, Who::A, [address(&BEHIND_FS), address(&BEHIND_GS)])?;
    driver.order(Who::B, &[step(probe::load_selectors, SELECTORS[0])])?;
    let a = behind(driver, Who::A, 8)?;
    // A clears its own bases, until another thread has run.
    driver.carry_out(Who::A, &[step(probe::load_selectors, SELECTORS[0])])?;
    let again = behind(driver, Who::A, 8)?;
    set_bases(driver, Who::A, [0, 0])?;
    holds("A reads behind its bases", a == [0xf6, 0x66] && again == a)
}
