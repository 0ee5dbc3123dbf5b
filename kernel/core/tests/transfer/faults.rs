//! Pages that are missing: on either side, at every page, with every kind of pager.

use crate::message::Op;
use crate::play::Paging;
use crate::stage::{DATA, PagerPlan, Plan, Stage};
use crate::ways::{Carry, Way};
use cedo_abi::item::Item;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::state::Cause;
use cedo_abi::{Label, Status};
use cedo_core::object::thread::State;

const BYTES: u64 = 5 * PAGE_SIZE;
const SOURCE: u64 = DATA + 100;
const TARGET: u64 = DATA + 700;

fn carry(stage: &mut Stage) -> Carry {
    let carry = Carry::of(stage, &[Item::string(SOURCE, BYTES)], &[Item::string(TARGET, BYTES)]);
    stage.fill(carry.from);
    stage.fill(carry.to);
    carry
}

#[test]
fn every_page_of_both_sides_is_brought_by_its_own_pager() {
    for plan in [Plan::paged(&[6, 6, 1]), Plan::paged(&[6, 6, 1]).chain()] {
        for way in Way::ALL {
            let mut stage = Stage::build(&plan);
            let carry = carry(&mut stage);
            if way.replies() {
                // A reply waits for nobody's pages but its own.
                (0..6).for_each(|page| stage.map(carry.to, page, true));
            }
            let got = carry.go(&mut stage, way);
            carry.assert_arrived(&stage, &got, &format!("{way:?}"));
            assert_faults(&stage, &carry, way);
        }
    }
}

