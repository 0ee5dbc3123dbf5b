//! How a world starts, and what its kernel is told.

use super::toy::Toy;
use super::{A, B, registers, world};
use crate::board::Mode;
use crate::context::Resume;
use crate::{Outcome, Refusal, Roles, Setup, World};
use cedo_machine::{Context, Upcalls};

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
#[cfg_attr(miri, ignore = "takes long")]
fn what_the_kernel_says_at_boot_reaches_the_caller() {
    let none = Setup { ram: Vec::new(), ..Setup::default() };
    assert_eq!(World::<Toy>::boot(&none).err(), Some("no memory"));
    let archive = Setup { archive: crate::image::minimal(0x20_0000), ..Setup::default() };
    let problem = World::<Toy>::boot(&archive).err();
    assert_eq!(problem, Some("this kernel has no use for an archive"));
}

#[test]
#[cfg_attr(miri, ignore = "takes long")]
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
fn a_kernel_can_be_asked_who_it_is() {
    let world = world();
    let frame = Toy::frame(world.platform(), 1);
    assert_eq!(world.kernel(B).who(), (B, frame.0));
    assert_eq!(world.root(B), Some(Toy::frame(world.platform(), 8)));
}
