//! Calls, faults and ports: what goes in and what comes out.

use super::toy::{Operation, Toy, roles};
use super::{A, registers, world};
use crate::context::{Resume, USER_FLAGS};
use crate::world::CALL_BYTES;
use crate::{HostContext, HostPages, Refusal, Roles, Setup, World};
use cedo_abi::state::{BASES, Cause, FLAGS, GENERAL, INSTRUCTION, REGISTERS};
use cedo_abi::utcb::StateArea;
use cedo_machine::{Context, Fault, Interrupt, PageFormat, Ticks};

#[test]
fn a_call_carries_its_roles_in_and_its_result_out() {
    let mut world = world();
    let before = registers(&world, A).instruction();
    let answer = world.call(A, &roles(Operation::Echo, 41, 2, 3)).expect("runs");
    let answer = answer.expect("goes on");
    assert_eq!((answer.result(), answer.from(), answer.tag()), (42, 2, 3));
    assert_eq!(answer.instruction(), before + CALL_BYTES);
    assert_eq!(answer.resume(), Resume::Short);
    assert_eq!(world.call(A, &roles(Operation::Halt, 0, 0, 0)), Ok(None));
    assert_eq!(world.system_call(A, &Roles::default()), Err(Refusal::Halted));
}

#[test]
fn a_call_that_takes_the_short_cut_passes_its_message_words_by() {
    for takes in [true, false] {
        let mut world = world();
        world.take_short_cuts(takes);
        world.call(A, &roles(Operation::Echo, 0, 8, 0)).expect("runs");
        let answer = world.call(A, &roles(Operation::Short, 5, 6, 7)).expect("runs");
        let answer = answer.expect("goes on");
        let result = if takes { 8 } else { 0 };
        assert_eq!(
            (answer.result(), answer.badge(), answer.token(), answer.tag()),
            (result, 5, 6, 7)
        );
        assert_eq!((answer.words(), answer.resume()), ([6; 7], Resume::Short));
        assert_eq!(world.counters(A).entries, 3, "one entry each, and the first");
    }
}

#[test]
fn a_fault_and_an_interrupt_keep_all_registers_for_the_return() {
    let mut world = world();
    world.call(A, &roles(Operation::Echo, 0, 0, 0)).expect("runs");
    let instruction = registers(&world, A).instruction();
    let fault = Fault { cause: Cause::DivideError, address: 7, code: 0 };
    world.fault(A, fault).expect("runs");
    let context = registers(&world, A);
    assert_eq!((context.badge(), context.token()), (7, Cause::DivideError as u64));
    assert_eq!((context.instruction(), context.resume()), (instruction, Resume::Full));
    world.call(A, &roles(Operation::Echo, 0, 0, 0)).expect("runs");
    world.spurious(A, Interrupt::Signal).expect("runs");
    assert_eq!(registers(&world, A).resume(), Resume::Full);
}

#[test]
fn an_entry_takes_time_if_the_setup_says_so() {
    let mut world =
        World::<Toy>::boot(&Setup { ticks_per_entry: 3, ..Setup::default() }).expect("boots");
    assert_eq!(world.now(), Ticks(6));
    world.call(A, &roles(Operation::Echo, 0, 0, 0)).expect("runs");
    assert_eq!((world.now(), world.counters(A).entries), (Ticks(9), 2));
}

#[test]
fn only_state_that_a_user_can_have_is_installed() {
    let start = HostPages::user_address(0x20_0000, 1).expect("is a user's");
    let mut context = HostContext::new(start, 0x1000, 5);
    context.set_resume(Resume::Short);
    let mut area = StateArea::EMPTY;
    context.save_state(GENERAL | BASES, &mut area);
    assert_eq!(area.mask, GENERAL | BASES);
    let changes: [fn(&mut StateArea); 5] = [
        |area| area.general[INSTRUCTION] = 0xffff_8000_0000_0000,
        |area| area.general[INSTRUCTION] = 0x7fff_ffff_f000,
        |area| area.bases[0] = 1 << 47,
        |area| area.bases[1] = 0xffff_83ff_ffff_f000,
        |area| area.mask |= 8,
    ];
    for change in changes {
        let (mut wrong, before) = (area, context);
        wrong.general[REGISTERS] = 99;
        change(&mut wrong);
        assert!(!context.install_state(&wrong));
        assert_eq!(context, before);
    }
    area.general[FLAGS] = u64::MAX;
    area.general[REGISTERS] = 99;
    area.bases[1] = 0xffff_8400_0000_0000;
    assert!(context.install_state(&area));
    assert_eq!((context.flags(), context.operation()), (USER_FLAGS, 99));
    assert_eq!(context.bases(), [0, 0xffff_8400_0000_0000]);
    assert_eq!((context.words()[0], context.resume()), (5, Resume::Full));
    assert_eq!(HostContext::from_memory(&context.to_memory()), context);
}

#[test]
fn ports_keep_what_fits_and_may_be_missing() {
    let mut world = world();
    let answer = world.call(A, &roles(Operation::Port, 0x3f8, 0x1234, 1)).expect("runs");
    assert_eq!(answer.map(|context| context.result()), Some(0x34));
    assert_eq!((world.port(0x3f8), world.port(0x3f9)), (Some(0x34), None));
    world.set_port(0x3f8, 9);
    assert_eq!(world.port(0x3f8), Some(9));
    let mut bare = World::<Toy>::boot(&Setup { ports: false, ..Setup::default() }).expect("boots");
    bare.call(A, &roles(Operation::Port, 0x3f8, 1, 1)).expect("runs");
    assert_eq!(bare.port(0x3f8), None);
}
