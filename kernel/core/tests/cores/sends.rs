//! Sends with timeout zero to a thread of another core.

use crate::orders::in_every_order;
use crate::scene::{Act, Scene};
use cedo_abi::Status;

const SENDER: usize = 0;
const RECEIVER: usize = 1;

#[test]
fn who_is_not_waited_for_is_told_so_at_once() {
    in_every_order(
        {
            let mut scene = Scene::new(2, &[0, 1]);
            scene.does(SENDER, &[Act::SendZero(RECEIVER), Act::SendZero(RECEIVER)]);
            scene.does(RECEIVER, &[Act::Yield]);
            scene
        },
        |scene| assert_eq!(scene.done[SENDER], [Status::NotReady; 2]),
    );
}

#[test]
fn who_is_waited_for_is_heard() {
    let ends = in_every_order(
        {
            let mut scene = Scene::new(2, &[0, 1]);
            scene.does(SENDER, &[Act::SendZero(RECEIVER)]);
            scene.does(RECEIVER, &[Act::Receive]);
            scene
        },
        |scene| {
            let heard = scene.done[SENDER] == [Status::Ok];
            assert!(heard || scene.done[SENDER] == [Status::NotReady]);
            assert_eq!(scene.done[RECEIVER], [Status::Ok; 1][..usize::from(heard)]);
        },
    );
    assert!(ends > 1, "{ends} ends");
}
