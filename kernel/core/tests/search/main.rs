//! The kernel, searched: every state that small systems can reach, with the invariants of
//! DESIGN.md section 12 asserted in each (docs/semantics.md).
//!
//! | file | contents |
//! |---|---|
//! | [`system`] | builds a tree of threads on each simulated core |
//! | [`cases`], [`core_cases`] | the systems that are searched, on one core and on two |
//! | [`program`] | what their threads may do |
//! | [`operation`] | one step: making it, saying it in words |
//! | [`state`], [`mail`] | a state as data: copying, putting back, the key |
//! | [`explore`], [`liveness`], [`memory`] | breadth-first search, traces, what can still be reached, when to end |
//! | [`check`], [`stuck_check`] | what must hold in every state |
//! | [`step_check`], [`answer_check`], [`queue_check`], [`time_check`] | what must hold of every step |

mod answer_check;
mod cases;
mod check;
mod core_cases;
mod explore;
mod liveness;
mod mail;
mod memory;
mod operation;
mod program;
mod queue_check;
mod state;
mod step_check;
mod stuck_check;
mod system;
mod time_check;

use explore::{Case, Report, explore};
use std::time::Instant;

/// States that a test visits, unless the environment variable `CEDO_SEARCH_STATES` says another
/// number (0: all there are).
const STATES: usize = 20_000;

/// Searches each of `cases`, up to a share of [`STATES`].
fn search(cases: &[Case]) {
    search_up_to(STATES, cases);
}

/// Searches each of `cases`, whose states are few enough for a test, to the end.
fn search_all(cases: &[Case]) {
    search_up_to(0, cases);
}

fn search_up_to(states: usize, cases: &[Case]) {
    let wanted = std::env::var("CEDO_SEARCH_STATES").ok();
    let wanted = wanted.map_or(states, |text| text.parse().expect("a number of states"));
    let limit = if wanted == 0 { usize::MAX } else { wanted.div_ceil(cases.len()) };
    let mut texts = Vec::new();
    for case in cases {
        let started = Instant::now();
        let report = explore(&Case { limit, ..case.clone() });
        let kind = if case.programs.lazy { "lazy" } else { "eager" };
        println!(
            "{:?} {} ({kind}): {} states{}, {} steps, {} ms",
            case.plan.protocol,
            case.name,
            report.states,
            how_it_ended(&report),
            report.steps,
            started.elapsed().as_millis()
        );
        texts.extend(report.counterexamples);
    }
    let again = std::thread::current();
    let again = again.name().unwrap_or_default();
    assert!(
        texts.is_empty(),
        "\n{}\nto repeat it: CEDO_SEARCH_STATES={wanted} cargo test -p cedo-core --test search {again}",
        texts.join("\n")
    );
}

fn how_it_ended(report: &Report) -> &'static str {
    match (report.complete, report.out_of_memory) {
        (true, _) => ", all there are",
        (_, true) => ", no memory for more",
        _ => "",
    }
}

const LEVELS: [usize; 3] = [0, 1, 2];

/// With the handler under the root, the clients' scheduler and the server's.
fn at_every_level(make: fn(usize) -> Case) -> Vec<Case> {
    let cases = LEVELS.map(make);
    let lazy = cases.clone().map(Case::lazy);
    cases.into_iter().chain(lazy).collect()
}

#[test]
fn clients_servers_and_a_handler_keep_every_invariant() {
    search_all(&at_every_level(cases::rich));
}

#[test]
fn threads_that_are_stopped_and_aborted_keep_every_invariant() {
    search(&at_every_level(cases::stops));
}

#[test]
fn servers_that_are_destroyed_keep_every_invariant() {
    search(&at_every_level(|level| cases::deaths(level, &[5])));
    search(&at_every_level(cases::two_servers));
}

#[test]
fn schedulers_that_are_destroyed_keep_every_invariant() {
    search(&at_every_level(|level| cases::deaths(level, &[1, 2])));
}

#[test]
fn ends_in_small_steps_keep_every_invariant() {
    let crowd = at_every_level(cases::crowd);
    let schedulers = at_every_level(|level| cases::deaths(level, &[1, 2]));
    let cases = crowd.into_iter().chain(schedulers);
    search(&cases.map(Case::in_small_steps).collect::<Vec<_>>());
}

#[test]
fn four_levels_keep_every_invariant() {
    let cases = [2, 0, 4].map(cases::deep);
    let lazy = cases.clone().map(Case::lazy);
    search(&[cases, lazy].concat());
}

#[test]
fn schedulers_that_stop_keep_every_invariant() {
    search(&at_every_level(cases::stuck));
    let deep = [0, 3].map(cases::stuck_deep);
    search(&[deep.clone(), deep.map(Case::lazy)].concat());
}

#[test]
fn schedulers_that_are_stopped_and_aborted_keep_every_invariant() {
    search(&at_every_level(cases::stopped_schedulers));
    let cases = [2, 0, 4].map(cases::deep_ends);
    let lazy = cases.clone().map(Case::lazy);
    search(&[cases, lazy].concat());
}

#[test]
fn threads_that_get_another_scheduler_keep_every_invariant() {
    for level in [0, 1, 3] {
        let cases = [cases::adopts(level), cases::adopts_clients(level)];
        search(&[cases.clone(), cases.map(Case::chain)].concat());
    }
}

#[test]
fn every_phase_and_winner_keeps_every_invariant() {
    search(&at_every_level(cases::phases));
}

#[test]
fn circles_of_calls_keep_every_invariant() {
    search(&at_every_level(cases::circle));
}

#[test]
fn faults_keep_every_invariant() {
    search(&at_every_level(cases::faults));
    search(&at_every_level(cases::fault_circle));
}

