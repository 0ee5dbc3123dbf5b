//! What was made by means of a capability, and taking it back.

use crate::{AREA, CODE, CORE, FREE, READ_WRITE, Server, rounds, table};
use cedo_abi::call::capability::{MAX_DERIVATIONS, MOVE};
use cedo_abi::call::object::{CREATE_IRQ, CREATE_SPACE, CREATE_THREAD, SPACE_FRAMES};
use cedo_abi::call::{Call, capability, core as core_call, memory, operation, thread};
use cedo_abi::info::slot;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::name::SELF;
use cedo_abi::{Kind, Rights, Status};
use cedo_arch_host::Roles;
use cedo_core::call::give::Give;
use cedo_core::object::space::Space;
use cedo_floor::{SpaceId, ThreadId};
use cedo_machine::{Frame, Line};

const THREAD: u64 = slot::THREAD as u64;
const ALL: u64 = Rights::ALL.0 as u64;
/// A Space made by [`space`].
const OTHER: u64 = FREE;
/// Free slots.
const SOURCE: u64 = FREE + 1;
const NEXT: u64 = FREE + 2;

/// Makes a Space with two frames of table and some stock, in pages 0 to 40.
fn space(server: &mut Server) {
    assert_eq!(server.create_space(0, SPACE_FRAMES + 2, OTHER), Status::Ok);
    assert_eq!(server.stock(OTHER, 12, 24), (Status::Ok, 24));
}

fn made(server: &Server, slot: u64) -> &Space {
    // Slots of the other Space are read by what the kernel keeps.
    let frame = frame_of(server, slot);
    server.world.kernel(CORE).objects.space(SpaceId::new(frame).expect("not frame 0"))
}

/// Frame of the object in a slot of the first server.
fn frame_of(server: &Server, slot: u64) -> Frame {
    let kernel = server.world.kernel(CORE);
    let own = kernel.look(kernel.local.root.expect("a root")).space;
    let own = kernel.objects.space(own);
    let found = cedo_core::object::capability::look_up(&kernel.objects, own, slot as u32);
    found.expect("a capability").frame
}

/// True if a slot of the other Space holds something.
fn holds(server: &Server, slot: u32) -> bool {
    let kernel = server.world.kernel(CORE);
    let space = made(server, OTHER);
    cedo_core::object::capability::look_up(&kernel.objects, space, slot).is_ok()
}

/// The Space that a slot names, or the first server's own.
fn space_id(server: &Server, slot: u64) -> SpaceId {
    let kernel = server.world.kernel(CORE);
    let frame = match slot {
        SELF => kernel.look(kernel.local.root.expect("a root")).space.frame(),
        slot => frame_of(server, slot),
    };
    SpaceId::new(frame).expect("not frame 0")
}

fn give(server: &Server, from: (SpaceId, u64), to: (SpaceId, u64), how: Give) -> Status {
    let (from, to) = ((from.0, from.1 as u32), (to.0, to.1 as u32));
    let given = server.world.kernel(CORE).give(from, None, Rights::ALL, to, how);
    given.err().unwrap_or(Status::Ok)
}

fn stock(server: &mut Server, space: u64, region: u64, page: u64, pages: u64) -> (Status, u64) {
    let words = [page, pages];
    let (status, words) = server.call(Call::Memory, memory::STOCK, (space, region), &words);
    (status, words[0])
}

fn map(server: &mut Server, space: u64, region: u64, page: u64, address: u64) -> Status {
    let words = [page, address, 1, READ_WRITE.0.into()];
    server.call(Call::Memory, memory::MAP, (space, region), &words).0
}

#[test]
fn a_revoked_capability_stays_and_what_was_copied_of_it_is_gone() {
    let mut server = Server::boot();
    space(&mut server);
    assert_eq!(server.copy(THREAD, SOURCE, SELF), Status::Ok);
    assert_eq!(server.copy(SOURCE, 3, OTHER), Status::Ok);
    assert_eq!(server.copy(SOURCE, NEXT, SELF), Status::Ok);
    assert_eq!(server.capability(capability::MAKE_GATE, NEXT, 70, &[OTHER, ALL, 1]), Status::Ok);
    assert_eq!(server.copy(THREAD, NEXT + 1, SELF), Status::Ok);
    assert_eq!(server.revoke(SOURCE), Status::Ok);
    assert!(!holds(&server, 3) && !holds(&server, 70));
    assert_eq!(server.identify(NEXT).0, Status::NoCapability);
    for kept in [SOURCE, NEXT + 1, THREAD] {
        assert_eq!(server.identify(kept).1[0], Kind::Thread as u64);
    }
    table::check(&server);
}

