//! Text on the serial port: boot messages, `Core` WRITE and panics. Before a port is known, text is
//! lost.

use crate::device::uart::Uart;
use crate::lock::TicketLock;
use cedo_arch_common::text::Text;
use core::fmt;

static PORT: TicketLock<Option<Uart>> = TicketLock::new(None);

/// From here on, text goes to this port.
pub fn initialise(mut port: Uart) {
    port.initialise();
    PORT.with(|place| *place = Some(port));
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

fn send(port: &mut Option<Uart>, text: &[u8]) {
    let Some(port) = port else { return };
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
