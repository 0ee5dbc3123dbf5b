//! The judge: what is checked, in which order, and how it is printed.

use crate::agreement::{self, Agreement};
use crate::clocks;
use crate::counters;
use crate::meter::{DONE, MEASURE, SERIES};
use crate::storms::{self, MEET, MONOTONIC};
use crate::ticker::{self, COMPARE, SHOOT};
use cedo_api::console::FLUSH;
use cedo_lib::abi::info::feature;
use cedo_lib::abi::system::parameter::VALUE;
use cedo_lib::ipc::{Ipc, Message, yield_processor};
use cedo_lib::{Clock, Console, Environment, Gate, clock};
use core::fmt::{Arguments, Write};

/// Deadlines of a series: from one to the next it takes 300 to 500 microseconds.
const DEADLINES: [u64; 3] = [10_000, 300_000, 200_000];
/// What goes on meanwhile on the core whose deadlines they are: a word for it, and whose storm it is.
const LOADS: [(&str, Option<&str>); 4] = [
    ("off", None),
    ("ipc", Some("ping")),
    ("interrupts", Some("ticker")),
    ("cross-core", Some("remote")),
];

/// The counter whose port only firmware knows.
const ACPI: &str = "acpi";
/// What differs from it by so many parts per million is something else at that port.
const NO_ACPI_TIMER: i64 = 100_000;

struct Judge<'a> {
    environment: &'a Environment,
    clock: Clock,
    console: Console,
    broken: u32,
}

/// Checks everything, prints it, switches the machine off.
pub fn run(environment: &Environment) {
    // Everybody else gets to where it waits.
    (0..16).for_each(|_| {
        let _ = yield_processor();
    });
    let mut judge = Judge {
        environment,
        clock: Clock::of_core(environment.core_number()),
        console: Console::of(environment),
        broken: 0,
    };
    judge.introduce();
    judge.monotonic();
    judge.skew();
    judge.agreements();
    judge.shots();
    LOADS.into_iter().for_each(|(load, storm)| judge.lateness(load, storm));
    judge.long_sleep();
    judge.end();
}

