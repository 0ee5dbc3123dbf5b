//! Interrupt lines that stay asserted, come in storms, or belong to another core.
//!
//! The device behind the level is the transmitter of the first serial port: as long as its interrupt
//! is switched on and its buffer is empty, which it is while nobody prints, the line is asserted; the
//! kernel prints without interrupts. The other core's line is that of the clock that keeps the date,
//! which is asserted at each of its ticks until the reason is read. Sources: National Semiconductor
//! PC16550D, section 8; Motorola MC146818A.

use super::interrupts::{arm, fire, fire_for, late_edges_pass, silence, spin};
use super::{Test, test};
use crate::board;
use crate::cast::{CLOCK_PORTS, SERIAL_PORTS, TIMER_PORTS, Who};
use crate::driver::Driver;
use crate::op::{Op, Out};
use crate::patience::comes;
use crate::servant::LAST_TOKEN;
use crate::verdict::{Failure, Verdict, done, equal, holds, label, status};
use cedo_lib::Clock;
use cedo_lib::abi::call::{Call, ipc, ports};
use cedo_lib::abi::name::ANY;
use cedo_lib::abi::{Label, Status, notice};
use core::sync::atomic::{AtomicU64, Ordering};

pub const TESTS: &[Test] = &[
    test("an asserted level line interrupts once, however long it is asserted", level_once),
    test("a level line that is still asserted is delivered again when acknowledged", level_again),
    test("a level line that has gone quiet is not delivered again", level_quiet),
    test(
        "a level line asserted while nobody waits is delivered to the next receive",
        level_pending,
    ),
    test("a level line that came and went while nobody waited is told all the same", level_gone),
    test("acknowledging a level line and waiting for it is one operation", level_fused),
    test("a level line's token counts once", level_token),
    test("an edge that comes before the acknowledge is delivered after it", edge_unacknowledged),
    test("any number of edges before the acknowledge are one more message", edges_unacknowledged),
    test("a storm of edges that nobody acknowledges leaves the processor to others", edge_storm),
    test("a storm of edges that are acknowledged is taken edge by edge", edge_storm_taken),
    test("a level line nobody quiets leaves the processor to others", level_storm),
    test("two lines of one handler are told apart, first come, first served", two_lines),
];

pub const TESTS_ON_TWO_CORES: &[Test] = &[
    test("an interrupt of another core's handler arrives there", other_core),
    test("a level line of another core's handler is delivered again", other_core_level),
    test("a line of this core interrupts who calls another core", while_calling),
    test("the other core goes on while this one is in a storm of interrupts", storm_beside_core),
];

const OPEN: Op = Op::receive(ANY);
const POLL: Op = OPEN.flags(ipc::RECEIVE_ZERO);
const ACKNOWLEDGE: Op = Op::send(LAST_TOKEN);
const ACKNOWLEDGE_AND_WAIT: Op = Op::reply_and_wait(LAST_TOKEN);

const UART_LINE: u64 = 4;
const UART_BADGE: u64 = 0x201;
const UART_INTERRUPTS: u64 = 0x3f9;
const UART_MODEM: u64 = 0x3fc;
/// The buffer of the transmitter is empty.
const EMPTY: u64 = 2;
/// Terminal ready, request to send, and the pin that lets interrupts out of the chip on a PC.
const LINE_DRIVER: u64 = 0b1011;

const CLOCK_LINE: u64 = 8;
const CLOCK_BADGE: u64 = 0x202;
const CLOCK_INDEX: u64 = 0x70;
const CLOCK_DATA: u64 = 0x71;
/// Its registers: how fast it ticks, what interrupts, why it has interrupted.
const RATE: u64 = 0xa;
const ENABLE: u64 = 0xb;
const REASON: u64 = 0xc;
/// 8192 ticks in a second, counted by the crystal.
const FAST: u64 = 0x23;
const TICKS: u64 = 0x40;

const TIMER_COMMAND: u64 = 0x43;
const TIMER_CHANNEL_0: u64 = 0x40;
/// Channel 0, both bytes, mode 2: an edge each time the count is over.
const RATE_GENERATOR: u64 = 0x34;
/// Ticks between two edges of a storm: 100 microseconds.
const STORM_COUNT: u64 = 119;
/// How long a storm lasts.
const STORM_NS: u64 = 20_000_000;
const SHORT_NS: u64 = 1_000_000;

