//! What waits until every core has flushed or left the kernel.

use crate::{AREA, CODE, CORE, FREE, READ_WRITE, Server, setup, table};
use cedo_abi::call::object::{CREATE_THREAD, DESTROY, SPACE_FRAMES};
use cedo_abi::call::{Call, memory, operation};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::name::SELF;
use cedo_abi::{Rights, Status};
use cedo_arch_host::{Outcome, Roles, Setup, image};
use cedo_floor::{FrameKind, SpaceId};
use cedo_machine::{Context, CoreNumber, Frame};

pub(crate) const OTHER: CoreNumber = CoreNumber(1);

/// A machine of two cores; a thread of the first server lives on the second.
pub(crate) fn boot() -> Server {
    let mut server = Server::boot_on(&Setup { cores: 2, ..setup(image::minimal(CODE)) });
    let words = [100, SELF, 1, AREA + 100 * PAGE_SIZE, CODE, 0, 0];
    let region = server.region;
    assert_eq!(server.object(CREATE_THREAD, region, FREE, &words), Status::Ok);
    server
}

pub(crate) fn start(
    server: &mut Server,
    call: Call,
    sub: u8,
    (to, from): (u64, u64),
    words: &[u64],
) -> Outcome {
    let mut all = [0; 7];
    all[..words.len()].copy_from_slice(words);
    let roles = Roles { operation: operation(call, sub, 0), to, from, tag: 0, words: all };
    server.world.system_call(CORE, &roles).expect("runs")
}

/// Begins a call that must wait for the other core.
pub(crate) fn begin(server: &mut Server, call: Call, sub: u8, to: u64, words: &[u64]) {
    assert_eq!(start(server, call, sub, (to, 0), words), Outcome::Halted);
}

/// Makes a call again and again until it says that there is no more to do.
pub(crate) fn repeat(server: &mut Server, call: Call, sub: u8, to: u64) -> Status {
    for _ in 0..10_000 {
        start(server, call, sub, (to, 0), &[]);
        match finish(server) {
            (Status::Ok, 1) => {}
            (status, _) => return status,
        }
    }
    panic!("never ends");
}

/// Delivers interrupts until the first server goes on; the answer it gets.
pub(crate) fn finish(server: &mut Server) -> (Status, u64) {
    let mut cores: Vec<_> = server.world.cores().collect();
    cores.reverse();
    for _ in 0..20 {
        for &core in &cores {
            for source in server.world.pending(core) {
                server.world.interrupt(core, source).expect("is pending");
            }
        }
        if let Some(frame) = server.world.current(CORE) {
            let context = server.world.context(frame);
            return (context.status(), context.words()[0]);
        }
    }
    panic!("the round never ends");
}

pub(crate) fn frame(server: &mut Server, page: u64) -> Frame {
    let region = server.region;
    Frame(server.identify(region).1[2] as u32 + page as u32)
}

#[test]
fn an_unmapped_frame_counts_until_the_other_core_has_flushed() {
    let mut server = boot();
    let frame = frame(&mut server, 5);
    assert_eq!(server.map(5, AREA, 1, READ_WRITE), (Status::Ok, 1));
    let flushes =
        server.world.counters(OTHER).full_flushes + server.world.counters(OTHER).activations;
    begin(&mut server, Call::Memory, memory::UNMAP, SELF, &[AREA, 2]);
    let table = server.world.shared().table;
    assert_eq!(table.entry(frame).map_count(), 1);
    assert!(!table.claim(frame, FrameKind::Stock, CORE), "the other core may still write to it");
    assert_eq!(finish(&mut server), (Status::Ok, 2));
    let counters = server.world.counters(OTHER);
    assert_eq!(counters.full_flushes + counters.activations, flushes + 1);
    assert_eq!(table.entry(frame).map_count(), 0);
    assert!(server.world.load(CORE, AREA).is_err());
    table::check(&server);
}

