//! What a scheduler sets of a child that it names by a token: cookie and rank, in every state of the
//! child and with every token, in both protocols. Rule, comparison and page.

use crate::operation::{self, Step, Timeout, Winner};
use crate::state::Snapshot;
use crate::system::{GATES, Plan, System};
use cedo_abi::call::{Call, operation, thread};
use cedo_abi::name::SELF;
use cedo_abi::{Status, Token};
use cedo_arch_host::Roles;
use cedo_core::kernel::Protocol;
use cedo_machine::Upcalls;
use std::fmt::Write;

const ROOT: usize = 0;
const SCHEDULER: usize = 1;
const CHILD: usize = 2;
/// What is set.
const VALUE: u64 = 4321;

/// What the child is doing.
const STATES: [(Child, &str); 4] = [
    (Child::Ready, "is ready"),
    (Child::Waits, "waits"),
    (Child::Suspended, "is suspended"),
    (Child::Grandchild, "is ready, and the child of a child"),
];

/// By what it is named.
const TOKENS: [(Named, &str); 3] = [
    (Named::Present, "its present token"),
    (Named::Before, "the token of the preemption before"),
    (Named::Gate, "a gate"),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Child {
    Ready,
    Waits,
    Suspended,
    Grandchild,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Named {
    Present,
    Before,
    Gate,
}

fn rule(child: Child, named: Named) -> Status {
    match (child, named) {
        (_, Named::Gate) => Status::BadArgument,
        (Child::Ready, Named::Present) => Status::Ok,
        _ => Status::Stale,
    }
}

/// The status of the root's call, and whether the value is there.
fn run(protocol: Protocol, child: Child, named: Named, sub: u8) -> (Status, bool) {
    let above = if child == Child::Grandchild { SCHEDULER } else { ROOT };
    let mut system = System::build(&Plan {
        started: vec![CHILD],
        protocol,
        ..Plan::new(&["R", "S", "child"], &[ROOT, ROOT, above])
    });
    let mut state = Snapshot::take(&mut system, None);
    let mut step = |system: &mut System, step| {
        operation::perform(system, &state, step);
        state = Snapshot::take(system, Some(&state));
        state.clone()
    };
    let receive = Step::Receive(Winner::Oneself, Timeout::Never);
    let mut now = step(&mut system, receive);
    // The child runs once, so that there is a token before; then it comes to its state.
    if child != Child::Grandchild {
        step(&mut system, Step::Dispatch(CHILD as u8));
        now = match child {
            Child::Waits => step(&mut system, receive),
            _ => step(&mut system, Step::Yield),
        };
    }
    if child == Child::Suspended {
        now = step(&mut system, Step::Suspend(CHILD as u8));
    }
    assert_eq!(now.current(), Some(ROOT), "{child:?} {named:?}");
    let record = now.threads[CHILD].record;
    let token =
        |age: u32| Token::new(system.ids[CHILD].frame().0, record.sequence.wrapping_sub(age)).0;
    let from = match named {
        Named::Present => token(0),
        Named::Before => token(2),
        Named::Gate => GATES + CHILD as u64,
    };
    let words = [VALUE, 0, 0, 0, 0, 0, 0];
    let roles = Roles { operation: operation(Call::Thread, sub, 0), to: SELF, from, tag: 0, words };
    let (root, id) = (system.ids[ROOT], system.ids[CHILD]);
    let kernel = system.kernel();
    kernel.thread(root).context.set_roles(&roles);
    kernel.system_call();
    let branch = kernel.look(id).branch;
    let is_set = if sub == thread::SET_COOKIE {
        branch.cookie == VALUE
    } else {
        u64::from(branch.rank) == VALUE
    };
    (kernel.look(root).context.status(), is_set)
}

#[test]
fn a_scheduler_sets_cookie_and_rank_of_a_child_by_its_present_token_only() {
    for protocol in [Protocol::Direct, Protocol::Chain] {
        for (child, _) in STATES {
            for (named, _) in TOKENS {
                for sub in [thread::SET_COOKIE, thread::SET_RANK] {
                    let expected = rule(child, named);
                    let found = run(protocol, child, named, sub);
                    let what = format!("{protocol:?} {child:?} {named:?} {sub}");
                    assert_eq!(found, (expected, expected == Status::Ok), "{what}");
                }
            }
        }
    }
}

/// The page.
pub fn document() -> String {
    let mut text = String::from(
        "\n## SET_COOKIE and SET_RANK, by the scheduler\n\n| the child | named by | status |\n|---|---|---|\n",
    );
    for (child, state) in STATES {
        for (named, by) in TOKENS {
            let _ = writeln!(text, "| {state} | {by} | {:?} |", rule(child, named));
        }
    }
    text
}
