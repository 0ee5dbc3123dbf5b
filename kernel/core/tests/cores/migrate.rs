//! A thread is stopped, moved to another core and started again, while others want something of it.

use crate::orders::in_every_order;
use crate::scene::{Act, Scene};
use cedo_abi::Status;
use cedo_core::object::thread::State;
use cedo_core::object::unusual::LEAVING;
use cedo_machine::CoreNumber;
use std::cell::Cell;

/// Moves from core 0 to core 1.
const MOVER: usize = 0;
/// Moves it, from any core.
const OWNER: usize = 1;
/// Want something of it, from any core.
const FIRST: usize = 2;
const SECOND: usize = 3;

/// Stops the mover, moves it and starts it again.
const MOVE: [Act; 3] = [Act::Suspend(MOVER), Act::Migrate(MOVER, 1), Act::Resume(MOVER)];

fn scene(cores: u8, homes: &[u8]) -> Scene {
    let mut scene = Scene::new(cores, homes);
    scene.with_quick_roots().with_floating();
    scene
}

/// The mover has come to core 1, and nobody waits for what is not there.
fn has_moved(scene: &Scene) {
    assert_eq!(scene.done[OWNER], [Status::Ok; 3]);
    assert_eq!(scene.home(MOVER), CoreNumber(1));
    nobody_is_lost(scene);
}

/// Whoever waits for a thread is in a list of it, and nobody is on the way any more.
pub fn nobody_is_lost(scene: &Scene) {
    for thread in 0..scene.ids.len() {
        let leaving = scene.lives(thread) && scene.look(thread).unusual.has(LEAVING);
        assert!(!leaving, "{thread} refuses messages for ever");
        let state = scene.lives(thread).then(|| scene.look(thread).state);
        let waits = matches!(
            state,
            Some(State::Remote(_) | State::Sending(_) | State::Reply(_) | State::Closed(_))
        );
        assert!(!waits || scene.is_kept(thread), "{thread} is lost: {state:?}");
    }
}

#[test]
fn a_message_reaches_a_thread_that_moves_or_its_sender_hears_an_error() {
    let wants = [
        (Act::Send(MOVER), Act::Receive),
        (Act::Call(MOVER), Act::ReplyAndWait(FIRST)),
        (Act::SendAndReceiveFrom(MOVER, OWNER), Act::Receive),
        (Act::SendZero(MOVER), Act::Receive),
    ];
    for (want, second) in wants {
        for homes in [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1], [0, 2, 2], [0, 0, 2]] {
            let mut scene = scene(3, &homes);
            scene.does(MOVER, &[Act::Receive, second, Act::Receive]).does(OWNER, &MOVE);
            scene.does(FIRST, &[want]);
            let ends = in_every_order(scene, |scene| {
                has_moved(scene);
                match *scene.done[FIRST] {
                    [Status::Ok | Status::Aborted] => {}
                    [Status::NotReady] => assert!(matches!(want, Act::SendZero(_))),
                    [] => match want {
                        Act::SendAndReceiveFrom(..) => {
                            assert!(scene.waits(FIRST), "its second part")
                        }
                        // The mover took the call and then a second receive, aborted or not.
                        Act::Call(_) => assert!(scene.look(MOVER).owed.first.is_some()),
                        _ => panic!("{want:?} from {homes:?} has come to nothing"),
                    },
                    ref other => panic!("{other:?}"),
                }
            });
            assert!(ends > 1, "{want:?} {homes:?}: {ends} ends");
        }
    }
}

#[test]
fn who_is_queued_at_a_thread_that_moves_hears_of_it() {
    for homes in [[0, 0, 0, 1], [0, 1, 0, 2], [0, 2, 2, 1]] {
        for steps in [false, true] {
            let mut scene = scene(3, &homes);
            if steps {
                scene.in_small_steps();
            }
            scene.does(OWNER, &MOVE);
            scene.does(FIRST, &[Act::Send(MOVER)]).does(SECOND, &[Act::ReceiveFrom(MOVER)]);
            in_every_order(scene, |scene| {
                has_moved(scene);
                for thread in [FIRST, SECOND] {
                    // Who came late waits at the new core.
                    let heard = scene.done[thread] == [Status::Aborted];
                    assert!(heard || scene.waits(thread), "{homes:?} {:?}", scene.done[thread]);
                }
            });
        }
    }
}

#[test]
fn who_receives_from_a_thread_that_moves_hears_it_there_or_hears_of_the_move() {
    for homes in [[0, 0, 0], [0, 1, 1], [0, 2, 0], [0, 0, 1], [0, 1, 2]] {
        let mut scene = scene(3, &homes);
        scene.does(MOVER, &[Act::Yield, Act::Send(FIRST)]).does(OWNER, &MOVE);
        scene.does(FIRST, &[Act::ReceiveFrom(MOVER), Act::ReceiveFrom(MOVER)]);
        in_every_order(scene, |scene| {
            has_moved(scene);
            // The mover's one message is taken once, unless the suspension took it back.
            let taken = scene.done[FIRST].iter().filter(|status| **status == Status::Ok).count();
            let sent = scene.done[MOVER].iter().filter(|status| **status == Status::Ok).count() - 1;
            assert!(taken <= 1 && taken >= sent, "{homes:?} {:?}", scene.done);
        });
    }
}

