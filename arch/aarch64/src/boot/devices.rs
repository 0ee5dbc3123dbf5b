//! The devices that the kernel uses itself: mapped by core 0, then set up.

use super::fail::fail;
use super::tables::{Builder, EarlyWindow, or_fail};
use crate::core_area::RECORDS;
use crate::device::bcm::Bcm;
use crate::device::controller::Controller;
use crate::device::gic::Gic;
use crate::device::legacy_controller::{self, LegacyController};
use crate::device::local_controller::{self, LocalController};
use crate::device::uart::{self, Uart};
use crate::device::{distributor, gic_v2};
use crate::system::{self, System};
use crate::time::{counter, deadline};
use crate::tree::{self, ControllerKind, Found};
use crate::{console, features};
use cedo_arch_common::memory::Span;
use cedo_arch_common::scale::Scale;
use cedo_mmio::Registers;
use core::sync::atomic::Ordering;
use heapless::Vec;

/// Devices that are mapped but not touched yet.
pub struct Devices {
    controller: Controller,
    uart: Option<Uart>,
}

/// Prints through the first table, so that whatever fails can be read.
pub fn show_console(window: &mut EarlyWindow, found: &Found) {
    if let Some(physical) = found.uart {
        console::initialise(Uart::new(registers(window.show_device(physical), uart::BYTES)));
    }
}

/// Maps the devices that the tree names.
pub fn map(builder: &mut Builder, found: &Found) -> Devices {
    let controller = found.controller.unwrap_or_else(|| {
        fail(format_args!(
            "no interrupt controller in the device tree: GICv2, GICv3 or BCM2836 is needed"
        ))
    });
    let mut device = |span: Span| {
        let bytes = usize::try_from(span.bytes()).unwrap_or(usize::MAX);
        registers(or_fail(builder.map_device(span)), bytes)
    };
    let [own, cores] = spans(&controller);
    let least = least_bytes(controller.kind);
    if own.bytes() < least[0] as u64 || cores.bytes() < least[1] as u64 {
        fail(format_args!("the interrupt controller in the device tree is too small to be one"));
    }
    let (own, cores) = (device(own), device(cores));
    let controller = match controller.kind {
        ControllerKind::V2 => Controller::Gic(Gic::v2(own, cores)),
        ControllerKind::V3 => Controller::Gic(Gic::v3(own, cores)),
        ControllerKind::Bcm2836 => {
            Controller::Bcm(Bcm::new(LocalController::new(cores), LegacyController::new(own)))
        }
    };
    let uart = found.uart.map(|start| Span::new(start, uart::BYTES as u64));
    Devices { controller, uart: uart.map(|span| Uart::new(device(span))) }
}

fn registers(address: u64, bytes: usize) -> Registers {
    // SAFETY: the pages were just mapped, uncached, and hold the registers that the device tree
    // names; the drivers follow their manuals.
    unsafe { Registers::new(address as *mut u8, bytes) }
}

/// Sets the devices up and makes the machine known. On the kernel's page table.
pub fn initialise(devices: Devices, found: &Found) -> &'static System {
    let Devices { controller, uart } = devices;
    if let Some(uart) = uart {
        console::initialise(uart);
    }
    let hertz = counter::hertz();
    let Some(timer_interrupt) = found.timer.filter(|_| hertz > 0) else {
        fail(format_args!(
            "no timer: the device tree names no virtual timer, or firmware set no frequency"
        ))
    };
    RECORDS[0].affinity.store(features::affinity(), Ordering::Relaxed);
    deadline::stop();
    controller.initialise();
    if !controller.initialise_core(&RECORDS[0], timer_interrupt) {
        fail(format_args!("the interrupt controller has no part for core 0: report this machine"));
    }
    let alarm_interrupt = found.alarm;
    let scale = Scale::new(hertz, hertz);
    let system = System { controller, timer_interrupt, alarm_interrupt, scale };
    match system::set(system) {
        Some(system) => system,
        None => fail(format_args!("the boot code ran twice: reset the machine")),
    }
}

/// Bytes that the parts of a controller have at least.
fn least_bytes(kind: ControllerKind) -> [usize; 2] {
    match kind {
        ControllerKind::V2 => [0x1000, gic_v2::BYTES],
        ControllerKind::V3 => [distributor::BYTES, gic_v2::BYTES],
        ControllerKind::Bcm2836 => [legacy_controller::BYTES, local_controller::BYTES],
    }
}

fn spans(controller: &tree::Controller) -> [Span; 2] {
    [controller.distributor, controller.cores]
}

/// Pages that stay the kernel's: the interrupt controller.
pub fn own_pages(found: &Found) -> Vec<Span, 2> {
    found.controller.iter().flat_map(spans).collect()
}
