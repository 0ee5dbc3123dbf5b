//! One line of the result, for programs and for people.

use crate::samples::Summary;
use crate::stopwatch;
use cedo_lib::Console;
use cedo_lib::abi::info::CounterUnit;
use core::fmt::Write;

/// What was measured, and what came out.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub operation: &'static str,
    pub place: Option<Place>,
    pub summary: Summary,
}

/// Where the partner is, and how long the message is if that is chosen.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub space: &'static str,
    pub cores: &'static str,
    pub words: Option<usize>,
}

/// What a reader must know of the unit of all figures, in a line.
fn meaning(unit: CounterUnit) -> &'static str {
    match unit {
        CounterUnit::Instructions => {
            "executed by an emulator; they say nothing of caches, pipelines or time"
        }
        CounterUnit::Ticks => {
            "of an emulator's clock: no measure; they depend on the host and compare with nothing"
        }
        CounterUnit::Cycles if stopwatch::is_cores_own() => {
            "of the core; it may count none while it halts, as in a call across cores"
        }
        CounterUnit::Cycles => {
            "of the processor's counter; not the core's where the core's frequency changes"
        }
        CounterUnit::ClockTicks => "of the machine's clock: time, in steps longer than a cycle",
    }
}

impl Row {
    /// One line for a program.
    pub fn print(&self, console: &mut Console) {
        let Summary { min, median, p99, max, samples } = self.summary;
        let _ = write!(console, "[bench] op={}", self.operation);
        if let Some(Place { space, cores, words }) = self.place {
            let _ = write!(console, " space={space} cores={cores}");
            if let Some(words) = words {
                let _ = write!(console, " words={words}");
            }
        }
        let unit = stopwatch::unit().name();
        let _ = write!(console, " unit={unit} min={min} median={median} p99={p99}");
        let _ = writeln!(console, " max={max} samples={samples}");
    }

    /// One line of a table.
    pub fn print_aligned(&self, console: &mut Console) {
        let Summary { min, median, p99, max, .. } = self.summary;
        let nowhere = Place { space: "-", cores: "-", words: None };
        let Place { space, cores, words } = self.place.unwrap_or(nowhere);
        let words = words.unwrap_or(0);
        let _ = write!(console, "{:<22} {space:<6} {cores:<6} {words:>5}", self.operation);
        let _ = writeln!(console, " {min:>9} {median:>9} {p99:>9} {max:>9}");
    }
}

/// The head of the table.
pub fn print_head(console: &mut Console) {
    let _ = writeln!(console);
    let _ = write!(console, "{:<22} {:<6} {:<6} {:>5}", "operation", "space", "cores", "words");
    let _ = writeln!(console, " {:>9} {:>9} {:>9} {:>9}", "min", "median", "p99", "max");
}

/// What the figures are, and what they are not.
pub fn print_unit(console: &mut Console) {
    let unit = stopwatch::unit();
    let _ = writeln!(console, "unit: {} {}", unit.name(), meaning(unit));
}
