//! Text on COM1: boot messages, `Core` WRITE and panics.

use crate::device::uart::{COM1, Uart};
use crate::lock::TicketLock;
use cedo_arch_common::text::Text;
use core::fmt;

static PORT: TicketLock<Uart> = TicketLock::new(Uart::new(COM1));

/// Sets the port up.
pub fn initialise() {
    PORT.with(Uart::initialise);
}

/// Writes text as a whole: other cores wait. A line feed becomes carriage return and line feed.
pub fn write(text: &[u8]) {
    PORT.with(|port| send(port, text));
}

/// Writes text whoever holds the port.
///
/// # Safety
/// No other core runs.
pub unsafe fn write_alone(text: &[u8]) {
    // SAFETY: promised by the caller.
    unsafe { PORT.break_open(|port| send(port, text)) };
}

fn send(port: &mut Uart, text: &[u8]) {
    port.look_again();
    for byte in text {
        if *byte == b'\n' {
            port.send(b'\r');
        }
        port.send(*byte);
    }
}

/// Prints one line.
pub fn line(text: fmt::Arguments<'_>) {
    // Writing to the console cannot fail.
    let _ = fmt::write(&mut Text(write), format_args!("{text}\n"));
}
