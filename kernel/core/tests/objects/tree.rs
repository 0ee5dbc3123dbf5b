//! The scheduling tree: how deep it may be, and a change of roots.

use crate::{AREA, CORE, FREE, Server};
use cedo_abi::call::{Call, core, ipc, operation, thread};
use cedo_abi::info::slot;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::name::{ANY, SELF};
use cedo_abi::{Label, MAX_DEPTH, Status, Tag};
use cedo_arch_host::{HostContext, Roles};
use cedo_core::object::thread::{Record, State};
use cedo_floor::ThreadId;
use cedo_machine::{Context, Frame};

/// Slots of threads that nobody schedules yet.
fn threads(server: &mut Server, count: u64) -> Vec<u64> {
    let thread = |index: u64| {
        let utcb = AREA + index * PAGE_SIZE;
        assert_eq!(server.create_thread(2 * index, SELF, utcb, FREE + index), Status::Ok);
        FREE + index
    };
    (0..count).map(thread).collect()
}

fn below(server: &mut Server, child: u64, scheduler: u64) -> Status {
    server.call(Call::Thread, thread::SET_SCHEDULER, (child, scheduler), &[child, 0]).0
}

fn set_root(server: &mut Server, thread: u64, protocol: u64) -> Status {
    let to = (slot::CORE_0.into(), thread);
    server.call(Call::Core, core::SET_ROOT, to, &[protocol]).0
}

/// The thread in the pages that [`threads`] takes for it.
fn id(server: &mut Server, thread: u64) -> ThreadId {
    let region = server.region;
    let first = server.identify(region).1[2] as u32;
    ThreadId::new(Frame(first + 2 * (thread - FREE) as u32)).expect("not frame 0")
}

#[test]
fn a_chain_is_eight_levels_deep_in_whatever_order_it_is_made() {
    for upside_down in [false, true] {
        let mut server = Server::boot();
        let threads = threads(&mut server, MAX_DEPTH as u64 + 1);
        let mut edges: Vec<_> = threads.windows(2).map(|pair| (pair[1], pair[0])).collect();
        edges.insert(0, (threads[0], slot::THREAD.into()));
        if upside_down {
            edges.reverse();
        }
        let last = edges.pop().expect("edges");
        for (child, scheduler) in edges {
            assert_eq!(below(&mut server, child, scheduler), Status::Ok);
        }
        assert_eq!(below(&mut server, last.0, last.1), Status::TooDeep);
    }
}

#[test]
fn a_subtree_counts_with_its_height_and_no_more() {
    let mut server = Server::boot();
    let all = threads(&mut server, 12);
    let (trunk, branch) = all.split_at(6);
    assert_eq!(below(&mut server, trunk[0], slot::THREAD.into()), Status::Ok);
    for pair in trunk.windows(2).chain(branch.windows(2).take(3)) {
        assert_eq!(below(&mut server, pair[1], pair[0]), Status::Ok);
    }
    // Depth 6 and four levels more are too many; four less one leave eight levels of scheduling.
    assert_eq!(below(&mut server, branch[0], trunk[5]), Status::TooDeep);
    assert_eq!(below(&mut server, branch[0], trunk[3]), Status::Ok);
    assert_eq!(below(&mut server, branch[4], branch[3]), Status::TooDeep);
    // A twin of the longest way keeps the height when one of the two is gone.
    assert_eq!(below(&mut server, branch[4], branch[2]), Status::Ok);
    assert_eq!(server.destroy(branch[3]), Status::Ok);
    assert_eq!(below(&mut server, branch[0], trunk[4]), Status::TooDeep);
    assert_eq!(server.destroy(branch[4]), Status::Ok);
    assert_eq!(below(&mut server, branch[0], trunk[4]), Status::Ok);
    assert_eq!(below(&mut server, trunk[1], branch[2]), Status::Cycle);
}

#[test]
fn a_child_of_a_scheduler_that_ends_comes_up_without_the_cookie_and_rights_of_that_edge() {
    let mut server = Server::boot();
    let all = threads(&mut server, 2);
    assert_eq!(below(&mut server, all[0], slot::THREAD.into()), Status::Ok);
    let words = [0x77, thread::EDGE_STATE | thread::EDGE_BLOCKED];
    let edge = (all[1], all[0]);
    assert_eq!(server.call(Call::Thread, thread::SET_SCHEDULER, edge, &words).0, Status::Ok);
    let child = id(&mut server, all[1]);
    assert_eq!(server.world.kernel(CORE).look(child).branch.cookie, 0x77);
    assert_eq!(server.destroy(all[0]), Status::Ok);
    let message = receive(&mut server);
    assert_eq!(Tag(message.tag()).kernel_label(), Some(Label::New));
    // The root never chose a cookie for it: one of another scheduler's could be that of a child.
    assert_eq!(message.badge(), 0);
    let branch = server.world.kernel(CORE).look(child).branch;
    assert!(!branch.state_right && !branch.tell_blocked && branch.rank == 0);
}

