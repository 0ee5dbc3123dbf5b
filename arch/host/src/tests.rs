//! The machine under a kernel of one thread per core.

mod toy;

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::Ordering;

use cedo_abi::state::{BASES, Cause, FLAGS, GENERAL, INSTRUCTION};
use cedo_abi::utcb::StateArea;
use cedo_machine::{
    Context, CoreNumber, Fault, Interrupt, Line, PageFormat, Power, Ticks, Upcalls,
};

use crate::board::Mode;
use crate::context::{Resume, USER_FLAGS};
use crate::translate::Want;
use crate::world::CALL_BYTES;
use crate::{
    Action, Event, HostContext, HostPages, Mix, Outcome, Pause, Random, Refusal, Roles, Setup,
    Snapshot, World, drive,
};
use toy::{Mail, Operation, Toy, roles};

const A: CoreNumber = CoreNumber(0);
const B: CoreNumber = CoreNumber(1);
const PAGE: u64 = 0x40_0000;

fn world() -> World<Toy> {
    World::boot(&Setup { ticks_per_entry: 0, ..Setup::default() }).expect("boots")
}

fn registers(world: &World<Toy>, core: CoreNumber) -> HostContext {
    world.context(Toy::frame(world.platform(), u32::from(core.0)))
}

/// What a toy keeps outside frames: the kernels' counts of entries, the mail.
type Kept = (Vec<u64>, Vec<u64>);

fn take(world: &mut World<Toy>) -> Snapshot<Kept> {
    world.snapshot(|kernels, mail| {
        let mail = mail.0.iter().map(|value| value.load(Ordering::SeqCst)).collect();
        (kernels.iter().map(|kernel| kernel.entries).collect(), mail)
    })
}

fn put(kernels: &mut [Toy], mail: &Mail, (entries, values): &Kept) {
    let pairs = mail.0.iter().zip(values);
    pairs.for_each(|(mail, value)| mail.store(*value, Ordering::SeqCst));
    kernels.iter_mut().zip(entries).for_each(|(kernel, entries)| kernel.entries = *entries);
}

/// The sentence that a step stops the test with.
fn complaint(step: impl FnOnce()) -> String {
    let payload = panic::catch_unwind(AssertUnwindSafe(step)).expect_err("nobody complained");
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}

#[test]
fn every_core_starts_once_with_its_own_thread() {
    let mut world = World::<Toy>::new(&Setup::default()).expect("builds");
    assert_eq!((world.mode(A), world.current(A)), (Mode::Off, None));
    assert_eq!(world.system_call(A, &Roles::default()), Err(Refusal::NotThen));
    let frames = [A, B].map(|core| Toy::frame(world.platform(), u32::from(core.0)));
    assert_eq!(world.first(A), Ok(Outcome::Running(frames[0])));
    assert_eq!(world.first(B), Ok(Outcome::Running(frames[1])));
    assert!(world.first(B).is_err());
    let context = registers(&world, B);
    assert_eq!((context.instruction(), context.stack()), (0x20_0000, 0x10_0000));
    assert_eq!((context.words()[0], context.resume()), (1, Resume::Full));
    assert_eq!(world.running(), [A, B]);
}

#[test]
fn what_the_kernel_says_at_boot_reaches_the_caller() {
    let none = Setup { ram: Vec::new(), ..Setup::default() };
    assert_eq!(World::<Toy>::boot(&none).err(), Some("no memory"));
    let archive = Setup { archive: crate::image::minimal(0x20_0000), ..Setup::default() };
    let problem = World::<Toy>::boot(&archive).err();
    assert_eq!(problem, Some("this kernel has no use for an archive"));
}