#[test]
fn what_has_dependents_is_not_dropped_until_it_was_revoked() {
    let mut server = Server::boot();
    space(&mut server);
    assert_eq!(server.copy(THREAD, SOURCE, SELF), Status::Ok);
    assert_eq!(server.copy(SOURCE, 3, OTHER), Status::Ok);
    assert_eq!(server.drop_slot(SOURCE, SELF), Status::HasDependents);
    assert_eq!(server.capability(MOVE, SOURCE, NEXT, &[SELF, ALL]), Status::HasDependents);
    // The flag stays when the dependents are gone by themselves.
    assert_eq!(server.drop_slot(3, OTHER), Status::Ok);
    assert_eq!(server.drop_slot(SOURCE, SELF), Status::HasDependents);
    assert_eq!(server.revoke(SOURCE), Status::Ok);
    assert_eq!(server.drop_slot(SOURCE, SELF), Status::Ok);
    assert_eq!(server.revoke(SOURCE), Status::NoCapability);
}

#[test]
fn a_copy_that_failed_is_no_dependent() {
    let mut server = Server::boot();
    space(&mut server);
    assert_eq!(server.copy(THREAD, SOURCE, SELF), Status::Ok);
    assert_eq!(server.copy(SOURCE, THREAD, SELF), Status::Occupied);
    assert_eq!(server.copy(SOURCE, 500, OTHER), Status::NoCapability);
    assert_eq!(server.drop_slot(SOURCE, SELF), Status::Ok);
}

#[test]
fn what_is_moved_keeps_what_it_depends_on() {
    let mut server = Server::boot();
    space(&mut server);
    assert_eq!(server.copy(THREAD, SOURCE, SELF), Status::Ok);
    assert_eq!(server.copy(SOURCE, NEXT, SELF), Status::Ok);
    let state = Rights::STATE;
    assert_eq!(server.capability(MOVE, NEXT, 9, &[OTHER, state.0.into()]), Status::Ok);
    assert_eq!(server.identify(NEXT).0, Status::NoCapability);
    assert!(holds(&server, 9));
    assert_eq!(server.capability(MOVE, NEXT, 10, &[OTHER, ALL]), Status::NoCapability);
    assert_eq!(server.capability(MOVE, SOURCE, 10, &[OTHER, ALL]), Status::HasDependents);
    assert_eq!(server.copy(THREAD, NEXT, SELF), Status::Ok);
    assert_eq!(server.capability(MOVE, NEXT, 9, &[OTHER, ALL]), Status::Occupied);
    assert_eq!(server.capability(MOVE, NEXT, NEXT, &[SELF, ALL]), Status::Occupied);
    assert_eq!(server.identify(NEXT).0, Status::Ok);
    assert_eq!(server.revoke(SOURCE), Status::Ok);
    assert!(!holds(&server, 9));
}

#[test]
fn fifteen_capabilities_can_be_above_one_and_no_more() {
    let mut server = Server::boot();
    let (region, last) = (server.region, SOURCE + MAX_DERIVATIONS as u64);
    assert_eq!(server.copy(region, SOURCE, SELF), Status::Ok);
    for slot in SOURCE..last - 1 {
        assert_eq!(server.copy(slot, slot + 1, SELF), Status::Ok);
    }
    assert_eq!(server.copy(last - 1, last, SELF), Status::TooDeep);
    let words = [0, SPACE_FRAMES + 1];
    assert_eq!(server.object(CREATE_SPACE, last - 1, last, &words), Status::TooDeep);
    // A mapping is made by means of the deepest one, and dies with the first.
    assert_eq!(map(&mut server, SELF, last - 1, 0, AREA), Status::Ok);
    assert_eq!(server.capability(MOVE, last - 1, last, &[SELF, ALL]), Status::HasDependents);
    assert_eq!(server.revoke(SOURCE), Status::Ok);
    assert!(server.world.load(CORE, AREA).is_err());
    for slot in SOURCE + 1..=last {
        assert_eq!(server.identify(slot).0, Status::NoCapability);
    }
    table::check(&server);
}