fn port(slot: &AtomicU64, sub: u8, port: u64, value: u64) -> Result<u64, Failure> {
    let access = Op::new(Call::Ports, sub, 0).to(slot.load(Ordering::SeqCst));
    Ok(done("port", access.word(0, port).word(1, 1).word(2, value).run())?.words[0])
}

/// Asserts the level line, or lets go of it.
fn uart(asserted: bool) -> Verdict {
    port(&SERIAL_PORTS, ports::WRITE, UART_MODEM, LINE_DRIVER)?;
    port(&SERIAL_PORTS, ports::WRITE, UART_INTERRUPTS, if asserted { EMPTY } else { 0 })?;
    // The line is the device's business: it may take its time.
    spin(SHORT_NS);
    Ok(())
}

/// A step of the handler's that lets go of the level line: a handler that acknowledged on and on would
/// keep the processor from the driver.
fn quiet() -> Op {
    let write = Op::new(Call::Ports, ports::WRITE, 0).to(SERIAL_PORTS.load(Ordering::SeqCst));
    write.word(0, UART_INTERRUPTS).word(1, 1).word(2, 0)
}

/// Runs a test that asserts the level line, which is quiet afterwards in any case.
fn with_uart(body: impl FnOnce() -> Verdict) -> Verdict {
    let seen = body();
    let quiet = uart(false);
    seen.and(quiet)
}

/// What a step of the handler came to is this interrupt.
fn is_uart(driver: &Driver, index: u64) -> Verdict {
    let out = driver.outcome(Who::Handler, index)?.out;
    is_line(&out, UART_LINE, UART_BADGE)
}

fn is_line(out: &Out, line: u64, badge: u64) -> Verdict {
    label("label", out, Label::Irq)?;
    equal("line", out.words[notice::IRQ_LINE], line)?;
    equal("badge", out.badge, badge)
}

fn is_not_ready(driver: &Driver, what: &'static str, who: Who, index: u64) -> Verdict {
    status(what, &driver.outcome(who, index)?.out, Status::NotReady)
}

/// The handler takes a message when the driver lets it go, and does these steps then.
fn order_later(driver: &mut Driver, steps: &[Op]) -> Verdict {
    driver.keep_busy(Who::Handler, steps)
}

fn level_once(driver: &mut Driver) -> Verdict {
    // In between nobody acknowledges, and the driver gives the line all the time it wants.
    driver.carry_out(Who::Handler, &[OPEN, Op::receive(Who::Driver.gate()), POLL])?;
    with_uart(|| {
        uart(true)?;
        driver.settle()?;
        equal("steps of the handler", board::steps(Who::Handler), 1)?;
        spin(10 * SHORT_NS);
        driver.settle()?;
        uart(false)?;
        driver.let_go(Who::Handler)?;
        is_uart(driver, 0)?;
        is_not_ready(driver, "a second message", Who::Handler, 2)
    })
}

fn level_again(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::Handler, &[OPEN, ACKNOWLEDGE, OPEN, quiet(), POLL])?;
    with_uart(|| {
        uart(true)?;
        driver.settle()?;
        [0, 2].into_iter().try_for_each(|index| is_uart(driver, index))?;
        is_not_ready(driver, "a message before the acknowledge", Who::Handler, 4)
    })
}

fn level_quiet(driver: &mut Driver) -> Verdict {
    let wait = Op::receive(Who::Driver.gate());
    driver.carry_out(Who::Handler, &[OPEN, wait, ACKNOWLEDGE, wait, POLL])?;
    with_uart(|| {
        uart(true)?;
        driver.settle()?;
        uart(false)?;
        driver.let_go(Who::Handler)?;
        spin(SHORT_NS);
        driver.let_go(Who::Handler)?;
        is_uart(driver, 0)?;
        is_not_ready(driver, "a second message", Who::Handler, 4)
    })
}

fn level_pending(driver: &mut Driver) -> Verdict {
    order_later(driver, &[OPEN, quiet()])?;
    with_uart(|| {
        uart(true)?;
        driver.is_busy("the handler waits for the driver", Who::Handler)?;
        driver.let_go(Who::Handler)?;
        is_uart(driver, 1)
    })
}

