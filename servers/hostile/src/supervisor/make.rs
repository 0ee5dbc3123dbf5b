//! Makes the confined Space, its program and its threads.

use super::means::Means;
use super::plan::Episode;
use crate::board::Broken;
use crate::order::Order;
use crate::places::{self, ENEMIES, ENEMIES_PER_CORE, INSPECTOR, LOOT_RIGHTS, slot};
use cedo_lib::abi::call::{object, thread};
use cedo_lib::capability::{copy, divide, make_gate};
use cedo_lib::memory::create_space;
use cedo_lib::thread::{FRAMES, NewThread, create};
use cedo_lib::{Gate, Rights, Space, Status, Thread, Winner};

/// Pages of the memory "objects": the Space, its stock, its threads.
const TABLE_FRAMES: u64 = slot::COUNT / object::SLOTS_PER_FRAME;
const STOCK: (u64, u64) = (16, 64);
const THREADS: u64 = STOCK.0 + STOCK.1;
/// More stock, for each of the inspector's looks: enemies may have used all there was, or tables may be
/// gone with the memory that they were made of.
pub const SPARES: [(u64, u64); 2] = [(SPARE, SPARE_PAGES), (SPARE + SPARE_PAGES, SPARE_PAGES)];
const SPARE: u64 = THREADS + FRAMES * (ENEMIES + 1);
const SPARE_PAGES: u64 = 16;
/// Pages of it in all.
pub const OBJECTS: u64 = SPARE + 2 * SPARE_PAGES;

/// A step that must succeed with a correct kernel.
pub fn step<T>(rule: &'static str, number: u64, result: Result<T, Status>) -> Result<T, Broken> {
    result.map_err(|status| Broken { rule, numbers: [number, status as u64, 0] })
}

/// The Space with its program; nobody runs.
pub fn make(means: &Means, episode: &Episode) -> Result<(), Broken> {
    means.layout.restore(means.image);
    order(means, episode).write(means.image_page(means.layout.counts() + 1));
    let frames = object::SPACE_FRAMES + TABLE_FRAMES;
    let made = create_space(means.objects, 0, frames, means.slots.space());
    let space = step("a Space can be made again", 0, made)?;
    step("a Space can get stock", 0, space.stock(means.objects, STOCK.0, STOCK.1))?;
    for piece in means.layout.pieces() {
        let mapped =
            space.map(means.image_region, piece.first, piece.address, piece.pages, piece.access);
        step("a program can be mapped", piece.address, mapped)?;
    }
    for enemy in 0..means.cores * ENEMIES_PER_CORE {
        let core = enemy / ENEMIES_PER_CORE;
        let made = make_thread(means, enemy, core);
        step("a thread can be made again", enemy, made)?;
    }
    step("enemies can be given capabilities", 0, give(means, space))?;
    if episode.plants {
        let root = means.roots[0].ok_or(Status::NoCapability);
        let planted = root.and_then(|root| copy(root, space, slot::COUNT as u32 - 1, Rights::ALL));
        step("a capability can be planted", 0, planted)?;
    }
    Ok(())
}

fn order(means: &Means, episode: &Episode) -> Order {
    Order {
        seed: episode.seed,
        calls: episode.calls,
        cores: means.cores,
        trusted_gates: means.gates.iter().flatten().count() as u64,
        entry: means.layout.entry(),
        image: means.layout.program(),
        items: episode.items,
        self_harm: episode.self_harm,
        faults: episode.faults,
        patience: episode.patience,
        lines: (means.lines.first, means.lines.count),
    }
}

/// A thread of the confined Space. The inspector's frames are the last.
pub fn make_thread(means: &Means, number: u64, core: u64) -> Result<Thread, Status> {
    let first = THREADS + FRAMES * number.min(ENEMIES);
    let new = NewThread {
        space: means.space(),
        core: core as u32,
        utcb: places::utcb(number),
        instruction: means.layout.entry(),
        stack: places::stack_pointer(number),
        argument: places::utcb(number),
    };
    create(means.objects, first, means.slots.thread(number), &new)
}

fn give(means: &Means, space: Space) -> Result<(), Status> {
    copy(space, space, slot::SPACE as u32, Rights::ALL)?;
    let mut gate = slot::GATES as u32;
    for enemy in 0..means.cores * ENEMIES_PER_CORE {
        let thread = means.thread(enemy);
        copy(thread, space, (slot::THREADS + enemy) as u32, Rights::ALL)?;
        make_gate(thread, space, gate, places::DONATION, 0x40 + enemy)?;
        gate += 1;
    }
    for given in means.gates.iter().flatten() {
        copy(given.gate, space, gate, Rights::ALL)?;
        gate += 1;
    }
    copy(means.loot, space, slot::LOOT as u32, LOOT_RIGHTS)?;
    divide(means.published, space, slot::PUBLISHED as u32, Rights::READ, 0, 1)?;
    copy(means.lines.lines, space, slot::LINES as u32, Rights::ALL)?;
    copy(means.ports, space, slot::PORTS as u32, Rights::ALL)
}

/// Enemies get their schedulers and handlers, and start.
pub fn start(means: &Means, episode: &Episode) -> Result<(), Broken> {
    for enemy in episode.enemies() {
        step("an enemy can get a scheduler", enemy, adopt(means, episode, enemy))?;
    }
    for enemy in episode.enemies() {
        match means.thread(enemy).resume(Winner::Caller) {
            // Those that run already may have stopped or destroyed it, or got it going themselves.
            Err(Status::NoCapability | Status::WrongState) => {}
            result => step("an enemy can be started", enemy, result)?,
        }
    }
    Ok(())
}

fn adopt(means: &Means, episode: &Episode, enemy: u64) -> Result<(), Status> {
    let (core, number) = ((enemy / ENEMIES_PER_CORE) as usize, enemy % ENEMIES_PER_CORE);
    let root = means.roots[core].ok_or(Status::NoCapability)?;
    // Two below the root, one below the first of them, one below that.
    let above = enemy - [0, 1, 2, 1][number as usize];
    let below_root = number < 2 || !episode.enemies().any(|other| other == above);
    let scheduler = if below_root { root } else { means.thread(above) };
    let thread = means.thread(enemy);
    thread.set_scheduler(scheduler, places::COOKIE + number, thread::EDGE_STATE)?;
    thread.set_handler(Some(Gate::at(means.slots.fault_gate(enemy))))
}

/// The gates for the faults of enemies and of the inspector; once.
pub fn make_fault_gates(means: &Means) -> Result<(), Broken> {
    let enemies = (0..means.cores * ENEMIES_PER_CORE).map(|enemy| (enemy, enemy));
    for (thread, neighbour) in enemies.chain([(INSPECTOR, 0)]) {
        let handler = means.handlers[(neighbour / ENEMIES_PER_CORE) as usize];
        let badge = places::FAULT_BADGE + thread;
        let made = handler.ok_or(Status::NoCapability).and_then(|handler| {
            let slot = means.slots.fault_gate(thread);
            make_gate(handler, Space::MINE, slot, places::DONATION, badge)
        });
        step("a gate can be made", thread, made)?;
    }
    Ok(())
}