#[test]
fn a_thread_that_moves_receives_from_one_thread_only() {
    for want in [Act::Send(MOVER), Act::Call(MOVER), Act::SendAndReceiveFrom(MOVER, OWNER)] {
        for homes in [[0, 0, 0], [0, 1, 1], [0, 0, 1], [0, 2, 2], [0, 1, 2]] {
            let mut scene = scene(3, &homes);
            let receives = [Act::ReceiveFrom(FIRST), Act::ReceiveFrom(FIRST)];
            scene.does(MOVER, &receives).does(OWNER, &MOVE).does(FIRST, &[want]);
            in_every_order(scene, |scene| {
                has_moved(scene);
                match *scene.done[FIRST] {
                    [Status::Ok | Status::Aborted] => {}
                    [] => {
                        let goes_on = !matches!(want, Act::Send(_)) && scene.waits(FIRST);
                        assert!(goes_on, "{want:?} from {homes:?} has come to nothing");
                        assert!(scene.done[MOVER].contains(&Status::Ok), "{want:?} {homes:?}");
                    }
                    ref other => panic!("{other:?}"),
                }
            });
        }
    }
}

#[test]
fn an_abort_reaches_a_message_that_follows_its_receiver() {
    for homes in [[0, 0, 2, 2], [0, 1, 2, 0], [0, 0, 1, 1], [0, 1, 1, 2], [0, 2, 0, 0]] {
        let mut scene = scene(3, &homes);
        scene.does(OWNER, &MOVE[..2]).does(FIRST, &[Act::Send(MOVER)]);
        scene.does(SECOND, &[Act::Abort(FIRST)]);
        in_every_order(scene, |scene| {
            assert_eq!((scene.done[OWNER].len(), scene.home(MOVER)), (2, CoreNumber(1)));
            nobody_is_lost(scene);
            match *scene.done[SECOND] {
                [Status::Ok] => assert_eq!(scene.done[FIRST], [Status::Aborted]),
                [Status::Stale] => {
                    assert!(scene.done[FIRST] == [Status::Aborted] || scene.waits(FIRST));
                }
                ref other => panic!("{homes:?} {other:?}"),
            }
        });
    }
}

#[test]
fn a_message_follows_there_and_back() {
    let back = [Act::Suspend(MOVER), Act::Migrate(MOVER, 1), Act::Migrate(MOVER, 0)];
    for homes in [[0, 0, 0], [0, 0, 1], [0, 1, 1], [0, 1, 0], [0, 2, 2]] {
        let mut scene = scene(3, &homes);
        scene.does(MOVER, &[Act::Receive, Act::Receive]).does(OWNER, &back);
        scene.does(OWNER, &[Act::Resume(MOVER)]).does(FIRST, &[Act::Send(MOVER)]);
        in_every_order(scene, |scene| {
            assert_eq!(
                (&*scene.done[OWNER], scene.home(MOVER)),
                (&[Status::Ok; 4][..], CoreNumber(0))
            );
            nobody_is_lost(scene);
            assert!(matches!(*scene.done[FIRST], [Status::Ok | Status::Aborted]), "{homes:?}");
        });
    }
}

#[test]
fn a_thread_whose_call_is_on_another_core_is_moved_when_its_mail_is_home() {
    // What the mover does when it is stopped: it waits for a thread of core 1 or 2, or has it stopped.
    let busy = [Act::Call(FIRST), Act::Send(FIRST), Act::ReceiveFrom(FIRST), Act::Suspend(FIRST)];
    for act in busy {
        for homes in [[0, 0, 1], [0, 1, 2], [0, 2, 1]] {
            let mut scene = scene(3, &homes);
            scene.does(MOVER, &[act]).does(OWNER, &MOVE[..2]).does(FIRST, &[Act::Receive]);
            in_every_order(scene, |scene| {
                nobody_is_lost(scene);
                assert_eq!(scene.look(MOVER).state, State::Suspended, "{act:?} {homes:?}");
                match *scene.done[OWNER] {
                    [Status::Ok, Status::Ok] => assert_eq!(scene.home(MOVER), CoreNumber(1)),
                    // Its own call, which nobody cancels, was on its way.
                    [Status::Ok, Status::NotReady] => {
                        assert_eq!((act, scene.home(MOVER)), (busy[3], CoreNumber(0)));
                    }
                    ref other => panic!("{act:?} {homes:?} {other:?}"),
                }
            });
        }
    }
}

#[test]
fn a_thread_whose_own_call_goes_on_to_a_third_core_is_not_moved_before_it_is_over() {
    // The mover ends a wait of the first, whose mail is at the second: nobody cancels that.
    let not_ready = Cell::new(0);
    for homes in [[0, 0, 1, 2], [0, 1, 1, 2], [0, 2, 1, 2]] {
        let mut scene = scene(3, &homes);
        scene.does(MOVER, &[Act::Abort(FIRST)]).does(OWNER, &MOVE[..2]);
        scene.does(FIRST, &[Act::Call(SECOND)]);
        in_every_order(scene, |scene| {
            nobody_is_lost(scene);
            assert_eq!(scene.look(MOVER).state, State::Suspended);
            match *scene.done[OWNER] {
                [Status::Ok, Status::Ok] => assert_eq!(scene.home(MOVER), CoreNumber(1)),
                [Status::Ok, Status::NotReady] => {
                    assert_eq!(scene.home(MOVER), CoreNumber(0));
                    not_ready.set(not_ready.get() + 1);
                }
                ref other => panic!("{homes:?} {other:?}"),
            }
        });
    }
    assert!(not_ready.get() > 0, "its mail was always home");
}
