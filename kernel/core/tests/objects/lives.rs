//! Lives of threads, Spaces and interrupt objects.

use crate::{AREA, CODE, CORE, FREE, READ_WRITE, Server, setup, table};
use cedo_abi::call::object::{CREATE_IRQ, CREATE_THREAD, SPACE_FRAMES};
use cedo_abi::call::{Call, capability, memory};
use cedo_abi::info::slot;
use cedo_abi::layout::{KERNEL_INFO, PAGE_SIZE};
use cedo_abi::name::SELF;
use cedo_abi::{Rights, Status};
use cedo_arch_host::{Setup, image};
use cedo_machine::{Interrupt, Line};

#[test]
fn a_thread_lives_in_two_frames_and_gives_both_back() {
    let mut server = Server::boot();
    assert_eq!(server.map(8, AREA, 1, READ_WRITE).0, Status::Ok);
    let before = table::kinds(&server);
    for _ in 0..3 {
        assert_eq!(server.create_thread(0, SELF, AREA + PAGE_SIZE, FREE), Status::Ok);
        server.world.store(CORE, AREA + PAGE_SIZE, 1).expect("the UTCB is mapped");
        table::check(&server);
        assert_eq!(server.destroy(FREE), Status::Ok);
        assert!(server.world.load(CORE, AREA + PAGE_SIZE).is_err());
        assert_eq!(server.identify(FREE).0, Status::NoCapability);
        assert_eq!(table::kinds(&server), before);
    }
}

#[test]
fn a_thread_that_cannot_be_created_changes_nothing() {
    let mut server = Server::boot();
    assert_eq!(server.map(8, AREA, 1, READ_WRITE).0, Status::Ok);
    assert_eq!(server.create_space(20, SPACE_FRAMES + 1, FREE), Status::Ok);
    let before = table::kinds(&server);
    let (region, utcb) = (server.region, AREA + PAGE_SIZE);
    let good = [0, SELF, 0, utcb, CODE, 0, 0];
    let with = |index: usize, value: u64| {
        let mut words = good;
        words[index] = value;
        words
    };
    let end = server.pages;
    for (words, slot, expected) in [
        (with(0, end - 1), FREE + 1, Status::BadArgument),
        (with(0, u64::MAX), FREE + 1, Status::BadArgument),
        (with(0, 7), FREE + 1, Status::FramesBusy),
        (with(0, 8), FREE + 1, Status::FramesBusy),
        (with(1, region), FREE + 1, Status::WrongKind),
        (with(1, 99), FREE + 1, Status::NoCapability),
        (with(1, FREE), FREE + 1, Status::NoStock),
        (with(2, 1), FREE + 1, Status::BadArgument),
        (with(2, u64::MAX), FREE + 1, Status::BadArgument),
        (with(3, AREA), FREE + 1, Status::Occupied),
        (with(3, utcb + 8), FREE + 1, Status::BadAddress),
        (with(3, 0xffff_8000_0000_0000), FREE + 1, Status::BadAddress),
        (with(3, KERNEL_INFO), FREE + 1, Status::Occupied),
        (with(4, 0x7fff_ffff_f000), FREE + 1, Status::BadAddress),
        (good, FREE, Status::Occupied),
        (good, 512, Status::NoCapability),
        (good, SELF, Status::NoCapability),
    ] {
        assert_eq!(server.object(CREATE_THREAD, region, slot, &words), expected, "{words:x?}");
        assert_eq!(table::kinds(&server), before, "{words:x?}");
    }
    table::check(&server);
    assert_eq!(server.destroy(FREE), Status::Ok, "the Space counts no thread");
    assert_eq!(server.object(CREATE_THREAD, region, FREE + 1, &good), Status::Ok);
}

#[test]
fn a_thread_unmapped_its_own_utcb_can_still_be_destroyed() {
    let mut server = Server::boot();
    let before = table::kinds(&server);
    assert_eq!(server.create_thread(0, SELF, 0x20_1000, FREE), Status::Ok);
    assert_eq!(server.unmap(0x20_1000, 1), (Status::Ok, 1));
    assert_eq!(server.map(5, 0x20_1000, 1, READ_WRITE).0, Status::Ok);
    assert_eq!(server.destroy(FREE), Status::Ok);
    assert!(server.world.load(CORE, 0x20_1000).is_ok(), "the page mapped since then stays");
    assert_eq!(server.unmap(0x20_1000, 1), (Status::Ok, 1));
    assert_eq!(table::kinds(&server), before);
}

