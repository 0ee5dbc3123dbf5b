//! Makes the confined Space for an episode, watches it, looks what is in it, takes everything back
//! and looks whether that was everything.
//!
//! | file | contents |
//! |---|---|
//! | here | one episode after the other |
//! | `plan` | what to do: the seed's numbers, limits |
//! | `means` | what the description gives the supervisor |
//! | `layout` | where the confined program's pages are |
//! | `make` | the confined Space and its threads |
//! | `watch` | the time in between |
//! | `clear` | everything is taken back; frames are swept; whoever can be called is |
//! | `inspect` | what the confined Space has |

mod clear;
mod inspect;
pub mod layout;
mod make;
mod means;
mod plan;
mod watch;

use crate::board::Broken;
use cedo_lib::{Console, Space, ThisThread};
use core::fmt::Write;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use means::Means;
use plan::{Episode, Plan};

/// Slot of the confined Space.
static CONFINED: AtomicU64 = AtomicU64::new(0);
/// Handlers may bring pages back.
static OPEN: AtomicBool = AtomicBool::new(false);
/// Handlers that are doing it.
static INSIDE: AtomicU32 = AtomicU32::new(0);

/// The confined Space, for handlers.
pub fn confined_space() -> Space {
    Space::at(CONFINED.load(Ordering::SeqCst) as u32)
}

/// A handler at work.
pub struct Inside(());

/// A handler wants to change the confined Space; nothing if that is being taken back.
pub fn enter() -> Option<Inside> {
    INSIDE.fetch_add(1, Ordering::SeqCst);
    let inside = Inside(());
    OPEN.load(Ordering::SeqCst).then_some(inside)
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What was done so far.
#[derive(Clone, Copy, Default)]
struct Sum {
    calls: u64,
    episodes: u64,
    starts: u64,
    operations: u64,
    interrupts: u64,
}

/// Runs episodes until there are enough calls, or a rule is broken; then the machine is switched off.
pub fn run(this: ThisThread) {
    let mut means = Means::of(this);
    let plan = Plan::read(&means);
    let mut console = Console::of_kernel(means.core);
    let mut sum = Sum::default();
    if let Err(broken) = make::make_fault_gates(&means) {
        complain(&mut console, &broken);
        means.core.power_off(1);
    }
    for number in plan.episodes() {
        // The kernel's console takes everything.
        let _ = writeln!(console, "[fuzz] episode {number}, {} calls so far", sum.calls);
        let episode = plan.episode(number, means.cores);
        if let Err(broken) = play(&mut means, &episode, &mut sum) {
            complain(&mut console, &broken);
            let _ = means.tell(&mut console);
            means.core.power_off(1);
        }
        sum.episodes += 1;
        if sum.calls >= plan.calls {
            break;
        }
    }
    let Sum { calls, episodes, starts, operations, interrupts } = sum;
    let _ = writeln!(console, "[fuzz] {episodes} episodes, {starts} starts, {operations} of care");
    let _ = writeln!(console, "[fuzz] {interrupts} interrupts heard");
    let _ = writeln!(console, "[fuzz] {calls} calls, 0 violations");
    means.core.power_off(0);
}

fn complain(console: &mut Console, broken: &Broken) {
    // What cannot be printed cannot be printed: the code says that something is wrong.
    let _ = writeln!(console, "[fuzz] broken: {}", broken.rule);
    let _ = writeln!(console, "[fuzz] numbers: {:x?}", broken.numbers);
}

fn play(means: &mut Means, episode: &Episode, sum: &mut Sum) -> Result<(), Broken> {
    make::make(means, episode)?;
    CONFINED.store(means.slots.space().into(), Ordering::SeqCst);
    OPEN.store(true, Ordering::SeqCst);
    make::start(means, episode)?;
    let watched = watch::watch(means, episode)?;
    sum.calls += watched.calls;
    sum.starts += watched.starts;
    sum.operations += watched.operations;
    sum.interrupts += watched.interrupts;
    clear::stop(means, episode);
    close(means);
    look(means, make::SPARES[0], inspect::nothing_is_more)?;
    clear::take_back(means)?;
    look(means, make::SPARES[1], inspect::nothing_is_left)?;
    clear::clear(means)?;
    clear::call_all(means)?;
    means.check_board()
}

/// Lets the inspector look.
fn look(
    means: &mut Means,
    spare: (u64, u64),
    check: fn(&mut Means) -> Result<(), Broken>,
) -> Result<(), Broken> {
    inspect::bring_back(means, spare)?;
    // Enemies that were started again by others take pages away from the inspector too.
    OPEN.store(true, Ordering::SeqCst);
    check(means)?;
    close(means);
    Ok(())
}

/// Handlers change the confined Space no more.
fn close(means: &Means) {
    OPEN.store(false, Ordering::SeqCst);
    while INSIDE.load(Ordering::SeqCst) != 0 {
        means.rest();
    }
}
