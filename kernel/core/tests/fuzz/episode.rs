//! Episodes: random steps on a new machine, then quiet, in which victims must get on.

use crate::cast::Role;
use crate::check;
use crate::play::{Play, Stage, Tally};
use crate::stage::{CODE, DATA, LINES};
use crate::step::Step;
use crate::violation::{Violation, holds, panicked};
use cedo_abi::call::Call;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::state::Cause;
use cedo_arch_host::board::Mode;
use cedo_fuzz::state::STRANGE;
use cedo_fuzz::{Random, Spec};
use cedo_machine::{CoreNumber, Interrupt, Line};
use std::panic::{self, AssertUnwindSafe};

/// Steps between two looks at the whole machine.
const LOOK: usize = 4096;
/// Steps of quiet per core in which every victim must finish a round.
const QUIET: usize = 6000;
/// Rounds that a victim must finish in quiet.
const ROUNDS: u64 = 3;

/// When a replay speaks of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// It is about to be made.
    Before,
    /// It was made.
    Done,
    /// It meant nothing.
    Meaningless,
}

/// A run that broke a rule.
pub struct Failure {
    pub violation: Violation,
    pub steps: Vec<Step>,
}

/// Makes `count` steps of this seed.
pub fn run(stage: &mut Stage, seed: u64, count: usize) -> Result<Tally, Failure> {
    let mut steps = Vec::with_capacity(count);
    let mut play = stage.play(seed);
    let mut random = Random::part(seed, 1);
    let result = guarded(|| {
        for number in 0..count {
            let Some(step) = choose(&mut play, &mut random)? else { break };
            steps.push(step);
            play.step(&step)?;
            if number % LOOK == LOOK - 1 {
                check::everything(&play)?;
            }
        }
        check::everything(&play)?;
        quiet(&mut play)
    });
    match result {
        Ok(()) => Ok(play.tally),
        Err(violation) => Err(Failure { violation, steps }),
    }
}

/// Makes these steps; what they break. `seen` hears of each step before it is made, and of what
/// happened to it.
pub fn replay(
    stage: &mut Stage,
    steps: &[Step],
    mut seen: impl FnMut(&mut Play<'_>, &Step, Moment),
) -> Option<Violation> {
    let mut play = stage.play(0);
    guarded(|| {
        for step in steps {
            seen(&mut play, step, Moment::Before);
            let moment = if play.step(step)? { Moment::Done } else { Moment::Meaningless };
            seen(&mut play, step, moment);
        }
        check::everything(&play)?;
        quiet(&mut play)
    })
    .err()
}

/// A panic of the kernel is a violation too.
fn guarded(run: impl FnOnce() -> Result<(), Violation>) -> Result<(), Violation> {
    crate::quieten::silently(|| panic::catch_unwind(AssertUnwindSafe(run)))
        .unwrap_or_else(|payload| Err(panicked(&*payload)))
}

/// One of the things that could happen; nothing if nothing will ever happen again.
fn choose(play: &mut Play<'_>, random: &mut Random) -> Result<Option<Step>, Violation> {
    for _ in 0..64 {
        let core = CoreNumber(random.below(play.cores().into()) as u8);
        match random.below(400) {
            0..=3 => return Ok(Some(device(random))),
            4 => return Ok(Some(Step::Advance(random.below(100)))),
            5 => return Ok(Some(Step::Spurious(core, source(random)))),
            _ => {}
        }
        let halted = play.stage.world.mode(core) != Mode::User;
        if halted || random.once_in(4) {
            let pending = play.stage.world.pending(core);
            if !pending.is_empty() {
                let at = random.below(pending.len() as u64) as usize;
                return Ok(Some(Step::Interrupt(core, pending[at])));
            }
        }
        if !halted {
            return act(play, core, random).map(Some);
        }
    }
    Ok(play.stage.world.until_deadline().map(|ticks| Step::Advance(ticks.0 + 1)))
}

fn device(random: &mut Random) -> Step {
    let line = Line((LINES.0 + random.below(LINES.1)) as u32);
    if random.once_in(3) { Step::Lower(line) } else { Step::Raise(line) }
}

fn source(random: &mut Random) -> Interrupt {
    match random.below(3) {
        0 => Interrupt::Timer,
        1 => Interrupt::Signal,
        _ => Interrupt::Line(Line(random.below(8) as u32)),
    }
}

/// What the current thread of a core does.
fn act(play: &mut Play<'_>, core: CoreNumber, random: &mut Random) -> Result<Step, Violation> {
    let Some(frame) = play.current(core) else { return Ok(Step::Trusted(core, None)) };
    if play.stage.cast.role(frame) != Role::Hostile {
        return Ok(Step::Trusted(core, play.propose(core, random)?));
    }
    Ok(match random.below(64) {
        0..=2 => {
            let address = match random.below(4) {
                0 => random.pick(&STRANGE) & !7,
                1 => random.pick(&[CODE, DATA]),
                2 => play.stage.around.utcb(random.below(8)),
                _ => play.stage.around.address(random) + random.below(PAGE_SIZE / 8) * 8,
            };
            Step::Touch(core, address, random.once_in(2))
        }
        3 => {
            let causes = [Cause::ReadFault, Cause::IllegalInstruction, Cause::Debug, Cause::Other];
            Step::Fault(core, random.pick(&causes))
        }
        _ => Step::Hostile(core, play.next_call(frame)),
    })
}

/// Hostile threads only yield from here on. Victims must get on, and what was begun comes to an end.
fn quiet(play: &mut Play<'_>) -> Result<(), Violation> {
    let before = play.rounds();
    let mut random = Random::new(1);
    let cores = u64::from(play.cores());
    for _ in 0..QUIET * cores as usize {
        let core = CoreNumber(random.below(cores) as u8);
        if play.stage.world.mode(core) != Mode::User || random.once_in(4) {
            let pending = play.stage.world.pending(core);
            if let Some(source) = pending.first() {
                play.step(&Step::Interrupt(core, *source))?;
                continue;
            }
        }
        let Some(frame) = play.current(core) else {
            play.step(&Step::Advance(1))?;
            continue;
        };
        let step = match play.stage.cast.role(frame) {
            Role::Hostile => Step::Hostile(core, Spec::new(Call::Yield, 0, 0)),
            _ => Step::Trusted(core, play.propose(core, &mut random)?),
        };
        play.step(&step)?;
        let rounds = play.rounds();
        if rounds.iter().zip(&before).all(|(now, before)| *now >= before + ROUNDS) {
            break;
        }
    }
    let after = play.rounds();
    check::everything(play)?;
    if play.is_chain() {
        // The paper's protocol does not promise that (DESIGN.md section 6).
        return Ok(());
    }
    let get_on = after.iter().zip(&before).all(|(now, before)| *now >= before + ROUNDS);
    holds("victims get on", get_on, || format!("rounds before {before:?}, after {after:?}"))
}
