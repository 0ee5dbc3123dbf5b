//! What a message carries, and what no thread may do with one.

use crate::family::{BOTH, Family, GATES, place};
use crate::{AREA, CODE, CORE, FREE, Server};
use cedo_abi::call::object::CREATE_IRQ;
use cedo_abi::call::{Call, capability, ipc, operation, thread};
use cedo_abi::info::slot;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::name::{ANY, SELF};
use cedo_abi::state::Cause;
use cedo_abi::{Label, REGISTER_WORDS, Rights, Status, Tag};
use cedo_arch_host::Roles;
use cedo_machine::{Context, Fault, Interrupt, Line};

const SENDER: u64 = 0;
const RECEIVER: u64 = 1;

#[test]
fn a_message_has_its_badge_and_all_its_words() {
    let mut family = Family::new(2);
    let receiver = family.dispatch(RECEIVER);
    family.ipc(ipc::RECEIVE, 0, ANY);
    let sender = family.dispatch(SENDER);
    let word = |thread: u64, index: u64| AREA + thread * PAGE_SIZE + 8 * index;
    let count = REGISTER_WORDS as u64 + 5;
    let world = &mut family.server.world;
    (0..64).for_each(|index| world.store(CORE, word(SENDER, index), 100 + index).expect("a UTCB"));
    let words = [1, 2, 3, 4, 5, 6, 7];
    let send = operation(Call::Ipc, 0, ipc::SEND);
    let tag = Tag::new(9, count as usize).0;
    let roles = Roles { operation: send, to: place(RECEIVER) + GATES, from: 0, tag, words };
    world.system_call(CORE, &roles).expect("the sender runs");
    assert_eq!(world.context(sender).status(), Status::Ok);
    let message = world.context(receiver);
    assert_eq!((message.badge(), message.tag(), message.words()), (7, tag, words));
    for index in 0..64 {
        let moved = (REGISTER_WORDS as u64..count).contains(&index);
        let expected = if moved { 100 + index } else { 0 };
        assert_eq!(world.load(CORE, word(RECEIVER, index)), Ok(expected), "word {index}");
    }
}

#[test]
fn a_root_neither_blocks_nor_waits_for_one_partner_only() {
    let mut family = Family::new(1);
    let gate = place(0) + GATES;
    for (flags, to, from) in [
        (ipc::SEND, gate, 0),
        (BOTH | ipc::CALL, gate, 0),
        (BOTH, gate, ANY),
        (ipc::RECEIVE, 0, gate),
        (BOTH | ipc::SEND_ZERO, gate, gate),
    ] {
        assert_eq!(family.ipc(flags, to, from).status(), Status::MustStayOpen, "{flags:#x}");
        assert_eq!(family.running(), family.root);
    }
    let zero = family.ipc(ipc::RECEIVE | ipc::RECEIVE_ZERO, 0, gate);
    assert_eq!(zero.status(), Status::NotReady);
}

#[test]
fn sixteen_calls_nest_on_one_account() {
    let mut family = Family::new(18);
    for server in 1..18 {
        family.dispatch(server);
        family.ipc(ipc::RECEIVE, 0, ANY);
    }
    family.dispatch(0);
    for callee in 1..17 {
        family.ipc(BOTH | ipc::CALL, place(callee) + GATES, 0);
        assert_eq!(family.running(), family.frame(callee));
    }
    let answer = family.ipc(BOTH | ipc::CALL, place(17) + GATES, 0);
    assert_eq!(answer.status(), Status::TooDeep);
    assert_eq!(family.running(), family.frame(16));
}

#[test]
fn a_fault_is_not_told_to_the_next_thread_in_its_handlers_frame() {
    const HANDLER: u64 = 1;
    let mut family = Family::new(2);
    let handler = (place(0), place(HANDLER) + GATES);
    assert_eq!(family.server.call(Call::Thread, thread::SET_HANDLER, handler, &[]).0, Status::Ok);
    family.destroy(HANDLER);
    family.make(HANDLER);
    family.dispatch(HANDLER);
    family.ipc(ipc::RECEIVE, 0, ANY);
    family.dispatch(0);
    let fault = Fault { cause: Cause::ReadFault, address: CODE - 8, code: 4 };
    family.server.world.fault(CORE, fault).expect("the child runs");
    assert_eq!(family.running(), family.root);
    let told = family.server.world.context(family.root);
    assert_eq!(Tag(told.tag()).kernel_label(), Some(Label::Fault));
    assert_eq!(told.badge(), 0);
}

#[test]
fn a_level_line_is_masked_until_its_interrupt_is_acknowledged() {
    let mut server = Server::boot();
    let (region, lines) = (server.region, u64::from(slot::LINES));
    let level = [0, lines, 3, SELF, 9, 1, 0];
    assert_eq!(server.object(CREATE_IRQ, region, FREE, &level), Status::Ok);
    let weak = [SELF, Rights::NONE.0.into()];
    assert_eq!(server.capability(capability::COPY, FREE, FREE + 1, &weak), Status::Ok);
    let line = Interrupt::Line(Line(3));
    server.world.raise(Line(3));
    server.world.interrupt(CORE, line).expect("is pending");
    assert!(server.world.pending(CORE).is_empty(), "masked by its delivery");
    let receive = operation(Call::Ipc, 0, ipc::RECEIVE);
    let roles = Roles { operation: receive, from: ANY, ..Roles::default() };
    let heard = server.world.call(CORE, &roles).expect("runs").expect("goes on");
    assert_eq!((heard.status(), heard.badge()), (Status::Ok, 9));
    assert!(server.world.pending(CORE).is_empty());
    let acknowledge = operation(Call::Ipc, 0, ipc::SEND);
    let roles = Roles { operation: acknowledge, to: heard.token(), ..Roles::default() };
    let answer = server.world.call(CORE, &roles).expect("runs").expect("goes on");
    assert_eq!(answer.status(), Status::Ok);
    assert_eq!(server.world.pending(CORE), [line], "the device has not let go");
}
