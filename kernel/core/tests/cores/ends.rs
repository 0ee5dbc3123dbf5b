//! A thread waits for one of another core, and a third one ends that: every kind of wait, from every
//! core, in every order.

use crate::orders::in_every_order;
use crate::scene::{Act, ELSEWHERE, Scene};
use cedo_abi::Status;
use cedo_core::object::thread::State;
use cedo_machine::Context;

/// Waits, on core 0.
const VICTIM: usize = 0;
/// Is waited for, on core 1.
const PARTNER: usize = 1;
/// Ends the wait, from any core.
const ENDER: usize = 2;

/// A way to wait for the partner, and what that does meanwhile.
const WAITS: [(Act, &[Act]); 7] = [
    (Act::Call(PARTNER), &[Act::Receive, Act::ReplyAndWait(VICTIM)]),
    (Act::Call(PARTNER), &[Act::Receive]),
    (Act::Call(PARTNER), &[]),
    (Act::Send(PARTNER), &[Act::Receive]),
    (Act::Send(PARTNER), &[]),
    (Act::SendAndReceiveFrom(PARTNER, ENDER), &[Act::Receive]),
    (Act::ReceiveFrom(PARTNER), &[Act::Send(VICTIM)]),
];

/// Plays all waits with the ender on every core.
fn with_every_wait(ends: &[Act], look: impl Fn(&Scene)) {
    with_every_wait_in(|scene| scene.with_quick_roots(), ends, look);
}

fn with_every_wait_in(
    setting: impl Fn(&mut Scene) -> &mut Scene,
    ends: &[Act],
    look: impl Fn(&Scene),
) {
    for (wait, partner) in WAITS {
        for home in 0..3 {
            let mut scene = Scene::new(3, &[0, 1, home]);
            setting(&mut scene).does(VICTIM, &[wait]).does(PARTNER, partner).does(ENDER, ends);
            let ends = in_every_order(scene, |scene| {
                look(scene);
                assert_eq!(scene.look(PARTNER).owed.first.is_some(), owes(scene));
            });
            println!("{wait:?} {partner:?}, from core {home}: {ends} ends");
        }
    }
}

/// The victim waits, and the partner has its message.
fn owes(scene: &Scene) -> bool {
    let mail = scene.lives(VICTIM).then(|| scene.mail(VICTIM));
    mail.is_some_and(|mail| mail.owed_by.get() != 0)
}

#[test]
fn an_abort_cancels_the_wait_or_says_that_it_is_over() {
    with_every_wait(&[Act::Abort(VICTIM)], |scene| {
        let victim = &*scene.done[VICTIM];
        match *scene.done[ENDER] {
            [Status::Ok] => assert_eq!(victim, [Status::Aborted]),
            [Status::Stale] => match victim {
                // It had not begun to wait, or has been answered.
                [] => assert!(scene.waits(VICTIM)),
                victim => assert_eq!(victim, [Status::Ok]),
            },
            ref other => panic!("{other:?}"),
        }
    });
}

