//! What a scheduler is told: by which name, and with which registers.

use crate::family::{BOTH, Family, GATES, place};
use crate::{AREA, CORE};
use cedo_abi::call::{Call, capability, ipc, thread};
use cedo_abi::info::slot;
use cedo_abi::layout::{INIT_UTCB, PAGE_SIZE};
use cedo_abi::name::{ANY, SELF};
use cedo_abi::state::{BASES, Cause, GENERAL, INSTRUCTION};
use cedo_abi::utcb::{StateArea, Utcb};
use cedo_abi::{Label, Rights, Status, Tag, Token, notice};
use cedo_arch_host::{HostContext, Refusal, Roles};
use cedo_core::object::thread::{Record, State};
use cedo_floor::ThreadId;
use cedo_machine::{Context, CoreNumber, Fault, Frame, Interrupt};
use std::mem::offset_of;

const FAULT: Fault = Fault { cause: Cause::ReadFault, address: 0x1000, code: 4 };
/// A word that nothing of the kernel's writes.
const MARK: u64 = 0x7777;
/// No user can have it.
const KERNEL_ADDRESS: u64 = 0xffff_8000_0000_0000;

fn id(frame: Frame) -> ThreadId {
    ThreadId::new(frame).expect("not frame 0")
}

fn label(context: &HostContext) -> Option<Label> {
    Tag(context.tag()).kernel_label()
}

/// The root over child 1 (stopped) over child 5, which runs: the root has dispatched it over the
/// head of its own scheduler.
fn passed_over(options: u64) -> Family {
    let mut family = Family::new(0);
    family.make(1);
    family.make_below(5, place(1));
    let suspend = family.server.call(Call::Thread, thread::SUSPEND, (place(1), 0), &[]);
    assert_eq!(suspend.0, Status::Ok);
    let set = family.server.call(Call::Thread, thread::SET_OPTIONS, (SELF, 0), &[options]);
    assert_eq!(set.0, Status::Ok);
    let runs = family.dispatch(5);
    assert_eq!(runs, family.frame(5));
    family
}

#[test]
fn who_was_dispatched_over_its_schedulers_head_blocks_in_the_name_of_its_branch() {
    for (options, expected) in [(0, Label::Idle), (thread::ASK_BLOCKED, Label::Blocked)] {
        let mut family = passed_over(options);
        family.ipc(ipc::RECEIVE, 0, ANY);
        assert_eq!(family.running(), family.root);
        let heard = family.server.world.context(family.root);
        assert_eq!((label(&heard), heard.badge()), (Some(expected), 1));
        assert_eq!(heard.words()[notice::LEAF], 5);
    }
}

#[test]
fn an_edge_that_asks_does_not_ask_for_whoever_passes_over_it() {
    let mut family = passed_over(0);
    let child = id(family.frame(5));
    family.server.world.kernel_mut(CORE).thread(child).branch.tell_blocked = true;
    family.ipc(ipc::RECEIVE, 0, ANY);
    let heard = family.server.world.context(family.root);
    assert_eq!(label(&heard), Some(Label::Idle));
}

#[test]
fn a_fault_of_who_was_dispatched_over_its_schedulers_head_is_kept_for_that_scheduler() {
    let mut family = passed_over(0);
    let child = id(family.frame(5));
    family.server.world.fault(CORE, FAULT).expect("it runs");
    assert_eq!(family.running(), family.root);
    let record = family.server.world.kernel(CORE).look(child).record;
    assert_eq!((record.how, record.why), (Record::Notice, Label::Fault));
}

/// The root dispatches child 0, whose registers it may see, and wants them.
fn watched() -> Family {
    let mut family = Family::new(1);
    let child = id(family.frame(0));
    family.server.world.kernel_mut(CORE).thread(child).branch.state_right = true;
    let seen = family.hear();
    let token = family.tokens[&family.frame(0).0].0;
    let operation = cedo_abi::call::operation(Call::Ipc, 0, BOTH | ipc::WANT_STATE);
    let words = [seen, 0, 0, 0, 0, 0, 0];
    let roles = Roles { operation, to: token, from: ANY, tag: 0, words };
    family.server.world.store(CORE, received(0), 0).expect("the root's UTCB");
    family.server.world.system_call(CORE, &roles).expect("the root runs");
    assert_eq!(family.running(), family.frame(0));
    family.server.world.jump(CORE, 0x1234_5678).expect("it runs");
    family
}

