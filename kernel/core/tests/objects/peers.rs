//! Threads that wait for one that is gone.

use crate::family::{BOTH, Family, GATES, place};
use crate::{AREA, CODE, CORE};
use cedo_abi::call::{Call, capability, ipc, object, operation, thread};
use cedo_abi::item::Item;
use cedo_abi::name::{ANY, MY_SCHEDULER, SELF};
use cedo_abi::state::Cause;
use cedo_abi::utcb::Utcb;
use cedo_abi::{Label, Rights, Status, Tag};
use cedo_arch_host::Roles;
use cedo_core::kernel::Protocol;
use cedo_machine::{Context, CoreNumber, Fault, Interrupt};
use std::mem::offset_of;

#[test]
fn who_runs_over_the_head_of_its_scheduler_stays_below_who_granted_it_time() {
    let mut family = Family::new(2);
    let child = 2;
    let operation = |family: &mut Family, sub, to, from| {
        family.server.call(Call::Thread, sub, (to, from), &[5]).0
    };
    family.make_below(child, place(0));
    assert_eq!(operation(&mut family, thread::SUSPEND, place(0), 0), Status::Ok);
    let running = family.dispatch(child);
    assert_eq!(running, family.frame(child));
    assert_eq!(family.server.create_thread(40, SELF, AREA + 0x1_0000, place(5)), Status::Ok);
    let apart = operation(&mut family, thread::SET_SCHEDULER, place(0), place(5));
    assert_eq!((apart, family.running()), (Status::WrongState, running));
    let below = operation(&mut family, thread::SET_SCHEDULER, place(0), place(1));
    assert_eq!((below, family.running()), (Status::Ok, running));
    family.ipc(ipc::RECEIVE, 0, ANY);
    assert_eq!(family.running(), family.root);
}

#[test]
fn a_scheduler_whose_child_sends_it_what_does_not_fit_has_its_time_back() {
    let mut family = Family::new(1);
    let child = family.dispatch(SENDER);
    let item = Item::string(AREA, 8);
    for (index, word) in (0..).zip(item.0) {
        let address = AREA + offset_of!(Utcb, send_items) as u64 + 8 * index;
        family.server.world.store(CORE, address, word).expect("its UTCB");
    }
    let operation = operation(Call::Ipc, 0, BOTH | ipc::CALL);
    let tag = Tag::new(1, 0).with_items(1).0;
    let roles = Roles { operation, to: MY_SCHEDULER, from: ANY, tag, words: [0; 7] };
    family.server.world.system_call(CORE, &roles).expect("the child runs");
    assert_eq!(family.running(), family.root);
    let status = |frame| family.server.world.context(frame).status();
    assert_eq!((status(child), status(family.root)), (Status::Overflow, Status::Overflow));
    assert_eq!(family.dispatch(SENDER), child);
}

#[test]
fn who_destroys_a_partner_in_chain_mode_has_its_round_made_first() {
    let mut family = Family::on(2, 3);
    family.server.world.kernel_mut(CORE).local.protocol = Protocol::Chain;
    family.dispatch(SENDER);
    family.ipc(ipc::SEND, place(GONE) + GATES, 0);
    let destroyer = family.dispatch(RECEIVER);
    let call = operation(Call::Object, object::DESTROY, 0);
    let roles = Roles { operation: call, to: place(GONE), from: 0, tag: 0, words: [0; 7] };
    let world = &mut family.server.world;
    world.system_call(CORE, &roles).expect("it runs");
    for core in [CoreNumber(1), CORE] {
        assert_ne!(world.current(CORE), Some(destroyer), "the round is under way");
        world.interrupt(core, Interrupt::Signal).expect("is pending");
    }
    assert_eq!(world.context(destroyer).status(), Status::Ok);
}

#[test]
fn a_scheduler_that_calls_its_own_is_heard_once() {
    for protocol in [Protocol::Direct, Protocol::Chain] {
        let mut family = Family::new(1);
        family.server.world.kernel_mut(CORE).local.protocol = protocol;
        family.make_below(1, place(0));
        family.make_below(2, place(1));
        let above = family.dispatch(0);
        family.dispatch(1);
        family.ipc(BOTH | ipc::CALL, place(0) + GATES, ANY);
        assert_eq!(family.running(), above);
        assert_eq!(family.server.world.context(above).status(), Status::Ok);
    }
}

