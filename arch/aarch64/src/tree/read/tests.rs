//! Trees as QEMU makes them, and damaged ones.

use super::{read, size};
use crate::tree::{Conduit, Controller, ControllerKind, Processor};
use cedo_arch_common::memory::{Entry, Span};
use std::string::String;
use std::vec::Vec;

/// A flattened device tree in the making (Devicetree Specification 0.4, chapter 5).
#[derive(Default)]
struct Blob {
    structure: Vec<u8>,
    strings: Vec<u8>,
}

impl Blob {
    fn word(&mut self, word: u32) {
        self.structure.extend(word.to_be_bytes());
    }

    fn align(&mut self) {
        self.structure.resize(self.structure.len().next_multiple_of(4), 0);
    }

    fn begin(&mut self, name: &str) {
        self.word(1);
        self.structure.extend(name.bytes().chain([0]));
        self.align();
    }

    fn end(&mut self) {
        self.word(2);
    }

    fn property(&mut self, name: &str, value: &[u8]) {
        let offset = self.strings.len() as u32;
        self.strings.extend(name.bytes().chain([0]));
        [3, value.len() as u32, offset].into_iter().for_each(|word| self.word(word));
        self.structure.extend(value);
        self.align();
    }

    fn cells(&mut self, name: &str, cells: &[u32]) {
        let value: Vec<u8> = cells.iter().flat_map(|cell| cell.to_be_bytes()).collect();
        self.property(name, &value);
    }

    fn texts(&mut self, name: &str, texts: &[&str]) {
        let value: String = texts.iter().flat_map(|text| [text, "\0"]).collect();
        self.property(name, value.as_bytes());
    }

    fn finish(mut self) -> Vec<u8> {
        self.word(9);
        let structure = 40 + 16;
        let strings = structure + self.structure.len() as u32;
        let total = strings + self.strings.len() as u32;
        let head = [
            0xd00d_feed,
            total,
            structure,
            strings,
            40,
            17,
            16,
            0,
            self.strings.len() as u32,
            self.structure.len() as u32,
        ];
        let mut bytes: Vec<u8> = head.iter().flat_map(|word: &u32| word.to_be_bytes()).collect();
        bytes.extend([0; 16]);
        bytes.extend(self.structure);
        bytes.extend(self.strings);
        bytes
    }
}

/// The root with two cells for an address and two for a size, as QEMU has it.
fn machine(rest: impl FnOnce(&mut Blob)) -> Vec<u8> {
    let mut blob = Blob::default();
    blob.begin("");
    blob.cells("#address-cells", &[2]);
    blob.cells("#size-cells", &[2]);
    blob.texts("compatible", &["linux,dummy-virt"]);
    rest(&mut blob);
    blob.end();
    blob.finish()
}

fn virt(blob: &mut Blob) {
    blob.begin("psci");
    blob.texts("method", &["smc"]);
    blob.texts("compatible", &["arm,psci-1.0", "arm,psci-0.2", "arm,psci"]);
    blob.end();
    blob.begin("memory@40000000");
    blob.cells("reg", &[0, 0x4000_0000, 0, 0x1000_0000, 1, 0, 0, 0x1000]);
    blob.end();
    blob.begin("reserved-memory");
    blob.cells("#address-cells", &[1]);
    blob.cells("#size-cells", &[1]);
    blob.begin("secure@40000000");
    blob.cells("reg", &[0x4000_0000, 0x2000]);
    blob.end();
    blob.end();
    blob.begin("intc@8000000");
    blob.cells("reg", &[0, 0x800_0000, 0, 0x1_0000, 0, 0x80a_0000, 0, 0xf6_0000]);
    blob.texts("compatible", &["arm,gic-v3"]);
    blob.end();
    blob.begin("pl011@9000000");
    blob.cells("reg", &[0, 0x900_0000, 0, 0x1000]);
    blob.texts("compatible", &["arm,pl011", "arm,primecell"]);
    blob.end();
    blob.begin("timer");
    blob.cells("interrupts", &[1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4]);
    blob.texts("compatible", &["arm,armv8-timer", "arm,armv7-timer"]);
    blob.end();
    blob.begin("cpus");
    blob.cells("#address-cells", &[1]);
    blob.cells("#size-cells", &[0]);
    blob.begin("cpu-map");
    blob.end();
    for number in 0..10 {
        blob.begin(&std::format!("cpu@{number:x}"));
        blob.texts("device_type", &["cpu"]);
        blob.cells("reg", &[number]);
        blob.end();
    }
    blob.end();
    blob.begin("chosen");
    blob.cells("linux,initrd-start", &[0x4800_0000]);
    blob.cells("linux,initrd-end", &[0x4806_7000]);
    blob.texts("bootargs", &["counter=instructions quiet"]);
    blob.end();
}

#[test]
fn the_emulators_tree_says_all_that_is_needed() {
    let found = read(&machine(virt)).unwrap();
    let memory = [
        Entry { span: Span::new(0x4000_0000, 0x1000_0000), is_ram: true },
        Entry { span: Span::new(1 << 32, 0x1000), is_ram: true },
        Entry { span: Span::new(0x4000_0000, 0x2000), is_ram: false },
    ];
    assert_eq!(found.memory, memory);
    let processors = [0, 1, 2, 3, 4, 5, 6, 7].map(|affinity| Processor { affinity, release: None });
    assert_eq!(found.processors, processors);
    assert_eq!(found.ignored, 2);
    assert_eq!(found.conduit, Some(Conduit::Smc));
    let controller = Controller {
        kind: ControllerKind::V3,
        distributor: Span::new(0x800_0000, 0x1_0000),
        cores: Span::new(0x80a_0000, 0xf6_0000),
    };
    assert_eq!(found.controller, Some(controller));
    assert_eq!((found.timer, found.alarm), (Some(27), Some(30)));
    assert_eq!(found.uart, Some(0x900_0000));
    assert_eq!(found.archive, Some(Span { start: 0x4800_0000, end: 0x4806_7000 }));
    assert!(found.has_word("counter=instructions") && found.is_emulated);
}