/// What a new instruction pointer for the victim comes to.
fn look_at_a_write(scene: &Scene) {
    let is_elsewhere = scene.context(VICTIM).instruction() == ELSEWHERE;
    match *scene.done[ENDER] {
        [Status::Ok] => assert!(is_elsewhere),
        // It ran: it had not begun to wait, or has been answered.
        [Status::WrongState] => {
            assert!(!is_elsewhere);
            assert_ne!(scene.done[VICTIM], [Status::Aborted]);
        }
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_instruction_pointer_cancels_the_wait() {
    with_every_wait(&[Act::Write(VICTIM)], look_at_a_write);
    with_every_wait_in(
        |scene| scene.with_quick_roots().with_roots_that_run_woken(),
        &[Act::Write(VICTIM)],
        look_at_a_write,
    );
}

/// Sent elsewhere in its first wait, the victim may be in its second one, for another core again, when the
/// registers come. Then it stays there, and the ender hears which wait has ended.
#[test]
fn a_write_that_comes_too_late_says_that_a_wait_has_ended() {
    let mut late = std::cell::Cell::new(0);
    for home in 0..3 {
        let mut scene = Scene::new(3, &[0, 1, home]);
        scene.with_quick_roots().with_roots_that_run_woken();
        scene.does(VICTIM, &[Act::Call(PARTNER); 2]).does(PARTNER, &[Act::Receive]);
        scene.does(ENDER, &[Act::Write(VICTIM)]);
        in_every_order(scene, |scene| {
            let [status] = *scene.done[ENDER] else { panic!("{:?}", scene.done[ENDER]) };
            let has_ended = scene.context(ENDER).words()[0] == 1;
            if status == Status::Ok {
                return;
            }
            assert!(matches!(status, Status::WrongState | Status::Stale), "{status:?}");
            assert_eq!(has_ended, scene.done[VICTIM].contains(&Status::Aborted), "{status:?}");
            late.set(late.get() + u32::from(has_ended));
        });
    }
    assert!(*late.get_mut() > 0);
}

#[test]
fn a_thread_that_waits_for_another_core_goes_on_where_it_is_sent() {
    for home in 0..3 {
        let mut scene = Scene::new(3, &[0, 1, home]);
        scene.with_quick_roots().with_busy_roots().does(VICTIM, &[Act::Call(PARTNER)]);
        scene.does(PARTNER, &[Act::Receive]).play();
        assert!(scene.waits(VICTIM));
        scene.does(ENDER, &[Act::Write(VICTIM)]);
        in_every_order(scene, |scene| {
            assert_eq!(scene.done[ENDER], [Status::Ok]);
            assert!(!scene.waits(VICTIM), "{:?}", scene.look(VICTIM).state);
            look_at_a_write(scene);
        });
    }
}

#[test]
fn a_suspended_thread_is_suspended_when_the_call_is_over() {
    with_every_wait(&[Act::Suspend(VICTIM)], |scene| {
        assert_eq!(scene.done[ENDER], [Status::Ok]);
        assert_eq!(scene.look(VICTIM).state, State::Suspended);
        let victim = &*scene.done[VICTIM];
        assert!(matches!(victim, [] | [Status::Ok] | [Status::Aborted]), "{victim:?}");
    });
}

#[test]
fn a_suspended_thread_goes_on_when_it_is_started() {
    with_every_wait(&[Act::Suspend(VICTIM), Act::Resume(VICTIM)], |scene| {
        assert_eq!(scene.done[ENDER], [Status::Ok, Status::Ok]);
        match *scene.done[VICTIM] {
            [] => assert!(scene.waits(VICTIM)),
            [Status::Ok | Status::Aborted] => assert!(!scene.waits(VICTIM)),
            ref other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_destroyed_thread_is_gone_when_the_call_is_over() {
    with_every_wait(&[Act::Destroy(VICTIM)], |scene| {
        assert_eq!(scene.done[ENDER], [Status::Ok]);
        assert!(scene.is_released(VICTIM));
    });
}

#[test]
fn an_abort_of_a_wait_that_ends_by_a_suspension_changes_nothing_else() {
    for home in 0..3 {
        let mut scene = Scene::new(3, &[0, 1, home, 2]);
        scene.with_quick_roots().does(VICTIM, &[Act::Call(PARTNER)]).does(PARTNER, &[Act::Receive]);
        scene.does(ENDER, &[Act::Suspend(VICTIM)]).does(3, &[Act::Abort(VICTIM)]);
        in_every_order(scene, |scene| {
            assert_eq!(scene.done[ENDER], [Status::Ok]);
            assert!(matches!(*scene.done[3], [Status::Ok | Status::Stale]));
            assert_eq!(scene.look(VICTIM).state, State::Suspended);
        });
    }
}

#[test]
fn two_that_destroy_one_thread_see_it_gone() {
    let mut scene = Scene::new(3, &[0, 1, 1, 2]);
    scene.does(VICTIM, &[Act::Call(PARTNER)]).does(PARTNER, &[Act::Receive]);
    scene.does(ENDER, &[Act::Destroy(VICTIM)]).does(3, &[Act::Destroy(VICTIM)]);
    in_every_order(scene, |scene| {
        assert!(scene.is_released(VICTIM));
        for ender in [ENDER, 3] {
            assert!(matches!(*scene.done[ender], [Status::Ok | Status::NoCapability]));
        }
    });
}

#[test]
fn two_that_destroy_each_other_come_to_rest() {
    for homes in [[0, 0], [0, 1]] {
        let mut scene = Scene::new(2, &homes);
        scene.does(0, &[Act::Destroy(1)]).does(1, &[Act::Destroy(0)]);
        in_every_order(scene, |scene| {
            let gone = [0, 1].map(|thread| scene.is_released(thread));
            let stopped = [0, 1]
                .map(|thread| !scene.lives(thread) || scene.look(thread).state == State::Suspended);
            assert!(gone[0] || gone[1] || stopped == [true, true], "{gone:?}");
        });
    }
}

#[test]
fn a_thread_in_an_operation_on_another_core_can_be_suspended_and_destroyed() {
    for (end, home) in [Act::Suspend(VICTIM), Act::Destroy(VICTIM)]
        .into_iter()
        .flat_map(|end| [(end, 0), (end, 1), (end, 2)])
    {
        for busy in [Act::Abort(PARTNER), Act::Suspend(PARTNER), Act::Destroy(PARTNER)] {
            let mut scene = Scene::new(3, &[0, 1, home]);
            scene.with_quick_roots().does(VICTIM, &[busy]).does(PARTNER, &[Act::Receive]);
            scene.does(ENDER, &[end]);
            in_every_order(scene, |scene| {
                assert_eq!(scene.done[ENDER], [Status::Ok]);
                match end {
                    Act::Suspend(_) => assert_eq!(scene.look(VICTIM).state, State::Suspended),
                    _ => assert!(scene.is_released(VICTIM)),
                }
            });
        }
    }
}

#[test]
fn an_operation_on_another_core_is_no_wait_to_cancel() {
    let mut scene = Scene::new(2, &[0, 1, 0]);
    scene.does(VICTIM, &[Act::Suspend(PARTNER)]).does(ENDER, &[Act::Abort(VICTIM)]);
    in_every_order(scene, |scene| {
        assert_eq!(
            (&*scene.done[VICTIM], &*scene.done[ENDER]),
            (&[Status::Ok][..], &[Status::Stale][..])
        );
    });
    let mut scene = Scene::new(2, &[0, 1, 0]);
    scene.does(VICTIM, &[Act::Suspend(PARTNER)]).does(ENDER, &[Act::Write(VICTIM)]);
    in_every_order(scene, |scene| {
        assert_eq!(scene.done[VICTIM], [Status::Ok]);
        assert!(matches!(*scene.done[ENDER], [Status::Stale | Status::Ok]));
    });
}

/// The callee of a call that has been passed on.
const SECOND: usize = 3;

/// A call to the partner, which passes it on to a second server on any core; the ender on any core.
fn with_calls_passed_on(end: Act, look: impl Fn(&Scene)) {
    for second in 0..3 {
        for home in 0..3 {
            let mut scene = Scene::new(3, &[0, 1, home, second]);
            scene.with_quick_roots().does(VICTIM, &[Act::Call(PARTNER)]);
            scene.does(PARTNER, &[Act::Receive, Act::Forward(VICTIM, SECOND)]);
            scene.does(SECOND, &[Act::Receive, Act::ReplyAndWait(VICTIM)]).does(ENDER, &[end]);
            in_every_order(scene, |scene| {
                look(scene);
                let owed = [PARTNER, SECOND].map(|server| scene.look(server).owed.first.is_some());
                assert_eq!(owed[0] || owed[1], owes(scene));
            });
        }
    }
}

#[test]
fn a_call_that_has_been_passed_on_is_cancelled_wherever_it_is() {
    with_calls_passed_on(Act::Abort(VICTIM), |scene| match *scene.done[ENDER] {
        [Status::Ok] => assert_eq!(scene.done[VICTIM], [Status::Aborted]),
        [Status::Stale] => assert!(matches!(*scene.done[VICTIM], [Status::Ok])),
        ref other => panic!("{other:?}"),
    });
}

#[test]
fn who_waits_for_a_call_that_has_been_passed_on_is_suspended_and_destroyed() {
    with_calls_passed_on(Act::Suspend(VICTIM), |scene| {
        assert_eq!(scene.done[ENDER], [Status::Ok]);
        assert_eq!(scene.look(VICTIM).state, State::Suspended);
    });
    with_calls_passed_on(Act::Destroy(VICTIM), |scene| {
        assert_eq!(scene.done[ENDER], [Status::Ok]);
        assert!(scene.is_released(VICTIM));
    });
}

#[test]
fn an_abort_that_follows_a_call_ends_no_later_wait() {
    // The first call is passed on to core 2 and answered there; then its client waits for another one
    // of that core.
    let mut scene = Scene::new(3, &[0, 1, 0, 2, 2]);
    scene.with_quick_roots().does(VICTIM, &[Act::Call(PARTNER), Act::Send(4)]);
    scene.does(PARTNER, &[Act::Receive, Act::Forward(VICTIM, SECOND)]);
    scene.does(SECOND, &[Act::Receive, Act::ReplyAndWait(VICTIM)]);
    scene.does(ENDER, &[Act::AbortFirst(VICTIM)]);
    in_every_order(scene, |scene| {
        assert!(scene.waits(VICTIM), "nobody takes its second message");
        assert!(scene.look(VICTIM).epoch == 2, "{:?}", scene.done);
        let first = match *scene.done[ENDER] {
            [Status::Ok] => Status::Aborted,
            [Status::Stale] => Status::Ok,
            ref other => panic!("{other:?}"),
        };
        assert_eq!(scene.done[VICTIM], [first]);
    });
}
