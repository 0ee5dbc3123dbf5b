//! What is measured, in which order, and how the result is printed.

use crate::row::{self, Row};
use crate::samples::Summary;
use crate::{decision, interrupt, page_fault, round_trip};
use cedo_api::console::FLUSH;
use cedo_lib::ipc::{Ipc, yield_processor};
use cedo_lib::processor::Protocol;
use cedo_lib::{Console, Environment};
use core::fmt::Write;

/// Lengths of messages measured.
const WORDS: [usize; 6] = [0, 4, 8, 16, 32, 63];
/// Partners: name of the gate, where it is.
const PARTNERS: [(&str, &str, &str); 3] =
    [("same", "same", "same"), ("other", "other", "same"), ("remote", "other", "cross")];
/// The system that shows a table besides the lines for programs.
const SYSTEM_FOR_PEOPLE: &str = "default";

/// All rows, and whether all measurements came to an end.
struct Results {
    rows: [Option<Row>; 24],
    count: usize,
    complete: bool,
}

/// Measures everything, prints it, switches the machine off.
pub fn run(environment: &Environment) {
    // Everybody else gets to where it waits.
    (0..16).for_each(|_| {
        let _ = yield_processor();
    });
    let mut results = Results { rows: [None; 24], count: 0, complete: true };
    measure(environment, &mut results);
    print(environment, &results);
    if let Some(console) = environment.gate("console") {
        let _ = Ipc::call(console).message(FLUSH, 0, [0; 7]).make();
    }
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
            results.add("round-trip", Some((space, cores, words)), summary);
        }
    }
    let gate = |name| environment.gate(name);
    if let (Some(first), Some(second)) = (gate("spinner0"), gate("spinner1")) {
        let operation = match environment.protocol() {
            Protocol::Direct => "timer-decision-direct",
            Protocol::Chain => "timer-decision-chain",
        };
        results.add(operation, None, decision::measure([first, second]));
        if let Some(handler) = gate("timer") {
            results.add("interrupt-to-handler", None, interrupt::measure(handler, first));
        }
    }
    if gate("pager").is_some() {
        results.add("page-fault", None, page_fault::measure(overhead));
    }
}

impl Results {
    fn add(
        &mut self,
        operation: &'static str,
        place: Option<(&'static str, &'static str, usize)>,
        summary: Option<Summary>,
    ) {
        let row = summary.filter(|summary| summary.samples > 0);
        let row = row.map(|summary| Row { operation, place, summary });
        self.complete &= row.is_some();
        if let Some(free) = self.rows.get_mut(self.count).filter(|_| row.is_some()) {
            *free = row;
            self.count += 1;
        }
    }
}

fn print(environment: &Environment, results: &Results) {
    let mut console = Console::of(environment);
    let rows = || results.rows.iter().flatten();
    rows().for_each(|row| row.print(&mut console));
    if environment.system_name() == SYSTEM_FOR_PEOPLE {
        row::print_head(&mut console);
        rows().for_each(|row| row.print_aligned(&mut console));
    }
    let end = if results.complete { "" } else { ", but not all measurements came to an end" };
    let _ = writeln!(console, "bench: {} operations, in {}{end}", results.count, row::unit());
}
