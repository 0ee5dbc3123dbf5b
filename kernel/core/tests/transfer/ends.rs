//! Transfers that end in the middle: mover, partner or pager is cancelled, stopped, destroyed, or gets
//! other registers.

use crate::message::{Got, Op};
use crate::play::Paging;
use crate::stage::{CODE, DATA, Plan, Stage};
use crate::ways::{Carry, Way};
use cedo_abi::Status;
use cedo_abi::item::{BYTES_PER_ENTRY, Item};
use cedo_abi::layout::PAGE_SIZE;
use cedo_core::kernel::Protocol;
use cedo_core::object::thread::State;
use cedo_machine::CoreNumber;

const BYTES: u64 = 4 * PAGE_SIZE + 10;
/// Source and target are alike, so that each entry moves as much as it may.
const SOURCE: u64 = DATA;
const TARGET: u64 = DATA + PAGE_SIZE;
const CORE: CoreNumber = CoreNumber(0);

/// Stops `way` after so many repetitions, with the root running, and does `then`; for every number
/// of repetitions, in both protocols.
fn at_every_step(ways: &[Way], then: impl Fn(&mut Stage, &Carry, Way, usize, usize)) {
    for protocol in [Protocol::Direct, Protocol::Chain] {
        for way in ways {
            for steps in 0.. {
                let plan = Plan { protocol, ..Plan::mapped(&[6, 6, 1]) };
                let mut stage = Stage::build(&plan);
                let items = [Item::string(SOURCE, BYTES)];
                let carry = Carry::of(&stage, &items, &[Item::string(TARGET, BYTES)]);
                carry.fill(&mut stage);
                let mover = carry.begin(&mut stage, *way);
                if !stage.advance(mover, steps) {
                    assert!(steps >= 4, "{way:?}: {steps}");
                    break;
                }
                stage.interrupt(CORE);
                then(&mut stage, &carry, *way, mover, steps);
            }
        }
    }
}

/// What is left of the same message, made anew where it was cancelled, gets there.
fn assert_again(stage: &mut Stage, carry: &Carry, way: Way) {
    carry.fill(stage);
    let got = carry.go(stage, way);
    carry.assert_arrived(stage, &got, &format!("{way:?}"));
}

fn assert_amounts(got: &Got, mover_steps: usize, what: &str) {
    assert_eq!(got.status, Status::Aborted, "{what}");
    // Some ways begin to move with the first repetition only.
    let moved = mover_steps as u64 * BYTES_PER_ENTRY;
    let possible = [[0, moved + BYTES_PER_ENTRY], [0, moved]];
    assert!(possible.contains(&[got.words[0], got.words[1]]), "{what}: {:?}", got.words);
}

#[test]
fn a_sender_that_is_cancelled_hears_how_far_it_got_and_the_receiver_waits_on() {
    at_every_step(
        &[Way::Call, Way::CallClosed, Way::Send, Way::SendAndReceive],
        |stage, carry, way, mover, steps| {
            let wait = stage.state(carry.to);
            assert_eq!(stage.abort(mover), Status::Ok);
            assert_amounts(&stage.got(mover), steps, &format!("{way:?} {steps}"));
            assert_eq!(stage.state(carry.to), wait);
            assert_eq!(stage.look(mover).repeat, None);
            carry.fill(stage);
            stage.make(mover, &Op::send(carry.to).string(SOURCE, 10));
            let received = stage.got(carry.to);
            assert_eq!(
                (received.status, &received.items[..]),
                (Status::Ok, &[Item::string(TARGET, 10)][..])
            );
            assert!(stage.got(mover).status.is_done());
            assert_again(stage, carry, way);
        },
    );
}

#[test]
fn a_replier_that_is_cancelled_may_reply_again() {
    at_every_step(&[Way::Reply, Way::ReplyAndWait], |stage, carry, way, mover, steps| {
        let token = cedo_machine::Context::to(&stage.world.context(stage.actors[mover].id.frame()));
        assert_eq!(stage.abort(mover), Status::Ok);
        assert_amounts(&stage.got(mover), steps, &format!("{way:?} {steps}"));
        assert_eq!(stage.state(carry.to), State::Reply(stage.actors[mover].id));
        carry.fill(stage);
        let replied = stage.made(mover, &Op::reply(token).string(SOURCE, BYTES));
        assert!(replied.status.is_done());
        let received = stage.got(carry.to);
        carry.assert_arrived(stage, &(received, replied), "the second reply");
        assert_again(stage, carry, way);
    });
}

