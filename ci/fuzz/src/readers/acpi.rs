//! Firmware tables.

use crate::memory::Memory;
use crate::samples::numbers;
use cedo_arch_x86_64::acpi::root::Root;
use cedo_arch_x86_64::acpi::{Fadt, Madt, hpet};
use cedo_arch_x86_64::boot::information::RootPointer;

const HEADER_BYTES: usize = 36;
const SIGNATURES: [&[u8; 4]; 6] = [b"RSDT", b"XSDT", b"APIC", b"FACP", b"DSDT", b"HPET"];

/// Valid files: the root pointer first, then the tables that it leads to.
pub fn files() -> Vec<Vec<u8>> {
    vec![machine(1), machine(2)]
}

/// Checks the bytes, and the same with right checksums.
pub fn check(bytes: &[u8]) -> bool {
    let accepted = check_one(bytes);
    check_one(&sealed(bytes)) || accepted
}

fn check_one(bytes: &[u8]) -> bool {
    let memory = Memory(bytes);
    // As tables without a header that was checked.
    check_madt(&Madt::read(bytes));
    let _ = (Fadt::read(&memory, bytes), hpet::address(bytes));
    let mut copy = [0; 36];
    copy.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    let pointers = [None, Some(RootPointer::Address(0)), Some(RootPointer::Copy(copy))];
    let mut found = false;
    for pointer in pointers {
        let Some(root) = Root::find(&memory, pointer) else { continue };
        assert!(matches!(root.version, 1 | 2));
        for signature in SIGNATURES {
            let Some(table) = root.table(&memory, signature) else { continue };
            assert!(table.len() >= HEADER_BYTES && table.starts_with(signature));
            assert_eq!(table.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)), 0);
        }
        if let Some(table) = root.table(&memory, b"APIC") {
            check_madt(&Madt::read(table));
        }
        if let Some(table) = root.table(&memory, b"FACP") {
            let fadt = Fadt::read(&memory, table);
            assert!(fadt.timer.is_none_or(|(port, bits)| port != 0 && matches!(bits, 24 | 32)));
            assert!(fadt.power_off.is_none_or(|off| off.a.1 < 8 && off.b.is_none_or(|b| b.1 < 8)));
        }
        let timer = root.table(&memory, b"HPET").and_then(hpet::address);
        assert!(timer != Some(0));
        found = true;
    }
    found
}

fn check_madt(madt: &Madt) {
    let processors = madt.processors.as_slice();
    let distinct = |index| !processors[..index].contains(&processors[index]);
    assert!((0..processors.len()).all(distinct), "a processor is there twice");
}

/// All that a PC of this ACPI version has; offsets are addresses.
fn machine(version: u64) -> Vec<u8> {
    const ROOT: usize = 0x40;
    const MADT: u64 = 0x100;
    const FADT: u64 = 0x200;
    const HPET: u64 = 0x300;
    const DSDT: u64 = 0x340;
    let mut bytes = Vec::new();
    bytes.extend(b"RSD PTR \0cedo  ");
    numbers(&mut bytes, &[(if version == 1 { 0 } else { 2 }, 1)]);
    let (rsdt, xsdt) = if version == 1 { (ROOT as u64, 0) } else { (0, ROOT as u64) };
    numbers(&mut bytes, &[(rsdt, 4), (36, 4), (xsdt, 8), (0, 4)]);
    let entry_bytes = if version == 1 { 4 } else { 8 };
    let mut entries = Vec::new();
    numbers(&mut entries, &[MADT, FADT, HPET].map(|address| (address, entry_bytes)));
    put(&mut bytes, ROOT, if version == 1 { b"RSDT" } else { b"XSDT" }, &entries);
    put(&mut bytes, MADT as usize, b"APIC", &madt());
    let mut fadt = vec![0; 140 - HEADER_BYTES];
    let fields: [(usize, u64, usize); 8] = [
        (40, DSDT, 4),
        (64, 0x604, 4),
        (76, 0x608, 4),
        (91, 4, 1),
        (112, 1 << 8 | 1 << 10, 4),
        (116, 1, 1),
        (120, 0xcf9, 8),
        (128, 6, 1),
    ];
    for (offset, value, size) in fields {
        let start = offset - HEADER_BYTES;
        fadt[start..start + size].copy_from_slice(&value.to_le_bytes()[..size]);
    }
    put(&mut bytes, FADT as usize, b"FACP", &fadt);
    let mut timer = Vec::new();
    numbers(&mut timer, &[(0x8086_a201, 4), (0, 4), (0xfed0_0000, 8), (0, 4)]);
    put(&mut bytes, HPET as usize, b"HPET", &timer);
    put(&mut bytes, DSDT as usize, b"DSDT", b"\x08_S5_\x12\x06\x04\x0a\x05\x0a\x05\x00\x00");
    sealed(&bytes)
}

/// Entries of the processor table.
fn madt() -> Vec<u8> {
    let mut body = Vec::new();
    numbers(&mut body, &[(0xfee0_0000, 4), (1, 4)]);
    for processor in 0..2 {
        numbers(&mut body, &[(0, 1), (8, 1), (processor, 1), (processor, 1), (1, 4)]);
    }
    numbers(&mut body, &[(9, 1), (16, 1), (0, 2), (0x1_0000, 4), (1, 4), (2, 4)]);
    numbers(&mut body, &[(1, 1), (12, 1), (2, 1), (0, 1), (0xfec0_0000, 4), (0, 4)]);
    numbers(&mut body, &[(2, 1), (10, 1), (0, 1), (0, 1), (2, 4), (0, 2)]);
    numbers(&mut body, &[(5, 1), (12, 1), (0, 2), (0xfee0_0000, 8)]);
    body
}

fn put(bytes: &mut Vec<u8>, place: usize, signature: &[u8; 4], body: &[u8]) {
    bytes.resize(bytes.len().max(place), 0);
    bytes.extend(signature);
    numbers(bytes, &[((HEADER_BYTES + body.len()) as u64, 4)]);
    bytes.resize(place + HEADER_BYTES, 0);
    bytes.extend(body);
}

/// The same with right checksums of the root pointer and of whatever looks like a table.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.len() >= 36 {
        seal(&mut bytes[..20], 8);
        seal(&mut bytes[..36], 32);
    }
    for start in 0..bytes.len().saturating_sub(HEADER_BYTES) {
        let rest = &mut bytes[start..];
        if !SIGNATURES.iter().any(|signature| rest.starts_with(*signature)) {
            continue;
        }
        let length = rest[4..8].first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
        if let Some(table) = rest.get_mut(..length as usize).filter(|table| table.len() > 9) {
            seal(table, 9);
        }
    }
    bytes
}

/// Makes the sum of all bytes zero by the one at `place`.
fn seal(bytes: &mut [u8], place: usize) {
    bytes[place] = 0;
    bytes[place] = bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_sub(*byte));
}
