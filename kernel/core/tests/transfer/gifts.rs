//! Memory and capabilities that come with messages: every case of the rule in every way that a message
//! can go, on one core and two, and what can come in between.

use crate::cores::{ORDERS, PLACES, mapped, order};
use crate::gift_rule::{Before, Case, Expected, Kind, Room, Source};
use crate::gift_scene::{
    FIRST, FIRST_SLOT, GATE, GIVEN, GOOD, Has, PAGES, REGION, REGION_PAGES, ROOM, SLOT, STRING,
    Scene, TAKEN, Thing, item, items, pages, windows,
};
use crate::message::{Got, Op};
use crate::stage::{DATA, Plan, SPACES, Stage};
use crate::ways::{Carry, Way};
use cedo_abi::call::{Call, capability, memory};
use cedo_abi::item::{Item, MAX_PAGES};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::name::SELF;
use cedo_abi::{Kind as Object, Rights, Status};
use cedo_core::kernel::Protocol;
use cedo_machine::CoreNumber;

const CORE: CoreNumber = CoreNumber(0);
/// What a gate allows.
const GATE_RIGHTS: Rights = Rights::SEND.or(Rights::CALL).or(Rights::DONATE).or(Rights::HANDOVER);

/// A message without anything before it that arrives.
const fn good(kind: Kind) -> Case {
    Case { kind, source: Source::Good, room: Room::Fits, before: Before::Nothing }
}

/// Sends the message of a case in this way, and takes everything back.
fn check(stage: &mut Stage, scene: &Scene, way: Way, case: Case) {
    let carry = Carry::of(stage, &items(case), &windows(case));
    let empty = [carry.from, carry.to].map(|actor| stage.has(actor));
    scene.set(stage, case);
    carry.fill(stage);
    let had = [carry.from, carry.to].map(|actor| stage.has(actor));
    let (end, reports) = after(stage, scene, case, &had);
    let what = format!("{way:?} {case:?}");
    match case.expected() {
        Expected::Refused(status) => {
            carry.begin(stage, way);
            assert_eq!(stage.got(carry.from).status, status, "{what}");
            carry.give_up(stage, way);
        }
        Expected::Cut(status, amounts) => {
            let (received, sent) = carry.go(stage, way);
            assert_eq!((received.status, sent.status), (status, status), "{what}");
            assert_eq!(received.words[..2], amounts, "{what}");
            assert_eq!(sent.words[..2], amounts, "{what}");
        }
        Expected::Arrives => {
            let (received, sent) = carry.go(stage, way);
            assert_eq!(received.status, Status::Ok, "{what}");
            assert!(sent.status.is_done(), "{what}: {sent:?}");
            assert_eq!(received.items, reports, "{what}");
        }
    }
    assert_eq!([carry.from, carry.to].map(|actor| stage.has(actor)), end, "{what}");
    Scene::clear(stage);
    let left = [carry.from, carry.to].map(|actor| stage.has(actor));
    assert_eq!(left, empty, "{what}: taken back");
}

/// What sender and receiver have afterwards, and what the receiver is told.
fn after(stage: &Stage, scene: &Scene, case: Case, had: &[Has; 2]) -> ([Has; 2], Vec<Item>) {
    let [mut from, mut to] = had.clone();
    let mut reports = Vec::new();
    let expected = case.expected();
    if matches!(expected, Expected::Refused(_)) {
        return ([from, to], reports);
    }
    match case.before {
        Before::Nothing => {}
        Before::String => reports.push(Item::string(DATA, STRING)),
        Before::Gate => {
            let thread = stage.actors[stage.user(2)].id.frame();
            let thing = (Object::Gate, GATE_RIGHTS, thread, 0);
            to.slots.insert(FIRST_SLOT, thing);
            reports.push(report(FIRST_SLOT, thing, false));
        }
    }
    let arrives = expected == Expected::Arrives;
    let whole = if arrives { pages(case) } else { 0 };
    let mapped = if let Expected::Cut(_, [_, part]) = expected { part } else { whole };
    if case.kind == Kind::Map {
        let first = scene.frame(stage).plus(FIRST as u32);
        to.pages.extend((0..mapped).map(|page| (page, (first.plus(page as u32), true))));
        let mut report = Item::memory(0, 0, 0, GIVEN);
        (report.0[1], report.0[2]) = (ROOM, mapped);
        reports.push(report);
    } else if arrives {
        let thing = scene.thing(stage, case);
        to.slots.insert(SLOT, thing);
        reports.push(report(SLOT, thing, case.kind == Kind::Move));
        if case.kind == Kind::Move {
            from.slots.remove(&(item(case).0[1] as u32));
        }
    }
    ([from, to], reports)
}

