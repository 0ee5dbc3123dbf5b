//! Starts the others in the worst order, judges what happened, prints.

use crate::actors::{FINISHED, GO_ON, HALFWAY, REFUSALS, START};
use crate::scene::{SECTION, SHORT_NS, Scene, WORK};
use cedo_lib::ipc::{Ipc, Message, Partner};
use cedo_lib::lock::Refused;
use cedo_lib::{Clock, Console, Environment, Gate, Thread, sched};
use core::fmt::Write;

/// Time for all to come back to where they wait.
const PAUSE_NS: u64 = 1_000_000;
/// How much later than its patience `high` may be refused: other threads run meanwhile, and an
/// emulator's clock goes on while it does not.
const LATENESS: u64 = 200;

/// What `high` saw.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Units that `hog` did while `high` waited.
    hog: u64,
    /// Units of the critical section that were done before it waited, and while it did.
    before: u64,
    during: u64,
    waited_ns: u64,
    refused: Option<Refused>,
}

/// Those who take part.
struct Cast<'a> {
    environment: &'a Environment,
    clock: Clock,
}

/// Prints what was seen, and remembers if all was as it should be.
struct Judge {
    console: Console,
    good: bool,
}

/// Plays every scene, judges, switches the machine off.
pub fn judge(environment: &Environment) {
    let cast = Cast { environment, clock: Clock::of_core(environment.core_number()) };
    let mut judge = Judge { console: Console::of(environment), good: true };
    let _ = writeln!(judge.console, "high waits for a lock that low holds; hog does {WORK} units:");
    contests(&cast, &mut judge);
    ends(&cast, &mut judge);
    let word = if judge.good { "ok" } else { "NOT KEPT" };
    let _ = writeln!(judge.console, "{}: bounded blocking: {word}", environment.system_name());
    if let Some(core) = environment.my_core() {
        core.power_off(u8::from(!judge.good));
    }
}

/// Whom `high` waits for.
fn contests(cast: &Cast<'_>, judge: &mut Judge) {
    let half = SECTION / 2;
    let seen = cast.contest(Scene::Plain);
    let kept = seen.refused.is_none() && seen.hog == WORK && seen.during == half;
    judge.says("without a protocol it waits for all that hog does", seen, kept);

    let seen = cast.contest(Scene::Lending);
    let kept = seen.refused.is_none() && seen.hog == 0 && seen.during == half;
    judge.says("who waits lends its turns: no more than the critical section", seen, kept);

    let seen = cast.chain();
    let kept = seen.refused.is_none() && seen.hog == 0 && seen.during == half;
    judge.says("also to one who waits for a third", seen, kept);

    let seen = cast.contest(Scene::Ceiling);
    let kept = seen.refused.is_none() && seen.hog == 0 && seen.before == SECTION;
    judge.says("with a ceiling it does not even begin before the lock is free", seen, kept);
}

/// What becomes of who waits for a holder that does not come back.
fn ends(cast: &Cast<'_>, judge: &mut Judge) {
    let seen = cast.stuck();
    judge.says("a holder that waits for something else is given up in time", seen, is_late(&seen));
    cast.go_on("low");
    let seen = cast.wants();
    judge.says("and the lock is good when it has gone on", seen, seen.refused.is_none());

    let seen = cast.faulty();
    let kept = seen.refused == Some(Refused::HolderStopped);
    judge.says("a holder that a fault stops is given up at once", seen, kept);
    let seen = cast.wants();
    let kept = seen.refused == Some(Refused::HolderStopped);
    judge.says("also by who comes later", seen, kept);

    let seen = cast.gone();
    judge.says("a holder that is destroyed is given up in time", seen, is_late(&seen));
}

impl Judge {
    fn says(&mut self, sentence: &str, seen: Seen, kept: bool) {
        self.good &= kept;
        let word = if kept { "ok    " } else { "FAILED" };
        let Seen { hog, before, during, waited_ns, refused } = seen;
        let us = waited_ns / 1000;
        let _ = writeln!(
            self.console,
            "{word} hog {hog:>3}, section {before:>2}+{during:<2}, {us:>8} us: {sentence}"
        );
        if !kept {
            let _ = writeln!(self.console, "       high was refused: {refused:?}");
        }
    }
}

fn is_late(seen: &Seen) -> bool {
    let allowed = SHORT_NS..LATENESS * SHORT_NS;
    seen.refused == Some(Refused::Late) && allowed.contains(&seen.waited_ns)
}

impl Cast<'_> {
    /// `low` is halfway through its critical section when `hog` and `high` begin.
    fn contest(&self, scene: Scene) -> Seen {
        self.begin(scene);
        self.start("low");
        await_label(HALFWAY);
        self.start("hog");
        self.start("high");
        finish(3)
    }

    /// The same with one in between.
    fn chain(&self) -> Seen {
        self.begin(Scene::Chain);
        self.start("low");
        await_label(HALFWAY);
        self.start("relay");
        await_label(HALFWAY);
        self.start("hog");
        self.start("high");
        finish(4)
    }

    /// `low` waits for the chief in its critical section.
    fn stuck(&self) -> Seen {
        self.begin(Scene::Stuck);
        self.start("low");
        await_label(HALFWAY);
        self.wants()
    }

    /// The holder faults while `high` waits.
    fn faulty(&self) -> Seen {
        self.begin(Scene::Fault);
        if let Some(thread) = self.environment.thread("faulty") {
            let _ = thread.set_handler(None);
        }
        self.start("faulty");
        await_label(HALFWAY);
        self.wants()
    }

    /// The holder is destroyed before `high` wants the lock.
    fn gone(&self) -> Seen {
        self.begin(Scene::Gone);
        self.start("doomed");
        await_label(HALFWAY);
        if let Err(status) = self.environment.thread("doomed").map_or(Ok(()), Thread::destroy) {
            panic!("the holder cannot be destroyed: {status:?}");
        }
        self.wants()
    }

    /// Only `high` runs.
    fn wants(&self) -> Seen {
        self.start("high");
        finish(1)
    }

    fn go_on(&self, name: &str) {
        send(self.gate(name), GO_ON);
        await_label(FINISHED);
    }

    fn start(&self, name: &str) {
        send(self.gate(name), START);
    }

    fn gate(&self, name: &str) -> Gate {
        match self.environment.gate(name) {
            Some(gate) => gate,
            None => panic!("the chief has no gate to {name}"),
        }
    }

    /// When everybody waits for the chief, the scene begins.
    fn begin(&self, scene: Scene) {
        if let Err(status) = sched::sleep_until(self.clock.now_ns() + PAUSE_NS) {
            panic!("the scheduler lets nobody sleep: {status:?}");
        }
        scene.begin();
    }
}

fn send(gate: Gate, label: u32) {
    let _ = Ipc::send(gate).message(label, 0, [0; 7]).make();
}

fn await_label(label: u32) -> Message {
    loop {
        let message = Ipc::receive(Partner::ANY).make();
        if message.arrived() && message.label() == label {
            return message;
        }
    }
}

/// Waits for so many to finish; what `high` saw.
fn finish(count: usize) -> Seen {
    let mut seen = None;
    for _ in 0..count {
        let [hog, before, during, waited_ns, code, is_high, _] = await_label(FINISHED).words;
        if is_high == 1 {
            let refused =
                (code as usize).checked_sub(1).and_then(|code| REFUSALS.get(code)).copied();
            seen = Some(Seen { hog, before, during, waited_ns, refused });
        }
    }
    match seen {
        Some(seen) => seen,
        None => panic!("high has not finished"),
    }
}
