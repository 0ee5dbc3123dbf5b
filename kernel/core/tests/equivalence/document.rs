//! The differences as a document: `docs/protocols.md`.

use crate::compare::{Difference, Kind};
use crate::play::Dispatch;
use cedo_abi::Label;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const HEAD: &str = "\
# Where the protocols agree, and where they differ

Chain mode is the paper's protocol, direct mode the default (DESIGN.md section 6, [semantics.md](semantics.md)). Programs of
nothing but interrupts, deadlines and yields tell every scheduler the same in both, if each scheduler lets those below it hear too
(dispatch with RESCHEDULE): that is held against the kernel for all programs of some trees and 100,000 random ones, by
`cargo test -p cedo-core --test equivalence`. Elsewhere they differ, for four reasons:

- **Donation.** In direct mode a server works on the account of its client, so what happens to it is told to the client's scheduler.
  In chain mode every thread works for itself.
- **Wake-ups.** In chain mode whoever becomes runnable and does not run preempts its way up: schedulers that wait are activated at once,
  also in the middle of somebody else's work. In direct mode it is recorded, and its scheduler becomes ready.
- **Ends.** In direct mode every grant ends with a message, so a scheduler that has asked hears *blocked* where in chain mode the
  processor just goes elsewhere.
- **Plain dispatch.** Without RESCHEDULE the leaf below a dispatched scheduler goes on in direct mode, and the schedulers in between
  do not hear that it was interrupted. In chain mode each of them gets its message, and decides.

This page is made by the test, which searches all programs of three systems: R over S and T; clients A and B, server V, handler H. In
one set of programs they talk, under schedulers that dispatch in either way; in another one there are faults, calls that are passed
on, and threads that are stopped, aborted and destroyed, with RESCHEDULE only. A search goes on only from where both sides have told the same.
The examples are the shortest programs whose last event makes a difference, and what the schedulers are told by that event. Which of
the children that it knows of a scheduler dispatches is part of the program, the same in both, and left out here.
";

/// The whole text.
pub fn text(differences: &BTreeMap<Kind, Difference>) -> String {
    let mut text = HEAD.to_string();
    text += "\n| event | on the account of | dispatch | told in chain mode only | told in direct mode only | who runs |\n";
    text += "|---|---|---|---|---|---|\n";
    for (kind, difference) in differences {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            kind.event,
            account(*kind),
            dispatch(*kind),
            labels(&difference.chain_tells),
            labels(&difference.direct_tells),
            if difference.another_runs { "may differ" } else { "the same" }
        );
    }
    text += "\n## An example of each\n";
    for (kind, difference) in differences {
        let example = &difference.example;
        let _ = write!(
            text,
            "\n{}, on the account of {}, dispatch {}\n\n```text\n{}\n  chain:  {}\n  direct: {}\n```\n",
            capitalised(kind.event),
            account(*kind),
            dispatch(*kind),
            example.events.join("\n"),
            example.chain,
            example.direct
        );
    }
    text
}

fn account(kind: Kind) -> &'static str {
    if kind.on_client { "a client" } else { "itself" }
}

fn dispatch(kind: Kind) -> &'static str {
    match kind.dispatch {
        Dispatch::Reschedule => "with RESCHEDULE",
        Dispatch::Plain => "plain",
    }
}

fn labels(numbers: &BTreeSet<u32>) -> String {
    let name = |number: &u32| format!("{:?}", Label::from_number(*number).expect("a label"));
    match numbers.is_empty() {
        true => "-".to_string(),
        false => numbers.iter().map(name).collect::<Vec<_>>().join(", ").to_lowercase(),
    }
}

fn capitalised(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_uppercase() + rest
}