/// Each pager heard of each page once, in order, with the cause and where that is known.
fn assert_faults(stage: &Stage, carry: &Carry, way: Way) {
    for (client, cause, first) in
        [(carry.from, Cause::ReadFault, SOURCE), (carry.to, Cause::WriteFault, TARGET)]
    {
        if client == carry.to && way.replies() {
            continue;
        }
        let pager = stage.pager(client);
        let faults: Vec<_> =
            stage.play.faults.iter().filter(|heard| heard.pager == pager).collect();
        let pages = faults.iter().map(|heard| heard.address / PAGE_SIZE);
        let expected = first / PAGE_SIZE..(first + BYTES).div_ceil(PAGE_SIZE);
        assert_eq!(pages.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{way:?}");
        for heard in faults {
            assert_eq!(heard.cause, cause as u64);
            let own = (client == carry.from) == way.sender_moves();
            assert_eq!(heard.instruction != 0, own, "{way:?}: registers are the mover's alone");
        }
    }
}

#[test]
fn any_single_page_may_be_missing() {
    for missing in 0..6 {
        for of_sender in [true, false] {
            for way in [Way::Call, Way::CallQueued, Way::Send, Way::AfterReply] {
                let mut stage = Stage::build(&Plan::paged(&[6, 6, 1]));
                let carry = carry(&mut stage);
                for page in 0..6 {
                    for (user, is_sender) in [(carry.from, true), (carry.to, false)] {
                        if page != missing || is_sender != of_sender {
                            stage.map(user, page, true);
                        }
                    }
                }
                let got = carry.go(&mut stage, way);
                carry.assert_arrived(&stage, &got, &format!("{way:?} {missing} {of_sender}"));
                assert_eq!(stage.play.faults.len(), 1);
            }
        }
    }
}

#[test]
fn a_page_that_cannot_be_written_is_as_good_as_missing() {
    let mut stage = Stage::build(&Plan::paged(&[6, 6, 1]));
    let carry = carry(&mut stage);
    (0..6).for_each(|page| stage.map(carry.from, page, false));
    (0..6).for_each(|page| stage.map(carry.to, page, page != 3));
    stage.play.paging.insert(stage.pager(carry.to), Paging::Keep);
    carry.begin(&mut stage, Way::Call);
    stage.settle();
    let [heard] = stage.play.faults[..] else { panic!("{:?}", stage.play.faults) };
    assert_eq!((heard.address, heard.cause), (DATA + 3 * PAGE_SIZE, Cause::WriteFault as u64));
    stage.unmap(carry.to, 3);
    stage.map(carry.to, 3, true);
    stage.answer(heard);
    let got = carry.end(&mut stage, Way::Call);
    carry.assert_arrived(&stage, &got, "after the page became writable");
}

#[test]
fn a_pager_may_answer_without_having_brought_the_page() {
    for way in [Way::Call, Way::CallQueued, Way::Send, Way::SendQueued] {
        let mut stage = Stage::build(&Plan::paged(&[6, 6, 1]));
        let carry = carry(&mut stage);
        for client in [carry.from, carry.to] {
            stage.play.paging.insert(stage.pager(client), Paging::Late(3));
        }
        let got = carry.go(&mut stage, way);
        carry.assert_arrived(&stage, &got, &format!("{way:?}"));
        let first = stage.play.faults.iter().filter(|heard| heard.address == SOURCE).count();
        assert_eq!(first, 4, "the same address again until it is there");
    }
}

/// Neither party's pages are there and the pager of the `of_sender` side cannot help.
fn without_pager(pager: PagerPlan, of_sender: bool, way: Way) -> (Stage, Carry) {
    let index = usize::from(!of_sender);
    let plan = Plan::paged(&[6, 6, 1]).with_pager(index, pager);
    let mut stage = Stage::build(&plan);
    let carry = carry(&mut stage);
    carry.begin(&mut stage, way);
    stage.settle();
    (stage, carry)
}

#[test]
fn a_missing_page_of_the_partners_without_a_pager_is_an_error_to_both() {
    for way in Way::ALL {
        let of_sender = !way.sender_moves();
        let (mut stage, carry) = without_pager(PagerPlan::Nobody, of_sender, way);
        let (received, sent) = carry.end(&mut stage, way);
        let what = format!("{way:?}");
        let statuses = (received.status, sent.status);
        assert_eq!(statuses, (Status::PageMissing, Status::PageMissing), "{what}");
        assert_eq!(received.words[..2], [0, 0], "{what}");
        assert_eq!(sent.words[..2], [0, 0], "{what}");
        stage.assert_untouched_but(carry.to, &[]);
    }
}

#[test]
fn the_amounts_say_how_far_it_got() {
    for way in Way::ALL {
        let of_sender = !way.sender_moves();
        let index = usize::from(!of_sender);
        let plan = Plan::mapped(&[6, 6, 1]).with_pager(index, PagerPlan::Nobody);
        let mut stage = Stage::build(&plan);
        let mut carry = carry(&mut stage);
        carry.items.insert(0, Item::string(DATA, 10));
        carry.windows.insert(0, Item::string(DATA + 50, 10));
        let (user, start) = if of_sender { (carry.from, SOURCE) } else { (carry.to, TARGET) };
        (0..3).for_each(|page| stage.map(user, page, true));
        let (received, sent) = carry.go(&mut stage, way);
        let amounts = [1, DATA + 3 * PAGE_SIZE - start];
        let what = format!("{way:?}");
        assert_eq!((received.status, sent.status), (Status::PageMissing, Status::PageMissing));
        assert_eq!(received.words[..2], amounts, "{what}");
        assert_eq!(sent.words[..2], amounts, "{what}");
    }
}

#[test]
fn a_mover_without_a_pager_stops_at_its_own_missing_page_and_goes_on_when_resumed() {
    for way in Way::ALL {
        let of_sender = way.sender_moves();
        let index = usize::from(!of_sender);
        let plan = Plan::mapped(&[6, 6, 1]).with_pager(index, PagerPlan::Nobody);
        let mut stage = Stage::build(&plan);
        let carry = carry(&mut stage);
        let mover = carry.begin(&mut stage, way);
        for page in 0..6 {
            stage.settle();
            assert_eq!(stage.state(mover), State::Suspended, "{way:?}");
            let heard = stage.play.heard.iter().filter(|heard| **heard == (mover, Label::Fault));
            assert_eq!(heard.count(), page + 1, "{way:?}");
            stage.map(mover, page as u32, true);
            stage.resume(mover);
        }
        let got = carry.end(&mut stage, way);
        carry.assert_arrived(&stage, &got, &format!("{way:?}"));
    }
}

#[test]
fn a_pager_that_is_the_partner_serves_the_fault_first_or_gets_the_error() {
    // The receiver is the sender's pager: it gets the fault instead of the message.
    let plan = Plan::mapped(&[6, 6, 1]).with_pager(0, PagerPlan::User(1));
    let mut stage = Stage::build(&plan);
    let carry = carry(&mut stage);
    carry.begin(&mut stage, Way::Call);
    let fault = stage.got(carry.to);
    assert_eq!((fault.label, fault.words[1]), (Label::Fault as u32, SOURCE));
    (0..6).for_each(|page| stage.map(carry.from, page, true));
    stage.make(carry.to, &Op::reply_and_wait(fault.token));
    let got = carry.end(&mut stage, Way::Call);
    carry.assert_arrived(&stage, &got, "the pager has both");
    // The same where the receiver moves: it cannot wait for itself.
    let plan = Plan::mapped(&[6, 6, 1]).with_pager(0, PagerPlan::User(1));
    let mut stage = Stage::build(&plan);
    let carry = self::carry(&mut stage);
    let (received, sent) = carry.go(&mut stage, Way::CallQueued);
    assert_eq!((received.status, sent.status), (Status::PageMissing, Status::PageMissing));
    // And where the sender is the receiver's pager.
    let plan = Plan::mapped(&[6, 6, 1]).with_pager(1, PagerPlan::User(0));
    let mut stage = Stage::build(&plan);
    let carry = self::carry(&mut stage);
    let (received, sent) = carry.go(&mut stage, Way::Call);
    assert_eq!((received.status, sent.status), (Status::PageMissing, Status::PageMissing));
}

#[test]
fn a_pager_that_is_gone_or_stops_is_no_pager() {
    for destroys in [true, false] {
        for (way, of_sender) in [(Way::Call, false), (Way::CallQueued, true)] {
            let mut stage = Stage::build(&Plan::paged(&[6, 6, 1]));
            let carry = carry(&mut stage);
            let client = if of_sender { carry.from } else { carry.to };
            let own = if of_sender { carry.to } else { carry.from };
            let pager = stage.pager(client);
            stage.play.paging.insert(pager, Paging::Keep);
            let mover = carry.begin(&mut stage, way);
            stage.settle();
            assert_eq!(mover, own);
            assert_eq!(stage.state(mover), State::Reply(stage.actors[pager].id), "{way:?}");
            if destroys {
                stage.destroy(pager);
            } else {
                stage.suspend(pager);
            }
            let what = format!("{way:?} {destroys}");
            if destroys {
                let (received, sent) = carry.end(&mut stage, way);
                let told = (received.status, sent.status);
                assert_eq!(told, (Status::PageMissing, Status::PageMissing), "{what}");
                continue;
            }
            // It has asked once more, and the pager hears of it when it goes on.
            stage.settle();
            assert_eq!(stage.state(mover), State::Sending(stage.actors[pager].id), "{what}");
            (0..6).for_each(|page| stage.map(client, page, true));
            stage.play.paging.insert(pager, Paging::Late(9));
            stage.resume(pager);
            let got = carry.end(&mut stage, way);
            carry.assert_arrived(&stage, &got, &what);
        }
    }
}

#[test]
fn a_mover_whose_own_pager_is_destroyed_stops() {
    let mut stage = Stage::build(&Plan::paged(&[6, 6, 1]));
    let carry = carry(&mut stage);
    let pager = stage.pager(carry.from);
    stage.play.paging.insert(pager, Paging::Keep);
    carry.begin(&mut stage, Way::Call);
    stage.settle();
    stage.destroy(pager);
    stage.settle();
    assert_eq!(stage.state(carry.from), State::Suspended);
    (0..6).for_each(|page| stage.map(carry.from, page, true));
    stage.resume(carry.from);
    let got = carry.end(&mut stage, Way::Call);
    carry.assert_arrived(&stage, &got, "resumed");
}
