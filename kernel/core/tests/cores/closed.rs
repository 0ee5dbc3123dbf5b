//! Receiving from one thread of another core only.

use crate::orders::in_every_order;
use crate::scene::{Act, Scene};
use cedo_abi::Status;
use cedo_core::object::thread::State;

const RECEIVER: usize = 0;
const PARTNER: usize = 1;
const OTHER: usize = 2;

#[test]
fn a_message_of_the_partner_arrives_in_every_order() {
    for send in [Act::Send(RECEIVER), Act::SendAndReceiveFrom(RECEIVER, OTHER)] {
        let ends = in_every_order(
            {
                let mut scene = Scene::new(2, &[0, 1, 1]);
                scene.does(RECEIVER, &[Act::ReceiveFrom(PARTNER)]);
                scene.does(PARTNER, &[send]);
                scene
            },
            |scene| {
                assert_eq!(scene.done[RECEIVER], [Status::Ok]);
                assert_eq!(scene.context(RECEIVER).to_memory()[1], RECEIVER as u64, "the badge");
                match send {
                    Act::Send(_) => assert_eq!(scene.done[PARTNER], [Status::Ok]),
                    _ => assert!(matches!(scene.look(PARTNER).state, State::Closed(_))),
                }
            },
        );
        assert!(ends > 1, "{ends} ends");
    }
}

#[test]
fn a_call_of_the_partner_arrives_and_is_answered() {
    in_every_order(
        {
            let mut scene = Scene::new(2, &[0, 1]);
            scene.does(RECEIVER, &[Act::ReceiveFrom(PARTNER), Act::ReplyAndWait(PARTNER)]);
            scene.does(PARTNER, &[Act::Call(RECEIVER)]);
            scene
        },
        |scene| {
            assert_eq!(
                (&*scene.done[RECEIVER], &*scene.done[PARTNER]),
                (&[Status::Ok][..], &[Status::Ok][..])
            );
            assert_eq!(scene.look(RECEIVER).state, State::Open);
        },
    );
}

#[test]
fn a_send_with_zero_reaches_who_is_known_to_wait() {
    in_every_order(
        {
            let mut scene = Scene::new(2, &[0, 1]);
            scene.does(RECEIVER, &[Act::ReceiveFrom(PARTNER)]);
            scene.does(PARTNER, &[Act::SendZero(RECEIVER), Act::Send(RECEIVER)]);
            scene
        },
        |scene| {
            assert_eq!(scene.done[RECEIVER], [Status::Ok]);
            let (first, second) = (scene.done[PARTNER][0], scene.done[PARTNER].get(1));
            match first {
                // Taken; the second message waits for its turn.
                Status::Ok => assert_eq!(second, None),
                first => assert_eq!((first, second), (Status::NotReady, Some(&Status::Ok))),
            }
        },
    );
}

#[test]
fn two_that_receive_from_each_other_only_wait_and_can_be_helped() {
    in_every_order(
        {
            let mut scene = Scene::new(2, &[0, 1]);
            scene.does(RECEIVER, &[Act::ReceiveFrom(PARTNER)]);
            scene.does(PARTNER, &[Act::ReceiveFrom(RECEIVER)]);
            scene
        },
        |scene| assert!(scene.waits(RECEIVER) && scene.waits(PARTNER)),
    );
}

#[test]
fn messages_of_others_wait_for_their_turn() {
    in_every_order(
        {
            let mut scene = Scene::new(2, &[0, 1, 0]);
            scene.does(RECEIVER, &[Act::ReceiveFrom(PARTNER), Act::Receive]);
            scene.does(PARTNER, &[Act::Send(RECEIVER)]);
            scene.does(OTHER, &[Act::Send(RECEIVER)]);
            scene
        },
        |scene| {
            assert_eq!(scene.done[RECEIVER], [Status::Ok, Status::Ok]);
            assert_eq!((scene.done[PARTNER].len(), scene.done[OTHER].len()), (1, 1));
        },
    );
}

#[test]
fn who_receives_from_one_that_is_destroyed_hears_of_it() {
    for (homes, destroyer) in
        [([0, 0, 0], "own core"), ([0, 1, 0], "from here"), ([0, 1, 1], "from there")]
    {
        in_every_order(
            {
                let mut scene = Scene::new(2, &homes);
                scene.does(RECEIVER, &[Act::ReceiveFrom(PARTNER)]);
                scene.does(OTHER, &[Act::Destroy(PARTNER)]);
                scene
            },
            |scene| {
                assert_eq!(scene.done[OTHER], [Status::Ok], "{destroyer}");
                let gone = [Status::PartnerGone, Status::NoCapability];
                assert!(gone.contains(&scene.done[RECEIVER][0]), "{destroyer}");
            },
        );
    }
}

#[test]
fn who_receives_from_one_that_is_suspended_hears_of_it() {
    for homes in [[0, 0, 0], [0, 1, 0], [0, 1, 1]] {
        in_every_order(
            {
                let mut scene = Scene::new(2, &homes);
                scene.does(RECEIVER, &[Act::ReceiveFrom(PARTNER)]);
                scene.does(OTHER, &[Act::Suspend(PARTNER), Act::Resume(PARTNER)]);
                scene
            },
            |scene| {
                assert_eq!(scene.done[OTHER], [Status::Ok, Status::Ok]);
                let heard = scene.done[RECEIVER] == [Status::Aborted];
                assert!(heard || scene.waits(RECEIVER), "it heard of it or began later");
            },
        );
    }
}

#[test]
fn a_receive_from_one_of_the_same_core_is_cancelled() {
    in_every_order(
        {
            let mut scene = Scene::new(1, &[0, 0, 0]);
            scene.does(RECEIVER, &[Act::ReceiveFrom(PARTNER)]);
            scene.does(OTHER, &[Act::Abort(RECEIVER)]);
            scene
        },
        |scene| match scene.done[OTHER][0] {
            Status::Ok => assert_eq!(scene.done[RECEIVER], [Status::Aborted]),
            status => assert_eq!((status, scene.waits(RECEIVER)), (Status::Stale, true)),
        },
    );
}

#[test]
fn a_call_that_is_passed_on_reaches_who_receives_from_its_client_only() {
    // The client calls a server, which passes the call on; the last one receives from the client.
    for homes in [[0, 1, 1], [0, 1, 2], [0, 1, 0]] {
        let mut scene = Scene::new(3, &homes);
        scene.with_quick_roots().does(0, &[Act::Call(1)]);
        scene.does(1, &[Act::Receive, Act::Forward(0, 2)]);
        scene.does(2, &[Act::ReceiveFrom(0), Act::ReplyAndWait(0)]);
        in_every_order(scene, |scene| {
            assert_eq!(scene.done[0], [Status::Ok], "{homes:?}");
        });
    }
}