fn report(slot: u32, (kind, rights, _, count): Thing, moved: bool) -> Item {
    let mut report = Item::capability(slot, rights);
    (report.0[2], report.0[3]) = (kind as u64, count);
    if moved { report.moves() } else { report }
}

#[test]
fn every_gift_does_as_the_rule_says_in_every_way() {
    for protocol in [Protocol::Direct, Protocol::Chain] {
        let mut stage = Stage::build(&Plan { protocol, ..Plan::mapped(&[4, 4, 1]) });
        let scene = Scene::build(&mut stage);
        for way in Way::ALL {
            for case in Case::all() {
                check(&mut stage, &scene, way, case);
            }
        }
    }
}

#[test]
fn every_gift_does_as_the_rule_says_across_cores() {
    let cases = Case::all();
    for (number, places) in PLACES.into_iter().enumerate() {
        let mut stage = Stage::build(&mapped(places));
        let scene = Scene::build(&mut stage);
        for (turn, way) in Way::ALL.into_iter().enumerate() {
            order(&mut stage, ORDERS[(number + turn) % ORDERS.len()]);
            // Each way sees every case, at one of the places.
            for case in cases.iter().skip((number + turn) % PLACES.len()).step_by(PLACES.len()) {
                check(&mut stage, &scene, way, *case);
            }
        }
    }
}

/// The two sides with a Region to give, and the message of these items into these windows.
fn two(items: &[Item], windows: &[Item]) -> (Stage, Scene, Carry) {
    let mut stage = Stage::build(&Plan::mapped(&[8, 8, 1]));
    let scene = Scene::build(&mut stage);
    scene.set(&mut stage, good(Kind::Copy));
    let carry = Carry::of(&stage, items, windows);
    carry.fill(&mut stage);
    (stage, scene, carry)
}

fn refused(items: &[Item], status: Status) {
    let room = [Item::memory_window(ROOM, 64), Item::capability_window(SLOT, 8)];
    let (mut stage, _, carry) = two(items, &[&[Item::string(DATA, 99)], &room[..]].concat());
    carry.begin(&mut stage, Way::Send);
    assert_eq!(stage.got(carry.from).status, status, "{items:x?}");
    carry.give_up(&mut stage, Way::Send);
}

#[test]
fn a_string_behind_a_gift_is_refused() {
    let (string, gate) = (Item::string(DATA, 5), Item::capability(GATE, Rights::ALL));
    refused(&[gate, string], Status::BadArgument);
    refused(&[string, Item::memory(GOOD, 0, 1, GIVEN), string], Status::BadArgument);
    refused(&[string.continues(), gate], Status::BadArgument);
}

#[test]
fn all_the_pages_of_a_message_are_counted() {
    let half = Item::memory(GOOD, 0, MAX_PAGES / 2, GIVEN);
    refused(&[half, half, Item::memory(GOOD, 0, 1, GIVEN)], Status::BadArgument);
    refused(&[Item::memory(GOOD, 0, u64::MAX, GIVEN)], Status::BadArgument);
    refused(&[Item::memory(GOOD, 0, 0, GIVEN)], Status::BadArgument);
    let (one, two_) = (ROOM, ROOM + MAX_PAGES * PAGE_SIZE);
    let windows = [one, two_].map(|address| Item::memory_window(address, MAX_PAGES));
    let (mut stage, _, carry) = two(&[half, half], &windows);
    let (received, sent) = carry.go(&mut stage, Way::Send);
    assert_eq!((received.status, sent.status), (Status::Ok, Status::Ok));
    assert_eq!(received.items.len(), 2);
}

#[test]
fn eight_gifts_fill_slots_one_window_after_the_other() {
    let part = |index: u64| Item::part(GOOD, index, 1, Rights::READ);
    let items: Vec<Item> = (0..8).map(part).collect();
    let windows = [(40, 3), (50, 0), (51, 1), (60, 2), (70, 8)]
        .map(|(slot, count)| Item::capability_window(slot, count));
    let (mut stage, scene, carry) = two(&items, &windows);
    let first = scene.frame(&stage);
    let (received, _) = carry.go(&mut stage, Way::Call);
    let slots: Vec<u64> = received.items.iter().map(|item| item.0[1]).collect();
    assert_eq!(slots, [40, 41, 42, 51, 60, 61, 70, 71]);
    let has = stage.has(carry.to);
    for (index, slot) in slots.into_iter().enumerate() {
        let part = (Object::Region, Rights::READ, first.plus(index as u32), 1);
        assert_eq!(has.slots.get(&(slot as u32)), Some(&part), "{slot}");
    }
}

