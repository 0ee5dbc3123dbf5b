//! Objects: made known, looked up without a lock, destroyed, and their frames used again.
//!
//! A lookup compares kind and generation and then uses the object until it leaves the kernel. Its
//! frame may only be used again when every core has left the kernel since the object was retired:
//! that is what a mail that goes round all cores waits for.

use crate::cores::Machine;
use crate::{Plain, check};
use cedo_floor::objects::TAIL_WORDS;
use cedo_floor::{Claims, FrameKind, FrameTable, Objects, SpaceId, Types};
use cedo_machine::atomic::AtomicU64;
use cedo_machine::{CoreNumber, Frame, object_map_words};
use cedo_mmio::Window;
use loom::sync::Arc;
use loom::thread;
use std::cell::UnsafeCell;

const FRAMES: u32 = 2;
pub const FRAME: Frame = Frame(1);
/// The mail that goes round.
const ROUND: u32 = 1;
const OLD: u64 = 7;
const NEW: u64 = 8;
pub const TAIL: [u64; TAIL_WORDS] = [0; TAIL_WORDS];

/// Objects of the test; a Space is shared by all cores, as in the kernel.
pub struct Kinds;

impl Types for Kinds {
    type Thread = u64;
    type Irq = u64;
    type Space = Plain;
}

#[repr(C, align(4096))]
struct Page(UnsafeCell<[u8; 4096]>);

/// Frames, their table, and the cores.
pub struct World {
    pub machine: Machine,
    frames: Box<[Page]>,
    pub table: FrameTable,
    claims: Claims,
}

// SAFETY: the frames are reached through `Objects` only.
unsafe impl Sync for World {}
// SAFETY: as for `Sync`.
unsafe impl Send for World {}

impl World {
    fn new(cores: usize) -> Arc<World> {
        World::with(Machine::new(cores, 1))
    }

    /// Frame 1 is memory for users.
    pub fn with(machine: Machine) -> Arc<World> {
        let page = |_| Page(UnsafeCell::new([0; 4096]));
        let words = |count| -> Vec<AtomicU64> { (0..count).map(|_| AtomicU64::new(0)).collect() };
        let map = words(object_map_words(FRAMES as usize));
        let table = FrameTable::new(words(FRAMES as usize).leak(), map.leak());
        table.add_ram(FRAME);
        let frames = (0..FRAMES).map(page).collect();
        Arc::new(World { machine, frames, table, claims: Claims::new() })
    }

    /// What core `core` may touch in frames.
    pub fn objects(&self, core: u8) -> Objects<Kinds> {
        let base = self.frames[0].0.get().cast::<u8>();
        // SAFETY:
        // 1. Frames 0 and 1 are there as long as the world, which outlives its cores.
        // 2. A `Page` is aligned to a page.
        // 3. Nothing but `Objects` looks into them.
        let window = unsafe { Window::new(base, FRAMES) };
        Objects::new(&self.claims, window, self.table, CoreNumber(core)).expect("one per core")
    }
}

/// What a system call does with a capability: look up, and use what it names.
fn look_up(objects: &Objects<Kinds>, generation: u32) -> Option<u64> {
    let entry = objects.table().entry(FRAME);
    let live = entry.kind() == FrameKind::Space && entry.generation() == generation;
    live.then(|| objects.space(SpaceId::new(FRAME).expect("not frame 0")).get())
}

/// Destroys the object, sends a mail round cores 1 and up, and makes a new object in its frame.
fn replace(world: &World, objects: &mut Objects<Kinds>, round: bool) {
    retire_and_release(world, round);
    assert!(objects.claim_space(FRAME, Plain::new(NEW), &TAIL));
}

fn retire_and_release(world: &World, round: bool) {
    assert!(world.table.retire(FRAME));
    if round {
        world.machine.post(1, ROUND);
        let mut home = false;
        while !home {
            world.machine.halt(0, 8, |_| home = true);
        }
    }
    assert!(world.table.release(FRAME));
}

