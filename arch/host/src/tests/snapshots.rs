//! Copies of the whole world.

use super::toy::{Operation, Toy, roles};
use super::{A, B, PAGE, complaint, everything, put, registers, take, world};
use crate::{Outcome, Refusal};
use cedo_machine::{Context, Interrupt, Line, Power, Ticks};

#[test]
#[cfg_attr(miri, ignore = "takes long")]
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
#[cfg_attr(miri, ignore = "takes long")]
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

#[test]
#[cfg_attr(miri, ignore = "takes long")]
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
#[cfg_attr(miri, ignore = "takes long")]
fn a_snapshot_fits_its_own_world_only() {
    let (mut one, mut other) = (world(), world());
    let snapshot = take(&mut one);
    let text = complaint(|| other.restore(&snapshot, put));
    assert_eq!(text, "a snapshot of another world");
}

#[test]
#[cfg_attr(miri, ignore = "takes long")]
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
