//! More waiters and children than one entry handles, while other things happen.

use crate::orders::in_every_order;
use crate::scene::{Act, Scene};
use cedo_abi::Status;
use cedo_core::object::thread::State;

const PARTNER: usize = 0;
const ENDER: usize = 1;
const FIRST: usize = 2;
const LAST: usize = 4;

/// The partner, busy, on core 0; the ender; and some who want something of the partner.
fn scene(cores: u8, homes: &[u8], acts: [Act; 3], ends: &[Act]) -> Scene {
    let mut scene = Scene::new(cores, homes);
    scene.in_small_steps().does(ENDER, ends);
    for (thread, act) in (FIRST..=LAST).zip(acts) {
        scene.does(thread, &[act]);
    }
    scene
}

const WAITS: [Act; 3] = [Act::Send(PARTNER), Act::Call(PARTNER), Act::ReceiveFrom(PARTNER)];

#[test]
fn everybody_who_waits_for_a_destroyed_thread_hears_of_it() {
    for homes in [[0, 0, 0, 0, 0], [0, 1, 0, 0, 1], [0, 0, 1, 1, 0]] {
        in_every_order(scene(2, &homes, WAITS, &[Act::Destroy(PARTNER)]), |scene| {
            assert_eq!(scene.done[ENDER], [Status::Ok]);
            assert!(scene.is_released(PARTNER));
            for thread in FIRST..=LAST {
                // Who came too late had no capability any more.
                let told = [Status::PartnerGone, Status::NoCapability];
                assert!(told.contains(&scene.done[thread][0]), "{:?}", scene.done[thread]);
            }
        });
    }
}

#[test]
fn who_came_before_a_suspension_hears_of_it_and_who_came_after_waits() {
    for homes in [[0, 0, 0, 0, 0], [0, 1, 0, 0, 1]] {
        in_every_order(scene(2, &homes, WAITS, &[Act::Suspend(PARTNER)]), |scene| {
            assert_eq!(scene.done[ENDER], [Status::Ok]);
            assert_eq!(scene.look(PARTNER).state, State::Suspended);
            for thread in FIRST..=LAST {
                let told = scene.done[thread] == [Status::Aborted];
                assert!(told || scene.waits(thread), "{:?}", scene.done[thread]);
            }
        });
    }
}

#[test]
fn who_is_left_when_a_suspension_is_taken_back_in_the_middle_is_served() {
    let acts = [Act::Send(PARTNER), Act::Send(PARTNER), Act::Resume(PARTNER)];
    let mut scene = scene(2, &[0, 0, 0, 0, 1], acts, &[Act::Suspend(PARTNER)]);
    scene.does(PARTNER, &[Act::Receive, Act::Receive]);
    in_every_order(scene, |scene| {
        assert_eq!(scene.done[ENDER], [Status::Ok]);
        for thread in [FIRST, FIRST + 1] {
            let over = matches!(*scene.done[thread], [Status::Ok | Status::Aborted]);
            assert!(over || scene.waits(thread));
        }
    });
}
