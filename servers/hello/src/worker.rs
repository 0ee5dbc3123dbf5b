//! A worker: it greets, computes, says how far it is, and tells the chief when it has finished.

use crate::roster::{self, Entry, STOP};
use crate::{EQUAL, STRICT};
use cedo_lib::abi::system::parameter::{ROLE, VALUE};
use cedo_lib::abi::system::text;
use cedo_lib::ipc::Ipc;
use cedo_lib::raw::probe;
use cedo_lib::{Console, Environment};
use core::fmt::Write;
use core::hint::black_box;
use core::sync::atomic::Ordering;

/// Units in a piece of work: progress is counted in units, reported by the piece.
pub const UNITS: u64 = 100;
/// Steps of the computation in a unit: a piece takes some slices of a scheduler.
const STEPS: u64 = 100_000;
/// Label of the message that says "finished".
pub const FINISHED: u32 = 1;

/// An address between programs and mappings, where nothing is.
const NOWHERE: u64 = 0x3bad_0000;

/// Works as the parameters say.
pub fn work(environment: &Environment) {
    let Some(entry) = roster::enter(environment) else { return };
    let mut console = Console::of(environment);
    let (name, core) = (environment.name(), environment.core_number());
    let scheduler = entry.scheduler();
    let _ = writeln!(console, "{name}: hello from core {core}, under {}", text(&scheduler));
    let parameters = environment.parameters();
    match parameters[ROLE] {
        EQUAL | STRICT => {
            for piece in 1..=parameters[VALUE] {
                (0..UNITS).for_each(|_| do_unit(entry));
                let _ = writeln!(console, "{name}: {piece} of {} done", parameters[VALUE]);
            }
        }
        _ => {
            while !STOP.load(Ordering::Relaxed) {
                do_unit(entry);
            }
        }
    }
    entry.finish();
    if let Some(chief) = environment.gate("chief") {
        let _ = Ipc::send(chief).message(FINISHED, 0, [0; 7]).make();
    }
}

/// Reads where nothing is. Whoever handles its faults hears of it; init, for one, lets it stand there.
pub fn fault(environment: &Environment) {
    let mut console = Console::of(environment);
    let (name, core) = (environment.name(), environment.core_number());
    let _ = writeln!(console, "{name}: hello from core {core}, about to read {NOWHERE:#x}");
    probe::read(NOWHERE, 0);
    let _ = writeln!(console, "{name}: went on as if nothing had happened");
}

/// Computes for a while, without the kernel.
fn do_unit(entry: &Entry) {
    let mut value = 1_u64;
    for _ in 0..STEPS {
        value = black_box(value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
    entry.progress.fetch_add(1, Ordering::Relaxed);
}
