//! The story of `cedo-script`, told by the kernel core on the simulated machine. `cargo xtask test
//! trace` holds the target's against it (`servers/trace`).

#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/mail.rs"]
mod mail;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/operation.rs"]
mod operation;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/state.rs"]
mod state;
#[allow(dead_code, reason = "shared with the search")]
#[path = "../search/system.rs"]
mod system;

use cedo_abi::registers::{Answer, Request};
use cedo_arch_host::{HostContext, Roles};
use cedo_core::kernel::Protocol;
use cedo_machine::Context;
use cedo_script::cast::ALL;
use cedo_script::{Actor, Slots};
use std::array;
use system::{GATES, Plan, System, THREADS};

/// Turns after which a story counts as one that does not go on.
const MAX_TURNS: usize = 1_000_000;

fn plan(protocol: Protocol) -> Plan {
    let names = ALL.map(|(_, name)| name);
    Plan { protocol, ..Plan::new(&names, &[0, 0, 0, 1, 1, 2, 2]) }
}

/// The first lines of the story.
fn tell(protocol: Protocol, seed: u64, lines: usize) -> Vec<String> {
    let mut system = System::build(&plan(protocol));
    let slots = Slots {
        gates: array::from_fn(|place| GATES + place as u64),
        threads: array::from_fn(|place| THREADS + place as u64),
        cookies: array::from_fn(|place| 10 + place as u64),
    };
    let mut actors = ALL.map(|(who, _)| Actor::new(who, seed));
    // Everybody but the root is in its first receive already.
    for actor in actors.iter_mut().skip(1) {
        let _ = actor.next(&Answer::default(), &slots, false);
    }
    let (mut story, mut begun) = (Vec::new(), false);
    for _ in 0..MAX_TURNS {
        let kernel = system.kernel();
        let current = kernel.local.current.expect("the root never lets the core idle");
        let place = system.ids.iter().position(|id| *id == current).expect("a thread of the story");
        let answer = answer(&system.kernel().look(current).context);
        story.extend(actors[place].entry(&answer, &slots).map(|entry| entry.to_string()));
        if story.len() == lines {
            return story;
        }
        let turn = actors[place].next(&answer, &slots, begun);
        begun = turn.begun;
        let Request { operation, to, from, tag, words } = turn.request;
        let roles = Roles { operation, to, from, tag, words };
        let _ = operation::enter(system.kernel(), &roles, true);
    }
    panic!("the story does not go on after {} lines", story.len());
}

fn answer(context: &HostContext) -> Answer {
    Answer {
        result: context.result(),
        badge: context.badge(),
        token: context.token(),
        tag: context.tag(),
        words: context.words(),
    }
}

#[test]
fn the_story_goes_on_whatever_the_seed() {
    for (protocol, seed) in [Protocol::Direct, Protocol::Chain]
        .into_iter()
        .flat_map(|protocol| (1..20).map(move |seed| (protocol, seed)))
    {
        let story = tell(protocol, seed, 3_000);
        for (_, name) in ALL {
            let lines = story.iter().filter(|line| line.starts_with(&format!("{name}:"))).count();
            assert!(lines > 20, "{protocol:?} {seed}: {name} has {lines} lines");
        }
        let kinds = ["Ok, from", "Aborted", "NotReady", "News", "Preempted", "Lost", "Blocked"];
        if protocol == Protocol::Direct {
            for kind in kinds {
                assert!(story.iter().any(|line| line.contains(kind)), "{seed}: no {kind}");
            }
        }
    }
}

#[test]
fn a_story_is_the_same_every_time() {
    assert_eq!(tell(Protocol::Direct, 1, 500), tell(Protocol::Direct, 1, 500));
    assert_ne!(tell(Protocol::Direct, 1, 500), tell(Protocol::Direct, 2, 500));
}

/// For `cargo xtask test trace`: protocol, seed and number of lines in, the story out.
#[test]
#[ignore = "writes a file for somebody else"]
fn write_the_story() {
    let variable = |name| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let number = |name| variable(name).parse::<u64>().expect("a number");
    let chain = variable("CEDO_TRACE_PROTOCOL") == "chain";
    let protocol = if chain { Protocol::Chain } else { Protocol::Direct };
    let story = tell(protocol, number("CEDO_TRACE_SEED"), number("CEDO_TRACE_LINES") as usize);
    std::fs::write(variable("CEDO_TRACE_FILE"), story.join("\n")).expect("the file can be written");
}
