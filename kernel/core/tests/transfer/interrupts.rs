//! What comes between two steps of a transfer: interrupts, other threads, other messages.

use crate::message::{LABEL, Op};
use crate::stage::{DATA, Plan, Stage};
use crate::ways::{Carry, Way};
use cedo_abi::item::Item;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::{Label, Status};
use cedo_core::kernel::Protocol;
use cedo_machine::CoreNumber;

const BYTES: u64 = 6 * PAGE_SIZE + 10;
const SOURCE: u64 = DATA + 3;
const TARGET: u64 = DATA + 5;
const CORE: CoreNumber = CoreNumber(0);

fn stage(plan: &Plan) -> (Stage, Carry) {
    let mut stage = Stage::build(plan);
    let items = [Item::string(SOURCE, BYTES)];
    let carry = Carry::of(&stage, &items, &[Item::string(TARGET, BYTES)]);
    carry.fill(&mut stage);
    (stage, carry)
}

#[test]
fn a_timer_interrupt_comes_between_any_two_steps() {
    for plan in [Plan::mapped(&[8, 8, 1]), Plan::mapped(&[8, 8, 1]).chain()] {
        let (mut stage, carry) = stage(&plan);
        stage.play.interrupts = true;
        for way in Way::ALL {
            carry.fill(&mut stage);
            let epochs = [carry.from, carry.to].map(|user| stage.look(user).epoch);
            stage.play.heard.clear();
            let before = stage.play.repetitions;
            carry.begin(&mut stage, way);
            let started = epochs_since(&stage, &carry, &epochs);
            stage.settle();
            let repeated = stage.play.repetitions - before;
            assert!(repeated >= 6, "{way:?}: {repeated}");
            let preempted = stage.play.heard.iter();
            let preempted =
                preempted.filter(|heard| matches!(heard.1, Label::Irq | Label::Preempted));
            assert!(preempted.count() >= repeated, "{way:?}: {:?}", stage.play.heard);
            assert_eq!(epochs_since(&stage, &carry, &epochs), started, "{way:?}");
            let got = carry.end(&mut stage, way);
            carry.assert_arrived(&stage, &got, &format!("{way:?} {:?}", plan.protocol));
        }
    }
}

fn epochs_since(stage: &Stage, carry: &Carry, epochs: &[u64; 2]) -> [u64; 2] {
    let mut since = [carry.from, carry.to].map(|user| stage.look(user).epoch);
    since.iter_mut().zip(epochs).for_each(|(since, epoch)| *since -= epoch);
    since
}

#[test]
fn other_threads_run_in_the_middle_of_a_long_transfer() {
    let (mut stage, carry) = stage(&Plan::mapped(&[8, 8, 1, 1, 1]));
    let (x, y) = (stage.user(3), stage.user(4));
    for way in Way::ALL {
        let mover = carry.begin(&mut stage, way);
        let mut calls = 0;
        while stage.advance(mover, calls) {
            stage.interrupt(CORE);
            stage.play.held = Some(mover);
            stage.make(x, &Op::receive());
            stage.make(y, &Op::call(x));
            let token = stage.got(x).token;
            assert!(stage.made(x, &Op::reply(token)).status.is_done());
            assert_eq!(stage.got(y).status, Status::Ok);
            stage.play.held = None;
            calls += 1;
        }
        assert!(calls >= 6, "{way:?}");
        let got = carry.end(&mut stage, way);
        carry.assert_arrived(&stage, &got, &format!("{way:?}"));
    }
}

/// The receiver waits, and the sender is in the middle.
const INTO_A_WAIT: [Way; 5] =
    [Way::Call, Way::WeakCall, Way::Send, Way::SendAndReceive, Way::ReplyThenWait];

#[test]
fn another_message_ends_the_wait_and_the_transfer_begins_again() {
    for plan in [Plan::mapped(&[8, 8, 1, 1]), Plan::mapped(&[8, 8, 1, 1]).chain()] {
        for way in INTO_A_WAIT {
            for steps in 0..7 {
                let (mut stage, mut carry) = stage(&plan);
                let sender = stage.user(3);
                let mover = carry.begin(&mut stage, way);
                if !stage.advance(mover, steps) {
                    continue;
                }
                stage.interrupt(CORE);
                stage.play.held = Some(mover);
                assert!(stage.made(sender, &Op::send(carry.to)).status.is_done());
                let first = stage.got(carry.to);
                let what = format!("{way:?} {steps}");
                assert_eq!((first.status, first.label), (Status::Ok, LABEL), "{what}");
                assert_eq!(first.items, [], "{what}");
                stage.play.held = None;
                // It waits anew, with other windows, and its memory is its own again.
                carry.fill(&mut stage);
                carry.windows = vec![Item::string(TARGET + 100, BYTES)];
                stage.make(carry.to, &Op::receive().window(TARGET + 100, BYTES));
                let got = carry.end(&mut stage, way);
                carry.assert_arrived(&stage, &got, &what);
            }
        }
    }
}

#[test]
fn two_senders_to_one_receiver_both_get_there_whoever_runs_when() {
    for protocol in [Protocol::Direct, Protocol::Chain] {
        for first_steps in 0..4 {
            let plan = Plan { protocol, ..Plan::mapped(&[8, 16, 1, 8]) };
            let (mut stage, carry) = stage(&plan);
            let second = stage.user(3);
            stage.fill(second);
            stage.play.interrupts = true;
            let mover = carry.begin(&mut stage, Way::Send);
            if !stage.advance(mover, first_steps) {
                continue;
            }
            stage.interrupt(CORE);
            stage.make(second, &Op::send(carry.to).string(SOURCE, BYTES));
            let mut from = Vec::new();
            for place in [TARGET, TARGET + 7 * PAGE_SIZE] {
                let got = stage.got(carry.to);
                assert_eq!(got.status, Status::Ok);
                let found = stage.read(carry.to, got.items[0].0[1], BYTES);
                let sender = [mover, second]
                    .into_iter()
                    .find(|sender| stage.filled(*sender, SOURCE, BYTES) == found);
                from.push(sender.expect("one whole message, not a mixture"));
                if place == TARGET {
                    stage.make(carry.to, &Op::receive().window(TARGET + 7 * PAGE_SIZE, BYTES));
                }
            }
            from.sort_unstable();
            assert_eq!(from, [mover, second]);
            assert!([mover, second].iter().all(|who| stage.got(*who).status.is_done()));
        }
    }
}

#[test]
fn a_second_sender_with_timeout_zero_finds_the_receiver_taken() {
    let (mut stage, carry) = stage(&Plan::mapped(&[8, 8, 1, 8]));
    let second = stage.user(3);
    let mover = carry.begin(&mut stage, Way::Send);
    assert!(stage.advance(mover, 2));
    stage.interrupt(CORE);
    let zero = Op::send(carry.to).string(SOURCE, 10).flags(cedo_abi::call::ipc::SEND_ZERO);
    assert_eq!(stage.made(second, &zero).status, Status::NotReady);
    let got = carry.end(&mut stage, Way::Send);
    carry.assert_arrived(&stage, &got, "the first");
}
