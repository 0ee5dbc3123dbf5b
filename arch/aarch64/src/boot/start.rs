//! The list of steps, core 0.

use super::fail::fail;
use super::tables::{self, Builder, EarlyWindow, or_fail};
use super::{cores, devices, find, handover};
use crate::core_area::RECORDS;
use crate::cpu::Aarch64;
use crate::entry::interrupt;
use crate::layout::{fatal_stack_top, stack_top};
use crate::registers::{synchronise, write_register};
use crate::system::{self, System};
use crate::tree::Found;
use crate::{console, features, firmware, log};
use cedo_arch_common::memory::device_spans;
use cedo_machine::{MemoryKind, Platform, Upcalls};
use core::sync::atomic::Ordering;

const PAGE: u64 = 4096;
const MIB: u64 = 1 << 20;

unsafe extern "C" {
    /// `header.rs`: the page below the boot code's stack. The stack has eight.
    static first_stack_guard: u8;
}

/// Boots the machine and enters the kernel. The board's `kernel_main` passes what the boot code gave
/// it: the physical addresses of the device tree and of the kernel image.
pub fn start<K: Upcalls<Machine = Aarch64>>(tree: u64, load_address: u64) -> ! {
    catch_exceptions::<K>(0);
    // The boot code's stack is as good as any for an exception of the boot code.
    let boot_stack = (&raw const first_stack_guard) as u64 + PAGE * 2;
    RECORDS[0].fatal_stack_top.store(boot_stack, Ordering::Relaxed);
    // SAFETY: the boot code's table is active, and this is its only caller.
    let mut window = unsafe { EarlyWindow::new(load_address) };
    let (mut found, tree_span) = find::tree(&mut window, tree);
    devices::show_console(&mut window, &found);
    let image = tables::image(load_address);
    let ram = find::ram(&found, image);
    ram.iter().for_each(|span| window.show(span));
    let mut free = find::free(&mut found, &ram);
    free.remove(tree_span);
    let mut builder = or_fail(Builder::new(free, load_address));
    let user_root = or_fail(builder.zeroed(PAGE));
    let most_cores = found.processors.len().clamp(1, cedo_abi::MAX_CORES);

    or_fail(builder.map_image());
    or_fail(builder.map_window(&ram));
    or_fail(builder.map_stacks(most_cores));
    let unused = devices::map(&mut builder, &found);
    let releases = cores::map_releases(&mut builder, &found);
    // SAFETY: the image, which holds this core's stack, and the window were mapped.
    unsafe { tables::activate(builder.root, user_root) };
    RECORDS[0].stack_top.store(stack_top(0), Ordering::Relaxed);
    RECORDS[0].fatal_stack_top.store(fatal_stack_top(0), Ordering::Relaxed);
    let system = devices::initialise(unused, &found);
    if let Some(conduit) = found.conduit {
        system::set_firmware(firmware::Firmware(conduit));
    }

    let running = cores::start::<K>(system, &found, &releases, builder.root, load_address);
    if found.ignored > 0 {
        console::line(format_args!(
            "{} more processors are ignored: Cedo runs {}",
            found.ignored,
            cedo_abi::MAX_CORES
        ));
    }
    let spans = device_spans(&found.memory, &[], &devices::own_pages(&found));
    let release =
        handover::prepare::<K>(&mut builder, &ram, &spans, &found, system, (running, user_root));
    let release = or_fail(release);
    report(&found, system, release.platform);
    log::flush();
    match cores::release(release) {
        Some(release) => handover::change_stack::<K>(system, release),
        None => fail(format_args!("the boot code ran twice: reset the machine")),
    }
}

/// From here on, exceptions of this core enter by the kernel's vectors.
pub fn catch_exceptions<K: Upcalls<Machine = Aarch64>>(core: usize) {
    features::enable(core);
    write_register!("vbar_el1", interrupt::vectors::<K>());
    synchronise();
}

/// The story of the boot, for the log and (one line) for people.
fn report(found: &Found, system: &System, platform: &Platform) {
    let is_ram = |range: &&cedo_machine::MemoryRange| range.kind == MemoryKind::Ram;
    let frames: u64 =
        platform.memory.iter().filter(is_ram).map(|range| u64::from(range.count)).sum();
    console::line(format_args!(
        "Cedo {}: {} cores, {} MiB free, counter {} MHz",
        env!("CARGO_PKG_VERSION"),
        platform.cores,
        frames * PAGE / MIB,
        platform.clock_hz / 1_000_000
    ));
    defmt::info!(
        "interrupt controller: {=str}, {=u32} device lines; timer interrupt {=u32}",
        system.controller.name(),
        system.controller.lines(),
        system.timer_interrupt
    );
    let firmware = found.conduit.map_or("none", |conduit| match conduit {
        crate::tree::Conduit::Hvc => "by HVC",
        crate::tree::Conduit::Smc => "by SMC",
    });
    defmt::info!("power firmware: {=str}", firmware);
    for (core, record) in RECORDS.iter().take(usize::from(platform.cores)).enumerate() {
        let affinity = record.affinity.load(Ordering::Relaxed);
        defmt::info!("core {=usize}: affinity {=u64:#x}", core, affinity);
    }
    for range in platform.memory {
        let is_device = range.kind == MemoryKind::Device;
        let (first, count) = (range.first.0, range.count);
        defmt::info!(
            "memory: frame {=u32:#x}, {=u32} frames, device {=bool}",
            first,
            count,
            is_device
        );
    }
    match platform.archive {
        Some((first, bytes)) => {
            defmt::info!("archive: frame {=u32:#x}, {=u64} bytes", first.0, bytes)
        }
        None => defmt::warn!("no boot archive"),
    }
}
