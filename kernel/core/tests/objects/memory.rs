//! Mapping, unmapping, stock.

use crate::{AREA, CORE, READ_WRITE, Server, table};
use cedo_abi::call::memory::PAGES_PER_CALL;
use cedo_abi::call::object::SPACE_FRAMES;
use cedo_abi::call::{Call, capability, memory};
use cedo_abi::layout::{INIT_STACK_TOP, KERNEL_INFO, PAGE_SIZE};
use cedo_abi::name::SELF;
use cedo_abi::{Rights, Status};

#[test]
fn a_frame_is_seen_where_it_is_mapped_and_no_longer_when_unmapped() {
    let mut server = Server::boot();
    assert_eq!(server.map(3, AREA, 1, READ_WRITE), (Status::Ok, 1));
    assert_eq!(server.map(3, AREA + 9 * PAGE_SIZE, 1, Rights::READ), (Status::Ok, 1));
    server.world.store(CORE, AREA + 8, 42).expect("writable");
    assert_eq!(server.world.load(CORE, AREA + 9 * PAGE_SIZE + 8), Ok(42));
    assert!(server.world.store(CORE, AREA + 9 * PAGE_SIZE, 1).is_err());
    table::check(&server);
    assert_eq!(server.unmap(AREA, 1), (Status::Ok, 1));
    assert!(server.world.load(CORE, AREA).is_err());
    assert!(server.world.stale(CORE).is_empty());
    assert_eq!(server.world.load(CORE, AREA + 9 * PAGE_SIZE + 8), Ok(42));
    table::check(&server);
}

#[test]
fn a_call_does_at_most_32_pages_and_stops_at_the_first_it_cannot_do() {
    let mut server = Server::boot();
    assert_eq!(server.map(0, AREA, 40, READ_WRITE), (Status::Ok, PAGES_PER_CALL));
    assert_eq!(server.map(0, AREA - 2 * PAGE_SIZE, 9, READ_WRITE), (Status::Ok, 2));
    assert_eq!(server.map(0, AREA, 1, READ_WRITE).0, Status::Occupied);
    assert_eq!(server.unmap(AREA, u64::MAX), (Status::Ok, PAGES_PER_CALL));
    assert_eq!(server.unmap(AREA, 5), (Status::Ok, 5));
    assert_eq!(server.map(0, AREA, 1, READ_WRITE), (Status::Ok, 1));
    table::check(&server);
}

#[test]
fn addresses_and_ranges_a_user_cannot_have_are_refused() {
    let mut server = Server::boot();
    let bad = [1, AREA + 8, 0x7fff_ffff_f000, 0xffff_8000_0000_0000, u64::MAX - 4095, u64::MAX];
    for address in bad {
        assert_eq!(server.map(0, address, 2, READ_WRITE).0, Status::BadAddress, "{address:#x}");
        assert_eq!(server.unmap(address, 2).0, Status::BadAddress, "{address:#x}");
    }
    let end = server.pages;
    for (page, pages) in [(end, 1), (0, end + 1), (u64::MAX, 1), (1, u64::MAX), (0, 0)] {
        assert_eq!(server.map(page, AREA, pages, READ_WRITE).0, Status::BadArgument);
        assert_eq!(server.stock(SELF, page, pages).0, Status::BadArgument);
    }
    for access in [Rights::NONE, Rights::WRITE, READ_WRITE.or(Rights::OBJECTS), Rights::ALL] {
        assert_eq!(server.map(0, AREA, 1, access).0, Status::BadArgument);
    }
    assert_eq!(server.unmap(AREA, 0).0, Status::BadArgument);
    table::check(&server);
}

#[test]
fn the_kernel_information_page_stays() {
    let mut server = Server::boot();
    assert_eq!(server.unmap(KERNEL_INFO, 1).0, Status::BadAddress);
    assert_eq!(server.map(0, KERNEL_INFO, 1, READ_WRITE).0, Status::Occupied);
    assert_eq!(server.map(0, KERNEL_INFO - PAGE_SIZE, 2, READ_WRITE), (Status::Ok, 1));
    assert_eq!(server.unmap(KERNEL_INFO - PAGE_SIZE, 3), (Status::Ok, 1));
    assert!(server.world.load(CORE, KERNEL_INFO).is_ok());
    table::check(&server);
}

