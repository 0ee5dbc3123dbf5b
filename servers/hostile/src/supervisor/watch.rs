//! The time of an episode: enemies are kept going, victims watched.

use super::means::Means;
use super::plan::Episode;
use crate::board::Broken;
use crate::order::Count;
use crate::places::{self, ENEMIES, STACKS};
use cedo_lib::abi::state::{FLAGS, GENERAL, INSTRUCTION, STACK};
use cedo_lib::abi::utcb::StateArea;
use cedo_lib::ipc::yield_processor;
use cedo_lib::{Status, Thread, View, Winner};

/// Longest episode.
const LONGEST_NS: u64 = 4_000_000_000;
/// Time without any call after which an episode ends: everybody has lost everything.
const STALLED_NS: u64 = 30_000_000;
/// No thread makes so many calls between two looks.
const MOST: u64 = 100_000;
/// Looks between two at the board.
const LOOKS: u64 = 32;
/// Looks without a call after which a thread is started again.
const STUCK: u64 = 12;

/// What there was to see.
pub struct Watched {
    /// Calls that enemies made.
    pub calls: u64,
    /// Starts of threads of the confined Space.
    pub starts: u64,
    /// Operations on enemies that did not get on.
    pub operations: u64,
    /// Interrupts that threads of the confined Space say they heard of.
    pub interrupts: u64,
}

/// Watches until there were enough calls.
pub fn watch(means: &mut Means, episode: &Episode) -> Result<Watched, Broken> {
    let page = means.image_page(means.layout.counts());
    let begin_ns = means.clock.now_ns();
    let mut seen = [(0, 0); ENEMIES as usize];
    let mut before = (0, begin_ns);
    let (mut calls, mut operations, mut looks) = (0, 0, 0_u64);
    let mut known = [0; STACKS as usize];
    loop {
        // Enemies have their turns; if all of them wait, this thread goes on at once.
        yield_processor();
        looks += 1;
        if looks % LOOKS == 0 {
            means.check_board()?;
        }
        add(page, &mut known, &mut calls);
        let now_ns = means.clock.now_ns();
        if calls != before.0 {
            before = (calls, now_ns);
        }
        let late = now_ns > begin_ns + LONGEST_NS || now_ns > before.1 + STALLED_NS;
        if calls >= episode.calls || late {
            break;
        }
        for enemy in episode.enemies() {
            let (before, idle) = &mut seen[enemy as usize];
            let now = Count::of(page, enemy).calls();
            *idle = if now == *before { *idle + 1 } else { 0 };
            *before = now;
            if *idle > 0 {
                care(means, enemy, *idle);
                operations += 1;
            }
        }
    }
    add(page, &mut known, &mut calls);
    let starts = (0..STACKS).map(|thread| Count::of(page, thread).starts().min(MOST)).sum();
    let interrupts = (0..STACKS).map(|thread| Count::of(page, thread).heard().min(MOST)).sum();
    Ok(Watched { calls, starts, operations, interrupts })
}

/// Adds what each thread says that it has done since the last time. Nobody trusts it: what cannot be
/// is not counted, and the thread starts from zero.
fn add(page: View, known: &mut [u64; STACKS as usize], sum: &mut u64) {
    for (thread, known) in (0..).zip(known.iter_mut()) {
        let count = Count::of(page, thread);
        let more = count.calls().wrapping_sub(*known);
        if more < MOST {
            *sum += more;
            *known = count.calls();
        } else {
            count.set_calls(0);
            *known = 0;
        }
    }
}

/// Gets a thread going that made no call for so many looks. That it is gone is no error.
fn care(means: &mut Means, enemy: u64, looks: u64) {
    let thread = means.thread(enemy);
    let _: Result<(), Status> = match looks % STUCK {
        0 => start_again(means, thread, enemy),
        4 => thread.set_foreign(false),
        looks if looks % 2 == 1 => thread.read(0).and_then(|position| thread.abort(position.epoch)),
        _ => thread.resume(Winner::Caller),
    };
}

fn start_again(means: &mut Means, thread: Thread, enemy: u64) -> Result<(), Status> {
    thread.suspend()?;
    let mut state = StateArea { mask: GENERAL, ..StateArea::EMPTY };
    state.general[FLAGS] = 0x202;
    state.general[INSTRUCTION] = means.layout.entry();
    state.general[STACK] = places::stack_pointer(enemy);
    means.this.utcb_mut().set_reply(&state);
    thread.write()?;
    thread.resume(Winner::Caller)
}
