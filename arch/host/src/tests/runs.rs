//! Many steps: every order of a few, and random ones.

use super::toy::{Operation, Toy, roles};
use super::{A, B, Kept, everything, put, registers, take, world};
use crate::{Action, Event, Pause, Random, Setup, Snapshot, World, drive};
use cedo_machine::{Context, CoreNumber, Interrupt, Power, Ticks};

#[test]
#[cfg_attr(miri, ignore = "takes long")]
fn every_order_of_two_posts_and_their_signals_delivers_both() {
    let mut world = world();
    let start = take(&mut world);
    let mut ends = 0;
    interleave(&mut world, &start, [2, 2], &mut |world| {
        let sums = [A, B].map(|core| registers(world, core).words()[0]);
        assert!(world.interrupts().is_empty());
        assert_eq!(sums, [200, 201]);
        ends += 1;
    });
    assert!(ends > 20, "{ends} orders");
}

/// Each core posts 100 to the other as often as `left` says, in every order of posts and signals.
fn interleave(
    world: &mut World<Toy>,
    here: &Snapshot<Kept>,
    left: [u64; 2],
    end: &mut impl FnMut(&World<Toy>),
) {
    let mut events = world.interrupts();
    for core in [A, B].into_iter().filter(|core| left[core.index()] > 0) {
        let mut call = roles(Operation::Post, 1 - u64::from(core.0), 100, 0);
        call.words = registers(world, core).words();
        events.push(Event::Act(core, Action::Call(call)));
    }
    if events.is_empty() {
        return end(world);
    }
    for event in events {
        let mut left = left;
        if let Event::Act(core, _) = event {
            left[core.index()] -= 1;
        }
        world.apply(event).expect("can happen");
        let next = take(world);
        interleave(world, &next, left, end);
        world.restore(here, put);
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes long")]
fn the_same_seed_makes_the_same_run_and_a_trace_can_be_replayed() {
    let mut world = World::<Toy>::boot(&Setup::default()).expect("boots");
    let start = take(&mut world);
    let thread_0 = Toy::frame(world.platform(), 0);
    let run = |world: &mut World<Toy>, seed| {
        let (mut random, mut choices) = (Random::new(seed), Random::new(seed + 1));
        let mut trace = Vec::new();
        let pause = drive(world, &mut random, 300, &mut trace, |core, frame, registers| {
            assert_eq!(frame, thread_0.plus(u32::from(core.0)));
            assert!(registers.instruction() >= 0x20_0000);
            choose(&mut choices, core)
        });
        assert_eq!(pause, Pause::Steps);
        (trace, everything(world))
    };
    let first = run(&mut world, 1);
    world.restore(&start, put);
    let other = run(&mut world, 2);
    world.restore(&start, put);
    assert_eq!(run(&mut world, 1), first);
    assert_ne!(other.0, first.0);
    assert!(first.0.iter().any(|event| matches!(event, Event::Interrupt(_, Interrupt::Timer))));
    assert!(first.0.iter().any(|event| matches!(event, Event::Interrupt(_, Interrupt::Signal))));
    world.restore(&start, put);
    assert_eq!(world.replay(&first.0), Ok(()));
    assert_eq!(everything(&mut world), first.1);
}

fn choose(random: &mut Random, core: CoreNumber) -> Action {
    let operations = [
        roles(Operation::Echo, 1, 0, 0),
        roles(Operation::Post, 1 - u64::from(core.0), 1, 0),
        roles(Operation::Deadline, 0, random.below(200) as u64, 0),
        roles(Operation::Halt, 0, 0, 0),
    ];
    // Core 0 never halts, so that there is always something to do.
    let known = if core == A { &operations[..3] } else { &operations[..] };
    random.choose(known).map_or(Action::Jump(0x20_0000), |roles| Action::Call(*roles))
}

#[test]
#[cfg_attr(miri, ignore = "takes long")]
fn a_drive_ends_when_nothing_can_happen_or_the_power_goes() {
    let mut world = world();
    let start = take(&mut world);
    let end = |world: &mut World<Toy>, operation| {
        let mut trace = Vec::new();
        let program = |_, _, _: &_| Action::Call(roles(operation, 3, 0, 0));
        let pause = drive(world, &mut Random::new(5), 50, &mut trace, program);
        (pause, trace.len())
    };
    assert_eq!(end(&mut world, Operation::Halt), (Pause::Quiet, 2));
    world.restore(&start, put);
    assert_eq!(end(&mut world, Operation::Off), (Pause::Power(Power::Off(3)), 1));
}

#[test]
#[cfg_attr(miri, ignore = "takes long")]
fn a_halted_machine_lets_time_pass_to_the_deadline() {
    let mut world = world();
    world.call(A, &roles(Operation::Deadline, 0, 1000, 0)).expect("runs");
    for core in [A, B] {
        world.call(core, &roles(Operation::Halt, 0, 0, 0)).expect("runs");
    }
    let mut trace = Vec::new();
    let halt = |_, _, _: &_| Action::Call(roles(Operation::Halt, 0, 0, 0));
    let pause = drive(&mut world, &mut Random::new(1), 50, &mut trace, halt);
    assert_eq!(pause, Pause::Quiet);
    assert_eq!(trace[0], Event::Advance(Ticks(100)));
    assert_eq!(trace[1], Event::Interrupt(A, Interrupt::Timer));
}