/// A core that looks the old object up, leaves the kernel, and sends the mail on when it comes.
fn visit(world: &World, core: u8, next: usize) {
    let objects = world.objects(core);
    let old = world.table.entry(FRAME).generation();
    let mut seen = [look_up(&objects, 1), None];
    world.machine.halt(core.into(), 8, |number| world.machine.post(next, number));
    seen[1] = look_up(&objects, 1);
    assert!(seen[0].is_none_or(|value| value == OLD));
    assert!(seen[1].is_none(), "it was destroyed before the mail came");
    assert!(old == 1 || seen[0].is_none());
    assert!(look_up(&objects, 2).is_none_or(|value| value == NEW));
}

#[test]
fn an_object_is_complete_before_it_is_known() {
    check(5, || {
        let world = World::new(2);
        let reader = thread::spawn({
            let world = Arc::clone(&world);
            move || look_up(&world.objects(1), 1)
        });
        assert!(world.objects(0).claim_space(FRAME, Plain::new(OLD), &TAIL));
        assert!(reader.join().expect("does not fail").is_none_or(|value| value == OLD));
    });
}

#[test]
fn a_frame_is_used_again_when_the_other_core_has_left_the_kernel() {
    check(4, || {
        let world = World::new(2);
        let mut objects = world.objects(0);
        assert!(objects.claim_space(FRAME, Plain::new(OLD), &TAIL));
        let reader = thread::spawn({
            let world = Arc::clone(&world);
            move || visit(&world, 1, 0)
        });
        replace(&world, &mut objects, true);
        reader.join().expect("does not fail");
        world.machine.check_end();
    });
}

#[test]
fn a_round_visits_one_core_after_the_other() {
    check(3, || {
        let world = World::new(3);
        let mut objects = world.objects(0);
        assert!(objects.claim_space(FRAME, Plain::new(OLD), &TAIL));
        let readers = [(1, 2), (2, 0)].map(|(core, next)| {
            let world = Arc::clone(&world);
            thread::spawn(move || visit(&world, core, next))
        });
        replace(&world, &mut objects, true);
        readers.into_iter().for_each(|reader| reader.join().expect("does not fail"));
        world.machine.check_end();
    });
}

#[test]
fn a_third_core_uses_a_frame_that_nobody_looks_at() {
    check(3, || {
        let world = World::new(2);
        // What is in the frame, whoever owns it.
        let memory = Arc::new(Plain::new(OLD));
        assert!(world.table.claim(FRAME, FrameKind::Stock, CoreNumber(0)));
        let reader = thread::spawn({
            let (world, memory) = (Arc::clone(&world), Arc::clone(&memory));
            move || {
                let entry = world.table.entry(FRAME);
                if (entry.kind(), entry.generation()) == (FrameKind::Stock, 1) {
                    assert_eq!(memory.get(), OLD);
                }
                world.machine.halt(1, 8, |number| world.machine.post(0, number));
            }
        });
        let third = thread::spawn({
            let (world, memory) = (Arc::clone(&world), Arc::clone(&memory));
            move || {
                if world.table.claim(FRAME, FrameKind::Stock, CoreNumber(2)) {
                    memory.set(NEW);
                }
            }
        });
        retire_and_release(&world, true);
        reader.join().expect("does not fail");
        third.join().expect("does not fail");
    });
}

/// Shows that the tests above can fail.
#[test]
#[should_panic]
fn without_a_round_an_object_changes_under_its_reader() {
    check(4, || {
        let world = World::new(2);
        let mut objects = world.objects(0);
        assert!(objects.claim_space(FRAME, Plain::new(OLD), &TAIL));
        let reader = thread::spawn({
            let world = Arc::clone(&world);
            move || look_up(&world.objects(1), 1)
        });
        replace(&world, &mut objects, false);
        assert!(reader.join().expect("does not fail").is_none_or(|value| value == OLD));
    });
}
