//! Checks of what threads claim: gates, interrupt lines, ports.

use cedo_abi::Rights;
use cedo_abi::system::{MAX_BADGE, MAX_LINES};

use super::draft::{Draft, ThreadDraft};
use super::grants::{GrantDraft, ObjectDraft};
use super::links::Links;
use super::source::{At, Problem, Problems};

/// I/O ports of an x86 machine.
const PORTS: u64 = 0x1_0000;
/// What every root, and whoever has `power`, calls its own core.
pub const OWN_CORE: &str = "core";

/// All checks of this file.
pub fn check(draft: &Draft, links: &Links, problems: &mut Problems) {
    for (index, thread) in draft.threads.iter().enumerate() {
        for (grant, target) in thread.grants.iter().zip(&links.threads[index].grants) {
            check_grant(grant, *target == Some(index), problems);
        }
    }
    lines(draft, problems);
    ports(draft, problems);
}

fn check_grant(grant: &GrantDraft, own: bool, problems: &mut Problems) {
    let name = &grant.name;
    if grant.rights == Rights::NONE {
        let problem = Problem::new("a capability without rights", &name.span, "good for nothing");
        problems.add(problem.help("leave `rights` out for the usual ones"));
    }
    match &grant.object {
        ObjectDraft::Gate { to, badge } => {
            if own {
                let title = format!("`{}` has a gate to itself", to.value);
                let label = "a thread cannot send to itself";
                problems.add(Problem::new(title, &to.span, label).help("remove this gate"));
            }
            check_badge(badge.as_ref(), problems);
        }
        ObjectDraft::Irq { line, badge, .. } => {
            if line.value >= MAX_LINES {
                let title = format!("there is no interrupt line {}", line.value);
                let label = format!("the highest is {}", MAX_LINES - 1);
                problems.add(Problem::new(title, &line.span, label));
            }
            check_badge(badge.as_ref(), problems);
        }
        ObjectDraft::Ports { first, count } => check_ports(first, count, problems),
        ObjectDraft::Lines { first, count } => check_lines(first, count, problems),
        ObjectDraft::Core { .. } if name.value == OWN_CORE => {
            let title = format!("the name `{OWN_CORE}` means a thread's own core");
            let problem = Problem::new(title, &name.span, "this one is given by name");
            problems.add(problem.help("choose another name, or write `power = true`"));
        }
        _ => {}
    }
}

fn check_badge(badge: Option<&At<u64>>, problems: &mut Problems) {
    if let Some(badge) = badge.filter(|badge| badge.value > MAX_BADGE) {
        let title = format!("the badge {} is too large", badge.value);
        let label = format!("the largest is {MAX_BADGE}");
        problems.add(Problem::new(title, &badge.span, label));
    }
}

fn check_lines(first: &At<u64>, count: &At<u64>, problems: &mut Problems) {
    check_range(
        [first, count],
        MAX_LINES,
        ["interrupt line", "interrupt lines"],
        |line| line.to_string(),
        problems,
    );
}

fn check_ports(first: &At<u64>, count: &At<u64>, problems: &mut Problems) {
    check_range(
        [first, count],
        PORTS,
        ["I/O port", "ports"],
        |port| format!("{port:#x}"),
        problems,
    );
}

/// There are `end` of what is called `one` and `many`, and written by `number`.
fn check_range(
    [first, count]: [&At<u64>; 2],
    end: u64,
    [one, many]: [&str; 2],
    number: impl Fn(u64) -> String,
    problems: &mut Problems,
) {
    if first.value >= end {
        let title = format!("there is no {one} {}", number(first.value));
        let label = format!("the highest is {}", number(end - 1));
        problems.add(Problem::new(title, &first.span, label));
    } else if count.value == 0 || count.value > end - first.value {
        let title = format!("{} {many} from {}", count.value, number(first.value));
        let label = format!("must be from 1 to {}", end - first.value);
        problems.add(Problem::new(title, &count.span, label));
    }
}

/// Each line has one handler, and is in one range.
fn lines(draft: &Draft, problems: &mut Problems) {
    let mut taken: Vec<(&At<u64>, u64, &ThreadDraft)> = Vec::new();
    for (thread, grant) in grants(draft) {
        let (first, count) = match &grant.object {
            ObjectDraft::Irq { line, .. } => (line, 1),
            ObjectDraft::Lines { first, count } => (first, count.value),
            _ => continue,
        };
        let end = first.value.saturating_add(count);
        let overlapping =
            taken.iter().find(|(other, to, _)| other.value < end && first.value < *to);
        if let Some((other, _, owner)) = overlapping {
            let line = first.value.max(other.value);
            let title = format!("interrupt line {line} has two handlers");
            let label = format!("claimed by `{}` too", thread.name.value);
            let first_claim = format!("first claimed by `{}`", owner.name.value);
            let problem = Problem::new(title, &first.span, label).related(&other.span, first_claim);
            problems
                .add(problem.help("one thread handles a line; let it tell the other by a gate"));
        }
        if count > 0 {
            taken.push((first, end, thread));
        }
    }
}

/// No port is in two ranges.
fn ports(draft: &Draft, problems: &mut Problems) {
    let mut taken: Vec<(&At<u64>, u64, &ThreadDraft)> = Vec::new();
    for (thread, grant) in grants(draft) {
        let ObjectDraft::Ports { first, count } = &grant.object else { continue };
        let end = first.value.saturating_add(count.value);
        let overlapping =
            taken.iter().find(|(other, to, _)| other.value < end && first.value < *to);
        if let Some((other, to, owner)) = overlapping {
            let title =
                format!("two claims of I/O ports overlap at {:#x}", first.value.max(other.value));
            let label =
                format!("`{}` claims {:#x} to {:#x}", thread.name.value, first.value, end - 1);
            let others =
                format!("`{}` claims {:#x} to {:#x}", owner.name.value, other.value, to - 1);
            problems.add(Problem::new(title, &first.span, label).related(&other.span, others));
        }
        if count.value > 0 {
            taken.push((first, end, thread));
        }
    }
}

fn grants(draft: &Draft) -> impl Iterator<Item = (&ThreadDraft, &GrantDraft)> {
    draft.threads.iter().flat_map(|thread| thread.grants.iter().map(move |grant| (thread, grant)))
}