/// The address of a word of the state that the root has received.
fn received(word: usize) -> u64 {
    INIT_UTCB + (offset_of!(Utcb, received) + 8 * word) as u64
}

fn told(family: &mut Family) -> [u64; 2] {
    assert_eq!(family.running(), family.root);
    [0, 1 + INSTRUCTION]
        .map(|word| family.server.world.load(CORE, received(word)).expect("the root's UTCB"))
}

#[test]
fn the_registers_of_a_child_come_with_the_deadline_that_preempts_it() {
    let mut family = watched();
    family.server.world.spurious(CORE, Interrupt::Timer).expect("runs");
    let before = family.server.world.context(family.root);
    assert_eq!(label(&before), Some(Label::Irq));
    assert_ne!(before.words()[notice::IRQ_CHILD_TOKEN], 0);
    assert_eq!(told(&mut family), [GENERAL | BASES, 0x1234_5678]);
}

#[test]
fn the_registers_of_a_child_come_with_its_fault_that_nobody_handles() {
    let mut family = watched();
    family.server.world.fault(CORE, FAULT).expect("it runs");
    let heard = family.server.world.context(family.root);
    assert_eq!(label(&heard), Some(Label::Fault));
    assert_eq!(told(&mut family), [GENERAL | BASES, 0x1234_5678]);
}

/// The core of the handler, and where its UTCB is.
const OTHER: CoreNumber = CoreNumber(1);
const ITS_UTCB: u64 = AREA + 9 * PAGE_SIZE;

/// Child 0, whose faults the root of the other core handles.
fn handled_elsewhere() -> Family {
    let mut family = Family::on(2, 1);
    let (handler, utcb) = (place(9), ITS_UTCB);
    let region = family.server.region;
    let words = [40, SELF, 1, utcb, crate::CODE, 0, 0];
    let create = cedo_abi::call::object::CREATE_THREAD;
    assert_eq!(family.server.object(create, region, handler, &words), Status::Ok);
    let gate = [SELF, Rights::ALL.0.into(), 9];
    let made = family.server.capability(capability::MAKE_GATE, handler, handler + GATES, &gate);
    assert_eq!(made, Status::Ok);
    let set =
        family.server.call(Call::Thread, thread::SET_HANDLER, (place(0), handler + GATES), &[]);
    assert_eq!(set.0, Status::Ok);
    let core = u64::from(slot::CORE_0) + 1;
    let operation = cedo_abi::call::operation(Call::Core, cedo_abi::call::core::SET_ROOT, 0);
    let roles = Roles { operation, to: core, from: handler, tag: 0, words: [0; 7] };
    let world = &mut family.server.world;
    world.system_call(CORE, &roles).expect("the root runs");
    world.interrupt(OTHER, Interrupt::Signal).expect("is posted");
    world.interrupt(CORE, Interrupt::Signal).expect("is done");
    let receive = cedo_abi::call::operation(Call::Ipc, 0, ipc::RECEIVE | ipc::WANT_STATE);
    let roles = Roles { operation: receive, to: 0, from: ANY, tag: 0, words: [0; 7] };
    world.system_call(OTHER, &roles).expect("the handler is the root there");
    family
}