#[test]
fn a_revoked_region_is_mapped_nowhere_and_its_neighbours_stay() {
    let mut server = Server::boot();
    space(&mut server);
    server.divide(100, 8, SOURCE);
    server.divide(100, 8, NEXT);
    let address = |page: u64| AREA + page * PAGE_SIZE;
    for page in 0..3 {
        assert_eq!(map(&mut server, SELF, SOURCE, page, address(2 * page)), Status::Ok);
        assert_eq!(map(&mut server, SELF, NEXT, page, address(2 * page + 1)), Status::Ok);
        assert_eq!(map(&mut server, OTHER, SOURCE, page, address(600 * page)), Status::Ok);
    }
    let far = 0xffff_ffff_8000_0000;
    assert_eq!(map(&mut server, SELF, SOURCE, 3, far), Status::Ok);
    server.world.load(CORE, far).expect("mapped");
    let first = frame_of(&server, SOURCE);
    let count =
        |server: &Server, page| server.world.shared().table.entry(first.plus(page)).map_count();
    assert_eq!((count(&server, 0), count(&server, 3)), (3, 1));
    assert_eq!(server.revoke(SOURCE), Status::Ok);
    for page in 0..3 {
        assert!(server.world.load(CORE, address(2 * page)).is_err());
        assert!(server.world.load(CORE, address(2 * page + 1)).is_ok());
        assert_eq!(count(&server, page as u32), 1);
    }
    assert!(server.world.load(CORE, far).is_err());
    assert_eq!(count(&server, 3), 0);
    assert!(server.world.stale(CORE).is_empty());
    table::check(&server);
}

#[test]
fn objects_die_with_the_region_they_were_made_of() {
    let mut server = Server::boot();
    let before = table::kinds(&server);
    server.divide(40, 80, SOURCE);
    let frames = SPACE_FRAMES + 1;
    assert_eq!(server.object(CREATE_SPACE, SOURCE, OTHER, &[0, frames]), Status::Ok);
    assert_eq!(stock(&mut server, OTHER, SOURCE, 10, 16), (Status::Ok, 16));
    // A thread that lives in the Space, one that lives elsewhere, one from elsewhere in the Space.
    let thread = |page: u64, space: u64| [page, space, 0, AREA + page * PAGE_SIZE, CODE, 0, 0];
    let region = server.region;
    for (region, page, space, slot) in
        [(SOURCE, 30, OTHER, NEXT), (SOURCE, 32, SELF, NEXT + 1), (region, 2, OTHER, NEXT + 2)]
    {
        let words = thread(page, space);
        assert_eq!(server.object(CREATE_THREAD, region, slot, &words), Status::Ok);
    }
    let irq = [40, u64::from(slot::LINES), 5, SELF, 0, 0, 0];
    assert_eq!(server.object(CREATE_IRQ, SOURCE, NEXT + 3, &irq), Status::Ok);
    table::check(&server);
    assert_eq!(server.revoke(SOURCE), Status::Ok);
    for slot in [OTHER, NEXT, NEXT + 1, NEXT + 2, NEXT + 3] {
        assert_eq!(server.identify(slot).0, Status::NoCapability, "{slot}");
    }
    server.world.raise(Line(5));
    assert!(server.world.pending(CORE).is_empty(), "the line is stopped");
    table::check(&server);
    let utcb_tables = 3 * 2;
    let after = table::kinds(&server);
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    assert!(changed <= utcb_tables, "all frames are back but the tables of this server's own");
}

