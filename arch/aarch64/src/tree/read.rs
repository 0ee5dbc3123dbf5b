//! Finding what is needed in a device tree.

use super::node::{Cells, cell, names, number};
use super::{Conduit, Controller, ControllerKind, Found};
use cedo_arch_common::memory::{Entry, Span};
use dtoolkit::fdt::Fdt;
use dtoolkit::{Node, Property};

const GIC_V2: [&str; 3] = ["arm,cortex-a15-gic", "arm,gic-400", "arm,cortex-a7-gic"];
const GIC_V3: [&str; 1] = ["arm,gic-v3"];
const TIMER: [&str; 1] = ["arm,armv8-timer"];
const UART: [&str; 1] = ["arm,pl011"];
const FIRMWARE: [&str; 3] = ["arm,psci-1.0", "arm,psci-0.2", "arm,psci"];
const EMULATOR: [&str; 1] = ["linux,dummy-virt"];

/// Places in the list of the timer node: behind the secure timer.
const PHYSICAL_TIMER: usize = 1;
const VIRTUAL_TIMER: usize = 2;
/// Cells of an interrupt in that list: kind, number, flags.
const INTERRUPT_CELLS: usize = 3;
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
            _ => device(&node, cells, &mut found),
        }
    }
    Some(found)
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
        if let Some(affinity) = cells.address(&node)
            && found.processors.push(affinity).is_err()
        {
            found.ignored += 1;
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
fn device(node: &impl Node, cells: Cells, found: &mut Found) {
    let is = |wanted: &[&str]| names(node, "compatible", wanted);
    if is(&FIRMWARE) {
        found.conduit = match () {
            () if names(node, "method", &["hvc"]) => Some(Conduit::Hvc),
            () if names(node, "method", &["smc"]) => Some(Conduit::Smc),
            () => None,
        };
    } else if is(&GIC_V2) {
        found.controller = found.controller.or(controller(node, cells, ControllerKind::V2));
    } else if is(&GIC_V3) {
        found.controller = found.controller.or(controller(node, cells, ControllerKind::V3));
    } else if is(&TIMER) {
        found.timer = own_interrupt(node, VIRTUAL_TIMER);
        found.alarm = own_interrupt(node, PHYSICAL_TIMER);
    } else if is(&UART) && found.uart.is_none() {
        found.uart = cells.span(node, 0).map(|span| span.start);
    }
}

/// Entry `index` of a list of interrupts that each core has for itself.
fn own_interrupt(node: &impl Node, index: usize) -> Option<u32> {
    let place = index * INTERRUPT_CELLS;
    let kind = cell(node, "interrupts", place).filter(|kind| *kind == OWN.0);
    let line = cell(node, "interrupts", place + 1).filter(|line| *line < OWN.1);
    kind.and(line).map(|line| OWN.1 + line)
}

fn controller(node: &impl Node, cells: Cells, kind: ControllerKind) -> Option<Controller> {
    let (distributor, cores) = (cells.span(node, 0)?, cells.span(node, 1)?);
    Some(Controller { kind, distributor, cores })
}

#[cfg(test)]
mod tests;
