//! Messages between two cores: one side's memory and lists are lent with its mail.

use crate::message::Op;
use crate::play::Paging;
use crate::stage::{DATA, PagerPlan, Plan, Stage, UserPlan};
use crate::ways::{Carry, Way};
use cedo_abi::Status;
use cedo_abi::call::ipc;
use cedo_abi::item::{Item, MAX_STRING};
use cedo_abi::layout::PAGE_SIZE;
use cedo_core::kernel::Protocol;
use cedo_core::object::thread::State;
use cedo_machine::CoreNumber;
use cedo_machine::atomic::Ordering;

const BYTES: u64 = 4 * PAGE_SIZE + 10;
const SOURCE: u64 = DATA + 3;
const TARGET: u64 = DATA + 5;

/// Where sender, receiver and helper live.
pub const PLACES: [[u8; 3]; 6] = [[0, 1, 0], [0, 1, 1], [1, 0, 0], [1, 0, 1], [0, 0, 1], [1, 1, 0]];

/// How the cores' steps and signals can be ordered.
pub const ORDERS: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

pub fn plan(places: [u8; 3], pages: u32, pager: impl Fn(usize) -> PagerPlan) -> Plan {
    let user = |index: usize| UserPlan { core: places[index], pages, pager: pager(index) };
    Plan { cores: 2, protocol: Protocol::Direct, users: (0..3).map(user).collect() }
}

pub fn mapped(places: [u8; 3]) -> Plan {
    plan(places, 6, |_| PagerPlan::Mapped)
}

fn carry(stage: &mut Stage) -> Carry {
    let items = [Item::string(SOURCE, BYTES)];
    let carry = Carry::of(stage, &items, &[Item::string(TARGET, BYTES)]);
    carry.fill(stage);
    carry
}

pub fn order(stage: &mut Stage, (late_signals, core_1_first): (bool, bool)) {
    stage.play.late_signals = late_signals;
    stage.play.core_1_first = core_1_first;
}

#[test]
fn every_way_leads_across_cores_in_every_order_of_signals() {
    for places in PLACES {
        for protocol in [Protocol::Direct, Protocol::Chain] {
            let mut stage = Stage::build(&Plan { protocol, ..mapped(places) });
            for orders in ORDERS {
                order(&mut stage, orders);
                for way in Way::ALL {
                    let carry = carry(&mut stage);
                    let got = carry.go(&mut stage, way);
                    let what = format!("{way:?} {places:?} {orders:?} {protocol:?}");
                    carry.assert_arrived(&stage, &got, &what);
                }
            }
        }
    }
}

#[test]
fn the_longest_string_leads_across_cores() {
    let mut stage = Stage::build(&plan([0, 1, 0], 1026, |_| PagerPlan::Mapped));
    for way in [Way::Call, Way::Reply] {
        let items = [Item::string(SOURCE, MAX_STRING)];
        let carry = Carry::of(&stage, &items, &[Item::string(TARGET, MAX_STRING)]);
        carry.fill(&mut stage);
        let got = carry.go(&mut stage, way);
        carry.assert_arrived(&stage, &got, &format!("{way:?}"));
    }
}

#[test]
fn timer_interrupts_come_between_the_steps() {
    for places in PLACES {
        let mut stage = Stage::build(&mapped(places));
        stage.play.interrupts = true;
        for way in Way::ALL {
            let carry = carry(&mut stage);
            let got = carry.go(&mut stage, way);
            carry.assert_arrived(&stage, &got, &format!("{way:?} {places:?}"));
        }
    }
}

#[test]
fn what_does_not_fit_is_an_error_to_both_across_cores() {
    for places in PLACES {
        let mut stage = Stage::build(&mapped(places));
        for way in Way::ALL {
            let items = [Item::string(SOURCE, 5), Item::string(SOURCE, BYTES)];
            let windows = [Item::string(DATA, 9), Item::string(TARGET, BYTES - 1)];
            let carry = Carry::of(&stage, &items, &windows);
            let (received, sent) = carry.go(&mut stage, way);
            let what = format!("{way:?} {places:?}");
            let statuses = (received.status, sent.status);
            assert_eq!(statuses, (Status::Overflow, Status::Overflow), "{what}");
            assert_eq!(received.words[..2], [1, BYTES - 1], "{what}");
            assert_eq!(sent.words[..2], [1, BYTES - 1], "{what}");
        }
    }
}

