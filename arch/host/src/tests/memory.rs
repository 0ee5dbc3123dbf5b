//! What user code reaches, and what the machine does not forgive.

use super::toy::{Operation, Toy, roles};
use super::{A, B, PAGE, complaint, put, registers, take, world};
use crate::translate::Want;
use crate::{Action, Event};
use cedo_abi::state::Cause;
use cedo_machine::{Context, Fault};

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
#[cfg_attr(miri, ignore = "takes long")]
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
    ];
    for (call, expected) in cases {
        let text = complaint(|| assert!(world.call(A, &call).is_err()));
        assert!(text.starts_with(expected), "{text}");
        world.restore(&start, put);
        assert!(world.call(A, &roles(Operation::Echo, 0, 0, 0)).is_ok());
    }
}