#[test]
fn a_capability_moves_but_once() {
    let item = Item::capability(GOOD, Rights::ALL).moves();
    let (mut stage, _, carry) = two(&[item, item], &[Item::capability_window(SLOT, 2)]);
    let (received, sent) = carry.go(&mut stage, Way::Send);
    assert_eq!((received.status, sent.status), (Status::WrongState, Status::WrongState));
    assert_eq!((received.words[..2].to_vec(), sent.words[..2].to_vec()), (vec![1, 0], vec![1, 0]));
    assert!(stage.has(carry.to).slots.contains_key(&SLOT));
    assert!(!stage.has(carry.from).slots.contains_key(&GOOD));
}

#[test]
fn an_empty_stock_is_an_error_to_both_with_the_pages_that_were_mapped() {
    for way in Way::ALL {
        let item = item(good(Kind::Map));
        let (mut stage, _, carry) = two(&[item], &[Item::memory_window(ROOM, PAGES)]);
        let space = SPACES + carry.to as u64;
        // A table for the two pages before the boundary, none for those behind it.
        let map = |stage: &mut Stage, page: u64, address| {
            let words = [page, address, 1, Rights::READ.0.into()];
            stage.root_call(Call::Memory, memory::MAP, (space, TAKEN), &words).0
        };
        assert_eq!(map(&mut stage, 0, ROOM - PAGE_SIZE), Status::Ok);
        let mut address = 0x6000_0000;
        while map(&mut stage, 1, address) == Status::Ok {
            address += 512 * PAGE_SIZE;
        }
        let (received, sent) = carry.go(&mut stage, way);
        let statuses = (received.status, sent.status);
        assert_eq!(statuses, (Status::NoStock, Status::NoStock), "{way:?}");
        assert_eq!((received.words[..2].to_vec(), sent.words[1]), (vec![0, 2], 2), "{way:?}");
        assert_eq!(stage.has(carry.to).pages.len(), 2, "{way:?}");
    }
}

#[test]
fn memory_is_mapped_with_the_access_that_the_item_says() {
    for (access, may_write) in [(Rights::READ, false), (GIVEN, true)] {
        let item = Item::memory(GOOD, 0, 3, access);
        let (mut stage, _, carry) = two(&[item], &[Item::memory_window(ROOM, 3)]);
        let (received, sent) = carry.go(&mut stage, Way::Send);
        assert!(received.status.is_done() && sent.status.is_done(), "{received:?} {sent:?}");
        let pages = stage.has(carry.to).pages;
        let writable: Vec<_> = pages.values().map(|(_, writable)| *writable).collect();
        assert_eq!(writable, [may_write; 3]);
    }
}

#[test]
fn a_frame_that_holds_an_object_is_mapped_by_nobody() {
    let item = Item::memory(GOOD, 0, 3, GIVEN);
    let (mut stage, _, carry) = two(&[item], &[Item::memory_window(ROOM, 3)]);
    // The receiver makes stock of the second and third page of the Region.
    let words = [1, 2];
    let to = (SPACES + carry.to as u64, TAKEN);
    stage.setup_call(Call::Memory, memory::STOCK, to, &words);
    let (received, sent) = carry.go(&mut stage, Way::Call);
    assert_eq!((received.status, sent.status), (Status::FramesBusy, Status::FramesBusy));
    assert_eq!((received.words[..2].to_vec(), sent.words[1]), (vec![0, 1], 1));
}

/// The message of a long string and a gift.
fn long(kind: Kind) -> (Vec<Item>, Vec<Item>) {
    let bytes = 6 * PAGE_SIZE;
    let items = vec![Item::string(DATA, bytes), item(good(kind))];
    (items, [vec![Item::string(DATA, bytes)], windows(good(kind))].concat())
}