#[test]
fn a_scheduler_that_was_passed_over_and_waits_again_hears_of_its_child() {
    let mut family = Family::new(1);
    family.make_below(1, place(0));
    family.make_below(2, place(1));
    family.make(3);
    family.dispatch(0);
    let passed_over = family.dispatch(1);
    family.ipc(BOTH, place(3) + GATES, ANY);
    let leaf = family.dispatch(2);
    family.server.world.spurious(CORE, Interrupt::Timer).expect("runs");
    family.dispatch(3);
    family.ipc(ipc::RECEIVE, 0, ANY);
    family.ipc(ipc::RECEIVE, 0, ANY);
    assert_eq!(family.running(), family.root);
    let (_, words) = family.server.call(Call::Thread, thread::READ, (place(0), 0), &[0]);
    let abort = family.server.call(Call::Thread, thread::ABORT, (place(0), 0), &[words[0]]);
    assert_eq!(abort.0, Status::Ok);
    family.dispatch(0);
    assert_eq!(family.dispatch(1), passed_over);
    assert_eq!(family.dispatch(2), leaf);
}

#[test]
fn a_stopped_client_does_not_remember_the_server_that_a_fault_stopped() {
    let mut family = Family::new(2);
    let server = family.dispatch(1);
    family.ipc(ipc::RECEIVE, 0, ANY);
    let client = family.dispatch(0);
    family.ipc(BOTH | ipc::CALL, place(1) + GATES, ANY);
    assert_eq!(family.running(), server);
    family.server.world.fault(CORE, FAULT).expect("the server runs");
    assert_eq!(family.running(), family.root);
    assert_eq!(family.server.call(Call::Thread, thread::SUSPEND, (place(0), 0), &[]).0, Status::Ok);
    family.destroy(1);
    assert_eq!(family.server.call(Call::Thread, thread::RESUME, (place(0), 0), &[]).0, Status::Ok);
    assert_eq!(family.dispatch(0), client);
}

#[test]
fn a_stopped_client_does_not_remember_the_server_that_waits_for_somebody_else() {
    let mut family = Family::new(3);
    let server = family.dispatch(1);
    family.ipc(ipc::RECEIVE, 0, ANY);
    let client = family.dispatch(0);
    family.ipc(BOTH | ipc::CALL, place(1) + GATES, ANY);
    assert_eq!(family.running(), server);
    // It leaves the account of its client, and owes it the reply still.
    family.ipc(ipc::RECEIVE, 0, place(2) + GATES);
    assert_eq!(family.running(), family.root);
    assert_eq!(family.server.call(Call::Thread, thread::SUSPEND, (place(0), 0), &[]).0, Status::Ok);
    family.destroy(1);
    assert_eq!(family.server.call(Call::Thread, thread::RESUME, (place(0), 0), &[]).0, Status::Ok);
    assert_eq!(family.dispatch(0), client);
}

#[test]
fn a_scheduler_that_waits_has_heard_of_the_same_below_whomever_it_is_put() {
    let mut family = Family::new(1);
    for child in 1..4 {
        family.make_below(child, place(child - 1));
    }
    let suspended = family.server.call(Call::Thread, thread::SUSPEND, (place(2), 0), &[]);
    assert_eq!(suspended.0, Status::Ok);
    family.dispatch(0);
    let scheduler = family.dispatch(1);
    family.hear();
    assert!(family.tokens.contains_key(&family.frame(3).0), "it has heard of a stuck thread");
    family.ipc(ipc::RECEIVE, 0, ANY);
    assert_eq!(family.running(), family.root);
    let before = family.server.world.context(scheduler);
    family.destroy(0);
    assert_eq!(family.server.world.context(scheduler), before);
    assert_eq!(family.running(), family.root);
}