#[test]
fn nobody_destroys_itself_its_space_or_what_is_no_object() {
    let mut server = Server::boot();
    assert_eq!(server.destroy(SELF), Status::NotOneself);
    assert_eq!(server.destroy(slot::THREAD.into()), Status::NotOneself);
    assert_eq!(server.destroy(slot::SPACE.into()), Status::WrongState);
    assert_eq!(server.destroy(slot::LINES.into()), Status::WrongKind);
    assert_eq!(server.destroy(server.region), Status::NoRight);
    assert_eq!(server.destroy(FREE), Status::NoCapability);
    assert_eq!(server.create_thread(0, SELF, AREA, FREE), Status::Ok);
    let weak = [SELF, Rights::STATE.0.into()];
    assert_eq!(server.capability(capability::COPY, FREE, FREE + 1, &weak), Status::Ok);
    assert_eq!(server.destroy(FREE + 1), Status::NoRight);
}

#[test]
fn a_space_gives_back_everything_when_its_last_thread_is_gone() {
    let mut server = Server::boot();
    let before = table::kinds(&server);
    assert_eq!(server.create_space(0, SPACE_FRAMES + 2, FREE), Status::Ok);
    assert_eq!(server.stock(FREE, 20, 30), (Status::Ok, 30));
    let region = server.region;
    let spread = [0x1000, AREA, 0x5000_0000_0000, 0xffff_ffff_8000_0000, 0xffff_8400_0000_0000];
    for (page, address) in (60..).zip(spread) {
        let words = [page, address, 2, READ_WRITE.0.into()];
        let (status, words) = server.call(Call::Memory, memory::MAP, (FREE, region), &words);
        assert_eq!((status, words[0]), (Status::Ok, 2));
    }
    assert_eq!(server.create_thread(80, FREE, 0x7000, FREE + 1), Status::Ok);
    assert_eq!(server.destroy(FREE), Status::WrongState);
    table::check(&server);
    assert_eq!(server.destroy(FREE + 1), Status::Ok);
    assert_eq!(server.destroy(FREE), Status::Ok);
    assert_eq!(table::kinds(&server), before);
    assert_eq!(server.destroy(FREE), Status::NoCapability);
}

#[test]
fn a_large_space_takes_several_calls_and_takes_nothing_in_meanwhile() {
    let mut server = Server::boot();
    let before = table::kinds(&server);
    assert_eq!(server.create_space(0, SPACE_FRAMES + 1, FREE), Status::Ok);
    for piece in 0..2 {
        assert_eq!(server.stock(FREE, 20 + 32 * piece, 32), (Status::Ok, 32));
    }
    let region = server.region;
    let map = |server: &mut Server, address| {
        let words = [100, address, 1, Rights::READ.0.into()];
        server.call(Call::Memory, memory::MAP, (FREE, region), &words).0
    };
    for far in 0..15 {
        assert_eq!(map(&mut server, 0x1000_0000_0000 + (far << 30)), Status::Ok);
    }
    let (status, words) = server.call(Call::Object, 3, (FREE, 0), &[]);
    assert_eq!((status, words[0]), (Status::Ok, 1), "more to do");
    assert_eq!(map(&mut server, AREA), Status::WrongState);
    assert_eq!(server.stock(FREE, 101, 2).0, Status::WrongState);
    assert_eq!(server.create_thread(102, FREE, AREA, FREE + 1), Status::WrongState);
    let copy = server.capability(capability::COPY, region, 5, &[FREE, u64::MAX]);
    assert_eq!(copy, Status::WrongState);
    assert_eq!(server.destroy(FREE), Status::Ok);
    assert_eq!(table::kinds(&server), before);
}

#[test]
fn a_space_that_cannot_be_created_changes_nothing() {
    let mut server = Server::boot();
    assert_eq!(server.map(10, AREA, 1, READ_WRITE).0, Status::Ok);
    let before = table::kinds(&server);
    for (page, frames, slot, expected) in [
        (0, SPACE_FRAMES, FREE, Status::BadArgument),
        (0, SPACE_FRAMES + 65, FREE, Status::BadArgument),
        (0, 0, FREE, Status::BadArgument),
        (0, u64::MAX, FREE, Status::BadArgument),
        (server.pages - 3, SPACE_FRAMES + 1, FREE, Status::BadArgument),
        (5, SPACE_FRAMES + 1, FREE, Status::FramesBusy),
        (0, SPACE_FRAMES + 1, slot::THREAD.into(), Status::Occupied),
        (0, SPACE_FRAMES + 1, 5000, Status::NoCapability),
    ] {
        assert_eq!(server.create_space(page, frames, slot), expected);
        assert_eq!(table::kinds(&server), before);
    }
    table::check(&server);
}

