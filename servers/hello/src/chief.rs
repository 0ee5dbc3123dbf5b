//! The chief: waits for all workers, prints who got how much, and judges.

use crate::roster::{self, Entry, STOP};
use crate::worker::{FINISHED, UNITS};
use crate::{EQUAL, STRICT, TIMED, TIMEKEEPER};
use cedo_api::console::FLUSH;
use cedo_lib::abi::system::parameter::{ROLE, VALUE};
use cedo_lib::abi::system::text;
use cedo_lib::ipc::{Ipc, Partner};
use cedo_lib::{Clock, Console, Environment, sched};
use core::fmt::Write;
use core::sync::atomic::{AtomicU64, Ordering};

/// How long workers without an end of their own compute.
const TIME_NS: u64 = 1_500_000_000;
/// When the first of its core has finished, an equal worker must have done this much, in per cent.
const LEAST_OF_EQUALS: u64 = 60;

/// Waits, judges, prints, switches the machine off.
pub fn judge(environment: &Environment) {
    let parameters = environment.parameters();
    if parameters[ROLE] == TIMEKEEPER {
        let now_ns = Clock::of_core(environment.core_number()).now_ns();
        // A root that cannot wake sleepers lets the workers compute for no time, which shows.
        let _ = sched::sleep_until(now_ns + TIME_NS);
        STOP.store(true, Ordering::Relaxed);
    }
    let mut missing = parameters[VALUE];
    while missing > 0 {
        let message = Ipc::receive(Partner::ANY).make();
        if message.arrived() && message.label() == FINISHED {
            missing -= 1;
        }
    }
    let mut console = Console::of(environment);
    let good = show(&mut console);
    let word = if good { "ok" } else { "NOT KEPT" };
    let _ =
        writeln!(console, "{}: the promises of the policies: {word}", environment.system_name());
    if let Some(gate) = environment.gate("console") {
        let _ = Ipc::call(gate).message(FLUSH, 0, [0; 7]).make();
    }
    if let Some(core) = environment.my_core() {
        core.power_off(u8::from(!good));
    }
}

/// Prints the table; true if every worker got what it should.
fn show(console: &mut Console) -> bool {
    let _ = writeln!(console, "worker   core under      priority  share  due  finished");
    let mut good = true;
    for entry in roster::workers() {
        let kept = is_kept(entry);
        good &= kept;
        let (name, scheduler) = (entry.name(), entry.scheduler());
        let due = due(entry);
        let _ = write!(console, "{:<8} {:>4} ", text(&name), of(&entry.core));
        let _ = write!(console, "{:<10} {:>8} ", text(&scheduler), of(&entry.priority));
        let _ = write!(console, "{:>4} % {due:>2} %", share(entry));
        let mark = if kept { "" } else { "  <- not kept" };
        let _ = writeln!(console, " {:>8}{mark}", of(&entry.rank));
    }
    good
}

fn of(shared: &AtomicU64) -> u64 {
    shared.load(Ordering::SeqCst)
}

fn of_core(core: u64) -> impl Iterator<Item = &'static Entry> + Clone {
    roster::workers().filter(move |entry| of(&entry.core) == core)
}

/// What the worker had of its core when the first worker of the core finished, in per cent.
fn share(entry: &Entry) -> u64 {
    let all: u64 = of_core(of(&entry.core)).map(|fellow| of(&fellow.at_first_finish)).sum();
    100 * of(&entry.at_first_finish) / all.max(1)
}

/// What it should have had, in per cent.
fn due(entry: &Entry) -> u64 {
    match of(&entry.role) {
        EQUAL => 100 / of_core(of(&entry.core)).count().max(1) as u64,
        TIMED => (of(&entry.value) + 5) / 10,
        _ if is_first(entry) => 100,
        _ => 0,
    }
}

/// True if nobody of its core is more urgent.
fn is_first(entry: &Entry) -> bool {
    of_core(of(&entry.core)).all(|fellow| of(&fellow.priority) <= of(&entry.priority))
}

/// True if the policy kept its promise to this worker.
fn is_kept(entry: &Entry) -> bool {
    match of(&entry.role) {
        EQUAL => {
            let whole = UNITS * of(&entry.value);
            100 * of(&entry.at_first_finish) >= LEAST_OF_EQUALS * whole
        }
        STRICT => of_core(of(&entry.core)).all(|fellow| {
            let less_urgent = of(&fellow.priority) < of(&entry.priority);
            !less_urgent || of(&entry.rank) < of(&fellow.rank)
        }),
        // Within half and double of what is due; nobody starves.
        _ => {
            let fellows = of_core(of(&entry.core));
            let all: u64 = fellows.map(|fellow| of(&fellow.at_first_finish)).sum();
            let per_mille = 1000 * of(&entry.at_first_finish) / all.max(1);
            (of(&entry.value) / 2..=2 * of(&entry.value)).contains(&per_mille)
        }
    }
}