#[test]
fn page_tables_go_with_the_region_they_were_made_of() {
    let mut server = Server::boot();
    assert_eq!(server.create_space(0, SPACE_FRAMES + 1, OTHER), Status::Ok);
    let before = table::kinds(&server);
    server.divide(40, 64, SOURCE);
    assert_eq!(stock(&mut server, OTHER, SOURCE, 0, 32), (Status::Ok, 32));
    // What is mapped comes from elsewhere, but through these tables.
    let region = server.region;
    for (page, address) in [(20, AREA), (21, AREA + PAGE_SIZE), (22, 0x1234_0000_0000)] {
        assert_eq!(map(&mut server, OTHER, region, page, address), Status::Ok);
    }
    for page in 0..200 {
        let address = 0x5000_0000 + page * PAGE_SIZE;
        assert_eq!(map(&mut server, OTHER, region, 130, address), Status::Ok);
    }
    assert_eq!(server.revoke(SOURCE), Status::Ok);
    assert_eq!(table::kinds(&server), before, "stock, tables and mappings are gone");
    table::check(&server);
    assert_eq!(map(&mut server, OTHER, region, 20, AREA), Status::NoStock);
    assert_eq!(stock(&mut server, OTHER, region, 110, 6), (Status::Ok, 6));
    assert_eq!(map(&mut server, OTHER, region, 20, AREA), Status::Ok);
    table::check(&server);
}

#[test]
fn an_irq_dies_with_the_right_to_its_line() {
    let mut server = Server::boot();
    let before = table::kinds(&server);
    let part = [SELF, ALL, 4, 2];
    let lines = slot::LINES.into();
    assert_eq!(server.capability(capability::DIVIDE, lines, SOURCE, &part), Status::Ok);
    let region = server.region;
    let irq = |lines: u64, line: u64| [line, lines, line, SELF, 0, 0, 0];
    assert_eq!(server.object(CREATE_IRQ, region, NEXT, &irq(SOURCE, 4)), Status::Ok);
    assert_eq!(server.object(CREATE_IRQ, region, NEXT + 1, &irq(lines, 6)), Status::Ok);
    assert_eq!(server.revoke(SOURCE), Status::Ok);
    assert_eq!(server.identify(NEXT).0, Status::NoCapability);
    assert_eq!(server.identify(NEXT + 1).0, Status::Ok);
    assert_eq!(server.object(CREATE_IRQ, region, NEXT, &irq(lines, 4)), Status::Ok);
    assert_eq!(server.destroy(NEXT), Status::Ok);
    assert_eq!(server.destroy(NEXT + 1), Status::Ok);
    assert_eq!(table::kinds(&server), before);
}

#[test]
fn nobody_revokes_what_it_depends_on_itself() {
    let mut server = Server::boot();
    server.divide(0, 10, SOURCE);
    let words = [0, SELF, 0, AREA, CODE, 0, 0];
    assert_eq!(server.object(CREATE_THREAD, SOURCE, NEXT, &words), Status::Ok);
    let operation = operation(Call::Core, core_call::SET_ROOT, 0);
    let (to, words) = (slot::CORE_0.into(), [core_call::DIRECT, 0, 0, 0, 0, 0, 0]);
    let roles = Roles { operation, to, from: NEXT, tag: 0, words };
    server.world.system_call(CORE, &roles).expect("runs");
    // The new root runs now, and shares the table of slots with the first server.
    let thread = frame_of(&server, NEXT);
    assert_eq!(server.world.current(CORE), Some(thread));
    assert_eq!(server.revoke(SOURCE), Status::NotOneself);
    let region = server.region;
    assert_eq!(server.revoke(region), Status::NotOneself);
    assert_eq!(server.identify(NEXT).0, Status::Ok, "nothing was taken back");
}

