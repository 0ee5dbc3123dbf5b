//! The short cuts held against the general path: random walks through the systems of the search, in
//! which every call, and every passing of a deadline, is made twice, with and without them. Afterwards everything must be the same: the
//! threads with all registers, their mails and UTCBs, what the core knows of itself.
//!
//! | file | contents |
//! |---|---|
//! | here | the walk, and the tests |
//! | [`twice`] | one step, both ways, and the comparison |
//!
//! One difference is allowed: a thread that waits has no message of its own any more, so nobody may
//! ask what is in the registers in which it was.

#[expect(dead_code, reason = "of a case of the search, a walk ignores the limit")]
mod explore;
mod twice;

#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/cases.rs"]
mod cases;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/mail.rs"]
mod mail;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/operation.rs"]
mod operation;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/program.rs"]
mod program;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/state.rs"]
mod state;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/system.rs"]
mod system;

use cedo_arch_host::Random;
use explore::Case;
use operation::Step;
use state::Snapshot;
use system::System;
use twice::Twice;

/// Calls that each of the two tests makes.
const CALLS: usize = 50_000;
/// Steps of a walk, after which the next one begins at the start.
const STEPS: usize = 60;

/// What the walks came to.
#[derive(Default, Debug)]
struct Count {
    calls: usize,
    short_calls: usize,
    short_replies: usize,
    short_dispatches: usize,
    short_preemptions: usize,
}

/// Walks through `case` until `calls` calls have been compared.
fn walk(random: &mut Random, case: &Case, calls: usize) -> Count {
    let mut system = System::build(&case.plan);
    let start = Snapshot::take(&mut system, None);
    let mut twice = Twice::new(system);
    let mut count = Count::default();
    while count.calls < calls {
        let mut state = start.clone();
        for _ in 0..STEPS {
            let Some(step) = choose(random, case.programs.steps(&state)) else { break };
            let made = twice.make(random, &state, step);
            if let Some(short) = made.short {
                count.calls += 1;
                let kind = match step {
                    Step::Dispatch(_) | Step::Reschedule(_) => &mut count.short_dispatches,
                    Step::Timer => &mut count.short_preemptions,
                    Step::Call(_) | Step::CallWithoutDonation(_) => &mut count.short_calls,
                    _ => &mut count.short_replies,
                };
                *kind += usize::from(short);
            }
            state = made.state;
        }
    }
    count
}

/// One of `steps`; calls and replies rather than others, so that there is somebody who could take the
/// short cut.
fn choose(random: &mut Random, steps: Vec<Step>) -> Option<Step> {
    let is_short = |step: &Step| matches!(step, Step::Call(_) | Step::ReplyAndWait(..));
    let short: Vec<_> = steps.iter().copied().filter(is_short).collect();
    let rather = if random.below(4) == 0 || short.is_empty() { steps } else { short };
    random.choose(&rather).copied()
}

fn walk_all(seed: u64, change: fn(Case) -> Case) -> Count {
    let cases = [
        cases::rich(1),
        cases::stops(0),
        cases::deaths(0, &[5]),
        cases::two_servers(1),
        cases::forwards(0),
        cases::phases(1),
        cases::faults(0),
        cases::deep(0),
    ];
    let mut random = Random::new(seed);
    let mut all = Count::default();
    for case in &cases {
        let mut case = change(case.clone());
        case.programs.timer = true;
        let count = walk(&mut random, &case, CALLS / cases.len());
        println!("{}: {count:?}", case.name);
        all.calls += count.calls;
        all.short_calls += count.short_calls;
        all.short_replies += count.short_replies;
        all.short_dispatches += count.short_dispatches;
        all.short_preemptions += count.short_preemptions;
    }
    // Else this compares the general path with itself.
    assert!(all.short_calls > all.calls / 50 && all.short_replies > all.calls / 100, "{all:?}");
    all
}

#[test]
fn in_direct_mode_the_short_cut_comes_to_the_same_as_the_general_path() {
    let all = walk_all(1, |case| case);
    assert!(all.short_dispatches > all.calls / 50, "{all:?}");
    assert!(all.short_preemptions > all.calls / 100, "{all:?}");
}

#[test]
fn in_chain_mode_the_short_cut_comes_to_the_same_as_the_general_path() {
    let all = walk_all(2, Case::chain);
    assert!(all.short_dispatches + all.short_preemptions == 0, "{all:?}");
}
