//! What is packed here comes back through the readers that kernel and init use.

use cedo_abi::archive::MAX_SEGMENTS;
use cedo_abi::read::archive::{Flat, Reader};
use cedo_abi::{Rights, archive::FlatSegment};

use super::{PAGE, build, flatten};

const READ: u32 = 4;
const WRITE: u32 = 2;
const EXECUTE: u32 = 1;

/// A `PT_LOAD` segment: flags, address, bytes in the file, bytes in memory.
struct Load(u32, u64, &'static [u8], u64);

/// A minimal ELF file (ELF-64 Object File Format, figures 2 and 6), with the given segments.
fn elf(entry: u64, loads: &[Load]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    file.extend(entry.to_le_bytes());
    file.extend(64u64.to_le_bytes());
    file.extend([0; 12]);
    file.extend([64, 0, 56, 0, loads.len() as u8, 0, 0, 0, 0, 0, 0, 0]);
    let mut offset = 64 + 56 * loads.len() as u64;
    for Load(flags, address, bytes, memory) in loads {
        file.extend(1u32.to_le_bytes());
        file.extend(flags.to_le_bytes());
        for field in [offset, *address, *address, bytes.len() as u64, *memory, 0x1000] {
            file.extend(field.to_le_bytes());
        }
        offset += bytes.len() as u64;
    }
    loads.iter().for_each(|load| file.extend(load.2));
    file
}

fn program() -> Vec<u8> {
    elf(
        0x20_1004,
        &[
            Load(READ, 0x20_0000, b"constants", 9),
            Load(READ | EXECUTE, 0x20_1004, b"code", 4),
            Load(READ | WRITE, 0x20_2ff8, b"datadata", 0x2008),
            Load(READ | WRITE, 0x20_6000, b"", 0x1000),
        ],
    )
}

fn error(entry: u64, loads: &[Load]) -> String {
    flatten(&elf(entry, loads)).unwrap_err().to_string()
}

#[test]
fn files_come_back_in_order_and_on_pages() {
    let files = [
        ("init".to_string(), b"flat".to_vec()),
        ("system".to_string(), vec![7; PAGE + 1]),
        ("empty".to_string(), vec![]),
        ("x".repeat(32), vec![1; PAGE]),
    ];
    let archive = build(&files);
    let reader = Reader::new(&archive).unwrap();
    assert_eq!(reader.length(), archive.len());
    let back: Vec<_> =
        reader.files().map(|file| (file.name().to_string(), file.bytes.to_vec())).collect();
    assert_eq!(back, files);
    assert!(reader.files().all(|file| file.offset % PAGE as u64 == 0));
}

#[test]
fn an_archive_may_be_empty_and_may_be_full() {
    assert_eq!(Reader::new(&build(&[])).unwrap().files().count(), 0);
    let files: Vec<_> =
        (0..64u8).map(|number| (format!("file{number}"), vec![number; 9])).collect();
    let archive = build(&files);
    let reader = Reader::new(&archive).unwrap();
    assert_eq!(reader.find("file63").unwrap().bytes, [63; 9]);
}

#[test]
#[should_panic(expected = "at most 64 files")]
fn too_many_files_are_refused() {
    build(&vec![(String::from("a"), vec![]); 65]);
}

#[test]
#[should_panic(expected = "longer than 32 bytes")]
fn a_name_that_does_not_fit_is_refused() {
    build(&[("x".repeat(33), vec![])]);
}

#[test]
fn a_program_becomes_pages_with_zeroes_around_its_bytes() {
    let image = flatten(&program()).unwrap();
    let flat = Flat::new(&image).unwrap();
    assert_eq!(flat.entry(), 0x20_1004);
    let segments: Vec<_> = flat.segments().collect();
    let shape: Vec<_> =
        segments.iter().map(|it| (it.address, it.memory_pages, it.file_pages)).collect();
    assert_eq!(shape, [(0x20_0000, 1, 1), (0x20_1000, 1, 1), (0x20_2000, 3, 1), (0x20_6000, 1, 0)]);
    let access = |segment: &FlatSegment| Rights(segment.access as u16);
    assert_eq!(access(&segments[0]), Rights::READ);
    assert_eq!(access(&segments[1]), Rights::READ.or(Rights::EXECUTE));
    assert_eq!(access(&segments[2]), Rights::READ.or(Rights::WRITE));
    let mut page = [0; PAGE];
    page[4..8].copy_from_slice(b"code");
    assert_eq!(flat.contents(&segments[1]).unwrap(), page);
    let data = flat.contents(&segments[2]).unwrap();
    assert_eq!((&data[PAGE - 8..], data[..PAGE - 8].iter().max()), (&b"datadata"[..], Some(&0)));
    assert_eq!(image.len(), 4 * PAGE);
}

#[test]
fn what_cannot_be_mapped_is_refused_with_a_reason() {
    let code = || Load(READ | EXECUTE, 0x20_0000, b"code", 4);
    let text = error(0x20_0000, &[Load(READ | WRITE | EXECUTE, 0x20_0000, b"", 4)]);
    assert!(text.contains("writable and executable"), "{text}");
    let text = error(0x20_0000, &[code(), Load(READ, 0x20_0800, b"x", 1)]);
    assert!(text.contains("share the page at 0x200000"), "{text}");
    let text = error(0x20_2000, &[code()]);
    assert!(text.contains("entry point 0x202000"), "{text}");
    let text = error(0x20_0000, &[Load(READ, 0x20_0000, b"code", 4)]);
    assert!(text.contains("not in an executable"), "{text}");
    let text = error(0x20_0000, &[Load(READ | EXECUTE, 0x20_0000, b"code", 3)]);
    assert!(text.contains("larger in the file"), "{text}");
    let text = error(0x20_0000, &[code(), Load(READ, u64::MAX - 4, b"x", 9)]);
    assert!(text.contains("too high"), "{text}");
    assert!(error(0x20_0000, &[]).contains("nothing to load"));
    let many: Vec<_> =
        (0..9).map(|page| Load(READ | EXECUTE, 0x20_0000 + page * 0x1000, b"x", 1)).collect();
    assert!(error(0x20_0000, &many).contains("too many"));
    assert_eq!(many.len(), MAX_SEGMENTS + 1);
}

#[test]
fn a_truncated_or_mangled_program_never_panics() {
    let elf = program();
    for length in 0..elf.len() {
        assert!(flatten(&elf[..length]).is_err(), "{length} bytes");
    }
    let mut mangled = elf.clone();
    for index in 0..elf.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff, elf[index] ^ 1] {
            mangled[index] = value;
            if let Ok(image) = flatten(&mangled) {
                Flat::new(&image).expect("what is accepted can be read");
            }
        }
        mangled[index] = elf[index];
    }
}
