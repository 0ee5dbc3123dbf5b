//! What machine this is: the loader's words and ACPI's tables.

use super::fail::fail;
use super::information::{Information, Span};
use super::memory::{LEAST_BYTES, Spans};
use super::tables::{self, NoMemory};
use super::{multiboot, pvh};
use crate::acpi::root::Root;
use crate::acpi::{self, Fadt, Madt, Physical};
use crate::console;
use crate::layout::{EARLY_WINDOW_BYTES, WINDOW_BASE, WINDOW_FRAMES};
use cedo_arch_common::pages;

const PAGE: u64 = 4096;
const MIB: u64 = 1 << 20;

/// Physical memory as the boot code's page table shows it.
struct EarlyWindow;

impl Physical for EarlyWindow {
    fn bytes(&self, address: u64, length: usize) -> Option<&[u8]> {
        let end = address.checked_add(length as u64)?;
        if end > EARLY_WINDOW_BYTES {
            return None;
        }
        // SAFETY: all of the first 4 GiB is mapped, and nothing writes to the tables read through
        // this before boot code starts to take memory.
        Some(unsafe { core::slice::from_raw_parts((WINDOW_BASE + address) as *const u8, length) })
    }
}

/// What ACPI says.
pub struct Tables {
    /// 1 for ACPI 1.0, 2 for later, 0 for none.
    pub version: u8,
    /// Processors and interrupt controllers.
    pub madt: Madt,
    /// The ACPI timer, power off, reset.
    pub fadt: Fadt,
    /// Address of the high precision event timer.
    pub hpet: Option<u64>,
}

/// Copies what the loader said.
pub fn information(magic: u64, address: u64) -> Information {
    let information = match magic as u32 {
        pvh::MAGIC => pvh::read(&EarlyWindow, address),
        multiboot::MAGIC => multiboot::read(&EarlyWindow, address),
        _ => None,
    };
    information.unwrap_or_else(|| {
        fail(format_args!("no memory map from the loader: use GRUB's multiboot2 or QEMU's -kernel"))
    })
}

/// Reads ACPI's tables.
pub fn tables(information: &Information) -> Tables {
    let root = Root::find(&EarlyWindow, information.root_pointer);
    let table = |name| root.and_then(|root| root.table(&EarlyWindow, name));
    let madt = table(b"APIC").map(Madt::read).unwrap_or_else(|| {
        console::line(format_args!("no ACPI processor table: one core and no device interrupts"));
        Madt::default()
    });
    Tables {
        version: root.map_or(0, |root| root.version),
        madt,
        fadt: table(b"FACP").map_or(Fadt::default(), |table| Fadt::read(&EarlyWindow, table)),
        hpet: table(b"HPET").and_then(acpi::hpet::address),
    }
}

/// All RAM that the window can show, without the first page and the kernel image.
pub fn ram(information: &Information) -> Spans {
    let mut ram = Spans::ram(&information.memory, WINDOW_FRAMES * PAGE);
    ram.remove(Span { start: 0, end: PAGE });
    ram.remove(tables::image());
    if ram.bytes() < LEAST_BYTES {
        fail(format_args!(
            "only {} KiB of free memory: Cedo needs at least {} KiB, add some",
            ram.bytes() >> 10,
            LEAST_BYTES >> 10
        ));
    }
    ram
}

/// The memory that boot code may use: `ram` without the boot archive. An archive that the loader
/// put into the first MiB, where other cores start, or off a page boundary is moved.
pub fn free(information: &mut Information, ram: &Spans) -> Spans {
    let mut free = ram.clone();
    let Some(archive) = information.archive.filter(|archive| archive.bytes() > 0) else {
        return free;
    };
    let reachable = Spans::ram(&information.memory, EARLY_WINDOW_BYTES);
    let image = tables::image();
    let is_apart = archive.end <= image.start || image.end <= archive.start;
    if reachable.overlap(archive) != archive.bytes() || !is_apart {
        fail(format_args!(
            "the boot archive at {:#x} is not in free memory: load it as the first module",
            archive.start
        ));
    }
    free.remove(archive);
    if archive.start % PAGE != 0 || archive.start < MIB {
        let place = free.take(archive.bytes().next_multiple_of(PAGE), EARLY_WINDOW_BYTES);
        let place = tables::or_fail(place.ok_or(NoMemory));
        copy(archive, place);
        let moved = Span::new(place, archive.bytes());
        information.archive = Some(moved);
        free = ram.clone();
        free.remove(moved);
    }
    free
}

/// Copies `from` to other memory below 4 GiB, and zeroes the rest of the last page.
fn copy(from: Span, to: u64) {
    let (source, target) = ((WINDOW_BASE + from.start) as *const u8, (WINDOW_BASE + to) as *mut u8);
    // SAFETY: both are RAM in the window; the target was taken for this, in whole pages, and is no
    // part of the source, which nothing else uses.
    unsafe { pages::copy(source, target, from.bytes() as usize) };
}
