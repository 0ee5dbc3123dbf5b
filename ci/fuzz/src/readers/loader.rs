//! What a boot loader hands over, in two forms, and the memory map that comes of it.

use crate::memory::Memory;
use crate::samples::numbers;
use cedo_arch_x86_64::boot::information::{COMMAND_LINE_BYTES, Entry, Information, Span};
use cedo_arch_x86_64::boot::memory::{MOST_RANGES, Spans, device_spans, ranges};
use cedo_arch_x86_64::boot::{multiboot, pvh};

const PAGE: u64 = 4096;
const GIB: u64 = 1 << 30;
/// Start, length, type of each line of the memory map of a PC.
const MEMORY_MAP: [[u64; 3]; 5] = [
    [0, 0x9_fc00, 1],
    [0x9_fc00, 0x400, 2],
    [0xf_0000, 0x1_0000, 2],
    [0x10_0000, 0x1fee_0000, 1],
    [0xfffc_0000, 0x4_0000, 2],
];

/// Valid files.
pub fn pvh_files() -> Vec<Vec<u8>> {
    const MODULE: u64 = 0x80;
    const COMMAND_LINE: u64 = 0xa0;
    const MAP: u64 = 0x200;
    let mut bytes = Vec::new();
    numbers(&mut bytes, &[(u64::from(pvh::MAGIC), 4), (1, 4), (0, 4), (1, 4)]);
    numbers(&mut bytes, &[(MODULE, 8), (COMMAND_LINE, 8), (0xf_5a00, 8), (MAP, 8)]);
    numbers(&mut bytes, &[(MEMORY_MAP.len() as u64, 4), (0, 4)]);
    bytes.resize(MODULE as usize, 0);
    numbers(&mut bytes, &[(0x80_0000, 8), (0x1234, 8), (0, 8), (0, 8)]);
    bytes.extend(b"counter=instructions\0");
    bytes.resize(MAP as usize, 0);
    for [start, length, kind] in MEMORY_MAP {
        numbers(&mut bytes, &[(start, 8), (length, 8), (kind, 4), (0, 4)]);
    }
    vec![bytes]
}

/// Valid files.
pub fn multiboot_files() -> Vec<Vec<u8>> {
    let mut map = Vec::new();
    numbers(&mut map, &[(24, 4), (0, 4)]);
    for [start, length, kind] in MEMORY_MAP {
        numbers(&mut map, &[(start, 8), (length, 8), (kind, 4), (0, 4)]);
    }
    let mut module = Vec::new();
    numbers(&mut module, &[(0x80_0000, 4), (0x80_1234, 4)]);
    module.extend(b"archive\0");
    let tags: [(u64, &[u8]); 6] = [
        (1, b"counter=instructions\0"),
        (3, &module),
        (6, &map),
        (14, b"RSD PTR \0cedo  \0\0\0\0\0"),
        (9, &[1, 2, 3]),
        (0, &[]),
    ];
    let mut bytes = vec![0; 8];
    for (kind, contents) in tags {
        numbers(&mut bytes, &[(kind, 4), (8 + contents.len() as u64, 4)]);
        bytes.extend(contents);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    }
    let size = bytes.len() as u32;
    bytes[..4].copy_from_slice(&size.to_le_bytes());
    vec![bytes]
}

/// Checks Xen's PVH form.
pub fn check_pvh(bytes: &[u8]) -> bool {
    check(pvh::read(&Memory(bytes), 0))
}

/// Checks the multiboot2 form.
pub fn check_multiboot(bytes: &[u8]) -> bool {
    check(multiboot::read(&Memory(bytes), 0))
}

fn check(information: Option<Information>) -> bool {
    let Some(information) = information else { return false };
    assert!(information.command_line.len() <= COMMAND_LINE_BYTES);
    assert!(!information.command_line.contains(&0));
    let _ = information.has_word("counter=instructions");
    for end in [u64::MAX, 4 * GIB] {
        check_map(&information, end);
    }
    true
}

/// RAM is whole pages that nothing else claims; what is taken of it is gone.
fn check_map(information: &Information, end: u64) {
    let map = &information.memory;
    let ram = Spans::ram(map, end);
    is_sorted(&ram);
    assert!(ram.end() <= end);
    assert!(map.iter().filter(|entry| !entry.is_ram).all(|entry| ram.overlap(entry.span) == 0));
    assert!(ram.iter().all(|span| is_ram(map, span)), "RAM that the map does not name");
    let devices = device_spans(map, &[], &[Span { start: 0xfec0_0000, end: 0xfec0_1000 }]);
    is_sorted(&devices);
    assert!(devices.iter().all(|span| span.end <= 4 * GIB && ram.overlap(span) == 0));
    let ranges = ranges(&ram, &devices);
    assert!(ranges.len() <= MOST_RANGES && ranges.is_sorted_by_key(|range| range.first));
    let mut rest = ram.clone();
    if let Some(start) = rest.take(PAGE, end) {
        let taken = Span { start, end: start + PAGE };
        assert!(start.is_multiple_of(PAGE));
        assert_eq!((ram.overlap(taken), rest.overlap(taken)), (PAGE, 0));
        assert_eq!(rest.bytes() + PAGE, ram.bytes());
    }
    let archive = information.archive.unwrap_or(Span { start: 0, end: 0 });
    rest.remove(archive);
    assert_eq!(rest.overlap(archive), 0);
}

/// True if entries of the map that are RAM cover all of `span`.
fn is_ram(map: &[Entry], span: Span) -> bool {
    let ram = || map.iter().filter(|entry| entry.is_ram).map(|entry| entry.span);
    let mut at = span.start;
    while at < span.end {
        let here = ram().filter(|entry| entry.start <= at && at < entry.end);
        let Some(end) = here.map(|entry| entry.end).max() else { return false };
        at = end;
    }
    true
}

/// Spans of whole pages, none touching another.
fn is_sorted(spans: &Spans) {
    let spans: Vec<Span> = spans.iter().collect();
    let is_whole =
        |span: &Span| span.start < span.end && (span.start | span.end).is_multiple_of(PAGE);
    assert!(spans.iter().all(is_whole), "{spans:x?}");
    assert!(spans.windows(2).all(|pair| pair[0].end < pair[1].start), "{spans:x?}");
}
