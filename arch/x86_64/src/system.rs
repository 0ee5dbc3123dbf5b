//! What all cores know of the machine. Set once by core 0 before the others start.

use crate::acpi::Fadt;
use crate::device::io_apic::IoApics;
use crate::device::local_apic::LocalApic;
use crate::features::Features;
use crate::late::Late;
use crate::time::scale::Scale;

/// The machine.
pub struct System {
    /// What the processors can do.
    pub features: Features,
    /// The calling core's interrupt controller: each core sees its own at the same address.
    pub local_apic: LocalApic,
    /// The controllers that lines arrive at.
    pub io_apics: IoApics,
    /// Ticks, nanoseconds, timer counts.
    pub scale: Scale,
}

static SYSTEM: Late<System> = Late::new();
static POWER: Late<Fadt> = Late::new();

/// Makes the machine known.
pub fn set(system: System) -> Option<&'static System> {
    SYSTEM.set(system)
}

/// The machine, once it is known.
#[inline]
pub fn get() -> Option<&'static System> {
    SYSTEM.get()
}

/// Makes known how to switch off.
pub fn set_power(fadt: Fadt) {
    POWER.set(fadt);
}

/// How to switch off.
pub fn power() -> Fadt {
    POWER.get().copied().unwrap_or_default()
}
