//! Root schedulers: they take strings as everybody does, and wait for no pager.

use crate::message::{Got, LABEL, Op};
use crate::stage::{DATA, PagerPlan, Plan, Stage, UserPlan};
use cedo_abi::Status;
use cedo_abi::call::ipc;
use cedo_abi::item::Item;
use cedo_abi::layout::PAGE_SIZE;
use cedo_core::kernel::Protocol;
use cedo_machine::{CoreNumber, Interrupt};

const BYTES: u64 = 2 * PAGE_SIZE + 10;
const SOURCE: u64 = DATA + 3;
const TARGET: u64 = DATA + 5;

/// A user on this core with this pager, and the first server with a window.
fn stage(core: u8, pager: PagerPlan, protocol: Protocol) -> (Stage, usize) {
    let users = vec![UserPlan { core, pages: 4, pager }];
    let mut stage = Stage::build(&Plan { cores: 2, protocol, users });
    stage.open_windows(0, &[Item::string(TARGET, BYTES)]);
    let user = stage.user(0);
    stage.fill(user);
    stage.fill(0);
    (stage, user)
}

/// What the first server got of a user, or the error.
fn at_root(stage: &mut Stage) -> Got {
    stage.until(|stage| !stage.play.at_roots.is_empty());
    let context = stage.play.at_roots.remove(0);
    stage.read_got(0, &context)
}

fn assert_arrived(stage: &Stage, got: &Got, user: usize) {
    assert!(got.status.is_done(), "{got:?}");
    assert_eq!((got.label, &got.items[..]), (LABEL, &[Item::string(TARGET, BYTES)][..]));
    assert_eq!(stage.read(0, TARGET, BYTES), stage.filled(user, SOURCE, BYTES));
    stage.assert_untouched_but(0, &[(TARGET, BYTES)]);
}

#[test]
fn a_root_takes_strings_of_its_children_and_of_other_cores() {
    for protocol in [Protocol::Direct, Protocol::Chain] {
        for core in [0, 1] {
            for calls in [true, false] {
                let (mut stage, user) = stage(core, PagerPlan::Mapped, protocol);
                (0..4).for_each(|page| stage.map(0, page, true));
                let op = if calls { Op::call(0) } else { Op::send(0) };
                stage.make(user, &op.string(SOURCE, BYTES));
                let got = at_root(&mut stage);
                assert_arrived(&stage, &got, user);
                if calls {
                    let replied = stage.made(0, &Op::reply(got.token));
                    assert!(replied.status.is_done(), "{replied:?}");
                }
                assert!(stage.got(user).status.is_done());
            }
        }
    }
}

#[test]
fn the_pager_of_a_root_is_waited_for_by_others_but_not_by_the_root() {
    let (mut stage, user) = stage(0, PagerPlan::Mapped, Protocol::Direct);
    let pager = stage.add_pager_of_root();
    stage.make(user, &Op::send(0).string(SOURCE, BYTES));
    let got = at_root(&mut stage);
    assert_arrived(&stage, &got, user);
    assert!(stage.got(user).status.is_done());
    assert_eq!(stage.play.faults.iter().filter(|heard| heard.pager == pager).count(), 3);
    // A sender elsewhere leaves the moving to the root.
    let (mut stage, user) = self::stage(1, PagerPlan::Mapped, Protocol::Direct);
    stage.add_pager_of_root();
    stage.make(user, &Op::send(0).string(SOURCE, BYTES));
    let got = at_root(&mut stage);
    assert_eq!((got.status, got.words[0], got.words[1]), (Status::PageMissing, 0, 0));
    assert_eq!(stage.got(user).status, Status::PageMissing);
    assert!(stage.play.faults.is_empty());
}

#[test]
fn a_root_does_not_wait_for_the_pager_of_a_sender() {
    let (mut stage, user) = stage(1, PagerPlan::OnCore(1), Protocol::Direct);
    (0..4).for_each(|page| stage.map(0, page, true));
    stage.map(user, 0, true);
    stage.make(user, &Op::call(0).string(SOURCE, BYTES));
    let got = at_root(&mut stage);
    let amounts = [0, PAGE_SIZE - 3];
    assert_eq!((got.status, &got.words[..2]), (Status::PageMissing, &amounts[..]));
    let sent = stage.got(user);
    assert_eq!((sent.status, &sent.words[..2]), (Status::PageMissing, &amounts[..]));
}