impl Judge<'_> {
    fn introduce(&mut self) {
        let information = clock::information();
        let compared = information.features & feature::COUNTER_DEADLINE != 0;
        let deadline = if compared { "compared" } else { "counted" };
        let (hertz, unit) = (information.clock_hz, information.counter_unit().name());
        let _ = writeln!(
            self.console,
            "[timers] op=clock hertz={hertz} unit={unit} deadline={deadline}"
        );
    }

    fn monotonic(&mut self) {
        let here = clocks::steps_backwards(&self.clock);
        self.check("the clock of core 0 never runs backwards", here == 0, format_args!("{here}"));
        let answer = self.call("ping", MONOTONIC, [0; 3]);
        let there = answer.map_or(u64::MAX, |answer| answer.words[0]);
        self.check("the clock of core 1 never runs backwards", there == 0, format_args!("{there}"));
    }

    fn skew(&mut self) {
        clocks::prepare();
        let Some(ping) = self.environment.gate("ping") else { return };
        let _ = Ipc::send(ping).message(MEET, 0, [0; 7]).make();
        let meeting = clocks::ask(&self.clock);
        let clocks::Meeting { rounds, disorder, offset_ns, round_ns } = meeting;
        let _ = writeln!(
            self.console,
            "[timers] op=skew rounds={rounds} disorder={disorder} offset={offset_ns} round={round_ns} \
             unit=ns"
        );
        let good = rounds >= clocks::ENOUGH && disorder == 0;
        let detail = format_args!("{disorder} of {rounds} answers out of order");
        self.check("the clocks of both cores are one", good, detail);
    }

    fn agreements(&mut self) {
        for counter in counters::all(self.environment) {
            let agreement = agreement::compare(&counter, &self.clock);
            self.agreement(counter.name(), agreement);
        }
        if let Some(answer) = self.call("ticker", COMPARE, [0; 3]) {
            self.agreement(ticker::name(answer.words[6]), Agreement::of_words(&answer.words));
        }
    }

    fn agreement(&mut self, name: &'static str, agreement: Agreement) {
        let faster = agreement.parts_per_million();
        let is_other = name == ACPI && faster.abs() > NO_ACPI_TIMER;
        if agreement.hertz == 0 || agreement.counter_ns == 0 || is_other {
            let _ = writeln!(self.console, "timers: {name}: none that counts");
            return;
        }
        let Agreement { hertz, clock_ns, doubt_ns, backwards, wrapped, .. } = agreement;
        let _ = writeln!(
            self.console,
            "[timers] op=agree timer={name} hertz={hertz} time={clock_ns} doubt={doubt_ns} ppm={faster}"
        );
        let wrap = if wrapped { ", over its wrap" } else { "" };
        let detail = format_args!("{backwards} steps backwards{wrap}");
        self.check(name, backwards == 0, detail);
    }

    fn shots(&mut self) {
        let which = self.call("ticker", COMPARE, [0; 3]);
        let name = which.map_or("none", |answer| ticker::name(answer.words[6]));
        for (comparator, timer) in [(0, name), (1, "hpet")] {
            let Some(answer) = self.call("ticker", SHOOT, [comparator, 0, 0]) else { return };
            let [shots, least_ns, most_ns, is_missing, ..] = answer.words;
            if is_missing == 1 {
                continue;
            }
            let (least_ns, most_ns) = (least_ns as i64, most_ns as i64);
            let _ = writeln!(
                self.console,
                "[timers] op=shots timer={timer} samples={shots} min={least_ns} max={most_ns} unit=ns"
            );
            let detail = format_args!("{shots} of {timer}");
            self.check("each shot interrupts", shots == ticker::SHOTS, detail);
        }
    }

    fn lateness(&mut self, load: &'static str, storm: Option<&str>) {
        let storm = storm.and_then(|name| self.environment.gate(name));
        let blows = storm.is_none_or(storms::start);
        let measured = self.call("meter", MEASURE, DEADLINES).is_some();
        let count = storms::stop();
        self.print_series(load, count);
        let good = measured && SERIES.early() == 0 && SERIES.count() == DEADLINES[0];
        let early = SERIES.early();
        let detail = format_args!("{early} of {} early, load {load}", SERIES.count() + early);
        self.check("deadlines are never early", good, detail);
        let enough = storm.is_none() || blows && count > 0;
        self.check("the load was there", enough, format_args!("{load}: {count}"));
    }

    fn print_series(&mut self, load: &str, count: u64) {
        let console = &mut self.console;
        let (samples, most) = (SERIES.count(), SERIES.most_ns());
        let (median, p99) = (SERIES.at_most_ns(500), SERIES.at_most_ns(990));
        let _ = writeln!(
            console,
            "[timers] op=lateness load={load} unit=ns median={median} p99={p99} max={most} \
             samples={samples} storm={count}"
        );
        for (from, to, count) in SERIES.bars() {
            let _ = writeln!(
                console,
                "[timers] histogram=lateness load={load} unit=ns from={from} to={to} count={count}"
            );
        }
    }

    /// A deadline further away than what a timer of 32 bits can count.
    fn long_sleep(&mut self) {
        let seconds = self.environment.parameters()[VALUE];
        let _ = writeln!(self.console, "timers: sleeping for {seconds} s");
        self.flush();
        let slept = self.call("meter", MEASURE, [1, seconds * 1_000_000_000, 0]).is_some();
        let (early, late_ns) = (SERIES.early(), SERIES.most_ns());
        let _ = writeln!(
            self.console,
            "[timers] op=long-sleep seconds={seconds} early={early} late={late_ns} unit=ns"
        );
        self.check("a long sleep is not early", slept && early == 0, format_args!("{seconds} s"));
    }

    fn end(&mut self) {
        let broken = self.broken;
        let _ = match broken {
            0 => writeln!(self.console, "timers: all checks were kept"),
            _ => writeln!(self.console, "timers: {broken} checks were NOT KEPT"),
        };
        self.flush();
        if let Some(core) = self.environment.my_core() {
            core.power_off(u8::from(broken > 0));
        }
    }

    fn check(&mut self, what: &str, good: bool, detail: Arguments<'_>) {
        self.broken += u32::from(!good);
        let word = if good { "ok" } else { "NOT KEPT" };
        let _ = writeln!(self.console, "timers: {what}: {word} ({detail})");
    }

    /// Calls another thread; nothing if it is not there or refuses.
    fn call(&self, name: &str, label: u32, [a, b, c]: [u64; 3]) -> Option<Message> {
        let gate: Gate = self.environment.gate(name)?;
        let answer = Ipc::call(gate).message(label, 3, [a, b, c, 0, 0, 0, 0]).make();
        (answer.arrived() && answer.label() == DONE).then_some(answer)
    }

    fn flush(&self) {
        if let Some(server) = self.environment.gate("console") {
            let _ = Ipc::call(server).message(FLUSH, 0, [0; 7]).make();
        }
    }
}