#[test]
fn a_receiver_that_is_cancelled_leaves_the_sender_queued() {
    let ways = [Way::CallQueued, Way::CallQueuedClosed, Way::SendQueued, Way::AfterReply];
    at_every_step(&ways, |stage, carry, way, mover, steps| {
        assert_eq!(stage.abort(mover), Status::Ok);
        let got = stage.got(mover);
        assert_eq!(got.status, Status::Aborted);
        assert_eq!(got.words[0], 0, "{way:?} {steps}");
        assert_eq!(stage.state(carry.from), State::Sending(stage.actors[mover].id));
        carry.fill(stage);
        stage.make(mover, &Op::receive().window(TARGET, BYTES));
        let got = carry.end(stage, way);
        carry.assert_arrived(stage, &got, &format!("{way:?} {steps}"));
    });
}

#[test]
fn a_waiting_receiver_that_is_cancelled_lets_the_sender_queue() {
    let ways = [Way::Call, Way::CallClosed, Way::Send, Way::SendAndReceive, Way::WeakCall];
    at_every_step(&ways, |stage, carry, way, mover, steps| {
        assert_eq!(stage.abort(carry.to), Status::Ok);
        assert_eq!(stage.got(carry.to).status, Status::Aborted);
        stage.settle();
        assert_eq!(stage.state(mover), State::Sending(stage.actors[carry.to].id));
        carry.fill(stage);
        stage.make(carry.to, &Op::receive().window(TARGET, BYTES));
        let got = carry.end(stage, way);
        carry.assert_arrived(stage, &got, &format!("{way:?} {steps}"));
    });
}

#[test]
fn a_client_that_is_cancelled_makes_the_reply_stale() {
    at_every_step(&[Way::Reply, Way::ReplyAndWait], |stage, carry, way, mover, _| {
        assert_eq!(stage.abort(carry.to), Status::Ok);
        assert_eq!(stage.got(carry.to).status, Status::Aborted);
        assert_eq!(stage.got(mover).status, Status::Stale, "{way:?}");
        assert_again(stage, carry, way);
    });
}

#[test]
fn a_queued_sender_that_is_cancelled_leaves_the_receiver_waiting() {
    let ways = [Way::CallQueued, Way::CallQueuedClosed, Way::SendQueued, Way::AfterReply];
    at_every_step(&ways, |stage, carry, way, mover, steps| {
        assert_eq!(stage.abort(carry.from), Status::Ok);
        assert_eq!(stage.got(carry.from).status, Status::Aborted);
        stage.settle();
        assert!(matches!(stage.state(mover), State::Open | State::Closed(_)), "{way:?}");
        carry.fill(stage);
        stage.make(carry.from, &Op::send(mover).string(SOURCE, BYTES));
        let got = (stage.got(carry.to), stage.got(carry.from));
        carry.assert_arrived(stage, &got, &format!("{way:?} {steps}"));
    });
}

#[test]
fn a_mover_that_is_stopped_goes_on_where_it_was() {
    at_every_step(&Way::ALL, |stage, carry, way, mover, steps| {
        if way.replies() {
            return;
        }
        let progress = stage.look(mover).repeat;
        stage.suspend(mover);
        stage.settle();
        assert_eq!(stage.state(mover), State::Suspended);
        assert_eq!(stage.look(mover).repeat, progress);
        stage.resume(mover);
        if mover == carry.to {
            // It had its wait cancelled, so to speak: who waited for it does so no more.
            assert_eq!(stage.got(carry.from).status, Status::Aborted, "{way:?}");
            stage.settle();
            assert!(matches!(stage.state(mover), State::Open | State::Closed(_)), "{way:?}");
            return;
        }
        if way == Way::CallClosed {
            // It waited for a message of this thread only.
            assert_eq!(stage.got(carry.to).status, Status::Aborted);
            return;
        }
        let before = stage.play.repetitions;
        let got = carry.end(stage, way);
        carry.assert_arrived(stage, &got, &format!("{way:?} {steps}"));
        assert!(stage.play.repetitions - before <= 7 - steps, "it does not begin again");
    });
}

