//! Everything is taken back, and every frame is looked at.

use super::make::{OBJECTS, step};
use super::means::Means;
use super::plan::Episode;
use crate::board::Broken;
use crate::places::{ENEMIES_PER_CORE, INSPECTOR};
use cedo_fuzz::pattern::mix;
use cedo_fuzz::surroundings::PAGES;
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::system::place;
use cedo_lib::capability::{identify, revoke};
use cedo_lib::memory::destroy;
use cedo_lib::{Ipc, Region, Rights, Space, Status, View};

/// Where frames are looked at.
const WINDOW: u64 = place::MEMORY + 0x1000_0000;
const WORDS: usize = (PAGE_SIZE / 8) as usize;

/// Stops the enemies. What they made goes on until it is taken back.
pub fn stop(means: &Means, episode: &Episode) {
    for enemy in episode.enemies() {
        // One that is gone needs no stop.
        let _ = means.thread(enemy).suspend();
    }
}

/// Takes back all that was given, and with it what was made by means of that. The inspector comes last:
/// a Space with a thread in it can be destroyed by nobody.
pub fn take_back(means: &Means) -> Result<(), Broken> {
    step("what enemies own can be taken back", 0, revoke(means.loot))?;
    step("a page can be taken back", 0, revoke(means.published))?;
    step("ports can be taken back", 0, revoke(means.ports))?;
    step("lines can be taken back", 0, revoke(means.lines.lines))?;
    step("a Space's copies can be taken back", 0, revoke(means.space()))?;
    for (number, given) in (0..).zip(means.gates.iter().flatten()) {
        step("a gate can be taken back", number, revoke(given.gate))?;
    }
    (0..means.cores * ENEMIES_PER_CORE).chain([INSPECTOR]).try_for_each(|thread| end(means, thread))
}

fn end(means: &Means, thread: u64) -> Result<(), Broken> {
    match destroy(means.thread(thread)) {
        // Enemies destroy each other.
        Ok(()) | Err(Status::NoCapability) => Ok(()),
        Err(status) => step("a thread can be destroyed", thread, Err(status)),
    }
}

/// Takes the Space itself back, and looks whether that was everything.
pub fn clear(means: &mut Means) -> Result<(), Broken> {
    end(means, INSPECTOR)?;
    match destroy(means.space()) {
        // Enemies have a capability for their own Space, but not without threads in it.
        Ok(()) | Err(Status::NoCapability) => {}
        Err(status) => step("a Space can be destroyed", 0, Err(status))?,
    }
    step("objects can be taken back", 0, revoke(means.objects))?;
    if let Some(address) = means.layout.changed_code(means.image) {
        return Err(Broken { rule: "code is read-only", numbers: [address, 0, 0] });
    }
    for slot in means.slots.all() {
        if let Ok(left) = identify(slot) {
            let numbers = [slot.into(), left.kind as u64, 0];
            return Err(Broken { rule: "what was destroyed is gone", numbers });
        }
    }
    sweep(means, means.loot, PAGES, 0)?;
    sweep(means, means.objects, OBJECTS, 1)
}

/// Whoever enemies could call answers: also a lender that worked on an enemy's time to the end.
pub fn call_all(means: &Means) -> Result<(), Broken> {
    for (number, given) in (0..).zip(means.gates.iter().flatten()) {
        let answer = Ipc::call(given.gate).message(0, 0, [0; 7]).make();
        if !answer.arrived() {
            let numbers = [number, answer.status as u64, 0];
            return Err(Broken { rule: "whoever can be called answers", numbers });
        }
    }
    Ok(())
}

/// Every frame can be mapped, and belongs to nobody else.
fn sweep(means: &Means, region: Region, pages: u64, which: u64) -> Result<(), Broken> {
    let access = Rights::READ.or(Rights::WRITE);
    let mapped = Space::MINE.map(region, 0, WINDOW, pages, access);
    step("all frames come back", which, mapped)?;
    let window = View::new(WINDOW, (pages * PAGE_SIZE) as usize);
    let window = window.expect("the window is where memories are");
    let words = pages as usize * WORDS;
    let word = |index: usize| mix(which << 32 | index as u64);
    (0..words).for_each(|index| window.set_word(index, word(index)));
    means.rest();
    let changed = (0..words).find(|index| window.word(*index) != word(*index));
    if let Some(index) = changed {
        let numbers = [which, index as u64, window.word(index)];
        return Err(Broken { rule: "frames that came back are nobody else's", numbers });
    }
    step("a window can be closed", which, Space::MINE.unmap(WINDOW, pages))
}