#[test]
fn nothing_is_given_before_the_message_is_there() {
    for kind in Kind::ALL {
        for way in Way::ALL {
            let (items, windows) = long(kind);
            for steps in 0.. {
                let (mut stage, _, carry) = two(&items, &windows);
                let had = [carry.from, carry.to].map(|actor| stage.has(actor));
                let mover = carry.begin(&mut stage, way);
                if !stage.advance(mover, steps) {
                    assert!(steps >= 5, "{way:?}: {steps}");
                    break;
                }
                stage.interrupt(CORE);
                let has = [carry.from, carry.to].map(|actor| stage.has(actor));
                assert_eq!(has, had, "{way:?} {kind:?} {steps}");
                assert_eq!(stage.abort(mover), Status::Ok, "{way:?} {kind:?} {steps}");
                let got: Got = stage.got(mover);
                assert_eq!(got.status, Status::Aborted, "{way:?} {kind:?} {steps}");
                let has = [carry.from, carry.to].map(|actor| stage.has(actor));
                assert_eq!(has, had, "{way:?} {kind:?} {steps}");
            }
        }
    }
}

#[test]
fn what_is_taken_back_meanwhile_is_not_given() {
    for kind in Kind::ALL {
        for way in Way::ALL {
            let (items, windows) = long(kind);
            let (mut stage, _, carry) = two(&items, &windows);
            let mover = carry.begin(&mut stage, way);
            assert!(stage.advance(mover, 2), "{way:?}");
            stage.interrupt(CORE);
            while stage.setup_call(Call::Capability, capability::REVOKE, (REGION, 0), &[])[0] != 0 {
            }
            let sent = stage.got(carry.from);
            assert_eq!(sent.status, Status::NoCapability, "{way:?} {kind:?}");
            carry.give_up(&mut stage, way);
            let has = stage.has(carry.to);
            assert!(!has.slots.contains_key(&SLOT) && has.pages.is_empty(), "{way:?} {kind:?}");
        }
    }
}

#[test]
fn what_was_copied_or_mapped_dies_with_the_senders_and_what_was_moved_does_not() {
    for kind in Kind::ALL {
        let case = good(kind);
        let (mut stage, _, carry) = two(&items(case), &windows(case));
        let (received, _) = carry.go(&mut stage, Way::Send);
        assert_eq!(received.status, Status::Ok);
        let arrived = |stage: &Stage| {
            let has = stage.has(carry.to);
            has.slots.contains_key(&SLOT) || has.pages.len() as u64 == PAGES
        };
        assert!(arrived(&stage), "{kind:?}");
        let from = carry.from;
        let to = (GOOD.into(), SELF);
        let revoked = stage.user_call(from, Call::Capability, capability::REVOKE, to, &[]);
        let moved = kind == Kind::Move;
        assert_eq!(revoked, if moved { Status::NoCapability } else { Status::Ok }, "{kind:?}");
        while stage.user_call(from, Call::Capability, capability::REVOKE, to, &[]) == Status::Ok
            && arrived(&stage)
        {}
        assert_eq!(arrived(&stage), moved, "{kind:?}");
        if moved {
            Scene::clear(&mut stage);
            assert!(!arrived(&stage));
        }
    }
}

#[test]
fn a_root_gives_with_timeout_zero_and_gets_from_its_children() {
    let mut stage = Stage::build(&Plan::mapped(&[1, 1, 1]));
    let user = stage.user(0);
    stage.make(user, &Op::receive().closed().open(Item::capability_window(SLOT, 1)));
    stage.divide(30, 2, REGION);
    let gift = Item::capability(REGION as u32, Rights::READ);
    let send = Op::send(user).flags(cedo_abi::call::ipc::SEND_ZERO).item(gift);
    assert!(stage.made(0, &send).status.is_done());
    assert_eq!(stage.got(user).items[0].0[1..], [SLOT.into(), Object::Region as u64, 2]);
    let back = Item::part(SLOT, 1, 1, Rights::READ);
    stage.bring(0);
    stage.open_windows(0, &[Item::capability_window(TAKEN as u32, 1)]);
    stage.make(user, &Op::send(0).item(back));
    let sent = stage.got(user);
    assert!(sent.status.is_done(), "{sent:?}");
    let found = stage.root_call(Call::Capability, capability::IDENTIFY, (TAKEN, 0), &[]);
    assert_eq!((found.0, found.1[0], found.1[3]), (Status::Ok, Object::Region as u64, 1));
}

const _: () = assert!(REGION_PAGES > MAX_PAGES);