#[test]
fn the_platform_describes_the_memory_it_has() {
    let archive = crate::image::minimal(0x20_0000);
    let setup = Setup { ram: vec![20, 30], archive: archive.clone(), ..Setup::default() };
    let world = World::<Toy>::new(&setup).expect("builds");
    let platform = world.platform();
    let (first, bytes) = platform.archive.expect("has an archive");
    assert_eq!(bytes, archive.len() as u64);
    assert_eq!(world.read(first, 0), cedo_abi::archive::MAGIC);
    let [low, high] = platform.memory else { panic!("two ranges") };
    assert!(first.plus((bytes / 4096) as u32) < low.first);
    assert!(low.first.plus(low.count) < high.first && (low.count, high.count) == (20, 30));
    assert_eq!(high.first.plus(high.count).0, platform.window.frames());
    assert_eq!(platform.frame_table.len(), platform.window.frames() as usize);
    assert!((0..512).all(|index| world.read(platform.info_frame, index) == 0));
    let kernel = (0..512).filter(|index| world.read(platform.kernel_root, *index) != 0);
    assert_eq!(kernel.collect::<Vec<_>>(), (256..264).collect::<Vec<_>>());
}

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
fn signals_wait_coalesce_and_wake_a_halted_core() {
    let mut world = world();
    assert_eq!(world.interrupt(B, Interrupt::Signal), Err(Refusal::NotPending));
    world.call(B, &roles(Operation::Halt, 0, 0, 0)).expect("runs");
    world.call(A, &roles(Operation::Post, 1, 5, 0)).expect("runs");
    world.call(A, &roles(Operation::Post, 1, 6, 0)).expect("runs");
    assert_eq!(world.interrupts(), [Event::Interrupt(B, Interrupt::Signal)]);
    let woken = world.interrupt(B, Interrupt::Signal).expect("arrives");
    assert_eq!(woken, Outcome::Running(Toy::frame(world.platform(), 1)));
    assert_eq!(registers(&world, B).words()[0], 11);
    assert!(world.interrupts().is_empty());
    assert_eq!(world.counters(A).signals_sent, 2);
}

