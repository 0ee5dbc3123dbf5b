//! The tests that run on the target, in user mode.
//!
//! One program, many threads: a driver runs the tests, servants are moved about by it, schedulers
//! run tests of their own with their children. Who is who is told by the names in the system
//! description. Every test is a sentence; the last line says how many hold.
//!
//! | file | contents |
//! |---|---|
//! | `tests` | the tests, grouped by what they are about |
//! | `driver` | what a test may use |
//! | `servant` | threads that do what they are told |
//! | `stage` | schedulers that tests drive by hand |
//! | `pager` | the handler of all faults |
//! | `cast` | who takes part, and their capabilities |
//! | `board` | who waits for orders |
//! | `op`, `outcome` | a kernel call as a value, and what it came to |
//! | `verdict`, `report` | what a test says, and how it is shown |
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

mod board;
mod cast;
mod driver;
mod op;
mod outcome;
mod pager;
mod patience;
mod report;
mod servant;
mod stage;
mod tests;
mod verdict;

use cast::Who;
use cedo_lib::abi::Rights;
use cedo_lib::abi::call::{capability, core as core_call};
use cedo_lib::abi::name::SELF;
use cedo_lib::abi::read::environment::Reader;
use cedo_lib::abi::system::grant;
use cedo_lib::processor::Protocol;
use cedo_lib::{Environment, ThisThread};
use core::sync::atomic::Ordering;
use driver::Driver;
use op::Op;
use report::Console;
use tests::Test;
use verdict::done;

cedo_lib::program!(start);

fn start(this: ThisThread) {
    let environment = Environment::of(&this);
    match Who::named(environment.name()) {
        Some(Who::Driver) => drive(this),
        Some(Who::Pager) => pager::handle(this),
        Some(who @ (Who::Root | Who::Root1 | Who::Nested)) => stage::Stage::new(this, who).run(),
        Some(who) => {
            let mut grants = environment.grants();
            let timer = grants.find(|record| record.kind == grant::IRQ);
            if let Some(irq) = timer.filter(|_| who == Who::Handler) {
                cast::TIMER_IRQ.store(irq.slot.into(), Ordering::SeqCst);
                cast::TIMER_LINE.store(irq.address, Ordering::SeqCst);
            }
            servant::serve(this, who)
        }
        None => {}
    }
}

/// Runs everything and switches the machine off.
fn drive(this: ThisThread) {
    let Ok(reader) = Reader::new(this.environment()) else { return };
    cast::read(&reader);
    cast::set_chain(Environment::of(&this).protocol() == Protocol::Chain);
    let slot = |name, kind| reader.grant(name, kind).map_or(0, |grant| u64::from(grant.slot));
    let cores = [slot("core", grant::CORE), slot("core1", grant::CORE)];
    for (place, core) in stage::CORES.iter().zip(cores) {
        place.store(core, Ordering::SeqCst);
    }
    let first_slot = u64::from(reader.environment().first_free_slot);
    make_own_gate(first_slot);
    let mut driver = Driver {
        first_slot: first_slot + 1,
        frames: slot("frames", grant::MEMORY),
        other_space: slot("far", grant::SPACE),
        ports: slot("ports", grant::PORTS),
        cores,
        number: 0,
        this,
    };
    if let Some(timer) = reader.grant("timer", grant::PORTS) {
        cast::set_timer(timer.slot.into(), timer.address);
    }
    cast::SERIAL_PORTS.store(slot("serial", grant::PORTS), Ordering::SeqCst);
    cast::CLOCK_PORTS.store(slot("clock", grant::PORTS), Ordering::SeqCst);
    let mut console = Console::new(cores[0]);
    // Everybody gets to where it waits for orders.
    let ready = tests::interrupts::silence().and_then(|()| driver.await_all());
    report::verdict(&mut console, "every servant starts", &ready);
    run(&mut driver, &mut console, tests::ON_ONE_CORE);
    let lines = cast::SERIAL_PORTS.load(Ordering::SeqCst) != 0;
    if lines {
        run(&mut driver, &mut console, &[tests::lines::TESTS]);
    } else {
        report::line(&mut console, "[suite] no `serial` on this board: its line is left out");
    }
    tests::cancels::run_on_one_core(&mut driver, &mut console);
    ask(&mut console, "the tests of the root scheduler come to an end", Who::Root);
    ask(&mut console, "the tests of the scheduler below it come to an end", Who::Nested);
    if Who::Root1.gate() == 0 {
        report::line(&mut console, "[suite] one core: the tests between cores are left out");
    } else {
        run(&mut driver, &mut console, tests::ON_TWO_CORES);
        if lines {
            run(&mut driver, &mut console, &[tests::lines::TESTS_ON_TWO_CORES]);
        }
        tests::cancels::run_on_two_cores(&mut driver, &mut console);
        ask(&mut console, "the tests of core 1's root come to an end", Who::Root1);
    }
    let code = if report::summary(&mut console) { 0 } else { 1 };
    Op::core(core_call::POWER, cores[0]).word(1, code).run();
}

/// A gate to the driver itself, for servants: no description gives a thread one to itself.
fn make_own_gate(slot: u64) {
    let make = Op::capability(capability::MAKE_GATE, Who::Driver.thread(), slot, SELF);
    make.word(1, Rights::ALL.0.into()).word(2, Who::Driver.badge()).run();
    cast::set_gate(Who::Driver, slot);
}

fn run(driver: &mut Driver, console: &mut Console, groups: &[&[Test]]) {
    for test in groups.iter().copied().flatten() {
        let verdict = (test.body)(driver).and_then(|()| driver.clean_up());
        report::verdict(console, test.sentence, &verdict);
        if verdict.is_err() {
            // Whatever is left of the failed test must not spoil the next one.
            let _ = driver.clean_up();
        }
        driver.number += 1;
    }
}

/// Lets a scheduler run its own tests.
fn ask(console: &mut Console, sentence: &str, who: Who) {
    let out = Op::call(who.gate()).tag(stage::RUN_TESTS, 0).run();
    let verdict = done("the call", out).map(|_| ());
    report::verdict(console, sentence, &verdict);
}
