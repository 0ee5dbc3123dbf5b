//! What the first server finds, and what a boot that cannot go on says.

use crate::{AREA, CODE, CORE, READ_WRITE, Server, segment, setup, table};
use cedo_abi::archive::{self, FlatSegment};
use cedo_abi::info::{self, slot};
use cedo_abi::layout::{
    INIT_ARCHIVE, INIT_BOOT_INFO, INIT_STACK_PAGES, INIT_STACK_TOP, INIT_UTCB, KERNEL_INFO,
    PAGE_SIZE,
};
use cedo_abi::{Kind, Rights, Status};
use cedo_arch_host::translate::Want;
use cedo_arch_host::{Setup, image};
use cedo_machine::{Context, MemoryKind, MemoryRange};
use cedo_simulated::Simulation;

const CODE_ACCESS: Rights = Rights::READ.or(Rights::EXECUTE);

#[test]
fn its_registers_and_pages_are_as_the_interface_says() {
    let mut server = Server::boot();
    let world = &mut server.world;
    let context = world.context(world.current(CORE).expect("runs"));
    assert_eq!((context.instruction(), context.stack()), (CODE, INIT_STACK_TOP));
    assert_eq!(context.words()[0], INIT_UTCB);
    assert_eq!(world.load(CORE, KERNEL_INFO), Ok(info::MAGIC));
    let version = world.load(CORE, KERNEL_INFO + 8);
    assert_eq!(version, Ok(u64::from(cedo_abi::VERSION) | 1 << 32));
    assert_eq!(world.load(CORE, INIT_BOOT_INFO), Ok(info::BOOT_MAGIC));
    assert_eq!(world.load(CORE, INIT_ARCHIVE), Ok(archive::MAGIC));
    let length = world.load(CORE, INIT_ARCHIVE + 8);
    assert_eq!(length, world.load(CORE, INIT_BOOT_INFO + 8));
    for read_only in [KERNEL_INFO, INIT_BOOT_INFO, INIT_ARCHIVE, CODE] {
        assert!(world.store(CORE, read_only, 1).is_err(), "{read_only:#x}");
    }
    let lowest = INIT_STACK_TOP - INIT_STACK_PAGES * PAGE_SIZE;
    for writable in [INIT_UTCB, INIT_STACK_TOP - 8, lowest] {
        assert_eq!(world.load(CORE, writable), Ok(0));
        assert_eq!(world.store(CORE, writable, 1), Ok(()));
        assert!(world.translate(CORE, writable, Want::Execute).is_err());
    }
    assert!(world.translate(CORE, CODE, Want::Execute).is_ok());
    assert!(world.load(CORE, lowest - 8).is_err() && world.load(CORE, INIT_STACK_TOP).is_err());
    table::check(&server);
}

#[test]
fn its_capabilities_are_where_the_interface_says() {
    let device =
        MemoryRange { first: cedo_machine::Frame(0x10_0000), count: 3, kind: MemoryKind::Device };
    let mut server =
        Server::boot_on(&Setup { devices: vec![device], ..setup(image::minimal(CODE)) });
    let objects = Rights::READ.or(Rights::WRITE).or(Rights::EXECUTE).or(Rights::OBJECTS);
    let expected = [
        (slot::SPACE, Kind::Space, Rights::ALL),
        (slot::THREAD, Kind::Thread, Rights::ALL),
        (slot::PORTS, Kind::Ports, Rights::ALL),
        (slot::LINES, Kind::Lines, Rights::ALL),
        (slot::CORE_0, Kind::Core, Rights::ALL),
        (slot::MEMORY_0, Kind::Region, Rights::READ),
        (slot::MEMORY_0 + 1, Kind::Region, objects),
        (slot::MEMORY_0 + 2, Kind::Region, READ_WRITE),
    ];
    for (slot, kind, rights) in expected {
        let (status, words) = server.identify(slot.into());
        assert_eq!(status, Status::Ok);
        assert_eq!(words[..2], [kind as u64, rights.0.into()], "slot {slot}");
    }
    let free = server.world.load(CORE, INIT_BOOT_INFO + 16).expect("boot information") >> 32;
    assert_eq!(free, u64::from(slot::MEMORY_0) + 3);
    assert_eq!(server.identify(free).0, Status::NoCapability);
    assert_eq!(server.identify(slot::CORE_0 as u64 + 1).0, Status::NoCapability);
    // Device registers are mapped uncached and not counted.
    let device_slot = u64::from(slot::MEMORY_0) + 2;
    let words = [2, AREA, 1, READ_WRITE.0.into()];
    let map = cedo_abi::call::memory::MAP;
    let to = (cedo_abi::name::SELF, device_slot);
    assert_eq!(server.call(cedo_abi::call::Call::Memory, map, to, &words).0, Status::Ok);
    let seen = server.world.translate(CORE, AREA, Want::Write).expect("mapped");
    assert_eq!((seen.frame.0, seen.access.device), (0x10_0002, true));
    assert_eq!(server.unmap(AREA, 1), (Status::Ok, 1));
}

