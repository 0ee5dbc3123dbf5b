//! The list of steps, core 0.

use super::find::{self, Tables};
use super::handover;
use super::information::{Information, Span};
use super::memory::device_spans;
use super::tables::{self, Builder, or_fail};
use super::trampoline::Trampoline;
use super::{cores, devices, fail::fail};
use crate::core_area::RECORDS;
use crate::cpu::X86_64;
use crate::descriptor::{gates, segments};
use crate::entry::interrupt;
use crate::features::Features;
use crate::layout::stack_top;
use crate::system::System;
use crate::time::timer::Mode;
use crate::{console, log};
use cedo_machine::{Platform, Upcalls};
use core::sync::atomic::Ordering;

const PAGE: u64 = 4096;
const MIB: u64 = 1 << 20;
/// The legacy display adapter.
const VGA: Span = Span { start: 0xa_0000, end: 0xc_0000 };

/// Boots the machine and enters the kernel. The board's `kernel_main` passes what the boot code
/// gave it: the loader's magic and the physical address of the loader's information.
pub fn start<K: Upcalls<Machine = X86_64>>(magic: u64, information: u64) -> ! {
    console::initialise();
    log::initialise();
    let mut information = find::information(magic, information);
    let found = find::tables(&information);
    let features = Features::detect();
    features.enable();
    let ram = find::ram(&information);
    let free = find::free(&mut information, &ram);
    let mut builder = or_fail(Builder::new(free, features.no_execute));
    let start_page = builder.free.take(PAGE, MIB);
    let boot_root = x86_64::registers::control::Cr3::read_raw().0.start_address().as_u64();
    let most_cores = found.madt.processors.len().clamp(1, cedo_abi::MAX_CORES);

    or_fail(builder.map_image());
    or_fail(builder.map_window(&ram));
    or_fail(builder.map_stacks(most_cores));
    let unused = or_fail(devices::map(&mut builder, &found));
    load::<K>(builder.root);
    let system = devices::initialise(unused, features, &found);

    let running = start_page.map_or(1, |page| {
        let trampoline = Trampoline::install(page, boot_root, features.efer());
        cores::start::<K>(system, &found.madt.processors, &trampoline, builder.root)
    });
    report_processors(&found, start_page.is_some());
    let spans = device_spans(&information.memory, &[VGA], &devices::own_pages(&found));
    let release = handover::prepare::<K>(&mut builder, &ram, &spans, &information, system, running);
    let release = or_fail(release);
    report(&information, &found, system, release.platform);
    log::flush();
    match cores::release(release) {
        Some(release) => handover::change_stack::<K>(system, release),
        None => fail(format_args!("the boot code ran twice: reset the machine")),
    }
}

/// Changes to the kernel's page table and descriptor tables.
fn load<K: Upcalls<Machine = X86_64>>(root: u64) {
    // SAFETY: the image, which holds this core's stack, and the window were mapped.
    unsafe { tables::activate(root) };
    segments::build();
    gates::build(interrupt::stubs::<K>(), interrupt::STUB_BYTES);
    RECORDS[0].stack_top.store(stack_top(0), Ordering::Relaxed);
    segments::load(0, &RECORDS[0]);
    gates::load();
}

/// Says which processors are not used.
fn report_processors(found: &Tables, has_start_page: bool) {
    let madt = &found.madt;
    if madt.ignored > 0 {
        console::line(format_args!(
            "{} more processors are ignored: Cedo runs {}",
            madt.ignored,
            cedo_abi::MAX_CORES
        ));
    }
    if !has_start_page && madt.processors.len() > 1 {
        console::line(format_args!("no free page below 1 MiB: other processors cannot start"));
    }
    if madt.offline > 0 {
        defmt::info!("{=u32} processors are switched off by firmware", madt.offline);
    }
}

/// The story of the boot, for the log and (one line) for people.
fn report(information: &Information, found: &Tables, system: &System, platform: &Platform) {
    let bytes: u64 = platform
        .memory
        .iter()
        .filter(|range| range.kind == cedo_machine::MemoryKind::Ram)
        .map(|range| u64::from(range.count) * PAGE)
        .sum();
    console::line(format_args!(
        "Cedo {}: {} cores, {} MiB free, counter {} MHz",
        env!("CARGO_PKG_VERSION"),
        platform.cores,
        bytes / MIB,
        platform.clock_hz / 1_000_000
    ));
    let features = system.features;
    defmt::info!("loader: {=str}, ACPI {=u8}", information.loader, found.version);
    defmt::info!(
        "processor: no-execute {=bool}, counter deadline {=bool}, constant counter {=bool}",
        features.no_execute,
        features.timer == Mode::Counter,
        features.constant_counter
    );
    if !features.constant_counter {
        defmt::warn!("the counter's rate may change with the processor's speed");
    }
    for (core, record) in RECORDS.iter().take(usize::from(platform.cores)).enumerate() {
        defmt::info!(
            "core {=usize}: APIC {=u8}, counter offset {=i64} ticks",
            core,
            record.apic.load(Ordering::Relaxed),
            record.clock_offset.load(Ordering::Relaxed)
        );
    }
    for range in platform.memory {
        let is_device = range.kind == cedo_machine::MemoryKind::Device;
        let (first, count) = (range.first.0, range.count);
        defmt::info!(
            "memory: frame {=u32:#x}, {=u32} frames, device {=bool}",
            first,
            count,
            is_device
        );
    }
    defmt::info!("device interrupt lines: {=u32}", system.io_apics.lines());
    match platform.archive {
        Some((first, bytes)) => {
            defmt::info!("archive: frame {=u32:#x}, {=u64} bytes", first.0, bytes)
        }
        None => defmt::warn!("no boot archive"),
    }
}