#[test]
fn a_line_has_one_irq_at_a_time() {
    let mut server = Server::boot();
    let before = table::kinds(&server);
    let (region, lines) = (server.region, u64::from(slot::LINES));
    let request = |page: u64, line: u64| [page, lines, line, SELF, 9, 1, 0];
    assert_eq!(server.object(CREATE_IRQ, region, FREE, &request(0, 3)), Status::Ok);
    server.world.raise(Line(3));
    assert_eq!(server.world.pending(CORE), [Interrupt::Line(Line(3))]);
    server.world.lower(Line(3));
    assert_eq!(server.object(CREATE_IRQ, region, FREE + 1, &request(1, 3)), Status::Occupied);
    assert_eq!(server.object(CREATE_IRQ, region, FREE, &request(1, 4)), Status::Occupied);
    assert_eq!(server.object(CREATE_IRQ, region, FREE + 1, &request(0, 4)), Status::FramesBusy);
    for _ in 0..2 {
        // The machine has 8 lines.
        let status = server.object(CREATE_IRQ, region, FREE + 1, &request(1, 8));
        assert_eq!(status, Status::BadArgument);
    }
    let mut unknown = request(1, 4);
    unknown[5] = 2;
    assert_eq!(server.object(CREATE_IRQ, region, FREE + 1, &unknown), Status::BadArgument);
    assert_eq!(server.object(CREATE_IRQ, region, FREE + 1, &request(1, 4)), Status::Ok);
    assert_eq!(server.destroy(FREE), Status::Ok);
    server.world.raise(Line(3));
    assert!(server.world.pending(CORE).is_empty(), "a line without Irq is masked");
    assert_eq!(server.object(CREATE_IRQ, region, FREE, &request(0, 3)), Status::Ok);
    assert_eq!(server.destroy(FREE), Status::Ok);
    assert_eq!(server.destroy(FREE + 1), Status::Ok);
    assert_eq!(table::kinds(&server), before);
}

#[test]
fn lines_have_numbers_up_to_255_and_none_is_taken_for_another() {
    let setup = setup(image::minimal(CODE));
    let mut server = Server::boot_on(&Setup { lines: 300, ..setup });
    let (region, lines) = (server.region, u64::from(slot::LINES));
    let mut create = |page: u64, line: u64| {
        let request = [page, lines, line, SELF, 9, 1, 0];
        server.object(CREATE_IRQ, region, FREE + page, &request)
    };
    for (page, line) in [4, 68, 132, 255].into_iter().enumerate() {
        assert_eq!(create(page as u64, line), Status::Ok, "{line}");
        assert_eq!(create(5, line), Status::Occupied, "{line}");
    }
    assert_eq!(create(5, 256), Status::BadArgument);
    assert_eq!(server.destroy(FREE + 1), Status::Ok);
    let again = |line: u64| [1, lines, line, SELF, 9, 1, 0];
    assert_eq!(server.object(CREATE_IRQ, region, FREE + 1, &again(4)), Status::Occupied);
    assert_eq!(server.object(CREATE_IRQ, region, FREE + 1, &again(68)), Status::Ok);
    server.world.raise(Line(255));
    assert_eq!(server.world.pending(CORE), [Interrupt::Line(Line(255))]);
}

#[test]
fn the_irqs_of_a_destroyed_handler_are_gone() {
    let mut server = Server::boot();
    let before = table::kinds(&server);
    let region = server.region;
    assert_eq!(server.create_thread(0, SELF, AREA, FREE), Status::Ok);
    let request = [2, u64::from(slot::LINES), 5, FREE, 0, 0, 0];
    assert_eq!(server.object(CREATE_IRQ, region, FREE + 1, &request), Status::Ok);
    assert_eq!(server.destroy(FREE), Status::Ok);
    assert_eq!(server.identify(FREE + 1).0, Status::NoCapability);
    let utcb_tables: usize = 3;
    let after = table::kinds(&server);
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    assert!(changed <= utcb_tables, "only the stock's tables have another use now");
    assert_eq!(server.object(CREATE_IRQ, region, FREE + 1, &request), Status::NoCapability);
}
