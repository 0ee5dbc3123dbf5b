//! One line of the result, for programs and for people.

use crate::samples::Summary;
use cedo_lib::{Console, clock};
use core::fmt::Write;

/// What was measured, and what came out.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub operation: &'static str,
    /// Where the partner is: `space` and `cores`, and how long the message is.
    pub place: Option<(&'static str, &'static str, usize)>,
    pub summary: Summary,
}

/// The unit of all figures.
pub fn unit() -> &'static str {
    if clock::is_emulated() { "instructions" } else { "cycles" }
}

impl Row {
    /// One line for a program.
    pub fn print(&self, console: &mut Console) {
        let Summary { min, median, p99, max, samples } = self.summary;
        let _ = write!(console, "[bench] op={}", self.operation);
        if let Some((space, cores, words)) = self.place {
            let _ = write!(console, " space={space} cores={cores} words={words}");
        }
        let _ = write!(console, " unit={} min={min} median={median} p99={p99}", unit());
        let _ = writeln!(console, " max={max} samples={samples}");
    }

    /// One line of a table.
    pub fn print_aligned(&self, console: &mut Console) {
        let Summary { min, median, p99, max, .. } = self.summary;
        let (space, cores, words) = self.place.unwrap_or(("-", "-", 0));
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