#[test]
fn the_image_is_copied_and_the_rest_of_a_segment_is_zero() {
    let mut flat = image::flat(CODE, &[segment(CODE, 3, 1, CODE_ACCESS)]);
    flat[PAGE_SIZE as usize + 8..][..8].copy_from_slice(&77_u64.to_le_bytes());
    let packed = image::archive(&[("other", b"x"), ("init", &flat)]);
    let mut server = Server::boot_on(&setup(packed));
    assert_eq!(server.world.load(CORE, CODE + 8), Ok(77));
    assert_eq!(server.world.load(CORE, CODE + PAGE_SIZE), Ok(0));
    assert_eq!(server.world.load(CORE, CODE + 3 * PAGE_SIZE - 8), Ok(0));
    assert!(server.world.load(CORE, CODE + 3 * PAGE_SIZE).is_err());
}

fn complaint(setup: &Setup) -> &'static str {
    Simulation::boot(setup).err().expect("cannot boot")
}

#[test]
fn a_damaged_archive_is_named_in_one_line() {
    let good = image::minimal(CODE);
    let changed = |at: usize, value: u8| {
        let mut archive = good.clone();
        archive[at] ^= value;
        complaint(&setup(archive))
    };
    assert!(complaint(&setup(Vec::new())).contains("no boot archive"));
    assert!(changed(0, 1).contains("not a Cedo archive"));
    assert!(changed(8, 1).contains("(length)"));
    assert!(changed(10, 0xff).contains("(length)"));
    let last = good.len() - 1;
    for at in [20, 30, 5000, last] {
        assert!(changed(at, 0x10).contains("(checksum)"), "{at}");
    }
    let mut truncated = good.clone();
    truncated.truncate(last);
    truncated.truncate(good.len() - PAGE_SIZE as usize);
    assert!(complaint(&setup(truncated)).contains("(length)"));
    assert!(complaint(&setup(image::archive(&[("shell", b"x")]))).contains("no file `init`"));
}

#[test]
fn a_hostile_image_is_refused() {
    let refused = |entry: u64, segments: &[FlatSegment], why: &str| {
        // The packer of the tests makes room for what the header claims, so claim it afterwards.
        let mut flat = image::flat(entry, &[segment(CODE, 1, 1, CODE_ACCESS)]);
        flat[16..24].copy_from_slice(&(segments.len() as u64).to_le_bytes());
        for (index, segment) in segments.iter().enumerate() {
            let FlatSegment { address, memory_pages, offset, file_pages, access } = *segment;
            for (word, value) in
                [address, memory_pages, offset, file_pages, access].into_iter().enumerate()
            {
                flat[24 + index * 40 + word * 8..][..8].copy_from_slice(&value.to_le_bytes());
            }
        }
        let said = complaint(&setup(image::archive(&[("init", &flat)])));
        assert!(said.contains(why), "{segments:?}: {said}");
    };
    let good = segment(CODE, 1, 1, CODE_ACCESS);
    let damaged = "damaged";
    refused(0xffff_8000_0000_0000, &[good], damaged);
    refused(CODE, &[], damaged);
    refused(CODE, &[good, good], damaged);
    for bad in [
        FlatSegment { address: CODE + 8, ..good },
        FlatSegment { address: 0xffff_8000_0000_0000, ..good },
        FlatSegment { address: 0x7fff_ffff_e000, memory_pages: 2, ..good },
        FlatSegment { memory_pages: 0, file_pages: 0, ..good },
        FlatSegment { memory_pages: u64::MAX, ..good },
        FlatSegment { memory_pages: 1 << 52, ..good },
        FlatSegment { file_pages: 2, ..good },
        FlatSegment { file_pages: 2, memory_pages: 2, ..good },
        FlatSegment { offset: 16, ..good },
        FlatSegment { offset: u64::MAX - 4095, ..good },
    ] {
        refused(CODE, &[bad], damaged);
    }
    refused(CODE, &[FlatSegment { memory_pages: 1 << 20, ..good }], "too little memory");
    refused(CODE, &[good, FlatSegment { address: INIT_UTCB, ..good }], "relink");
    let info = FlatSegment { address: KERNEL_INFO, ..good };
    refused(CODE, &[good, info], damaged);
}

#[test]
fn too_little_memory_is_named_in_one_line_and_a_second_range_can_do() {
    let small = Setup { ram: vec![20, 30], ..setup(image::minimal(CODE)) };
    assert!(complaint(&small).contains("too little memory"));
    let mut world = Simulation::boot(&Setup { ram: vec![20, 200], ..small }).expect("boots");
    assert_eq!(world.load(CORE, INIT_BOOT_INFO + 16).map(|count| count as u32), Ok(3));
}
