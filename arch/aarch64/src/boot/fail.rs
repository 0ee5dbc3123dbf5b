//! One line, and the end.

use crate::{console, log, panic, power};
use core::fmt;

/// Exit code of an emulator when the kernel cannot boot.
const EXIT_CODE: u8 = 2;

/// Says what is wrong and what to do, then stops every core. On a real machine the line stays
/// readable: nothing is switched off. It is in the log too, since the console may be what is missing.
pub fn fail(reason: fmt::Arguments<'_>) -> ! {
    console::line(format_args!("cannot boot: {reason}"));
    defmt::error!("cannot boot: {}", defmt::Display2Format(&reason));
    log::flush();
    panic::stop_other_cores();
    power::leave_emulator(EXIT_CODE);
    panic::halt_for_ever()
}
