//! Each right, and what is refused without it.

use crate::family::{BOTH, Family, GATES, place};
use crate::{AREA, CORE, FREE, Server};
use cedo_abi::call::object::CREATE_IRQ;
use cedo_abi::call::{Call, capability, core, ipc, operation, thread};
use cedo_abi::info::slot;
use cedo_abi::name::{ANY, NOBODY, SELF};
use cedo_abi::utcb::Utcb;
use cedo_abi::{Rights, Status, state};
use cedo_arch_host::Roles;
use cedo_machine::Context;
use std::mem::offset_of;

const THREAD: u64 = slot::THREAD as u64;
/// Every right but these.
const fn without(rights: Rights) -> u64 {
    (Rights::ALL.0 & !rights.0) as u64
}

/// Copies what is in `from` with every right but `rights`; the copy's slot.
fn weakened(server: &mut Server, from: u64, to: u64, rights: Rights) -> u64 {
    let words = [SELF, without(rights)];
    assert_eq!(server.capability(capability::COPY, from, to, &words), Status::Ok);
    to
}

#[test]
fn a_gate_sends_and_calls_as_its_rights_say() {
    let mut family = Family::new(1);
    let gate = place(0) + GATES;
    let silent = weakened(&mut family.server, gate, FREE + 60, Rights::SEND);
    let one_way = weakened(&mut family.server, gate, FREE + 61, Rights::CALL);
    let send = ipc::SEND | ipc::SEND_ZERO;
    let call = BOTH | ipc::CALL;
    for (flags, to, expected) in [
        (send, silent, Status::NoRight),
        (send | ipc::RECEIVE | ipc::RECEIVE_ZERO, silent, Status::NoRight),
        (call, one_way, Status::NoRight),
        (send, one_way, Status::NotReady),
        (send, gate, Status::NotReady),
        // The right is there, but it is a root that calls.
        (call, silent, Status::MustStayOpen),
    ] {
        assert_eq!(family.ipc(flags, to, ANY).status(), expected, "{flags:#x} {to}");
    }
}

#[test]
fn a_thread_is_controlled_as_its_rights_say() {
    let mut server = Server::boot();
    assert_eq!(server.create_thread(0, SELF, AREA, FREE), Status::Ok);
    let seen = weakened(&mut server, FREE, FREE + 1, Rights::CONTROL);
    let hidden = weakened(&mut server, FREE, FREE + 2, Rights::STATE);
    let foreign = weakened(&mut server, THREAD, FREE + 3, Rights::ADOPT);
    let mut thread = |sub, to, from| server.call(Call::Thread, sub, (to, from), &[0]).0;
    for (sub, from) in [
        (thread::SET_SCHEDULER, THREAD),
        (thread::SET_HANDLER, NOBODY),
        (thread::RESUME, 0),
        (thread::SUSPEND, 0),
        (thread::ABORT, 0),
    ] {
        assert_eq!(thread(sub, seen, from), Status::NoRight, "{sub}");
    }
    for sub in [thread::READ, thread::WRITE] {
        assert_eq!(thread(sub, hidden, 0), Status::NoRight, "{sub}");
        assert_eq!(thread(sub, seen, 0), Status::Ok, "{sub}");
    }
    assert_eq!(thread(thread::SET_SCHEDULER, hidden, foreign), Status::NoRight);
    assert_eq!(thread(thread::SET_SCHEDULER, hidden, THREAD), Status::Ok);
    assert_eq!(thread(thread::RESUME, hidden, 0), Status::Ok);
    let request = |handler| [2, slot::LINES.into(), 5, handler, 0, 0, 0];
    let region = server.region;
    assert_eq!(server.object(CREATE_IRQ, region, FREE + 4, &request(seen)), Status::NoRight);
    assert_eq!(server.object(CREATE_IRQ, region, FREE + 4, &request(hidden)), Status::Ok);
}

#[test]
fn a_core_is_ruled_as_its_rights_say() {
    let mut server = Server::boot();
    assert_eq!(server.create_thread(0, SELF, AREA, FREE), Status::Ok);
    let processor = slot::CORE_0.into();
    let weak = weakened(&mut server, processor, FREE + 1, Rights::CONTROL);
    let seen = weakened(&mut server, FREE, FREE + 2, Rights::CONTROL);
    for sub in [core::SET_ROOT, core::DEADLINE, core::IDLE, core::KICK, core::POWER, core::WRITE] {
        assert_eq!(server.call(Call::Core, sub, (weak, FREE), &[1]).0, Status::NoRight, "{sub}");
    }
    let set_root = server.call(Call::Core, core::SET_ROOT, (processor, seen), &[core::DIRECT]).0;
    assert_eq!(set_root, Status::NoRight);
}

#[test]
fn only_a_root_makes_its_core_idle() {
    let mut family = Family::new(1);
    let child = family.dispatch(0);
    let idle = operation(Call::Core, core::IDLE, 0);
    let roles = Roles { operation: idle, to: slot::CORE_0.into(), ..Roles::default() };
    family.server.world.system_call(CORE, &roles).expect("the child runs");
    assert_eq!(family.server.world.context(child).status(), Status::NoRight);
    assert_eq!(family.running(), child);
}

#[test]
fn a_scheduler_writes_registers_only_where_the_edge_allows_it() {
    for (edge, expected) in [(0, Status::NoRight), (thread::EDGE_STATE, Status::Ok)] {
        let mut family = Family::new(0);
        let server = &mut family.server;
        let utcb = AREA + 0x1000;
        assert_eq!(server.create_thread(2, SELF, utcb, place(1)), Status::Ok);
        let set = server.call(Call::Thread, thread::SET_SCHEDULER, (place(1), THREAD), &[1, edge]);
        assert_eq!(set.0, Status::Ok);
        assert_eq!(server.call(Call::Thread, thread::RESUME, (place(1), 0), &[]).0, Status::Ok);
        let heard = family.ipc(ipc::RECEIVE, 0, ANY);
        let area = cedo_abi::layout::INIT_UTCB + offset_of!(Utcb, reply) as u64;
        family.server.world.store(CORE, area, state::GENERAL).expect("its UTCB");
        let stack = area + 8 * (1 + state::STACK as u64);
        family.server.world.store(CORE, stack, 0x5000).expect("its UTCB");
        let words = [heard.result() >> 16, 0, 0, 0, 0, 0, 0];
        let operation = operation(Call::Ipc, 0, BOTH | ipc::STATE);
        let roles = Roles { operation, to: heard.token(), from: ANY, tag: 0, words };
        family.server.world.system_call(CORE, &roles).expect("the root runs");
        let child = family.server.world.context(family.frame(1));
        let installed = expected == Status::Ok;
        assert_eq!(family.running() != family.root, installed);
        assert_eq!(child.stack() == 0x5000, installed);
        if !installed {
            assert_eq!(family.server.world.context(family.root).status(), expected);
        }
    }
}