/// What the kernel has taken from the line is a message, whatever the line does afterwards.
fn level_gone(driver: &mut Driver) -> Verdict {
    order_later(driver, &[POLL, ACKNOWLEDGE, POLL])?;
    with_uart(|| {
        uart(true)?;
        uart(false)?;
        driver.let_go(Who::Handler)?;
        is_uart(driver, 1)?;
        is_not_ready(driver, "a second message", Who::Handler, 3)
    })
}

fn level_fused(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::Handler, &[OPEN, ACKNOWLEDGE_AND_WAIT, ACKNOWLEDGE_AND_WAIT, quiet()])?;
    with_uart(|| {
        uart(true)?;
        driver.settle()?;
        (0..3).try_for_each(|index| is_uart(driver, index))
    })
}

fn level_token(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::Handler, &[OPEN, quiet(), ACKNOWLEDGE, ACKNOWLEDGE])?;
    with_uart(|| {
        uart(true)?;
        driver.settle()?;
        status("first", &driver.outcome(Who::Handler, 2)?.out, Status::Ok)?;
        status("second", &driver.outcome(Who::Handler, 3)?.out, Status::Stale)
    })
}

fn edge_unacknowledged(driver: &mut Driver) -> Verdict {
    edges_before_acknowledge(driver, 1)
}

fn edges_unacknowledged(driver: &mut Driver) -> Verdict {
    edges_before_acknowledge(driver, 4)
}

/// The handler takes one interrupt; then so many come before it acknowledges.
fn edges_before_acknowledge(driver: &mut Driver, edges: usize) -> Verdict {
    let wait = Op::receive(Who::Driver.gate());
    driver.carry_out(Who::Handler, &[OPEN, wait, ACKNOWLEDGE_AND_WAIT, ACKNOWLEDGE, POLL])?;
    fire_for(1)?;
    (0..edges).try_for_each(|_| fire())?;
    calm()?;
    equal("steps of the handler", board::steps(Who::Handler), 1)?;
    driver.let_go(Who::Handler)?;
    label("the one before", &driver.outcome(Who::Handler, 0)?.out, Label::Irq)?;
    label("the one after", &driver.outcome(Who::Handler, 2)?.out, Label::Irq)?;
    is_not_ready(driver, "one more", Who::Handler, 4)
}

/// Edges without end, until [`silence`].
fn storm() -> Verdict {
    port(&TIMER_PORTS[0], ports::WRITE, TIMER_COMMAND, RATE_GENERATOR)?;
    port(&TIMER_PORTS[0], ports::WRITE, TIMER_CHANNEL_0, STORM_COUNT & 0xff)?;
    port(&TIMER_PORTS[0], ports::WRITE, TIMER_CHANNEL_0, STORM_COUNT >> 8).map(|_| ())
}

/// Ends that, and lets pass what is late: the emulator may be behind.
fn calm() -> Verdict {
    silence()?;
    late_edges_pass()
}

/// The driver gets on while `begin` makes a storm, which `end` ends: at least a twentieth of the turns
/// that it makes in the same time without one.
fn others_go_on(begin: fn() -> Verdict, end: fn() -> Verdict) -> Verdict {
    let usual = turns(STORM_NS);
    begin()?;
    let made = turns(STORM_NS);
    end()?;
    holds("turns of the driver", made > usual / 20)
}

/// Turns of a loop of the driver's in this time.
fn turns(time_ns: u64) -> u64 {
    let clock = Clock::of_core(0);
    let end_ns = clock.now_ns() + time_ns;
    (0..).find(|_| clock.now_ns() >= end_ns).unwrap_or(0)
}

fn edge_storm(driver: &mut Driver) -> Verdict {
    let wait = Op::receive(Who::Driver.gate());
    driver.carry_out(Who::Handler, &[OPEN, wait, ACKNOWLEDGE])?;
    others_go_on(storm, calm)?;
    equal("steps of the handler", board::steps(Who::Handler), 1)?;
    driver.let_go(Who::Handler)
}

fn edge_storm_taken(driver: &mut Driver) -> Verdict {
    let next = ACKNOWLEDGE_AND_WAIT;
    driver.carry_out(Who::Handler, &[OPEN, next, next, next, next])?;
    storm()?;
    let taken = comes(|| {
        spin(SHORT_NS);
        board::steps(Who::Handler) == 5
    });
    calm()?;
    holds("five interrupts are taken", taken)?;
    driver.settle()?;
    (0..5).try_for_each(|index| {
        label("an interrupt", &driver.outcome(Who::Handler, index)?.out, Label::Irq)
    })
}

