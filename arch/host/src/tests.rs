//! The machine under a kernel of one thread per core.
//!
//! | file | contents |
//! |---|---|
//! | here | what several of them use |
//! | [`toy`] | the kernel |
//! | [`boot`] | how a world starts, and what its kernel is told |
//! | [`entries`] | calls, faults and ports |
//! | [`interrupts`] | signals, deadlines and lines |
//! | [`memory`] | what user code reaches, and what the machine does not forgive |
//! | [`snapshots`] | copies of the whole world |
//! | [`runs`] | many steps: every order of a few, and random ones |

mod boot;
mod entries;
mod interrupts;
mod memory;
mod runs;
mod snapshots;
mod toy;

use crate::{HostContext, Mix, Setup, Snapshot, World};
use cedo_machine::CoreNumber;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::Ordering;
use toy::{Mail, Toy};

const A: CoreNumber = CoreNumber(0);
const B: CoreNumber = CoreNumber(1);
const PAGE: u64 = 0x40_0000;

fn world() -> World<Toy> {
    World::boot(&Setup { ticks_per_entry: 0, ..Setup::default() }).expect("boots")
}

fn registers(world: &World<Toy>, core: CoreNumber) -> HostContext {
    world.context(Toy::frame(world.platform(), u32::from(core.0)))
}

/// What a toy keeps outside frames: the kernels' counts of entries, the mail.
type Kept = (Vec<u64>, Vec<u64>);

fn take(world: &mut World<Toy>) -> Snapshot<Kept> {
    world.snapshot(|kernels, mail| {
        let mail = mail.0.iter().map(|value| value.load(Ordering::SeqCst)).collect();
        (kernels.iter().map(|kernel| kernel.entries).collect(), mail)
    })
}

fn put(kernels: &mut [Toy], mail: &Mail, (entries, values): &Kept) {
    let pairs = mail.0.iter().zip(values);
    pairs.for_each(|(mail, value)| mail.store(*value, Ordering::SeqCst));
    kernels.iter_mut().zip(entries).for_each(|(kernel, entries)| kernel.entries = *entries);
}

/// The sentence that a step stops the test with.
fn complaint(step: impl FnOnce()) -> String {
    let payload = panic::catch_unwind(AssertUnwindSafe(step)).expect_err("nobody complained");
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// All that can be seen of a world, as text.
fn everything(world: &mut World<Toy>) -> String {
    use std::hash::Hasher;
    let frames: Vec<_> = (0..world.platform().window.frames()).map(cedo_machine::Frame).collect();
    let memory = world.fingerprint(&frames);
    let mut machine = Mix::default();
    world.hash_machine(&mut machine);
    let table: Vec<_> = world.platform().frame_table.iter().collect();
    let mail: Vec<_> = world.shared().0.iter().collect();
    let entries = [A, B].map(|core| world.kernel(core).entries);
    let (now, console, counters) = (world.now(), world.console(), world.counters(A));
    let machine = machine.finish();
    format!("{memory:x} {machine:x} {table:?} {mail:?} {entries:?} {now:?} {console} {counters:?}")
}