#[test]
fn pages_of_both_sides_are_brought_by_pagers_of_either_core() {
    for places in PLACES {
        for pagers in [[0, 0], [0, 1], [1, 0], [1, 1]] {
            for way in Way::ALL {
                let pager = |index: usize| match pagers.get(index) {
                    Some(core) => PagerPlan::OnCore(*core),
                    None => PagerPlan::Mapped,
                };
                let mut stage = Stage::build(&plan(places, 6, pager));
                let carry = carry(&mut stage);
                if way.replies() {
                    (0..6).for_each(|page| stage.map(carry.to, page, true));
                }
                order(&mut stage, ORDERS[usize::from(pagers[0] + 2 * pagers[1])]);
                let got = carry.go(&mut stage, way);
                let what = format!("{way:?} {places:?} {pagers:?}");
                carry.assert_arrived(&stage, &got, &what);
                let faults = if way.replies() { 5 } else { 10 };
                assert_eq!(stage.play.faults.len(), faults, "{what}");
            }
        }
    }
}

#[test]
fn a_missing_page_of_a_client_elsewhere_is_an_error_to_both() {
    for way in [Way::Reply, Way::ReplyAndWait] {
        let pager = |index| if index == 1 { PagerPlan::OnCore(1) } else { PagerPlan::Mapped };
        let mut stage = Stage::build(&plan([0, 1, 0], 6, pager));
        let carry = carry(&mut stage);
        (0..2).for_each(|page| stage.map(carry.to, page, true));
        let (received, sent) = carry.go(&mut stage, way);
        assert_eq!((received.status, sent.status), (Status::PageMissing, Status::PageMissing));
        assert_eq!(received.words[..2], [0, 2 * PAGE_SIZE - 5]);
        assert_eq!(sent.words[..2], [0, 2 * PAGE_SIZE - 5]);
        assert!(stage.play.faults.is_empty());
    }
}

#[test]
fn a_sender_with_timeout_zero_waits_for_no_pager_elsewhere() {
    for of_sender in [true, false] {
        let missing = usize::from(!of_sender);
        let pager = |index| match index {
            0 | 1 if index == missing => PagerPlan::OnCore(index as u8),
            _ => PagerPlan::Mapped,
        };
        let mut stage = Stage::build(&plan([0, 1, 0], 6, pager));
        let carry = carry(&mut stage);
        let receive = Op::receive().window(TARGET, BYTES);
        stage.make(carry.to, &receive);
        let zero = Op::send(carry.to).string(SOURCE, BYTES).flags(ipc::SEND_ZERO);
        assert_eq!(stage.made(carry.from, &zero).status, Status::PageMissing, "{of_sender}");
        stage.settle();
        assert_eq!(stage.state(carry.to), State::Open, "the receiver has not noticed");
        assert!(stage.play.faults.is_empty());
        let user = if of_sender { carry.from } else { carry.to };
        (0..6).for_each(|page| stage.map(user, page, true));
        let sent = stage.made(carry.from, &zero);
        let received = stage.got(carry.to);
        carry.assert_arrived(&stage, &(received, sent), "all pages are there");
        assert_eq!(stage.made(carry.from, &zero).status, Status::NotReady, "nobody waits");
    }
}

#[test]
fn a_receiver_with_timeout_zero_waits_for_no_pager_of_the_sender() {
    // By itself, or behind a send of its own.
    for (from, sends) in [(0, false), (0, true), (1, false), (1, true)] {
        let pager = |index| match index {
            0 => PagerPlan::OnCore(from),
            _ => PagerPlan::Mapped,
        };
        let mut stage = Stage::build(&plan([from, 0, 0], 6, pager));
        let (carry, helper) = (carry(&mut stage), stage.user(2));
        stage.make(helper, &Op::receive());
        stage.make(carry.from, &Op::send(carry.to).string(SOURCE, BYTES));
        let receive = if sends { Op::send_and_receive(helper) } else { Op::receive() };
        let zero = receive.window(TARGET, BYTES).flags(ipc::RECEIVE_ZERO);
        assert_eq!(stage.made(carry.to, &zero).status, Status::PageMissing, "{from} {sends}");
        assert_eq!(stage.got(carry.from).status, Status::PageMissing, "{from} {sends}");
        assert!(stage.play.faults.is_empty());
    }
}

