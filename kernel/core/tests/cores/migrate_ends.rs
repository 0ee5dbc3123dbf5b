//! A thread moves to another core, and others stop, start, abort, destroy or move it, or what it goes
//! to, at the same time.

use crate::migrate::nobody_is_lost;
use crate::orders::in_every_order;
use crate::scene::{Act, Event, Scene};
use cedo_abi::Status;
use cedo_core::object::thread::State;
use cedo_core::object::unusual::LEAVING;
use cedo_machine::CoreNumber;

/// Moves from core 0 to core 1.
const MOVER: usize = 0;
/// Moves it.
const OWNER: usize = 1;
/// Does something else to it.
const OTHER: usize = 2;

/// Plays the move with the owner and the other on every core.
fn with_every_core(moves: &[Act], other: &[Act], look: impl Fn(&Scene)) {
    for homes in (0..3).flat_map(|owner| (0..3).map(move |other| [0, owner, other])) {
        let mut scene = Scene::new(3, &homes);
        scene.with_quick_roots().with_floating();
        scene.does(MOVER, &[Act::Receive, Act::Receive]);
        scene.does(OWNER, moves).does(OTHER, other);
        let ends = in_every_order(scene, |scene| {
            nobody_is_lost(scene);
            look(scene);
        });
        println!("{homes:?}: {ends} ends");
    }
}