/// Unmaps pages of a Space that is active nowhere, or destroys it, on a machine whose cores all cache
/// something of it; what they cache afterwards.
fn cached_of_another_space(cores: u8, destroys: bool) -> usize {
    let machine = Setup { cores, keeps_translations: true, ..setup(image::minimal(CODE)) };
    let mut server = Server::boot_on(&machine);
    assert_eq!(server.create_space(10, SPACE_FRAMES + 1, FREE + 1), Status::Ok);
    assert_eq!(server.stock(FREE + 1, 20, 8), (Status::Ok, 8));
    let words = [30, AREA, 4, Rights::READ.0.into()];
    let map = (FREE + 1, server.region);
    assert_eq!(server.call(Call::Memory, memory::MAP, map, &words).0, Status::Ok);
    let space = SpaceId::new(frame(&mut server, 10)).expect("a Space");
    let root = server.world.kernel(CORE).space(space).page_table;
    for core in 0..u64::from(cores) {
        // A thread of a core is why that core may have cached something.
        let utcb = AREA + (8 + core) * PAGE_SIZE;
        let words = [40 + 2 * core, FREE + 1, core, utcb, CODE, 0, 0];
        let region = server.region;
        assert_eq!(server.object(CREATE_THREAD, region, FREE + 2 + core, &words), Status::Ok);
    }
    for core in server.world.cores() {
        (0..4).for_each(|page| server.world.remember(core, root, AREA + page * PAGE_SIZE));
        if core != CORE {
            // As if its thread had run there last.
            server.world.kernel_mut(core).local.page_table = root;
        }
        assert!(server.world.stale(core).is_empty());
    }
    if destroys {
        for thread in 0..u64::from(cores) {
            assert_eq!(repeat(&mut server, Call::Object, DESTROY, FREE + 2 + thread), Status::Ok);
        }
        assert_eq!(repeat(&mut server, Call::Object, DESTROY, FREE + 1), Status::Ok);
    } else {
        start(&mut server, Call::Memory, memory::UNMAP, (FREE + 1, 0), &[AREA, 4]);
        assert_eq!(finish(&mut server).0, Status::Ok);
    }
    table::check(&server);
    server.world.cores().map(|core| server.world.stale(core).len()).sum()
}

#[test]
fn what_cores_keep_of_a_space_that_is_not_active_is_forgotten() {
    for cores in [1, 2, 4] {
        for destroys in [false, true] {
            let cached = cached_of_another_space(cores, destroys);
            assert_eq!(cached, 0, "{cores} cores, destroys: {destroys}");
        }
    }
}

#[test]
fn an_unmapped_utcb_is_never_given_back_twice() {
    let mut server = boot();
    let utcb = frame(&mut server, 101);
    begin(&mut server, Call::Memory, memory::UNMAP, SELF, &[AREA + 100 * PAGE_SIZE, 1]);
    // While the round is under way the frame becomes ordinary memory that is mapped once.
    let table = server.world.shared().table;
    assert!(table.turn(utcb, FrameKind::Utcb, FrameKind::Ram) && table.count_mapping(utcb));
    assert_eq!(finish(&mut server), (Status::Ok, 1));
    assert_eq!(table.entry(utcb).map_count(), 1);
}

#[test]
fn the_frames_of_a_thread_are_quiet_until_every_core_was_in_the_kernel() {
    let mut server = boot();
    assert_eq!(server.create_thread(10, SELF, AREA, FREE + 1), Status::Ok);
    let (thread, utcb) = (frame(&mut server, 10), frame(&mut server, 11));
    begin(&mut server, Call::Object, DESTROY, FREE + 1, &[]);
    let table = server.world.shared().table;
    for frame in [thread, utcb] {
        assert_eq!(table.entry(frame).kind(), FrameKind::Quiet);
    }
    assert_eq!(finish(&mut server), (Status::Ok, 0));
    for frame in [thread, utcb] {
        assert_eq!(table.entry(frame).kind(), FrameKind::Ram);
    }
    table::check(&server);
}

#[test]
fn a_space_is_torn_down_after_one_round_and_gone_after_a_second() {
    let mut server = boot();
    let before = table::kinds(&server);
    assert_eq!(server.create_space(10, SPACE_FRAMES + 1, FREE + 1), Status::Ok);
    assert_eq!(server.stock(FREE + 1, 20, 8), (Status::Ok, 8));
    let words = [30, AREA, 4, Rights::READ.0.into()];
    let region = server.region;
    let map = (FREE + 1, region);
    assert_eq!(server.call(Call::Memory, memory::MAP, map, &words).0, Status::Ok);
    begin(&mut server, Call::Object, DESTROY, FREE + 1, &[]);
    let mapped = newly_mapped(&before, &server);
    assert_eq!(mapped, 4, "nothing is torn down before the other core has been visited");
    assert_eq!(finish(&mut server), (Status::Ok, 1), "a large Space takes several calls");
    assert_eq!(repeat(&mut server, Call::Object, DESTROY, FREE + 1), Status::Ok);
    assert_eq!(table::kinds(&server), before);
    table::check(&server);
}

/// Frames that are mapped now and were not `before`.
fn newly_mapped(before: &[(FrameKind, u16)], server: &Server) -> usize {
    let now = table::kinds(server);
    now.iter().zip(before).filter(|(now, before)| now.1 > before.1).count()
}