#[test]
fn a_core_that_reads_a_page_table_hears_what_is_unmapped_there() {
    for (places, way) in [([1, 0, 0], Way::Send), ([0, 1, 0], Way::Reply)] {
        let mut stage = Stage::build(&mapped(places));
        let carry = carry(&mut stage);
        let got = carry.go(&mut stage, way);
        carry.assert_arrived(&stage, &got, "across cores");
        // Whoever moved has looked up pages in the other's Space.
        let spaces = [carry.from, carry.to].map(|actor| stage.look(actor).space);
        let kernel = stage.world.kernel(CoreNumber(0));
        let both = |space| kernel.space(space).cores.load(Ordering::Relaxed) & 0b11 == 0b11;
        assert!(spaces.into_iter().any(both), "{places:?}");
    }
}

#[test]
fn a_mover_waits_for_the_pager_of_a_partner_elsewhere_and_can_be_cancelled() {
    // The receiver moves; the sender's page is missing and its pager does not answer.
    for pager_core in [0, 1] {
        let pager = |index| match index {
            0 => PagerPlan::OnCore(pager_core),
            _ => PagerPlan::Mapped,
        };
        let mut stage = Stage::build(&plan([1, 0, 0], 6, pager));
        let carry = carry(&mut stage);
        stage.play.paging.insert(stage.pager(carry.from), Paging::Keep);
        let mover = carry.to;
        carry.begin(&mut stage, Way::Call);
        stage.settle();
        assert_eq!(stage.abort(mover), Status::Ok);
        let got = stage.got(mover);
        assert_eq!((got.status, &got.words[..2]), (Status::Aborted, &[0, 0][..]));
        stage.settle();
        assert!(matches!(stage.state(carry.from), State::Remote(_)), "still queued");
        stage.play.paging.insert(stage.pager(carry.from), Paging::Resolve);
        carry.fill(&mut stage);
        stage.make(carry.to, &Op::receive().window(TARGET, BYTES));
        let got = carry.end(&mut stage, Way::Call);
        carry.assert_arrived(&stage, &got, "once more");
    }
}

#[test]
fn an_operation_of_another_core_cancels_a_transfer_in_the_middle() {
    // The mover runs on core 1; the first server, on core 0, cancels it at each step.
    for places in [[1, 1, 1], [1, 0, 1]] {
        for way in [Way::Call, Way::CallQueued, Way::Reply] {
            for steps in 0.. {
                let mut stage = Stage::build(&mapped(places));
                let carry = carry(&mut stage);
                let mover = carry.begin(&mut stage, way);
                if stage.actors[mover].core != CoreNumber(1) || !stage.advance(mover, steps) {
                    break;
                }
                let what = format!("{way:?} {places:?} {steps}");
                let status = stage.abort(mover);
                assert_eq!(status, Status::Ok, "{what}");
                let got = stage.got(mover);
                assert_eq!((got.status, got.words[0]), (Status::Aborted, 0), "{what}");
                assert!(got.words[1] > 0 || steps == 0, "{what}");
            }
        }
    }
}

#[test]
fn a_half_filled_window_is_not_taken_for_another_transfers() {
    // A sender of this core is in the middle when a message of another core takes its place, is
    // cancelled in the middle itself, and leaves the receiver in the very same wait.
    for local_steps in 0..4 {
        for remote_steps in 0..4 {
            let mut stage = Stage::build(&plan([0, 0, 1], 6, |_| PagerPlan::Mapped));
            let carry = carry(&mut stage);
            stage.fill(carry.other);
            carry.begin(&mut stage, Way::Send);
            assert!(stage.advance(carry.from, local_steps));
            stage.interrupt(CoreNumber(0));
            stage.play.held = Some(carry.from);
            stage.make(carry.other, &Op::send(carry.to).string(SOURCE, BYTES));
            stage.until(|stage| stage.look(carry.to).repeat.is_some());
            assert!(stage.advance(carry.to, remote_steps));
            stage.interrupt(CoreNumber(0));
            let wait = stage.look(carry.to).epoch;
            stage.change_lists(carry.other, true, &[Item::NONE]);
            assert_eq!(stage.got(carry.other).status, Status::BadArgument);
            stage.settle();
            assert_eq!((stage.state(carry.to), stage.look(carry.to).epoch), (State::Open, wait));
            stage.play.held = None;
            stage.interrupt(CoreNumber(0));
            let got = carry.end(&mut stage, Way::Send);
            let what = format!("{local_steps} {remote_steps}");
            carry.assert_arrived(&stage, &got, &what);
        }
    }
}