#[test]
fn a_thread_that_moves_is_stopped_and_started_wherever_it_is() {
    let moves = [Act::Suspend(MOVER), Act::Migrate(MOVER, 1)];
    with_every_core(&moves, &[Act::Suspend(MOVER), Act::Resume(MOVER)], |scene| {
        assert_eq!(scene.done[OTHER][0], Status::Ok);
        let started = scene.done[OTHER][1];
        assert!(matches!(started, Status::Ok | Status::WrongState), "{started:?}");
        match *scene.done[OWNER] {
            [Status::Ok, Status::Ok] => assert_eq!(scene.home(MOVER), CoreNumber(1)),
            // It had been started.
            [Status::Ok, Status::WrongState] => {
                assert_eq!((started, scene.home(MOVER)), (Status::Ok, CoreNumber(0)));
            }
            ref other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_thread_that_moves_is_destroyed_wherever_it_is() {
    let there_and_back = [Act::Suspend(MOVER), Act::Migrate(MOVER, 1), Act::Migrate(MOVER, 0)];
    for moves in [&there_and_back[..2], &there_and_back] {
        with_every_core(moves, &[Act::Destroy(MOVER)], |scene| {
            assert_eq!(scene.done[OTHER], [Status::Ok]);
            assert!(scene.is_released(MOVER));
            let over = [Status::Ok, Status::NoCapability];
            let done = &scene.done[OWNER];
            assert!(done.iter().all(|status| over.contains(status)), "{done:?}");
        });
    }
}

#[test]
fn an_abort_finds_a_thread_that_moves_in_no_wait() {
    let moves = [Act::Suspend(MOVER), Act::Migrate(MOVER, 1), Act::Resume(MOVER)];
    with_every_core(&moves, &[Act::Abort(MOVER)], |scene| {
        assert_eq!((&*scene.done[OWNER], scene.home(MOVER)), (&[Status::Ok; 3][..], CoreNumber(1)));
        assert!(matches!(*scene.done[OTHER], [Status::Ok | Status::Stale]));
    });
}

#[test]
fn two_that_move_a_thread_to_different_cores_agree_in_the_end() {
    let moves = [Act::Suspend(MOVER), Act::Migrate(MOVER, 1)];
    with_every_core(&moves, &[Act::Suspend(MOVER), Act::Migrate(MOVER, 2)], |scene| {
        let moved = [OWNER, OTHER].map(|thread| scene.done[thread][1]);
        assert!(moved.contains(&Status::Ok), "{moved:?}");
        let fine = |status: &Status| matches!(status, Status::Ok | Status::WrongState);
        assert!(moved.iter().all(fine), "{moved:?}");
        assert_ne!(scene.home(MOVER), CoreNumber(0));
        assert_eq!(scene.look(MOVER).state, State::Suspended);
        // Whoever was last has put it below the root of its core.
        assert_ne!(scene.look(MOVER).branch.scheduler, scene.ids[MOVER]);
    });
}

#[test]
fn two_that_move_each_other_come_to_rest() {
    for homes in [[0, 0], [0, 1]] {
        let mut scene = Scene::new(3, &homes);
        scene.with_quick_roots();
        scene.does(0, &[Act::Suspend(1), Act::Migrate(1, 2)]);
        scene.does(1, &[Act::Suspend(0), Act::Migrate(0, 2)]);
        in_every_order(scene, |scene| {
            nobody_is_lost(scene);
            let stopped = [0, 1].map(|thread| scene.look(thread).state == State::Suspended);
            assert!(stopped[0] || stopped[1], "{stopped:?}");
        });
    }
}

#[test]
fn a_scheduler_that_ends_meanwhile_leaves_the_thread_stopped_on_one_of_the_cores() {
    // The new scheduler, thread 3, lives on core 1, and the other destroys it.
    for homes in [[0, 0, 0, 1], [0, 1, 1, 1], [0, 0, 1, 1], [0, 2, 1, 1], [0, 0, 2, 1]] {
        let mut scene = Scene::new(3, &homes);
        scene.with_quick_roots();
        scene.does(OWNER, &[Act::Suspend(MOVER), Act::MigrateBelow(MOVER, 3)]);
        scene.does(OTHER, &[Act::Destroy(3)]);
        in_every_order(scene, |scene| {
            nobody_is_lost(scene);
            assert_eq!((&*scene.done[OTHER], scene.is_released(3)), (&[Status::Ok][..], true));
            assert_eq!(scene.look(MOVER).state, State::Suspended);
            let home = scene.home(MOVER);
            match *scene.done[OWNER] {
                // The end of its new scheduler has passed it on to the root.
                [Status::Ok, Status::Ok] => assert_eq!(home, CoreNumber(1)),
                [Status::Ok, Status::NoCapability] => {
                    let moved = scene.context(OWNER).to_memory()[MOVED_WORD] == 1;
                    assert_eq!(home, CoreNumber(u8::from(moved)));
                    let has_none = scene.look(MOVER).branch.scheduler == scene.ids[MOVER];
                    assert_eq!(has_none, moved);
                }
                ref other => panic!("{homes:?} {other:?}"),
            }
        });
    }
}

#[test]
fn a_thread_that_is_started_while_it_leaves_stays_and_serves() {
    // Two who wait make two steps, between which the other starts the thread.
    for homes in [[0, 0, 0, 0, 0], [0, 1, 0, 1, 0], [0, 0, 1, 0, 2], [0, 2, 2, 2, 1]] {
        let mut scene = Scene::new(3, &homes);
        scene.with_quick_roots().in_small_steps();
        scene.does(OWNER, &[Act::Suspend(MOVER), Act::Migrate(MOVER, 1)]);
        scene.does(OTHER, &[Act::Resume(MOVER)]).does(MOVER, &[Act::Receive, Act::Receive]);
        scene.does(3, &[Act::Send(MOVER)]).does(4, &[Act::Send(MOVER)]);
        in_every_order(scene, |scene| {
            nobody_is_lost(scene);
            let started = scene.done[OTHER] == [Status::Ok];
            match *scene.done[OWNER] {
                [Status::Ok, Status::Ok] => assert_eq!(scene.home(MOVER), CoreNumber(1)),
                [Status::Ok, Status::WrongState] => assert!(started, "{:?}", scene.done),
                ref other => panic!("{other:?}"),
            }
            assert_eq!(scene.look(MOVER).state == State::Suspended, !started, "{homes:?}");
        });
    }
}

#[test]
fn a_thread_whose_new_scheduler_ends_while_it_leaves_serves_on() {
    // Thread 3 is the new scheduler; two who wait make two steps.
    for homes in [[0, 0, 1, 1, 0, 0], [0, 1, 1, 1, 0, 1], [0, 2, 1, 1, 2, 0]] {
        let mut scene = Scene::new(3, &homes);
        scene.with_quick_roots().in_small_steps();
        scene.does(OWNER, &[Act::Suspend(MOVER), Act::MigrateBelow(MOVER, 3)]);
        scene.does(OTHER, &[Act::Destroy(3)]);
        scene.does(4, &[Act::Send(MOVER)]).does(5, &[Act::Send(MOVER)]);
        in_every_order(scene, |scene| {
            nobody_is_lost(scene);
            assert_eq!(scene.look(MOVER).state, State::Suspended);
        });
    }
}

#[test]
fn a_thread_that_is_started_and_stopped_while_it_leaves_stays() {
    // The more wait for it, the more steps; between two of them come both calls of the other core.
    const STOPPER: usize = 8;
    let mut scene = Scene::new(2, &[0, 1, 1, 0, 0, 0, 0, 0, 1]);
    scene.with_quick_roots().in_small_steps();
    scene.does(OWNER, &[Act::Suspend(MOVER), Act::Migrate(MOVER, 1)]);
    scene.does(OTHER, &[Act::Resume(MOVER)]).does(STOPPER, &[Act::Suspend(MOVER)]);
    // Their first messages end with the suspension, the second ones with the move.
    (3..8).for_each(|sender| _ = scene.does(sender, &[Act::Send(MOVER); 2]));
    let mut has_begun = false;
    while let Some(first) = scene.events().first().copied() {
        has_begun |= scene.look(MOVER).unusual.has(LEAVING);
        let events = scene.events();
        let there = |event: &Event| match *event {
            Event::Signal(core) | Event::SignalOfFirst(core) | Event::Root(core) => {
                core == CoreNumber(1)
            }
            Event::Act(thread) => scene.home(thread) == CoreNumber(1),
        };
        let next = events.into_iter().find(|event| there(event) == has_begun);
        scene.happens(next.unwrap_or(first));
    }
    assert!(has_begun);
    assert_eq!([OTHER, STOPPER].map(|thread| scene.done[thread].clone()), [[Status::Ok]; 2]);
    assert_eq!(*scene.done[OWNER], [Status::Ok, Status::WrongState]);
    assert_eq!(scene.home(MOVER), CoreNumber(0));
    assert_eq!(scene.look(MOVER).state, State::Suspended);
    nobody_is_lost(&scene);
}

#[test]
fn a_storm_of_senders_does_not_keep_a_thread_from_leaving() {
    // Three: with fewer, the queue is empty before the first of them is back.
    let mut scene = Scene::new(2, &[0, 0, 1, 1, 1]);
    scene.with_quick_roots().in_small_steps();
    scene.does(OWNER, &[Act::Suspend(MOVER), Act::Migrate(MOVER, 1)]);
    for sender in [2, 3, 4] {
        scene.does(sender, &[Act::Send(MOVER); 40]);
    }
    // Core 1 does all it can between any two things that core 0 does.
    let mut steps = 0;
    loop {
        let events = scene.events();
        let there = |event: &&Event| match **event {
            Event::Signal(core) | Event::SignalOfFirst(core) | Event::Root(core) => {
                core == CoreNumber(1)
            }
            Event::Act(thread) => scene.home(thread) == CoreNumber(1),
        };
        let Some(event) = events.iter().find(there).or(events.first()) else { break };
        steps += usize::from(*event == Event::Signal(CoreNumber(0)));
        scene.happens(*event);
        if scene.home(MOVER) == CoreNumber(1) {
            break;
        }
    }
    assert_eq!(scene.home(MOVER), CoreNumber(1));
    assert!(steps <= 12, "{steps} interrupts");
}

/// Where a context in memory has message word 0.
const MOVED_WORD: usize = 4;