#[test]
fn a_fault_lends_no_more_than_the_handlers_gate_allows() {
    let mut family = Family::new(2);
    let (weak, weaker) = (place(90), place(91));
    for (slot, rights) in [(weak, Rights::SEND.or(Rights::CALL)), (weaker, Rights::SEND)] {
        let words = [SELF, rights.0.into(), 9];
        let made = family.server.capability(capability::MAKE_GATE, place(1), slot, &words);
        assert_eq!(made, Status::Ok);
    }
    let set = |family: &mut Family, gate| {
        family.server.call(Call::Thread, thread::SET_HANDLER, (place(0), gate), &[]).0
    };
    assert_eq!(set(&mut family, weaker), Status::NoRight);
    assert_eq!(set(&mut family, weak), Status::Ok);
    let handler = family.dispatch(1);
    family.ipc(ipc::RECEIVE, 0, ANY);
    for busy in [false, true] {
        family.dispatch(0);
        family.server.world.fault(CORE, FAULT).expect("the child runs");
        assert_eq!(family.running(), family.root);
        assert_eq!(family.dispatch(1), handler);
        if busy {
            family.ipc(ipc::RECEIVE, 0, ANY);
        }
        let told = family.server.world.context(handler);
        assert_eq!((told.badge(), told.status()), (9, Status::Ok));
        family.ipc(ipc::SEND, told.token(), 0);
        family.server.world.spurious(CORE, Interrupt::Timer).expect("runs");
    }
}

#[test]
fn a_scheduler_that_waits_hears_of_a_fault_on_time_that_another_granted() {
    let mut family = Family::new(1);
    family.make_below(1, place(0));
    family.make_below(2, place(1));
    family.make(3);
    let above = family.dispatch(0);
    let options = (SELF, 0);
    family.server.call(Call::Thread, thread::SET_OPTIONS, options, &[thread::ASK_BLOCKED]);
    let scheduler = family.dispatch(1);
    family.ipc(ipc::RECEIVE | ipc::RECEIVE_ZERO, 0, ANY);
    family.ipc(ipc::SEND, place(3) + GATES, 0);
    assert_eq!(family.running(), above, "its scheduler is stuck");
    family.hear();
    family.ipc(ipc::RECEIVE, 0, ANY);
    family.dispatch(3);
    family.ipc(ipc::RECEIVE, 0, ANY);
    family.ipc(ipc::RECEIVE, 0, ANY);
    assert_eq!(family.dispatch(0), above);
    assert_eq!(family.dispatch(1), scheduler);
    family.ipc(ipc::RECEIVE, 0, ANY);
    assert_eq!(family.running(), above);
    assert_eq!(family.dispatch(2), family.frame(2));
    family.server.world.fault(CORE, FAULT).expect("it runs");
    assert_eq!(family.running(), above);
    assert_eq!(family.dispatch(1), scheduler);
    let told = family.server.world.context(scheduler);
    assert_eq!(Tag(told.tag()).kernel_label(), Some(Label::Fault));
}

const FAULT: Fault = Fault { cause: Cause::Debug, address: 0, code: 0 };
const SENDER: u64 = 0;
const RECEIVER: u64 = 1;
const GONE: u64 = 2;

#[test]
fn who_sent_and_then_receives_from_one_that_is_gone_is_told() {
    let mut family = Family::new(3);
    let sender = family.dispatch(SENDER);
    family.ipc(BOTH, place(RECEIVER) + GATES, place(GONE) + GATES);
    assert_eq!(family.running(), family.root, "the receiver has not run yet");
    family.destroy(GONE);
    let receiver = family.dispatch(RECEIVER);
    let message = family.ipc(ipc::RECEIVE, 0, ANY);
    assert_eq!((message.status(), message.badge()), (Status::Ok, 7));
    assert_eq!(family.running(), receiver);
    assert_eq!(family.server.world.context(sender).status(), Status::PartnerGone);
}

#[test]
fn who_waits_for_one_that_is_gone_hears_nothing_of_the_next_in_its_frame() {
    let mut family = Family::new(3);
    let waiting = family.dispatch(SENDER);
    family.ipc(ipc::RECEIVE, 0, place(GONE) + GATES);
    assert_eq!(family.running(), family.root);
    family.destroy(GONE);
    let before = family.server.world.context(waiting);
    assert_eq!(before.status(), Status::PartnerGone);
    family.make(GONE);
    let other = family.dispatch(GONE);
    let answer = family.ipc(ipc::SEND | ipc::SEND_ZERO, place(SENDER) + GATES, 0);
    assert_eq!((answer.status(), family.running()), (Status::NotReady, other));
    let after = family.server.world.context(waiting);
    assert_eq!(after, before);
    assert_eq!(before.instruction(), CODE + 4);
}