#[test]
fn what_cannot_be_destroyed_stops_a_revocation_until_it_can() {
    let mut server = rounds::boot();
    server.divide(0, 10, SOURCE);
    let thread = |page: u64| [page, SELF, 1, AREA + page * PAGE_SIZE, CODE, 0, 0];
    assert_eq!(server.object(CREATE_THREAD, SOURCE, NEXT, &thread(0)), Status::Ok);
    let region = server.region;
    assert_eq!(server.object(CREATE_THREAD, region, NEXT + 1, &thread(20)), Status::Ok);
    assert_eq!(server.copy(SOURCE, NEXT + 2, SELF), Status::Ok);
    let core = u64::from(slot::CORE_0) + 1;
    let set_root = |server: &mut Server, thread| {
        rounds::start(server, Call::Core, core_call::SET_ROOT, (core, thread), &[]);
        rounds::finish(server).0
    };
    assert_eq!(set_root(&mut server, NEXT), Status::Ok);
    let revoke =
        |server: &mut Server| rounds::repeat(server, Call::Capability, capability::REVOKE, SOURCE);
    assert_eq!(revoke(&mut server), Status::WrongState, "it is the root of a core");
    assert_eq!(server.identify(NEXT + 2).0, Status::NoCapability);
    assert_eq!(server.drop_slot(SOURCE, SELF), Status::HasDependents);
    assert_eq!(set_root(&mut server, NEXT + 1), Status::Ok);
    assert_eq!(revoke(&mut server), Status::Ok);
    assert_eq!(server.identify(NEXT).0, Status::NoCapability);
    assert_eq!(server.drop_slot(SOURCE, SELF), Status::Ok);
    table::check(&server);
}

#[test]
fn a_scheduler_without_a_scheduler_stops_no_revocation() {
    let mut server = Server::boot();
    server.divide(0, 10, SOURCE);
    let new = |page: u64| [page, SELF, 0, AREA + page * PAGE_SIZE, CODE, 0, 0];
    // The scheduler's frames come before those of its child, which somebody else owns.
    assert_eq!(server.object(CREATE_THREAD, SOURCE, NEXT, &new(0)), Status::Ok);
    let region = server.region;
    assert_eq!(server.object(CREATE_THREAD, region, NEXT + 1, &new(20)), Status::Ok);
    let edge = (NEXT + 1, NEXT);
    assert_eq!(server.call(Call::Thread, thread::SET_SCHEDULER, edge, &[7]).0, Status::Ok);
    assert_eq!(server.call(Call::Thread, thread::RESUME, (NEXT + 1, 0), &[]).0, Status::Ok);
    assert_eq!(server.revoke(SOURCE), Status::Ok);
    assert_eq!(server.identify(NEXT).0, Status::NoCapability);
    assert_eq!(server.drop_slot(SOURCE, SELF), Status::Ok);
    // The root hears of the child, which can run.
    let child = ThreadId::new(frame_of(&server, NEXT + 1)).expect("not frame 0");
    let kernel = server.world.kernel(CORE);
    assert_eq!(Some(kernel.look(child).branch.scheduler), kernel.local.root);
    assert!(kernel.is_recorded(child));
    kernel.check_invariants().expect("holds");
    table::check(&server);
}

#[test]
fn what_depends_on_the_slots_of_a_space_dies_with_it() {
    let mut server = Server::boot();
    space(&mut server);
    assert_eq!(server.create_space(50, SPACE_FRAMES + 1, NEXT), Status::Ok);
    assert_eq!(server.stock(NEXT, 60, 12), (Status::Ok, 12));
    let own = space_id(&server, SELF);
    let (other, third) = (space_id(&server, OTHER), space_id(&server, NEXT));
    // The other Space gives on what it was given.
    server.divide(100, 4, SOURCE);
    for (from, to) in [((own, SOURCE), (other, 5)), ((other, 5), (third, 6))] {
        assert_eq!(give(&server, from, to, Give::Copy), Status::Ok);
    }
    assert_eq!(give(&server, (third, 6), (own, NEXT + 1), Give::Copy), Status::Ok);
    let kernel = server.world.kernel(CORE);
    let mapped = kernel.map_part((other, 5), (0, 2), third, AREA, READ_WRITE);
    assert_eq!(mapped, (2, Status::Ok));
    let first = frame_of(&server, SOURCE);
    assert_eq!(server.world.shared().table.entry(first).map_count(), 1);
    assert_eq!(server.identify(NEXT + 1).0, Status::Ok);
    assert_eq!(server.destroy(OTHER), Status::Ok);
    assert_eq!(server.identify(NEXT + 1).0, Status::NoCapability);
    assert_eq!(server.world.shared().table.entry(first).map_count(), 0);
    table::check(&server);
    assert_eq!(server.identify(SOURCE).0, Status::Ok);
}
