//! Exceptions and page faults are messages to the thread's handler.

use super::memory::map;
use super::{Test, test};
use crate::cast::Who;
use crate::driver::Driver;
use crate::op::Op;
use crate::pager;
use crate::servant::PROBE;
use crate::verdict::{Failure, Verdict, done, equal, holds};
use cedo_lib::abi::Rights;
use cedo_lib::abi::info::feature;
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::state::Cause;
use cedo_lib::clock;
use cedo_lib::raw::probe;

pub const TESTS: &[Test] = &[
    test("a read of an unmapped address is a read fault with that address", read),
    test("a write to an unmapped address is a write fault with that address", write),
    test("a jump to an unmapped address is an execute fault with that address", execute),
    test("a read of the kernel's memory is a read fault", kernel_address),
    test("an address that no page can have is a fault", no_address),
    test("division by zero is a divide error where the processor sees it", divide),
    test("a breakpoint is a breakpoint", breakpoint),
    test("an unknown instruction is an illegal instruction", illegal),
    test("a privileged instruction is a protection violation", privileged),
    test("a device behind an instruction is a protection violation", port),
    test("a cycle counter that the description does not show is a protection violation", cycles),
    test("a fault brings the faulting thread's registers", registers),
    test("a handler that makes the address good lets the thread try again", make_good),
    test("a thread of another Space faults in that Space", other_space),
    test("a hundred faults in a row are a hundred messages", many),
];

/// Runs a probe on the driver itself; returns what its handler heard.
fn heard(driver: &Driver, probe: fn(u64, u64) -> probe::Outcome) -> Result<u64, Failure> {
    let before = pager::COUNT.load(core::sync::atomic::Ordering::SeqCst);
    let seen = probe(driver.area(), 0);
    equal("the handler's mark", seen.caught, 1)?;
    let after = pager::COUNT.load(core::sync::atomic::Ordering::SeqCst);
    equal("messages", after, before + 1)?;
    Ok(pager::last().cause)
}

fn cause(driver: &Driver, probe: fn(u64, u64) -> probe::Outcome, wanted: Cause) -> Verdict {
    equal("cause", heard(driver, probe)?, wanted as u64)
}

fn at_area(driver: &Driver, probe: fn(u64, u64) -> probe::Outcome, wanted: Cause) -> Verdict {
    cause(driver, probe, wanted)?;
    equal("address", pager::last().address, driver.area())
}

fn read(driver: &mut Driver) -> Verdict {
    at_area(driver, probe::read, Cause::ReadFault)
}

fn write(driver: &mut Driver) -> Verdict {
    at_area(driver, probe::write, Cause::WriteFault)
}

fn execute(driver: &mut Driver) -> Verdict {
    at_area(driver, probe::execute, Cause::ExecuteFault)
}

fn kernel_address(_: &mut Driver) -> Verdict {
    equal("caught", probe::read(probe::KERNEL_ADDRESS, 0).caught, 1)?;
    equal("cause", pager::last().cause, Cause::ReadFault as u64)?;
    equal("address", pager::last().address, probe::KERNEL_ADDRESS)
}

fn no_address(_: &mut Driver) -> Verdict {
    let (address, wanted) = probe::NO_ADDRESS;
    equal("caught", probe::read(address, 0).caught, 1)?;
    equal("cause", pager::last().cause, wanted as u64)
}

fn divide(driver: &mut Driver) -> Verdict {
    match probe::DIVISION {
        Some(wanted) => cause(driver, probe::divide, wanted),
        None => equal("caught", probe::divide(driver.area(), 0).caught, 0),
    }
}

fn breakpoint(driver: &mut Driver) -> Verdict {
    cause(driver, probe::breakpoint, Cause::Breakpoint)
}

fn illegal(driver: &mut Driver) -> Verdict {
    cause(driver, probe::illegal, Cause::IllegalInstruction)
}

fn privileged(driver: &mut Driver) -> Verdict {
    cause(driver, probe::privileged, Cause::Protection)
}

fn port(driver: &mut Driver) -> Verdict {
    cause(driver, probe::port, Cause::Protection)
}

fn cycles(driver: &mut Driver) -> Verdict {
    let exists = clock::information().features & feature::CYCLE_COUNTER != 0;
    match probe::CYCLES.filter(|_| exists) {
        Some(probe) => cause(driver, probe, Cause::Protection),
        None => Ok(()),
    }
}

fn registers(driver: &mut Driver) -> Verdict {
    let here = 0_u64;
    heard(driver, probe::read)?;
    let last = pager::last();
    equal("witness register", last.witness, probe::PATTERN)?;
    let near = (&raw const here).addr() as u64;
    holds("stack pointer", last.stack.abs_diff(near) < 4 * PAGE_SIZE)?;
    let code = probe::read as fn(u64, u64) -> probe::Outcome as usize as u64;
    holds("instruction pointer", last.instruction.abs_diff(code) < 256)
}

fn make_good(driver: &mut Driver) -> Verdict {
    let access = u64::from(Rights::READ.or(Rights::WRITE).0);
    let before = pager::COUNT.load(core::sync::atomic::Ordering::SeqCst);
    pager::map_at_next_fault(driver.frames, driver.frame(0), driver.area(), access);
    equal("caught", probe::write(driver.area(), 0x77).caught, 0)?;
    let after = pager::COUNT.load(core::sync::atomic::Ordering::SeqCst);
    equal("messages", after, before + 1)?;
    equal("read back", probe::read(driver.area(), 0).value, 0x77)
}

fn other_space(driver: &mut Driver) -> Verdict {
    done("map here", map(driver, 0, 0, 1, Rights::READ).run())?;
    let step = Op::raw(PROBE).word(0, 0).word(1, driver.area());
    driver.carry_out(Who::Far, &[step])?;
    equal("caught", driver.outcome(Who::Far, 0)?.out.words[0], 1)?;
    equal("address", pager::last().address, driver.area())
}

fn many(driver: &mut Driver) -> Verdict {
    (0..100).try_for_each(|_| at_area(driver, probe::read, Cause::ReadFault))
}
