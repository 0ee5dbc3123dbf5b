//! A small program is read; no truncation and no single changed byte makes the reader panic or
//! accept a segment outside its bounds.

extern crate std;

use super::{Error, Program, Segment};
use cedo_abi::Rights;
use cedo_abi::system::place;
use std::vec;
use std::vec::Vec;

const MACHINE: u16 = 62;

/// A program of two segments: code at 0x201100 from byte 0x100 on, data at 0x203000.
fn program() -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
    bytes.resize(16, 0);
    for field in [2_u16, MACHINE] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(1_u32.to_le_bytes());
    for field in [0x20_1100_u64, 64, 0] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(0_u32.to_le_bytes());
    for field in [64_u16, 56, 3, 0, 0, 0] {
        bytes.extend(field.to_le_bytes());
    }
    header(&mut bytes, [1, 5], [0x100, 0x20_1100, 0x20_1100, 4, 4, 0x1000]);
    header(&mut bytes, [0x6474_e551, 6], [0; 6]);
    header(&mut bytes, [1, 6], [0x104, 0x20_3000, 0x20_3000, 4, 0x1001, 0x1000]);
    bytes.resize(0x100, 0);
    bytes.extend(b"codedata");
    bytes
}

fn header(bytes: &mut Vec<u8>, halves: [u32; 2], words: [u64; 6]) {
    halves.iter().for_each(|half| bytes.extend(half.to_le_bytes()));
    words.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
}

#[test]
fn segments_are_whole_pages_with_their_contents_in_place() {
    let bytes = program();
    let program = Program::new(&bytes, MACHINE).expect("a good program");
    let segments: Vec<Segment<'_>> = program.segments().map(Result::unwrap).collect();
    let code = Rights::READ.or(Rights::EXECUTE);
    let data = Rights::READ.or(Rights::WRITE);
    assert_eq!(
        segments,
        [
            Segment {
                address: 0x20_1000,
                pages: 1,
                offset: 0x100,
                contents: b"code",
                access: code
            },
            Segment { address: 0x20_3000, pages: 2, offset: 0, contents: b"data", access: data },
        ]
    );
}

#[test]
fn what_is_no_program_for_this_machine_is_refused_with_its_reason() {
    let good = program();
    let refused = |place: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[place] = value;
        Program::new(&bytes, MACHINE).map(|_| ()).unwrap_err()
    };
    assert_eq!(refused(0, 0), Error::NotElf);
    assert_eq!(refused(4, 1), Error::NotElf);
    assert_eq!(refused(16, 3), Error::NotFixed);
    assert_eq!(refused(18, 183), Error::Machine);
    assert_eq!(refused(25, 0x31), Error::Entry);
    assert_eq!(refused(54, 32), Error::Headers);
    assert_eq!(refused(56, 0), Error::Headers);
    assert_eq!(refused(64 + 8 + 1, 2), Error::Truncated);
    assert_eq!(refused(64 + 16 + 3, 0x40), Error::Address);
}

#[test]
fn segments_that_share_a_page_are_refused() {
    let mut bytes = program();
    let second = 64 + 2 * 56 + 16;
    bytes[second..second + 8].copy_from_slice(&0x20_1800_u64.to_le_bytes());
    assert_eq!(Program::new(&bytes, MACHINE).map(|_| ()), Err(Error::Address));
}

#[test]
fn no_changed_byte_and_no_truncation_leads_outside() {
    let good = program();
    for length in 0..good.len() {
        assert!(Program::new(&good[..length], MACHINE).is_err());
    }
    for index in 0..good.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff, good[index].wrapping_add(1), good[index] ^ 0x10] {
            let mut bytes = good.clone();
            bytes[index] = value;
            let Ok(program) = Program::new(&bytes, MACHINE) else { continue };
            for segment in program.segments() {
                let segment = segment.expect("checked");
                assert!(segment.end() <= place::MAPPINGS_START);
                assert!(segment.offset + segment.contents.len() <= segment.pages as usize * 4096);
            }
        }
    }
}