#[test]
fn a_region_maps_and_gives_no_more_than_its_rights() {
    let mut server = Server::boot();
    let whole = server.region;
    let narrow = [SELF, Rights::READ.0.into()];
    assert_eq!(server.capability(capability::COPY, whole, 70, &narrow), Status::Ok);
    server.region = 70;
    assert_eq!(server.map(0, AREA, 1, READ_WRITE).0, Status::NoRight);
    assert_eq!(server.map(0, AREA, 1, Rights::READ.or(Rights::EXECUTE)).0, Status::NoRight);
    assert_eq!(server.stock(SELF, 0, 1).0, Status::NoRight);
    assert_eq!(server.create_space(0, SPACE_FRAMES + 1, 71), Status::NoRight);
    assert_eq!(server.map(0, AREA, 1, Rights::READ), (Status::Ok, 1));
}

#[test]
fn mapped_frames_are_not_stock_and_stock_is_not_mapped() {
    let mut server = Server::boot();
    assert_eq!(server.map(4, AREA, 1, READ_WRITE), (Status::Ok, 1));
    assert_eq!(server.stock(SELF, 4, 2).0, Status::FramesBusy);
    assert_eq!(server.stock(SELF, 3, 2).0, Status::FramesBusy);
    assert_eq!(server.stock(SELF, 1, 6), (Status::Ok, 2));
    for page in [1, 2] {
        let mapped = server.map(page, AREA + PAGE_SIZE, 1, READ_WRITE).0;
        assert_eq!(mapped, Status::FramesBusy);
    }
    assert_eq!(server.stock(SELF, 2, 2).0, Status::FramesBusy);
    assert_eq!(server.unmap(AREA, 1), (Status::Ok, 1));
    assert_eq!(server.stock(SELF, 4, 2), (Status::Ok, 2));
    // Stock is taken two by two.
    assert_eq!(server.stock(SELF, 6, 3), (Status::Ok, 2));
    assert_eq!(server.stock(SELF, 8, 1).0, Status::BadArgument);
    table::check(&server);
}

#[test]
fn a_space_maps_what_its_stock_allows() {
    let mut server = Server::boot();
    assert_eq!(server.create_space(0, SPACE_FRAMES + 1, 64), Status::Ok);
    let words = [20, AREA, 1, READ_WRITE.0.into()];
    let map = |server: &mut Server| {
        let region = server.region;
        server.call(Call::Memory, memory::MAP, (64, region), &words).0
    };
    for table in 0..3 {
        assert_eq!(map(&mut server), Status::NoStock);
        assert_eq!(server.stock(64, 12 + 2 * table, 2), (Status::Ok, 2));
    }
    assert_eq!(map(&mut server), Status::Ok);
    // Another Space's mapping is not this one's.
    assert!(server.world.load(CORE, AREA).is_err());
    table::check(&server);
    assert_eq!(server.destroy(64), Status::Ok);
    table::check(&server);
}

#[test]
fn a_frame_that_was_unmapped_becomes_an_object() {
    let mut server = Server::boot();
    let frames = SPACE_FRAMES + 1;
    assert_eq!(server.map(0, AREA, frames, READ_WRITE), (Status::Ok, frames));
    assert_eq!(server.create_space(0, frames, 64), Status::FramesBusy);
    assert_eq!(server.unmap(AREA, frames), (Status::Ok, frames));
    assert_eq!(server.create_space(0, frames, 64), Status::Ok);
    for page in 0..frames {
        assert_eq!(server.map(page, AREA, 1, READ_WRITE).0, Status::FramesBusy);
    }
    // The stack is memory nobody has a Region for, but it can be unmapped.
    assert_eq!(server.unmap(INIT_STACK_TOP - PAGE_SIZE, 1), (Status::Ok, 1));
    table::check(&server);
}
