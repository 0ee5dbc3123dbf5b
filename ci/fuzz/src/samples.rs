//! Small valid programs, images and tables, from which inputs are made.

use cedo_abi::archive::{INIT, SYSTEM};
use xtask::archive;
use xtask::system::{self, Description};

/// The ELF number of x86-64.
pub const ELF_MACHINE: u16 = 62;

/// A system description with most of its keys.
pub const DESCRIPTION: &str = r#"name = "sample"
cores = 2
ram = "32M"
[core.0]
root = "rr0"
[core.1]
root = "fp1"
protocol = "chain"
[space.rr0]
program = "sched-rr"
[space.fp1]
program = "sched-fp"
[space.work]
program = "hello"
slots = 300
[memory.shared]
size = "8K"
[memory.device]
size = "16K"
base = 0xfebc_0000
[thread.rr0]
parameters = { slice_ms = 5 }
[thread.fp1]
[thread.first]
space = "work"
scheduler = "rr0"
handler = "second"
stack = "20K"
parameters = { priority = 3, role = 2, value = 9 }
state = true
blocked = true
gates = ["second", { to = "rr0", rights = ["send"], badge = 7, name = "up" }]
threads = [{ of = "second", rights = ["control"] }]
memory = ["shared", { of = "device", access = "r" }]
interrupts = [{ line = 9, trigger = "level", badge = 5, name = "nic" }]
ports = [{ first = 0x2f8, count = 8, name = "uart" }, 0x80]
[thread.second]
space = "work"
scheduler = "rr0"
power = true
memory = ["shared"]
"#;

/// Programs that it names.
pub fn programs() -> Vec<String> {
    ["hello", "sched-fp", "sched-rr"].map(String::from).to_vec()
}

/// It, read.
///
/// # Panics
/// If the reader refuses it.
pub fn description() -> Description {
    system::parse("sample.toml", DESCRIPTION, &programs(), &system::Devices::default())
        .expect("a valid description")
}

/// An ELF program of code and data.
pub fn program() -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
    bytes.resize(16, 0);
    numbers(&mut bytes, &[(2, 2), (u64::from(ELF_MACHINE), 2), (1, 4)]);
    numbers(&mut bytes, &[(0x20_1100, 8), (64, 8), (0, 8), (0, 4)]);
    numbers(&mut bytes, &[(64, 2), (56, 2), (3, 2), (0, 2), (0, 2), (0, 2)]);
    program_header(&mut bytes, 1, 5, [0x100, 0x20_1100, 24, 24]);
    program_header(&mut bytes, 0x6474_e551, 6, [0; 4]);
    program_header(&mut bytes, 1, 6, [0x118, 0x20_3010, 16, 0x2000]);
    bytes.resize(0x100, 0);
    bytes.extend(1..=40);
    bytes
}

fn program_header(bytes: &mut Vec<u8>, kind: u64, flags: u64, fields: [u64; 4]) {
    let [offset, address, file_bytes, memory_bytes] = fields;
    numbers(bytes, &[(kind, 4), (flags, 4), (offset, 8), (address, 8), (address, 8)]);
    numbers(bytes, &[(file_bytes, 8), (memory_bytes, 8), (0x1000, 8)]);
}

/// The same as a flat image.
///
/// # Panics
/// If it cannot be made.
pub fn flat() -> Vec<u8> {
    archive::flatten(&program()).expect("a valid program")
}

/// A boot archive.
pub fn archive() -> Vec<u8> {
    let file = |name: &str, contents| (name.to_string(), contents);
    let files = [
        file(INIT, flat()),
        file(SYSTEM, description().pack()),
        file("hello", program()),
        file("empty", Vec::new()),
    ];
    archive::build(&files)
}

/// Appends little-endian numbers of so many bytes each.
pub fn numbers(bytes: &mut Vec<u8>, numbers: &[(u64, usize)]) {
    for (number, size) in numbers {
        bytes.extend(&number.to_le_bytes()[..*size]);
    }
}
