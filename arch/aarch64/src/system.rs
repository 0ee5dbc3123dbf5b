//! What all cores know of the machine. Set once by core 0 before the others start.

use crate::device::controller::Controller;
use crate::firmware::Firmware;
use crate::late::Late;
use cedo_arch_common::scale::Scale;

/// The machine.
pub struct System {
    /// The interrupt controller.
    pub controller: Controller,
    /// Interrupt of each core's virtual timer.
    pub timer_interrupt: u32,
    /// Interrupt of each core's physical timer, which programs may have.
    pub alarm_interrupt: Option<u32>,
    /// Ticks and nanoseconds.
    pub scale: Scale,
}

static SYSTEM: Late<System> = Late::new();
static FIRMWARE: Late<Firmware> = Late::new();

/// Makes the machine known.
pub fn set(system: System) -> Option<&'static System> {
    SYSTEM.set(system)
}

/// The machine, once it is known.
#[inline]
pub fn get() -> Option<&'static System> {
    SYSTEM.get()
}

/// Makes known how to call the firmware.
pub fn set_firmware(firmware: Firmware) {
    FIRMWARE.set(firmware);
}

/// How to call the firmware, if there is any.
pub fn firmware() -> Option<&'static Firmware> {
    FIRMWARE.get()
}