#[test]
fn a_root_of_another_core_handles_a_fault_and_leaves_what_the_faulter_has_received() {
    let (other, utcb) = (OTHER, ITS_UTCB);
    let mut family = handled_elsewhere();
    let faulter = family.dispatch(0);
    let marks = (0..STATE_AND_WORDS).map(|word| AREA + 8 * word).collect::<Vec<_>>();
    let world = &mut family.server.world;
    for mark in &marks {
        world.store(CORE, *mark, MARK).expect("its UTCB");
    }
    world.jump(CORE, 0x1234_5678).expect("it runs");
    world.fault(CORE, FAULT).expect("it runs");
    world.interrupt(other, Interrupt::Signal).expect("is posted");
    let handler = world.current(other).expect("the handler runs");
    let message = world.context(handler);
    assert_eq!(label(&message), Some(Label::Fault));
    let state = utcb + offset_of!(Utcb, received) as u64;
    let told = [0, 1 + INSTRUCTION as u64].map(|word| world.load(other, state + 8 * word));
    assert_eq!(told, [Ok(GENERAL | BASES), Ok(0x1234_5678)]);

    // It answers with other registers, and more words than travel in those.
    let reply = utcb + offset_of!(Utcb, reply) as u64;
    for with_state in [true, false] {
        let flags = if with_state { BOTH | ipc::STATE } else { BOTH };
        let operation = cedo_abi::call::operation(Call::Ipc, 0, flags | ipc::WANT_STATE);
        let world = &mut family.server.world;
        let token = world.context(handler).token();
        let instruction = reply + 8 * (1 + INSTRUCTION as u64);
        world.store(other, reply + offset_of!(StateArea, mask) as u64, GENERAL).expect("its UTCB");
        let roles =
            Roles { operation, to: token, from: ANY, tag: Tag::new(1, 20).0, words: [0; 7] };
        if with_state {
            world.store(other, instruction, KERNEL_ADDRESS).expect("its UTCB");
            world.system_call(other, &roles).expect("the handler runs");
            assert_eq!(world.context(handler).status(), Status::BadAddress);
            assert_eq!(world.interrupt(CORE, Interrupt::Signal), Err(Refusal::NotPending));
        }
        world.store(other, instruction, 0x2000_0000).expect("its UTCB");
        world.system_call(other, &roles).expect("the handler runs");
        world.interrupt(CORE, Interrupt::Signal).expect("is answered");
        family.hear();
        assert_eq!(family.dispatch(0), faulter);
        let world = &mut family.server.world;
        assert_eq!(world.context(faulter).instruction(), 0x2000_0000);
        for mark in &marks {
            assert_eq!(world.load(CORE, *mark), Ok(MARK), "word at {mark:x}");
        }
        if with_state {
            world.fault(CORE, FAULT).expect("it runs");
            world.interrupt(other, Interrupt::Signal).expect("is posted");
        }
    }
}

/// Words of a UTCB that hold message words and what has been received, from its start.
const STATE_AND_WORDS: u64 = (offset_of!(Utcb, reply) / 8) as u64;

#[test]
fn a_thread_that_nobody_of_the_tree_schedules_runs_as_soon_as_somebody_does() {
    use cedo_core::kernel::Protocol;
    for protocol in [Protocol::Direct, Protocol::Chain] {
        let mut family = Family::new(1);
        let outside = place(8);
        let made = family.server.create_thread(60, SELF, AREA + 8 * PAGE_SIZE, outside);
        assert_eq!(made, Status::Ok);
        family.make_below(5, outside);
        family.server.world.kernel_mut(CORE).local.protocol = protocol;
        let child = id(family.frame(5));
        let look = |family: &Family| family.server.world.kernel(CORE).look(child).state;
        assert_eq!(look(&family), State::Ready);
        family.hear();
        assert!(!family.tokens.contains_key(&child.frame().0), "the root does not hear of it");
        let adopt = (outside, slot::THREAD.into());
        let set = family.server.call(Call::Thread, thread::SET_SCHEDULER, adopt, &[8]);
        assert_eq!(set.0, Status::Ok);
        assert_eq!(family.dispatch(5), child.frame(), "{protocol:?}");
        assert_ne!(family.tokens[&child.frame().0], Token(0));
    }
}

#[test]
fn who_is_handed_the_processor_is_named_and_what_it_does_then_is_told_for_itself() {
    let mut family = Family::new(0);
    family.make(1);
    family.make(2);
    family.dispatch(2);
    family.ipc(ipc::RECEIVE, 0, ANY);
    family.dispatch(1);
    family.ipc(ipc::SEND | ipc::WINNER_SEND, place(2) + GATES, 0);
    assert_eq!(family.running(), family.frame(2), "it was handed the processor");
    let roles =
        Roles { operation: cedo_abi::call::operation(Call::Yield, 0, 0), ..Roles::default() };
    family.server.world.system_call(CORE, &roles).expect("it runs");
    assert_eq!(family.running(), family.root);
    let lost = family.server.world.context(family.root);
    assert_eq!((label(&lost), lost.badge()), (Some(Label::Lost), 1));
    let words = lost.words();
    assert_eq!((words[notice::PREEMPTER], words[notice::PREEMPTER_TOKEN]), (2, 0));
    let yielded = family.ipc(ipc::RECEIVE | ipc::RECEIVE_ZERO, 0, ANY);
    assert_eq!((label(&yielded), yielded.badge()), (Some(Label::Yielded), 2));
}
