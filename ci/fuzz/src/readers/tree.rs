//! The flattened device tree that firmware hands to an aarch64 kernel.

use cedo_arch_aarch64::tree::{read, read::size};

/// Tokens of the structure block (Devicetree Specification 0.4, section 5.4.1).
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const END: u32 = 9;
/// Magic, version and the oldest version that can read it (section 5.2).
const MAGIC: u32 = 0xd00d_feed;
const VERSIONS: [u32; 2] = [17, 16];
/// Bytes of the header, and of the empty memory reservation block behind it.
const HEADER_BYTES: u32 = 40;
const RESERVATION_BYTES: u32 = 16;

/// A node: its name, properties, and nodes in it.
struct Node {
    name: &'static str,
    properties: Vec<(&'static str, Vec<u8>)>,
    nodes: Vec<Node>,
}

fn node(name: &'static str, properties: Vec<(&'static str, Vec<u8>)>, nodes: Vec<Node>) -> Node {
    Node { name, properties, nodes }
}

fn cells(cells: &[u32]) -> Vec<u8> {
    cells.iter().flat_map(|cell| cell.to_be_bytes()).collect()
}

fn texts(texts: &[&str]) -> Vec<u8> {
    texts.iter().flat_map(|text| text.bytes().chain([0])).collect()
}

/// A machine with two processors.
fn machine() -> Node {
    let processor = |name, number| {
        let properties = vec![("device_type", texts(&["cpu"])), ("reg", cells(&[number]))];
        node(name, properties, Vec::new())
    };
    let device = |name, compatible: &str, registers: &[u32]| {
        let properties = vec![("compatible", texts(&[compatible])), ("reg", cells(registers))];
        node(name, properties, Vec::new())
    };
    let widths = |address, size| {
        vec![("#address-cells", cells(&[address])), ("#size-cells", cells(&[size]))]
    };
    let firmware = vec![("compatible", texts(&["arm,psci-1.0"])), ("method", texts(&["hvc"]))];
    let interrupts = cells(&[1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4]);
    let timer = vec![("compatible", texts(&["arm,armv8-timer"])), ("interrupts", interrupts)];
    let chosen = vec![
        ("bootargs", texts(&["counter=instructions"])),
        ("linux,initrd-start", cells(&[0x4800_0000])),
        ("linux,initrd-end", cells(&[0x4806_7000])),
    ];
    let reserved = node("secure@40000000", vec![("reg", cells(&[0x4000_0000, 0x2000]))], vec![]);
    let memory =
        vec![("device_type", texts(&["memory"])), ("reg", cells(&[0, 1 << 30, 0, 1 << 28]))];
    let nodes = vec![
        node("memory@40000000", memory, Vec::new()),
        node("reserved-memory", widths(1, 1), vec![reserved]),
        node("cpus", widths(1, 0), vec![processor("cpu@0", 0), processor("cpu@1", 1)]),
        device(
            "intc@8000000",
            "arm,gic-v3",
            &[0, 0x800_0000, 0, 0x1_0000, 0, 0x80a_0000, 0, 0xf6_0000],
        ),
        device("pl011@9000000", "arm,pl011", &[0, 0x900_0000, 0, 0x1000]),
        node("psci", firmware, Vec::new()),
        node("timer", timer, Vec::new()),
        node("chosen", chosen, Vec::new()),
    ];
    let mut properties = widths(2, 2);
    properties.push(("compatible", texts(&["linux,dummy-virt"])));
    node("", properties, nodes)
}

/// Structure and strings of a tree in the making.
#[derive(Default)]
struct Blocks {
    structure: Vec<u8>,
    strings: Vec<u8>,
}

impl Blocks {
    fn words(&mut self, words: &[u32]) {
        self.structure.extend(cells(words));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.structure.extend(bytes);
        self.structure.resize(self.structure.len().next_multiple_of(4), 0);
    }

    fn add(&mut self, node: &Node) {
        self.words(&[BEGIN_NODE]);
        self.bytes(&texts(&[node.name]));
        for (name, value) in &node.properties {
            self.words(&[PROPERTY, value.len() as u32, self.strings.len() as u32]);
            self.strings.extend(texts(&[name]));
            self.bytes(value);
        }
        node.nodes.iter().for_each(|node| self.add(node));
        self.words(&[END_NODE]);
    }
}

/// Valid files: a machine, and one that says everything again and again.
pub fn files() -> Vec<Vec<u8>> {
    let mut again = machine();
    (0..20).for_each(|_| again.nodes.extend(machine().nodes));
    vec![file(&machine()), file(&again)]
}

fn file(machine: &Node) -> Vec<u8> {
    let mut blocks = Blocks::default();
    blocks.add(machine);
    blocks.words(&[END]);
    let (structure_bytes, strings_bytes) =
        (blocks.structure.len() as u32, blocks.strings.len() as u32);
    let structure = HEADER_BYTES + RESERVATION_BYTES;
    let strings = structure + structure_bytes;
    let mut bytes = cells(&[MAGIC, strings + strings_bytes, structure, strings, HEADER_BYTES]);
    bytes.extend(cells(&VERSIONS));
    bytes.extend(cells(&[0, strings_bytes, structure_bytes]));
    bytes.extend([0; RESERVATION_BYTES as usize]);
    bytes.extend(blocks.structure);
    bytes.extend(blocks.strings);
    bytes
}

/// True if the reader accepts the tree, whose size the boot code reads first.
///
/// # Panics
/// If what it found makes no sense.
pub fn check(bytes: &[u8]) -> bool {
    let Some(stated) = bytes.first_chunk().and_then(size) else { return false };
    let Some(found) = bytes.get(..stated).and_then(read) else { return false };
    assert!(found.memory.iter().all(|entry| entry.span.start <= entry.span.end));
    assert!(found.archive.is_none_or(|archive| archive.start < archive.end));
    true
}