#[test]
fn a_new_root_finds_the_old_one_with_its_children_below_it() {
    let mut server = Server::boot();
    let all = threads(&mut server, 3);
    assert_eq!(below(&mut server, all[1], slot::THREAD.into()), Status::Ok);
    let old = server.world.kernel(CORE).local.root.expect("a root");
    let new = id(&mut server, all[0]);
    make_root(&mut server, all[0]);
    let kernel = server.world.kernel(CORE);
    assert_eq!((kernel.local.current, kernel.local.root), (Some(new), Some(new)));
    assert_eq!(kernel.look(old).state, State::Ready);
    assert_eq!(kernel.look(old).branch.scheduler, new);
    assert_eq!(kernel.look(old).record.how, Record::Queued);
    kernel.check_invariants().expect("holds");
    let message = receive(&mut server);
    assert_eq!(Tag(message.tag()).kernel_label(), Some(Label::New));
}

#[test]
fn what_runs_when_the_root_changes_goes_on_when_the_new_one_grants_its_time() {
    let mut server = Server::boot();
    let all = threads(&mut server, 2);
    assert_eq!(below(&mut server, all[1], slot::THREAD.into()), Status::Ok);
    let old = server.world.kernel(CORE).local.root.expect("a root");
    let (new, child) = (id(&mut server, all[0]), id(&mut server, all[1]));
    assert_eq!(server.call(Call::Thread, thread::RESUME, (all[1], 0), &[]).0, Status::Ok);
    let message = receive(&mut server);
    dispatch(&mut server, &message);
    assert_eq!(server.world.kernel(CORE).local.current, Some(child));
    make_root(&mut server, all[0]);
    let kernel = server.world.kernel(CORE);
    assert_eq!(kernel.local.current, Some(new));
    assert!(kernel.is_frozen(old), "it waits for the child it granted its time to");
    kernel.check_invariants().expect("holds");
    let message = receive(&mut server);
    assert_eq!(Tag(message.tag()).kernel_label(), Some(Label::New));
    dispatch(&mut server, &message);
    let kernel = server.world.kernel(CORE);
    assert_eq!(kernel.local.current, Some(child));
    kernel.check_invariants().expect("holds");
}

#[test]
fn a_root_with_eight_levels_below_it_has_no_room_for_another_above() {
    let mut server = Server::boot();
    let all = threads(&mut server, MAX_DEPTH as u64 + 1);
    assert_eq!(below(&mut server, all[1], slot::THREAD.into()), Status::Ok);
    for pair in all[1..].windows(2) {
        assert_eq!(below(&mut server, pair[1], pair[0]), Status::Ok);
    }
    assert_eq!(set_root(&mut server, all[0], core::DIRECT), Status::TooDeep);
    server.world.kernel(CORE).check_invariants().expect("holds");
}

#[test]
fn the_protocol_does_not_change_under_threads_that_run_by_it() {
    let mut server = Server::boot();
    let all = threads(&mut server, 2);
    assert_eq!(below(&mut server, all[1], slot::THREAD.into()), Status::Ok);
    assert_eq!(set_root(&mut server, all[0], core::CHAIN), Status::WrongState);
    assert_eq!(set_root(&mut server, all[1], core::DIRECT), Status::WrongState, "has a scheduler");
}

#[test]
fn a_core_shows_its_cycle_counter_as_the_options_of_its_root_say() {
    let mut server = Server::boot();
    let all = threads(&mut server, 1);
    let set = |server: &mut Server, options: u64| {
        server.call(Call::Core, core::SET_OPTIONS, (slot::CORE_0.into(), 0), &[options]).0
    };
    assert!(!server.world.shows_cycles(CORE), "nobody has asked for it");
    assert_eq!(set(&mut server, core::CYCLE_COUNTER), Status::Ok);
    assert!(server.world.shows_cycles(CORE));
    assert_eq!(set(&mut server, 4), Status::BadArgument);
    assert!(server.world.shows_cycles(CORE), "what is refused changes nothing");
    assert_eq!(set(&mut server, core::ON_EMPTY_HALT), Status::Ok);
    assert!(!server.world.shows_cycles(CORE), "options are set as a whole");
    let to = (slot::CORE_0.into(), all[0]);
    assert_eq!(
        server.call(Call::Core, core::SET_ROOT, to, &[core::DIRECT, 4]).0,
        Status::BadArgument
    );
    assert_eq!(set(&mut server, core::CYCLE_COUNTER), Status::Ok);
    make_root(&mut server, all[0]);
    assert!(!server.world.shows_cycles(CORE), "a new root has its own options");
}

/// The current thread makes an operation with these words.
fn act(server: &mut Server, operation: u64, (to, from): (u64, u64), word: u64) {
    let roles = Roles { operation, to, from, tag: 0, words: [word, 0, 0, 0, 0, 0, 0] };
    server.world.system_call(CORE, &roles).expect("runs");
}

fn make_root(server: &mut Server, thread: u64) {
    let set_root = operation(Call::Core, core::SET_ROOT, 0);
    act(server, set_root, (slot::CORE_0.into(), thread), core::DIRECT);
}

/// The current thread takes the next message.
fn receive(server: &mut Server) -> HostContext {
    act(server, operation(Call::Ipc, 0, ipc::RECEIVE), (0, ANY), 0);
    let context = server.world.context(server.world.current(CORE).expect("runs"));
    assert_eq!(context.status(), Status::Ok);
    context
}

/// The current thread grants its time to whom `message` is about.
fn dispatch(server: &mut Server, message: &HostContext) {
    let dispatch = operation(Call::Ipc, 0, ipc::SEND | ipc::RECEIVE);
    act(server, dispatch, (message.token(), ANY), message.result() >> 16);
}