#[test]
fn a_replier_that_is_stopped_has_lost_its_client() {
    at_every_step(&[Way::Reply, Way::ReplyAndWait], |stage, carry, way, mover, _| {
        stage.suspend(mover);
        assert_eq!(stage.got(carry.to).status, Status::Aborted, "{way:?}");
        stage.resume(mover);
        assert_eq!(stage.got(mover).status, Status::Stale, "{way:?}");
        assert_again(stage, carry, way);
    });
}

#[test]
fn a_partner_that_is_destroyed_takes_nobody_with_it() {
    at_every_step(&Way::ALL, |stage, carry, way, mover, _| {
        let partner = if mover == carry.from { carry.to } else { carry.from };
        stage.destroy(partner);
        if mover == carry.from {
            let expected = if way.replies() { Status::Stale } else { Status::NoCapability };
            assert_eq!(stage.got(mover).status, expected, "{way:?}");
        } else if matches!(way, Way::CallQueuedClosed | Way::AfterReplyClosed) {
            assert_eq!(stage.got(mover).status, Status::NoCapability, "{way:?}");
        } else {
            stage.settle();
            assert_eq!(stage.state(mover), State::Open, "{way:?}");
            assert_eq!(stage.made(carry.other, &Op::send(mover)).status, Status::Ok);
            assert_eq!(stage.got(mover).status, Status::Ok);
        }
    });
}

#[test]
fn a_mover_that_is_destroyed_leaves_the_partner_as_it_was() {
    at_every_step(&Way::ALL, |stage, carry, way, mover, _| {
        let partner = if mover == carry.from { carry.to } else { carry.from };
        stage.destroy(mover);
        if way.replies() || mover == carry.to || way == Way::CallClosed {
            assert_eq!(stage.got(partner).status, Status::PartnerGone, "{way:?}");
        } else {
            stage.settle();
            assert_eq!(stage.state(partner), State::Open, "{way:?}");
            assert_eq!(stage.made(carry.other, &Op::send(partner)).status, Status::Ok);
            assert_eq!(stage.got(partner).status, Status::Ok);
        }
    });
}

#[test]
fn other_registers_end_the_call_and_the_same_instruction_keeps_it() {
    at_every_step(&Way::ALL, |stage, carry, way, mover, _| {
        let progress = stage.look(mover).repeat;
        assert_eq!(stage.write_bases(mover), Status::Ok);
        assert_eq!(stage.look(mover).repeat, progress, "{way:?}: bases are no matter");
        let instruction = CODE + 0x400;
        assert_eq!(stage.write_general(mover, instruction), Status::Ok);
        assert_eq!(stage.look(mover).repeat, None);
        stage.actors[mover].calling = None;
        stage.bring(mover);
        let context = stage.world.context(stage.actors[mover].id.frame());
        assert_eq!(cedo_machine::Context::instruction(&context), instruction, "{way:?}");
        let partner = if mover == carry.from { carry.to } else { carry.from };
        assert!(!matches!(stage.state(partner), State::Ready | State::Running), "{way:?}");
    });
}

#[test]
fn who_waits_and_gets_another_instruction_waits_no_more() {
    let ways = [Way::Call, Way::CallClosed, Way::CallQueued];
    at_every_step(&ways, |stage, carry, way, mover, _| {
        let partner = if mover == carry.from { carry.to } else { carry.from };
        let instruction = CODE + 0x400;
        assert_eq!(stage.write_general(partner, instruction), Status::Ok);
        assert_eq!(stage.state(partner), State::Ready, "{way:?}");
        stage.actors[partner].calling = None;
        stage.bring(partner);
        let context = stage.world.context(stage.actors[partner].id.frame());
        assert_eq!(cedo_machine::Context::instruction(&context), instruction, "{way:?}");
        stage.settle();
        let waits = stage.state(mover);
        assert!(matches!(waits, State::Sending(_) | State::Open), "{way:?}: {waits:?}");
    });
}

/// Stops `way` while its mover waits for the pager of itself or of its partner.
fn while_paging(way: Way, own: bool) -> (Stage, Carry, usize) {
    let mut stage = Stage::build(&Plan::paged(&[6, 6, 1]));
    let items = [Item::string(SOURCE, BYTES)];
    let carry = Carry::of(&stage, &items, &[Item::string(TARGET, BYTES)]);
    carry.fill(&mut stage);
    let from_faults = own == way.sender_moves();
    let (client, other) = if from_faults { (carry.from, carry.to) } else { (carry.to, carry.from) };
    (0..6).for_each(|page| stage.map(other, page, true));
    (0..3).for_each(|page| stage.map(client, page, true));
    stage.play.paging.insert(stage.pager(client), Paging::Keep);
    let mover = carry.begin(&mut stage, way);
    stage.settle();
    let pager = stage.pager(client);
    assert_eq!(stage.state(mover), State::Reply(stage.actors[pager].id), "{way:?} {own}");
    (stage, carry, mover)
}

