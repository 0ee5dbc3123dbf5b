//! The devices that the kernel uses itself: mapped by core 0, then set up.

use super::fail::fail;
use super::find::Tables;
use super::information::Span;
use super::tables::{Builder, NoMemory};
use crate::acpi::madt::MOST_IO_APICS;
use crate::core_area::RECORDS;
use crate::device::hpet::{self, Hpet};
use crate::device::io_apic::{self, IoApics};
use crate::device::local_apic::{self, LocalApic};
use crate::device::pic;
use crate::features::Features;
use crate::system::{self, System};
use crate::time::calibrate;
use crate::time::reference::Reference;
use crate::time::timer::Mode;
use cedo_mmio::Registers;
use core::sync::atomic::Ordering;
use heapless::Vec;

/// Devices that are mapped but not touched yet.
pub struct Devices {
    local: LocalApic,
    io_apics: Vec<(Registers, u32), MOST_IO_APICS>,
    hpet: Option<Registers>,
}

/// Maps the devices that ACPI names.
pub fn map(builder: &mut Builder, tables: &Tables) -> Result<Devices, NoMemory> {
    let mut index = 0;
    let mut device = |physical: u64, bytes: usize| -> Result<Registers, NoMemory> {
        let address = builder.map_device(index, physical)?;
        index += 1;
        // SAFETY: the page was just mapped, uncached, and holds the registers that ACPI (or the
        // architecture's default) names; the drivers follow their manuals.
        Ok(unsafe { Registers::new(address as *mut u8, bytes) })
    };
    let local = LocalApic::new(device(tables.madt.local_apic, local_apic::BYTES)?);
    let hpet = tables.hpet.map(|address| device(address, hpet::BYTES)).transpose()?;
    let mut io_apics = Vec::new();
    for entry in &tables.madt.io_apics {
        // The list is as long as the table's.
        let _ = io_apics.push((device(entry.address, io_apic::BYTES)?, entry.first_line));
    }
    Ok(Devices { local, io_apics, hpet })
}

/// Sets the devices up and makes the machine known. On the kernel's page table.
pub fn initialise(devices: Devices, features: Features, tables: &Tables) -> &'static System {
    let Devices { local, io_apics, hpet } = devices;
    pic::disable();
    if !local_apic::enter_xapic_mode() {
        fail(format_args!("firmware locked x2APIC mode: switch x2APIC off in the firmware"));
    }
    // For the measurement the timer has to count, whatever it does later.
    local.initialise(Mode::Count);
    let mut lines = IoApics::new(tables.madt.overrides.clone());
    for (registers, first_line) in io_apics {
        lines.add(registers, first_line);
    }
    let reference = Reference::choose(hpet.and_then(Hpet::start), tables.fadt.timer);
    let Some(reference) = reference else {
        fail(format_args!("no timer runs: neither HPET nor ACPI timer nor PIT"))
    };
    let scale = calibrate::measure(&reference, local);
    local.initialise(features.timer);
    RECORDS[0].apic.store(local.identifier(), Ordering::Relaxed);
    defmt::info!(
        "clocks: counter {=u64} Hz, timer {=u64} Hz, measured with {=str} at {=u64} Hz",
        scale.tick_hz,
        scale.count_hz,
        reference.name,
        reference.hertz
    );
    system::set_power(tables.fadt);
    match system::set(System { features, local_apic: local, io_apics: lines, scale }) {
        Some(system) => system,
        None => fail(format_args!("the boot code ran twice: reset the machine")),
    }
}

/// Pages that stay the kernel's: the interrupt controllers.
pub fn own_pages(tables: &Tables) -> Vec<Span, { MOST_IO_APICS + 1 }> {
    let local = Span::new(tables.madt.local_apic, local_apic::BYTES as u64);
    let lines =
        tables.madt.io_apics.iter().map(|entry| Span::new(entry.address, io_apic::BYTES as u64));
    core::iter::once(local).chain(lines).collect()
}