#[test]
fn a_deadline_fires_once_when_its_time_has_come() {
    let mut world = world();
    world.call(A, &roles(Operation::Deadline, 0, 95, 0)).expect("runs");
    assert_eq!(world.until_deadline(), Some(Ticks(10)));
    world.advance(Ticks(9));
    assert!(world.pending(A).is_empty());
    world.advance(Ticks(1));
    assert_eq!(world.pending(A), [Interrupt::Timer]);
    world.interrupt(A, Interrupt::Timer).expect("arrives");
    assert_eq!(registers(&world, A).words()[1], 95 + 1);
    assert!(world.pending(A).is_empty() && world.until_deadline().is_none());
    let answer = world.call(A, &roles(Operation::Time, 0, 0, 0)).expect("runs");
    assert_eq!(answer.map(|context| context.result()), Some(100));
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
fn a_level_line_is_masked_by_delivery_and_comes_again_while_asserted() {
    let mut world = world();
    let line = Line(3);
    world.raise(line);
    world.call(B, &roles(Operation::Route, 3, 0, 1)).expect("runs");
    assert!(world.pending(B).is_empty());
    world.call(B, &roles(Operation::Unmask, 3, 0, 0)).expect("runs");
    assert_eq!((world.pending(A), world.pending(B)), (vec![], vec![Interrupt::Line(line)]));
    world.interrupt(B, Interrupt::Line(line)).expect("arrives");
    assert_eq!(registers(&world, B).words()[2], 4);
    assert!(world.pending(B).is_empty());
    world.call(B, &roles(Operation::Unmask, 3, 0, 0)).expect("runs");
    assert_eq!(world.pending(B), [Interrupt::Line(line)]);
    world.lower(line);
    assert!(world.pending(B).is_empty());
}

#[test]
fn an_edge_is_remembered_unless_the_line_is_masked() {
    let mut world = world();
    let line = Line(2);
    let answer = world.call(A, &roles(Operation::Route, 2, 0, 0)).expect("runs");
    assert_eq!(answer.map(|context| context.result()), Some(1));
    world.raise(line);
    world.call(A, &roles(Operation::Unmask, 2, 0, 0)).expect("runs");
    assert!(world.pending(A).is_empty());
    world.raise(line);
    world.lower(line);
    assert_eq!(world.pending(A), [Interrupt::Line(line)]);
    world.interrupt(A, Interrupt::Line(line)).expect("arrives");
    world.raise(line);
    assert_eq!(world.pending(A), [Interrupt::Line(line)]);
    world.call(A, &roles(Operation::Mask, 2, 0, 0)).expect("runs");
    assert!(world.pending(A).is_empty());
    let answer = world.call(A, &roles(Operation::Route, 8, 0, 0)).expect("runs");
    assert_eq!(answer.map(|context| context.result()), Some(0));
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

#[test]
fn after_power_off_nothing_happens_until_a_snapshot_is_restored() {
    let mut world = world();
    let before = take(&mut world);
    let off = world.system_call(A, &roles(Operation::Off, 7, 0, 0));
    assert_eq!(off, Ok(Outcome::Power(Power::Off(7))));
    assert_eq!(world.power(), Some(Power::Off(7)));
    let refused = world.system_call(B, &roles(Operation::Echo, 0, 0, 0));
    assert_eq!(refused, Err(Refusal::Power(Power::Off(7))));
    world.restore(&before, put);
    assert!(world.system_call(B, &roles(Operation::Echo, 0, 0, 0)).is_ok());
}

#[test]
fn user_code_reaches_memory_as_mapped() {
    let mut world = world();
    let frame = Toy::frame(world.platform(), 40);
    let missing = Fault { cause: Cause::ReadFault, address: PAGE + 8, code: 0 };
    assert_eq!(world.load(A, PAGE + 8), Err(missing));
    world.call(A, &roles(Operation::Map, PAGE, u64::from(frame.0), 0)).expect("runs");
    world.write(frame, 1, 77);
    assert_eq!(world.load(A, PAGE + 8), Ok(77));
    assert_eq!(world.store(A, PAGE, 1).map_err(|fault| fault.cause), Err(Cause::WriteFault));
    let fetch = world.translate(A, PAGE, Want::Execute).map_err(|fault| fault.cause);
    assert_eq!(fetch, Err(Cause::ExecuteFault));
    assert_eq!(world.load(A, PAGE + 1).map_err(|fault| fault.cause), Err(Cause::Alignment));
    world.call(A, &roles(Operation::Map, PAGE, u64::from(frame.0), 1)).expect("runs");
    assert_eq!(world.store(B, PAGE + 16, 5), Ok(()));
    assert_eq!(world.read(frame, 2), 5);
    world.apply(Event::Act(A, Action::Load(PAGE + 16))).expect("runs");
    assert_eq!(registers(&world, A).words()[0], 5);
    world.apply(Event::Act(A, Action::Store(0x50_0000, 5))).expect("runs");
    assert_eq!(registers(&world, A).badge(), 0x50_0000);
}

#[test]
fn a_forgotten_flush_is_found_on_every_core_that_used_the_page() {
    let mut world = world();
    let frame = u64::from(Toy::frame(world.platform(), 40).0);
    for (flush, stale_here) in [(0, 1), (1, 0), (2, 0)] {
        world.call(A, &roles(Operation::Map, PAGE, frame, 1)).expect("runs");
        assert!(world.load(A, PAGE).is_ok() && world.load(B, PAGE).is_ok());
        world.call(A, &roles(Operation::Unmap, PAGE, 0, flush)).expect("runs");
        assert_eq!((world.stale(A).len(), world.stale(B).len()), (stale_here, 1));
        assert_eq!(world.store(A, PAGE, 1).is_ok(), stale_here == 1);
        world.call(A, &roles(Operation::Unmap, PAGE, 0, 2)).expect("runs");
        world.call(B, &roles(Operation::Unmap, PAGE, 0, 2)).expect("runs");
        assert!(world.load(A, PAGE).is_err() && world.load(B, PAGE).is_err());
    }
    let counters = world.counters(A);
    assert_eq!((counters.page_flushes, counters.full_flushes), (1, 4));
    assert_eq!(counters.activations, 1);
}

#[test]
fn the_machine_complains_about_what_would_crash_a_real_one() {
    let mut world = world();
    let start = take(&mut world);
    let bare = u64::from(Toy::frame(world.platform(), 50).0);
    let far = u64::from(world.platform().window.frames());
    let cases = [
        (roles(Operation::Stray, 0, 0, 0), "a context lives at the start of its thread's frame"),
        (roles(Operation::Activate, bare, 0, 0), "a page table without the kernel's entries"),
        (roles(Operation::Activate, far, 0, 0), "a page table outside memory"),
        (roles(Operation::Spin, 0, 0, 0), "a spin loop that waits for another core"),
        (roles(Operation::Post, 0, 0, 0), "a core signals itself"),
    ];
    for (call, expected) in cases {
        let text = complaint(|| assert!(world.call(A, &call).is_err()));
        assert!(text.starts_with(expected), "{text}");
        world.restore(&start, put);
        assert!(world.call(A, &roles(Operation::Echo, 0, 0, 0)).is_ok());
    }
}

#[test]
fn a_restored_world_is_the_world_that_was_copied() {
    let mut world = world();
    world.call(A, &roles(Operation::Write, 0, 0, 0)).expect("runs");
    world.call(A, &roles(Operation::Post, 1, 5, 0)).expect("runs");
    world.call(A, &roles(Operation::Deadline, 0, 50, 0)).expect("runs");
    let before = take(&mut world);
    let seen = everything(&mut world);
    world.interrupt(B, Interrupt::Signal).expect("arrives");
    world.call(A, &roles(Operation::Write, 0, 0, 0)).expect("runs");
    world.call(B, &roles(Operation::Map, PAGE, 30, 1)).expect("runs");
    world.advance(Ticks(9));
    world.raise(Line(1));
    world.set_port(1, 1);
    assert_ne!(everything(&mut world), seen);
    for _ in 0..2 {
        world.restore(&before, put);
        assert_eq!(everything(&mut world), seen);
        world.interrupt(B, Interrupt::Signal).expect("arrives");
        assert_eq!(registers(&world, B).words()[0], 1 + 5);
    }
}

/// All that can be seen of a world, as text.
fn everything(world: &mut World<Toy>) -> String {
    use std::hash::Hasher;
    let frames: Vec<_> = (0..world.platform().window.frames()).map(cedo_machine::Frame).collect();
    let memory = world.fingerprint(&frames);
    let mut machine = Mix::default();
    world.hash_machine(&mut machine);
    let table: Vec<_> = world.platform().frame_table.iter().collect();
    let mail: Vec<_> = world.shared().0.iter().collect();
    let entries = [A, B].map(|core| world.kernel(core).entries);
    let (now, console, counters) = (world.now(), world.console(), world.counters(A));
    let machine = machine.finish();
    format!("{memory:x} {machine:x} {table:?} {mail:?} {entries:?} {now:?} {console} {counters:?}")
}

#[test]
fn a_fingerprint_depends_on_contents_and_place_only() {
    let mut world = world();
    let frames = [40, 41].map(|index| Toy::frame(world.platform(), index));
    let empty = world.fingerprint(&frames);
    world.write(frames[0], 511, 1);
    let first = world.fingerprint(&frames);
    world.write(frames[0], 511, 0);
    world.write(frames[1], 511, 1);
    let second = world.fingerprint(&frames);
    assert!(empty != first && first != second && second != empty);
    world.write(frames[1], 511, 0);
    assert_eq!(world.fingerprint(&frames), empty);
}

#[test]
fn a_snapshot_fits_its_own_world_only() {
    let (mut one, mut other) = (world(), world());
    let snapshot = take(&mut one);
    let text = complaint(|| other.restore(&snapshot, put));
    assert_eq!(text, "a snapshot of another world");
}

#[test]
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
        |area| area.mask |= 4,
    ];
    for change in changes {
        let (mut wrong, before) = (area, context);
        wrong.general[0] = 99;
        change(&mut wrong);
        assert!(!context.install_state(&wrong));
        assert_eq!(context, before);
    }
    area.general[FLAGS] = u64::MAX;
    area.general[0] = 99;
    area.bases[1] = 0xffff_8400_0000_0000;
    assert!(context.install_state(&area));
    assert_eq!((context.flags(), context.operation()), (USER_FLAGS, 99));
    assert_eq!(context.bases(), [0, 0xffff_8400_0000_0000]);
    assert_eq!((context.words()[0], context.resume()), (5, Resume::Full));
    assert_eq!(HostContext::from_memory(&context.to_memory()), context);
}

#[test]
fn images_that_no_snapshot_has_are_forgotten() {
    let mut world = world();
    let frame = Toy::frame(world.platform(), 60);
    let kept = take(&mut world);
    for value in 0..20_000 {
        world.write(frame, 0, value + 1);
        drop(take(&mut world));
    }
    assert!(world.images.stored() < 5_000, "{} images", world.images.stored());
    world.restore(&kept, put);
    assert_eq!(world.read(frame, 0), 0);
}

#[test]
fn a_kernel_can_be_asked_who_it_is() {
    let world = world();
    let frame = Toy::frame(world.platform(), 1);
    assert_eq!(world.kernel(B).who(), (B, frame.0));
    assert_eq!(world.root(B), Some(Toy::frame(world.platform(), 8)));
}
