//! Off and reset.

use crate::{console, log, panic, semihosting, system};
use cedo_machine::Power;

/// Added to the exit code, so that no code reads as success of something else.
const EMULATOR_BASE: u64 = 0x10;

/// Does it.
pub fn act(action: Power) -> ! {
    log::flush();
    panic::stop_other_cores();
    match action {
        Power::Off(code) => off(code),
        Power::Reboot => reboot(),
    }
}

/// Leaves an emulator with this code, written as on a PC: twice the value plus 1. Returns on a real
/// machine.
pub fn leave_emulator(code: u8) {
    semihosting::exit((EMULATOR_BASE + u64::from(code)) << 1 | 1);
}

fn off(code: u8) -> ! {
    leave_emulator(code);
    if let Some(firmware) = system::firmware() {
        firmware.power_off();
    }
    console::write(b"Safe to switch off\n");
    panic::halt_for_ever()
}

fn reboot() -> ! {
    if let Some(firmware) = system::firmware() {
        firmware.reset();
    }
    console::write(b"Switch off and on again\n");
    panic::halt_for_ever()
}