#[test]
fn threads_that_nobody_of_the_tree_schedules_keep_every_invariant() {
    // Whether they come to run is for somebody to decide who gives them a scheduler.
    let case = cases::outsiders().lazy();
    search_all(&[case.clone(), case.clone().halting(), case.chain()]);
}

#[test]
fn deadlines_and_idling_keep_every_invariant() {
    search(&at_every_level(cases::time));
}

#[test]
fn lines_that_signal_by_a_level_keep_every_invariant() {
    let level = |case: Case| case.by_level();
    let cases = at_every_level(cases::rich).into_iter().chain(at_every_level(cases::time));
    let mut handlers_end = cases::deaths(0, &[2]);
    handlers_end.plan.lines.push(2);
    let others = [handlers_end, cases::stops(1), cases::rich(2).chain()];
    search(&cases.chain(others).map(level).collect::<Vec<_>>());
}

#[test]
fn cores_that_halt_when_they_are_empty_keep_every_invariant() {
    search(&cases_that_empty_cores().map(Case::halting).collect::<Vec<_>>());
}

#[test]
fn roots_that_need_not_be_told_of_single_threads_keep_every_invariant() {
    search(&cases_that_empty_cores().map(Case::silent).collect::<Vec<_>>());
}

fn cases_that_empty_cores() -> impl Iterator<Item = Case> {
    let cases = at_every_level(cases::rich).into_iter().chain(at_every_level(cases::stuck));
    let quiet = LEVELS.map(|level| cases::time(level).nobody_asks().lazy());
    let chain = [cases::rich(0).chain(), cases::phases(1).chain()];
    cases.chain(quiet).chain(chain)
}

#[test]
fn roots_that_are_replaced_keep_every_invariant() {
    let chain = LEVELS.map(|level| cases::new_root(level).chain());
    let halting = LEVELS.map(|level| cases::new_root(level).halting());
    search_all(&[at_every_level(cases::new_root), chain.to_vec(), halting.to_vec()].concat());
}

#[test]
fn schedulers_that_do_not_ask_keep_every_invariant() {
    search(&[0, 1, 2].map(|level| cases::rich(level).nobody_asks().lazy()));
}

#[test]
fn calls_that_are_passed_on_keep_every_invariant() {
    let faults = [0, 1].map(|level| {
        let mut case = cases::forwards(level);
        case.plan.fault_handlers = vec![(3, 5)];
        case.programs.lines[3].push(program::Line::Do(operation::Step::Fault));
        case
    });
    let chain = [cases::forwards(1).chain()];
    search(&[at_every_level(cases::forwards), faults.to_vec(), chain.to_vec()].concat());
}

#[test]
fn interrupts_that_preempt_by_rank_keep_every_invariant() {
    let cases = LEVELS.map(|level| cases::rich(level).auto());
    let lazy = cases.clone().map(Case::lazy);
    let others = [cases::stops(0), cases::stuck(1), cases::time(2), cases::deep(0)].map(Case::auto);
    search(&[cases.to_vec(), lazy.to_vec(), others.to_vec()].concat());
}

#[test]
fn chain_mode_keeps_its_invariants() {
    let rich = LEVELS.map(|level| cases::rich(level).chain());
    let others = [
        cases::phases(0),
        cases::stops(1),
        cases::stopped_schedulers(1),
        cases::time(2),
        cases::faults(0),
        cases::deaths(0, &[1, 2, 5]),
    ];
    let stuck = LEVELS.map(|level| cases::stuck(level).chain());
    search(&[rich.to_vec(), stuck.to_vec(), others.map(Case::chain).to_vec()].concat());
}

#[test]
fn two_cores_that_talk_keep_every_invariant() {
    search_all(&in_both_modes(&[core_cases::talk(), core_cases::closed()]));
}

#[test]
fn two_cores_that_stop_threads_of_each_other_keep_every_invariant() {
    search_all(&in_both_modes(&[core_cases::stops(), core_cases::mutual_stops()]));
    search_all(&in_both_modes(&[core_cases::writes()]));
}

#[test]
fn two_cores_that_destroy_threads_of_each_other_keep_every_invariant() {
    let deaths = core_cases::deaths();
    search_all(&in_both_modes(&[
        deaths.clone(),
        deaths.in_small_steps(),
        core_cases::ungrateful(),
    ]));
}

#[test]
fn threads_that_migrate_keep_every_invariant() {
    search_all(&in_both_modes(&[core_cases::migrates(), core_cases::migrates_and_ends()]));
}

#[test]
fn interrupts_and_deadlines_on_two_cores_keep_every_invariant() {
    search_all(&in_both_modes(&[core_cases::interrupts()]));
}

#[test]
fn calls_and_faults_that_are_passed_on_between_cores_keep_every_invariant() {
    let faults = [core_cases::faults(), core_cases::fault_circle()];
    search_all(&in_both_modes(&[&[core_cases::forwards()], &faults[..]].concat()));
}

#[test]
fn schedulers_that_another_core_stops_keep_every_invariant() {
    search_all(&in_both_modes(&[core_cases::schedulers()]));
}

#[test]
fn two_cores_with_schedulers_below_their_roots_keep_every_invariant() {
    search(&in_both_modes(&[core_cases::tiers(), core_cases::tiers().auto()]));
}

/// In direct mode with eager and with lazy schedulers, and in chain mode.
fn in_both_modes(cases: &[Case]) -> Vec<Case> {
    let modes = |case: &Case| [case.clone(), case.clone().lazy(), case.clone().chain()];
    cases.iter().flat_map(modes).collect()
}
