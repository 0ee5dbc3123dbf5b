//! What is measured, in which order, and how the result is printed.

use crate::row::{self, Place, Row};
use crate::samples::Summary;
use crate::{decision, interrupt, page_fault, round_trip};
use cedo_api::console::FLUSH;
use cedo_lib::ipc::Ipc;
use cedo_lib::processor::Protocol;
use cedo_lib::sched::sleep_until;
use cedo_lib::{Clock, Console, Environment, Gate};
use core::fmt::Write;

/// Lengths of messages measured.
const WORDS: [usize; 6] = [0, 4, 8, 16, 32, 63];
/// How long everybody else has to come to rest.
const REST_NS: u64 = 50_000_000;
/// Partners: name of the gate, where it is.
const PARTNERS: [(&str, &str, &str); 3] =
    [("same", "same", "same"), ("other", "other", "same"), ("remote", "other", "cross")];
/// Rows that there is room for.
const MAX_ROWS: usize = 32;
/// The system that shows a table besides the lines for programs.
const SYSTEM_FOR_PEOPLE: &str = "default";

/// All rows, and whether all measurements came to an end.
struct Results {
    rows: [Option<Row>; MAX_ROWS],
    count: usize,
    complete: bool,
    console: Console,
    /// The console server, which must have nothing left to do while something is measured.
    server: Option<Gate>,
}

/// Measures everything, prints it, switches the machine off.
pub fn run(environment: &Environment) {
    // Everybody else gets to where it waits, also who is less urgent.
    let clock = Clock::of_core(environment.core_number());
    let _ = sleep_until(clock.now_ns() + REST_NS);
    let mut results = Results {
        rows: [None; MAX_ROWS],
        count: 0,
        complete: true,
        console: Console::of(environment),
        server: environment.gate("console"),
    };
    measure(environment, &mut results);
    if environment.system_name() == SYSTEM_FOR_PEOPLE {
        results.print_table();
    }
    results.print_end();
    results.flush();
    if let Some(core) = environment.my_core() {
        core.power_off(u8::from(!results.complete));
    }
}

fn measure(environment: &Environment, results: &mut Results) {
    let overhead = round_trip::counter_overhead();
    for (name, space, cores) in PARTNERS {
        let Some(gate) = environment.gate(name) else { continue };
        for words in WORDS {
            let summary = round_trip::measure(gate, words, overhead);
            let place = Place { space, cores, words: Some(words) };
            results.add("round-trip", Some(place), summary);
        }
    }
    let gate = |name| environment.gate(name);
    if let Some(handler) = gate("pager") {
        let place = Some(Place { space: "other", cores: "same", words: None });
        results.add("page-fault", place, page_fault::without_mapping(handler));
        results.add("page-fault-map", place, page_fault::with_mapping(handler, overhead));
        results.add("page-fault-state", place, page_fault::with_state(handler, overhead));
    }
    let (Some(first), Some(second)) = (gate("spinner0"), gate("spinner1")) else { return };
    if let Some(handler) = gate("timer") {
        results.add("interrupt-to-handler", None, interrupt::measure(handler, first));
    }
    let operation = match environment.protocol() {
        Protocol::Direct => "timer-decision-direct",
        Protocol::Chain => "timer-decision-chain",
    };
    results.add(operation, None, decision::measure([first, second]));
}

impl Results {
    /// Takes a row in and prints it at once: what is known stays known if the next one fails.
    fn add(&mut self, operation: &'static str, place: Option<Place>, summary: Option<Summary>) {
        let row = summary.filter(|summary| summary.samples > 0);
        let row = row.map(|summary| Row { operation, place, summary });
        self.complete &= row.is_some();
        let Some(row) = row else { return };
        if let Some(free) = self.rows.get_mut(self.count) {
            *free = Some(row);
            self.count += 1;
        }
        row.print(&mut self.console);
        self.flush();
    }

    fn print_table(&mut self) {
        row::print_head(&mut self.console);
        for row in self.rows.into_iter().flatten() {
            row.print_aligned(&mut self.console);
        }
    }

    fn print_end(&mut self) {
        row::print_unit(&mut self.console);
        let count = self.count;
        let end = if self.complete { "" } else { ", but not all measurements came to an end" };
        let _ = writeln!(self.console, "bench: {count} operations{end}");
    }

    /// Returns when everything printed has left the machine.
    fn flush(&self) {
        if let Some(server) = self.server {
            let _ = Ipc::call(server).message(FLUSH, 0, [0; 7]).make();
        }
    }
}
