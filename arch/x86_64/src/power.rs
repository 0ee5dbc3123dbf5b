//! Off and reset.

use crate::acpi::fadt::PowerOff;
use crate::device::port;
use crate::{console, log, panic, system};
use cedo_machine::Power;
use core::hint::spin_loop;

/// QEMU's `isa-debug-exit`, 4 bytes wide: exits with twice the value plus 1.
const EMULATOR_EXIT: u16 = 0xf4;
/// Added to the exit code, so that no code reads as success of something else.
const EMULATOR_BASE: u32 = 0x10;
/// ACPI: enter the sleep state now.
const SLEEP_ENABLE: u16 = 1 << 13;
/// Keyboard controller: status, command, and the command that pulses the reset line.
const KEYBOARD: u16 = 0x64;
const KEYBOARD_BUSY: u8 = 2;
const KEYBOARD_RESET: u8 = 0xfe;
/// Chipset reset register: full reset.
const CHIPSET_RESET: (u16, u8) = (0xcf9, 0x0e);
/// Looks that a slow device gets.
const PATIENCE: u32 = 1_000_000;

/// Does it.
pub fn act(action: Power) -> ! {
    log::flush();
    panic::stop_other_cores();
    match action {
        Power::Off(code) => off(code),
        Power::Reboot => reboot(),
    }
}

/// Leaves an emulator with this code; returns on a real machine.
pub fn leave_emulator(code: u8) {
    port::write(EMULATOR_EXIT, EMULATOR_BASE + u32::from(code));
}

fn off(code: u8) -> ! {
    leave_emulator(code);
    if let Some(PowerOff { a, b }) = system::power().power_off {
        for (port, kind) in [Some(a), b].into_iter().flatten() {
            let control: u16 = port::read(port);
            port::write(port, control & !(7 << 10) | u16::from(kind) << 10 | SLEEP_ENABLE);
        }
        wait();
    }
    console::write(b"Safe to switch off\n");
    panic::halt_for_ever()
}

fn reboot() -> ! {
    if let Some((port, value)) = system::power().reset {
        port::write(port, value);
        wait();
    }
    for _ in 0..PATIENCE {
        if port::read::<u8>(KEYBOARD) & KEYBOARD_BUSY == 0 {
            break;
        }
        spin_loop();
    }
    port::write(KEYBOARD, KEYBOARD_RESET);
    wait();
    port::write(CHIPSET_RESET.0, CHIPSET_RESET.1);
    wait();
    console::write(b"Press the reset button\n");
    panic::halt_for_ever()
}

fn wait() {
    (0..PATIENCE).for_each(|_| spin_loop());
}