fn level_storm(driver: &mut Driver) -> Verdict {
    let wait = Op::receive(Who::Driver.gate());
    driver.carry_out(Who::Handler, &[OPEN, wait])?;
    let seen = others_go_on(|| uart(true), || uart(false));
    with_uart(|| seen)?;
    equal("steps of the handler", board::steps(Who::Handler), 1)?;
    driver.let_go(Who::Handler)?;
    is_uart(driver, 0)
}

fn two_lines(driver: &mut Driver) -> Verdict {
    order_later(driver, &[POLL, POLL, POLL])?;
    with_uart(|| {
        fire()?;
        uart(true)?;
        uart(false)?;
        driver.let_go(Who::Handler)?;
        is_line(&driver.outcome(Who::Handler, 1)?.out, 2, Driver::IRQ_BADGE)?;
        is_uart(driver, 2)?;
        is_not_ready(driver, "a third", Who::Handler, 3)
    })
}

/// Lets the date's clock tick, or ends that. Reading the reason ends what the line says.
fn clock(ticks: bool) -> Verdict {
    clock_register(RATE, FAST)?;
    port(&CLOCK_PORTS, ports::WRITE, CLOCK_INDEX, ENABLE)?;
    let old = port(&CLOCK_PORTS, ports::READ, CLOCK_DATA, 0)?;
    clock_register(ENABLE, if ticks { old | TICKS } else { old & !TICKS })?;
    port(&CLOCK_PORTS, ports::WRITE, CLOCK_INDEX, REASON)?;
    port(&CLOCK_PORTS, ports::READ, CLOCK_DATA, 0).map(|_| ())
}

fn clock_register(register: u64, value: u64) -> Verdict {
    port(&CLOCK_PORTS, ports::WRITE, CLOCK_INDEX, register)?;
    port(&CLOCK_PORTS, ports::WRITE, CLOCK_DATA, value).map(|_| ())
}

/// R1 does these steps while the clock ticks.
fn with_clock(driver: &mut Driver, steps: &[Op]) -> Verdict {
    driver.order_remote(Who::R1, steps)?;
    clock(true)?;
    let seen = driver.await_remote(Who::R1);
    clock(false)?;
    seen
}

fn other_core(driver: &mut Driver) -> Verdict {
    with_clock(driver, &[OPEN])?;
    is_line(&driver.outcome(Who::R1, 0)?.out, CLOCK_LINE, CLOCK_BADGE)
}

/// Nobody reads the reason meanwhile: the line stays asserted.
fn other_core_level(driver: &mut Driver) -> Verdict {
    let next = ACKNOWLEDGE_AND_WAIT;
    with_clock(driver, &[OPEN, next, next, next, ACKNOWLEDGE])?;
    (0..4).try_for_each(|index| {
        is_line(&driver.outcome(Who::R1, index)?.out, CLOCK_LINE, CLOCK_BADGE)
    })
}

fn while_calling(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::Handler, &[OPEN])?;
    driver.order_remote(Who::R1, &[OPEN, Op::receive(Who::B.gate()), Op::send(LAST_TOKEN)])?;
    driver.carry_out(Who::A, &[Op::call(Who::R1.gate()).tag(4, 0)])?;
    arm()?;
    let taken = comes(|| {
        spin(SHORT_NS);
        board::steps(Who::Handler) == 1
    });
    holds("the interrupt is taken", taken)?;
    driver.is_busy("A awaits the reply", Who::A)?;
    driver.carry_out(Who::B, &[Op::send(Who::R1.gate()).tag(6, 0)])?;
    driver.await_remote(Who::R1)?;
    driver.await_remote(Who::A)?;
    status("A's call", &driver.outcome(Who::A, 0)?.out, Status::Ok)
}

fn storm_beside_core(driver: &mut Driver) -> Verdict {
    driver.carry_out(Who::Handler, &[OPEN, Op::receive(Who::Driver.gate()), ACKNOWLEDGE])?;
    storm()?;
    let seen = (0..100).try_for_each(|_| super::messages::echo(driver, Who::R1, 4));
    calm()?;
    seen?;
    driver.let_go(Who::Handler)
}
