//! Finding what is needed in a device tree.

use super::node::{Bus, Cells, cell, names, number};
use super::{Conduit, Controller, ControllerKind, Found, Processor};
use cedo_arch_common::memory::{Entry, Span};
use dtoolkit::fdt::Fdt;
use dtoolkit::{Node, Property};

const GIC_V2: [&str; 3] = ["arm,cortex-a15-gic", "arm,gic-400", "arm,cortex-a7-gic"];
const GIC_V3: [&str; 1] = ["arm,gic-v3"];
const LOCAL: [&str; 1] = ["brcm,bcm2836-l1-intc"];
const LEGACY: [&str; 1] = ["brcm,bcm2836-armctrl-ic"];
const BUS: [&str; 1] = ["simple-bus"];
const TIMER: [&str; 2] = ["arm,armv8-timer", "arm,armv7-timer"];
const UART: [&str; 1] = ["arm,pl011"];
const FIRMWARE: [&str; 3] = ["arm,psci-1.0", "arm,psci-0.2", "arm,psci"];
const SPIN: [&str; 1] = ["spin-table"];
const EMULATOR: [&str; 1] = ["linux,dummy-virt"];

/// Places in the list of the timer node: behind the secure timer.
const PHYSICAL_TIMER: usize = 1;
const VIRTUAL_TIMER: usize = 2;
/// Cells of an interrupt of a GIC: kind, number, flags. A BCM2836 leaves the kind away.
const GIC_CELLS: usize = 3;
const LOCAL_CELLS: usize = 2;
const PAGE: u64 = 4096;
/// End of the addresses that a page-table entry can hold.
const PHYSICAL_END: u64 = 1 << 48;
/// Kind of an interrupt that each core has for itself, and the first of their numbers.
const OWN: (u32, u32) = (1, 16);

/// Reads a tree. `None` if it is damaged.
pub fn read(bytes: &[u8]) -> Option<Found> {
    let tree = Fdt::new(bytes).ok()?;
    let root = tree.root();
    let cells = Cells::below(&root);
    let mut found =
        Found { is_emulated: names(&root, "compatible", &EMULATOR), ..Found::default() };
    for node in root.children() {
        match node.name() {
            "chosen" => chosen(&node, &mut found),
            "cpus" => processors(&node, &mut found),
            "reserved-memory" => reserved(&node, &mut found),
            name if name == "memory" || name.starts_with("memory@") => {
                memory(&node, cells, true, &mut found);
            }
            _ if names(&node, "compatible", &BUS) => bus(&node, cells, &mut found),
            _ => device(&node, Bus::root(cells), &mut found),
        }
    }
    if let (Some(cores), Some(distributor)) = (found.local, found.legacy) {
        let bcm = Controller { kind: ControllerKind::Bcm2836, distributor, cores };
        found.controller = found.controller.or(Some(bcm));
    }
    let kept = tree.memory_reservations().map(|kept| Span::new(kept.address(), kept.size()));
    kept.take(super::MEMORY_ENTRIES).for_each(|span| reserve(span, &mut found));
    Some(found)
}

/// Devices on a bus of the root.
fn bus(node: &impl Node, parent: Cells, found: &mut Found) {
    let Some(ranges) = node.property("ranges") else { return };
    let bus = Bus::below(node, parent, ranges.value());
    node.children().for_each(|child| device(&child, bus, found));
}

fn reserve(span: Span, found: &mut Found) {
    // A map with more entries is QEMU's or a board's that nobody has seen; see `memory`.
    let _ = found.memory.push(Entry { span, is_ram: false });
}

/// The total size that the first words of a tree state; `None` if it is none.
pub fn size(first: &[u8; 8]) -> Option<usize> {
    const MAGIC: [u8; 4] = [0xd0, 0x0d, 0xfe, 0xed];
    let [a, b, c, d, size @ ..] = *first;
    ([a, b, c, d] == MAGIC).then_some(u32::from_be_bytes(size) as usize)
}

