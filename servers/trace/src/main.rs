//! Tells the story of `cedo-script` as it happens on the target, line by line.
//!
//! All threads are in one Space: they share this program's memory and the root's capabilities. Each
//! prints what its calls came to by the kernel's own console, which lets nobody else run. The
//! simulated machine's story is in `kernel/core/tests/trace/`; `cargo xtask test trace` compares them.
//!
//! Parameters of every thread: `role` is the seed, `value` how many lines the story has.
//!
//! | file | contents |
//! |---|---|
//! | here | a thread's loop |
//! | [`places`] | where capabilities are |
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

mod places;

use cedo_lib::abi::call::thread::ASK_BLOCKED;
use cedo_lib::abi::system::parameter::{ROLE, VALUE};
use cedo_lib::capability::{Core, Thread};
use cedo_lib::raw::{Answer, invoke};
use cedo_lib::{Environment, ThisThread};
use cedo_script::{Actor, Entry, Who};
use core::fmt::Write;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

cedo_lib::program!(start);

/// The story has begun.
static BEGUN: AtomicBool = AtomicBool::new(false);
/// Lines that have been told.
static TOLD: AtomicU64 = AtomicU64::new(0);

fn start(this: ThisThread) {
    let environment = Environment::of(&this);
    let Some(who) = Who::named(environment.name()) else { return };
    if who == Who::Root {
        places::find(&environment);
    }
    places::name_children(&environment);
    if who.is_scheduler() {
        // Refused only by a kernel without this option, whose story is another one.
        let _ = Thread::set_my_options(ASK_BLOCKED);
    }
    let parameters = environment.parameters();
    play(who, parameters[ROLE], parameters[VALUE]);
}

/// One thread's calls; whoever tells the last line switches the machine off.
fn play(who: Who, seed: u64, lines: u64) {
    let mut actor = Actor::new(who, seed);
    let mut answer = Answer::default();
    loop {
        let slots = places::slots();
        if let Some(entry) = actor.entry(&answer, &slots) {
            tell(&entry, lines);
        }
        let turn = actor.next(&answer, &slots, BEGUN.load(Ordering::Relaxed));
        BEGUN.store(turn.begun, Ordering::Relaxed);
        answer = invoke(turn.request);
    }
}

fn tell(entry: &Entry, lines: u64) {
    let mut console = Console(Core::at(places::core()));
    let _ = writeln!(console, "[trace] {entry}");
    if TOLD.fetch_add(1, Ordering::Relaxed) + 1 == lines {
        let _ = Core::at(places::core()).power_off(0);
    }
}

/// Text to the kernel's console.
struct Console(Core);

impl Write for Console {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.0.write(text.as_bytes()).map_err(|_| core::fmt::Error)
    }
}