#[test]
fn a_mover_can_be_cancelled_while_it_waits_for_a_pager() {
    for own in [true, false] {
        for way in Way::ALL {
            if way.replies() && !own {
                continue;
            }
            let (mut stage, carry, mover) = while_paging(way, own);
            let what = format!("{way:?} {own}");
            assert_eq!(stage.abort(mover), Status::Ok, "{what}");
            let got = stage.got(mover);
            assert_eq!(got.status, Status::Aborted, "{what}");
            assert_eq!(got.words[0], 0);
            assert!(got.words[1] >= 2 * PAGE_SIZE, "{what}: {:?}", got.words);
            let client = if own == way.sender_moves() { carry.from } else { carry.to };
            let heard = *stage.play.faults.last().expect("one fault");
            stage.answer(heard);
            stage.settle();
            assert_eq!(stage.play.at_pagers.pop().expect("an error").status(), Status::Stale);
            stage.play.paging.insert(stage.pager(client), Paging::Resolve);
            if !way.replies() && mover == carry.from {
                let waits = matches!(stage.state(carry.to), State::Open | State::Closed(_));
                assert!(waits, "{what}");
            }
        }
    }
}

#[test]
fn a_partner_can_be_cancelled_while_the_mover_waits_for_a_pager() {
    for own in [true, false] {
        for way in [Way::Call, Way::Send, Way::CallQueued, Way::SendQueued] {
            let (mut stage, carry, mover) = while_paging(way, own);
            let partner = if mover == carry.from { carry.to } else { carry.from };
            let what = format!("{way:?} {own}");
            assert_eq!(stage.abort(partner), Status::Ok, "{what}");
            assert_eq!(stage.got(partner).status, Status::Aborted, "{what}");
            stage.settle();
            assert!(matches!(stage.state(mover), State::Reply(_)), "the pager owes it an answer");
            let heard = *stage.play.faults.last().expect("one fault");
            let client = if own == way.sender_moves() { carry.from } else { carry.to };
            (0..6).filter(|page| *page > 2).for_each(|page| stage.map(client, page, true));
            stage.answer(heard);
            stage.settle();
            let state = stage.state(mover);
            let waits = matches!(state, State::Sending(_) | State::Open);
            assert!(waits, "{what}: {state:?}");
        }
    }
}

#[test]
fn lists_that_change_in_the_middle_harm_their_owner_alone() {
    let changes: [(bool, [Item; 2]); 7] = [
        (true, [Item::string(SOURCE, 1), Item::NONE]),
        (true, [Item::NONE, Item::NONE]),
        (true, [Item::string(SOURCE, 2 * BYTES), Item::NONE]),
        (true, [Item::string(u64::MAX - 5000, 5000), Item::NONE]),
        (false, [Item::NONE, Item::NONE]),
        (false, [Item::string(TARGET, 1), Item::NONE]),
        (false, [Item::string(0xffff_8000_0000_0000, BYTES), Item::NONE]),
    ];
    for (of_sender, list) in changes {
        at_every_step(&[Way::Call, Way::CallQueued, Way::Reply], |stage, carry, way, _, steps| {
            let user = if of_sender { carry.from } else { carry.to };
            stage.change_lists(user, of_sender, &list);
            let what = format!("{way:?} {steps} {of_sender} {list:x?}");
            stage.settle();
            for user in [carry.from, carry.to] {
                if stage.actors[user].done.is_none() {
                    continue;
                }
                let status = stage.got(user).status;
                let known = [
                    Status::Ok,
                    Status::Overflow,
                    Status::BadArgument,
                    Status::BadAddress,
                    Status::PageMissing,
                ];
                assert!(known.contains(&status), "{what}: {status:?}");
            }
            // Whatever came of it, nothing was written but into the window.
            let window = (TARGET, BYTES);
            stage.assert_untouched_but(carry.to, &[window]);
            stage.assert_untouched_but(carry.from, &[]);
        });
    }
}