fn chosen(node: &impl Node, found: &mut Found) {
    if let Some(start) = number(node, "linux,initrd-start")
        && let Some(end) = number(node, "linux,initrd-end").filter(|end| *end > start)
    {
        found.archive = Some(Span { start, end });
    }
    // A tree has one such node. Of more the first counts: a list that is full takes nothing.
    if let Some(text) = node.property("bootargs").filter(|_| found.command_line.is_empty()) {
        let text = text.value().split(|byte| *byte == 0).next().unwrap_or_default();
        found.command_line.extend(text.iter().copied().take(super::COMMAND_LINE_BYTES));
    }
}

fn processors(cpus: &impl Node, found: &mut Found) {
    let cells = Cells::below(cpus);
    let is_processor = |node: &_| names(node, "device_type", &["cpu"]);
    for node in cpus.children().filter(is_processor) {
        let Some(affinity) = cells.address(&node) else { continue };
        let release = number(&node, "cpu-release-addr")
            .filter(|address| address.is_multiple_of(8) && *address < PHYSICAL_END)
            .filter(|_| names(&node, "enable-method", &SPIN));
        if found.processors.push(Processor { affinity, release }).is_err() {
            found.ignored += 1;
        } else if let Some(release) = release {
            reserve(Span::new(release & !(PAGE - 1), PAGE), found);
        }
    }
}

fn reserved(list: &impl Node, found: &mut Found) {
    let cells = Cells::below(list);
    for node in list.children() {
        memory(&node, cells, false, found);
    }
}

fn memory(node: &impl Node, cells: Cells, is_ram: bool, found: &mut Found) {
    let spans = (0..).map_while(|index| cells.span(node, index));
    for span in spans.take(super::MEMORY_ENTRIES) {
        // A map with more entries has its last ones ignored: memory that is not used.
        let _ = found.memory.push(Entry { span, is_ram });
    }
}

/// A node that is known by what it is compatible with. The first of a kind counts.
fn device(node: &impl Node, bus: Bus<'_>, found: &mut Found) {
    let is = |wanted: &[&str]| names(node, "compatible", wanted);
    if node.property("status").is_some() && !names(node, "status", &["okay", "ok"]) {
        return;
    }
    if is(&FIRMWARE) {
        found.conduit = match () {
            () if names(node, "method", &["hvc"]) => Some(Conduit::Hvc),
            () if names(node, "method", &["smc"]) => Some(Conduit::Smc),
            () => None,
        };
    } else if is(&GIC_V2) {
        found.controller = found.controller.or(gic(node, bus, ControllerKind::V2));
    } else if is(&GIC_V3) {
        found.controller = found.controller.or(gic(node, bus, ControllerKind::V3));
    } else if is(&LOCAL) {
        found.local = bus.span(node, 0);
    } else if is(&LEGACY) {
        found.legacy = bus.span(node, 0);
    } else if is(&TIMER) {
        found.timer = own_interrupt(node, VIRTUAL_TIMER);
        found.alarm = own_interrupt(node, PHYSICAL_TIMER);
    } else if is(&UART) && found.uart.is_none() {
        found.uart = bus.span(node, 0).map(|span| span.start);
    }
}

/// Entry `index` of a list of interrupts that each core has for itself.
fn own_interrupt(node: &impl Node, index: usize) -> Option<u32> {
    let is_gic = node.property("interrupts")?.value().len().is_multiple_of(4 * GIC_CELLS);
    let line = if is_gic {
        let place = index * GIC_CELLS;
        cell(node, "interrupts", place).filter(|kind| *kind == OWN.0)?;
        cell(node, "interrupts", place + 1)
    } else {
        cell(node, "interrupts", index * LOCAL_CELLS)
    };
    line.filter(|line| *line < OWN.1).map(|line| OWN.1 + line)
}

fn gic(node: &impl Node, bus: Bus<'_>, kind: ControllerKind) -> Option<Controller> {
    let (distributor, cores) = (bus.span(node, 0)?, bus.span(node, 1)?);
    Some(Controller { kind, distributor, cores })
}

#[cfg(test)]
mod tests;
