//! The table of DESIGN.md section 4 across cores: an operation comes to the same wherever its partner
//! lives. Every operation with a partner in every state, on one core and on two.

use crate::orders::in_every_order;
use crate::scene::{Act, Scene};
use cedo_abi::Status;
use cedo_core::object::thread::State;
use std::cell::RefCell;
use std::collections::BTreeSet;

const INVOKER: usize = 0;
const PARTNER: usize = 1;
/// Of the invoker's core; never has the processor.
const THIRD: usize = 2;

/// What the partner has done before.
const BEFORE: [(&str, &[Act], &[Act]); 8] = [
    ("could run", &[], &[]),
    ("waits", &[Act::Receive], &[]),
    ("waits for the invoker", &[Act::ReceiveFrom(INVOKER)], &[]),
    ("waits for a third", &[Act::ReceiveFrom(THIRD)], &[]),
    ("has sent to the invoker", &[Act::Send(INVOKER)], &[]),
    ("has called the invoker", &[Act::Call(INVOKER)], &[]),
    ("has called a third", &[Act::Call(THIRD)], &[]),
    ("is suspended", &[Act::Receive], &[Act::Suspend(PARTNER)]),
];

/// What the invoker does then.
const ACTS: [Act; 11] = [
    Act::Call(PARTNER),
    Act::Send(PARTNER),
    Act::SendZero(PARTNER),
    Act::SendAndReceiveFrom(PARTNER, THIRD),
    Act::Receive,
    Act::ReceiveFrom(PARTNER),
    Act::Abort(PARTNER),
    Act::Suspend(PARTNER),
    Act::Resume(PARTNER),
    Act::Destroy(PARTNER),
    Act::Yield,
];

/// What has become of a thread, as words.
fn fate(scene: &Scene, thread: usize) -> String {
    if !scene.lives(thread) {
        return "is gone".into();
    }
    let waits = match scene.look(thread).state {
        State::Suspended => "is suspended",
        State::Open => "waits",
        _ if scene.waits(thread) => "waits for one",
        _ => "could run",
    };
    let done: Vec<Status> = scene.done[thread].clone();
    format!("{waits} after {done:?}")
}

/// The ends that an operation can have.
fn ends(home: u8, (partner, first): (&[Act], &[Act]), act: Act) -> BTreeSet<[String; 2]> {
    let mut scene = Scene::new(2, &[0, home, 0]);
    scene.with_quick_roots().with_busy_roots().does(PARTNER, partner);
    scene.play();
    scene.does(INVOKER, first);
    scene.play();
    scene.does(INVOKER, &[act]);
    let ends = RefCell::new(BTreeSet::new());
    in_every_order(scene, |scene| {
        ends.borrow_mut().insert([INVOKER, PARTNER].map(|thread| fate(scene, thread)));
    });
    ends.into_inner()
}

#[test]
fn an_operation_comes_to_the_same_wherever_its_partner_lives() {
    for (words, partner, first) in BEFORE {
        for act in ACTS {
            let here = ends(0, (partner, first), act);
            let there = ends(1, (partner, first), act);
            println!("the partner {words}, {act:?}: {here:?}");
            assert_eq!(here, there, "the partner {words}, {act:?}");
        }
    }
}