fn raspberry_pi_3(blob: &mut Blob) {
    blob.begin("memory@0");
    blob.cells("reg", &[0, 0, 0, 0x3c00_0000]);
    blob.end();
    blob.begin("timer");
    blob.cells("interrupts", &[0, 4, 1, 4, 3, 4, 2, 4]);
    blob.texts("compatible", &["arm,armv7-timer"]);
    blob.end();
    blob.begin("cpus");
    blob.cells("#address-cells", &[1]);
    blob.cells("#size-cells", &[0]);
    for number in 0..4 {
        blob.begin(&std::format!("cpu@{number}"));
        blob.texts("device_type", &["cpu"]);
        blob.texts("enable-method", &["spin-table"]);
        blob.cells("reg", &[number]);
        blob.cells("cpu-release-addr", &[0, 0xd8 + 8 * number]);
        blob.end();
    }
    blob.end();
    blob.begin("soc");
    blob.texts("compatible", &["simple-bus"]);
    blob.cells("#address-cells", &[1]);
    blob.cells("#size-cells", &[1]);
    let ranges = [0x7e00_0000, 0, 0x3f00_0000, 0x100_0000, 0x4000_0000, 0, 0x4000_0000, 0x1000];
    blob.cells("ranges", &ranges);
    for (name, compatible, reg) in [
        ("local_intc@40000000", "brcm,bcm2836-l1-intc", [0x4000_0000, 0x100]),
        ("interrupt-controller@7e00b200", "brcm,bcm2836-armctrl-ic", [0x7e00_b200, 0x200]),
        ("serial@7d000000", "arm,pl011", [0x7d00_0000, 0x200]),
        ("serial@7e201000", "arm,pl011", [0x7e20_1000, 0x200]),
    ] {
        blob.begin(name);
        blob.texts("compatible", &[compatible]);
        blob.cells("reg", &reg);
        blob.end();
    }
    blob.begin("serial@7e201400");
    blob.texts("compatible", &["arm,pl011"]);
    blob.texts("status", &["disabled"]);
    blob.cells("reg", &[0x7e20_1400, 0x200]);
    blob.end();
    blob.end();
}

#[test]
fn a_raspberry_pis_devices_are_where_its_bus_says_and_its_cores_wait_in_memory() {
    let found = read(&machine(raspberry_pi_3)).unwrap();
    let controller = Controller {
        kind: ControllerKind::Bcm2836,
        distributor: Span::new(0x3f00_b200, 0x200),
        cores: Span::new(0x4000_0000, 0x100),
    };
    assert_eq!(found.controller, Some(controller));
    assert_eq!((found.timer, found.alarm), (Some(19), Some(17)));
    assert_eq!(found.uart, Some(0x3f20_1000), "an address that no range has is no device");
    let release = |number: u64| Some(0xd8 + 8 * number);
    let processors =
        [0, 1, 2, 3].map(|number| Processor { affinity: number, release: release(number) });
    assert_eq!(found.processors, processors);
    let kept = Entry { span: Span::new(0, 4096), is_ram: false };
    assert!(found.memory.contains(&kept), "nobody else uses the place where they wait");
}

#[test]
fn what_makes_no_sense_is_left_out() {
    let found = read(&machine(|blob| {
        blob.begin("psci");
        blob.texts("compatible", &["arm,psci"]);
        blob.end();
        blob.begin("intc@0");
        blob.texts("compatible", &["arm,gic-400"]);
        blob.cells("reg", &[0, 0x800_0000]);
        blob.end();
        blob.begin("timer");
        blob.texts("compatible", &["arm,armv8-timer"]);
        blob.cells("interrupts", &[1, 13, 4, 0, 14, 4, 1, 16, 4]);
        blob.end();
        blob.begin("chosen");
        blob.cells("linux,initrd-start", &[0x1000]);
        blob.cells("linux,initrd-end", &[0x1000]);
        blob.end();
        blob.begin("memory");
        blob.cells("reg", &[1, 2, 3]);
        blob.end();
    }))
    .unwrap();
    assert!(found.conduit.is_none() && found.controller.is_none() && found.uart.is_none());
    assert!(found.timer.is_none() && found.alarm.is_none() && found.archive.is_none());
    assert!(found.memory.is_empty() && found.processors.is_empty());
}

#[test]
fn a_tree_states_its_size_behind_its_magic() {
    let bytes = machine(virt);
    assert_eq!(size(bytes.first_chunk().unwrap()), Some(bytes.len()));
    assert_eq!(size(&[0xd0, 0x0d, 0xfe, 0xee, 0, 0, 0, 1]), None);
}

#[test]
#[cfg_attr(miri, ignore = "takes long")]
fn every_cut_or_changed_tree_is_read_or_refused_and_never_harms() {
    for bytes in [machine(virt), machine(raspberry_pi_3)] {
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_none());
        }
        for place in 0..bytes.len() {
            for value in [0, 0x7f, 0xff] {
                let mut changed = bytes.clone();
                changed[place] = value;
                let _ = read(&changed);
            }
        }
    }
}