#[test]
fn a_root_sends_strings_with_timeout_zero_where_all_pages_are_there() {
    for (of_root, missing) in [(true, true), (false, true), (true, false)] {
        let (mut stage, user) = stage(0, PagerPlan::OnCore(0), Protocol::Direct);
        (0..4).filter(|_| !(of_root && missing)).for_each(|page| stage.map(0, page, true));
        let user_lacks = missing && !of_root;
        (0..4).filter(|_| !user_lacks).for_each(|page| stage.map(user, page, true));
        stage.make(user, &Op::receive().window(TARGET, BYTES));
        let zero = Op::send(user).string(SOURCE, BYTES).flags(ipc::SEND_ZERO);
        let sent = stage.made(0, &zero);
        if missing {
            assert_eq!(sent.status, Status::PageMissing);
            stage.settle();
            assert!(stage.actors[user].done.is_none(), "the receiver has not noticed");
            stage.assert_untouched_but(user, &[]);
        } else {
            assert!(sent.status.is_done());
            let got = stage.got(user);
            assert_eq!((got.status, got.items), (Status::Ok, vec![Item::string(TARGET, BYTES)]));
            assert_eq!(stage.read(user, TARGET, BYTES), stage.filled(0, SOURCE, BYTES));
        }
        assert!(stage.play.faults.is_empty());
    }
}

#[test]
fn a_root_without_a_window_hears_of_the_overflow() {
    for core in [0, 1] {
        let (mut stage, user) = stage(core, PagerPlan::Mapped, Protocol::Direct);
        (0..4).for_each(|page| stage.map(0, page, true));
        stage.open_windows(0, &[Item::string(TARGET, BYTES - 1)]);
        stage.make(user, &Op::send(0).string(SOURCE, BYTES));
        let got = at_root(&mut stage);
        assert_eq!((got.status, got.words[0], got.words[1]), (Status::Overflow, 0, BYTES - 1));
        assert_eq!(stage.got(user).status, Status::Overflow);
    }
}

#[test]
fn a_root_replies_with_a_string() {
    let (mut stage, user) = stage(0, PagerPlan::Mapped, Protocol::Direct);
    (0..4).for_each(|page| stage.map(0, page, true));
    stage.make(user, &Op::call(0).window(TARGET, BYTES));
    let got = at_root(&mut stage);
    let replied = stage.made(0, &Op::reply(got.token).string(SOURCE, BYTES));
    assert!(replied.status.is_done(), "{replied:?}");
    let received = stage.got(user);
    assert_eq!(received.items, [Item::string(TARGET, BYTES)]);
    assert_eq!(stage.read(user, TARGET, BYTES), stage.filled(0, SOURCE, BYTES));
}

#[test]
fn a_dispatch_that_finds_a_string_pending_brings_it_as_news() {
    // The root of core 0 dispatches while a message with a string of core 1 is in its queue.
    let users = [0, 1].map(|core| UserPlan { core, pages: 4, pager: PagerPlan::Mapped });
    let plan = Plan { cores: 2, protocol: Protocol::Direct, users: users.to_vec() };
    let mut stage = Stage::build(&plan);
    stage.open_windows(0, &[Item::string(TARGET, BYTES)]);
    (0..4).for_each(|page| stage.map(0, page, true));
    let (local, remote) = (stage.user(0), stage.user(1));
    stage.fill(remote);
    stage.fill(0);
    let op = Op::send(0).string(SOURCE, BYTES);
    stage.until(|stage| {
        stage.current(CoreNumber(0)) == Some(local) && stage.actors[local].calling.is_none()
    });
    stage.call(local, &Op::receive().flags(ipc::RECEIVE_ZERO).roles);
    stage.bring(0);
    while stage.current(CoreNumber(1)) != Some(remote) {
        stage.step(CoreNumber(1));
    }
    stage.put_lists(remote, &op);
    stage.end_if_over(remote);
    stage.call(remote, &op.roles);
    stage.world.interrupt(CoreNumber(0), Interrupt::Signal).expect("core 1 has posted");
    assert!(stage.knows(local), "there is somebody to dispatch");
    assert_eq!(stage.current(CoreNumber(0)), Some(0));
    stage.step(CoreNumber(0));
    let got = at_root(&mut stage);
    assert_eq!(got.status, Status::News);
    assert_arrived(&stage, &got, remote);
    assert!(stage.got(remote).status.is_done());
}
