//! Messages that bring strings: every case of the rule, in every way that a message can go whose items
//! that party moves, in both protocols. And the rules for all kinds of items as a page to read.

use crate::gift_rule::{self, Expected};
use crate::model;
use crate::stage::{DATA, PagerPlan, Plan, Stage};
use crate::string_rule::{
    LONG, Mover, PIECE, Pages, Room, SHORT, Shape, StringCase, StringExpected, Wrong,
};
use crate::ways::{Carry, Way};
use cedo_abi::item::{Item, MAX_STRING};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::{Label, Status};
use cedo_core::object::thread::State;
use std::fmt::Write;

/// Pages of each side: room enough for strings that are moved apart.
const USER_PAGES: u32 = 12;
/// Where the second string, or piece, begins, and by how much windows are moved.
const SECOND: u64 = 5 * PAGE_SIZE + 300;
const SHIFT: u64 = 77;
/// An address that no user has.
const NOBODYS: u64 = 1 << 63;

fn mover(way: Way) -> Mover {
    match way {
        _ if way.replies() => Mover::Replier,
        _ if way.sender_moves() => Mover::Sender,
        _ => Mover::Receiver,
    }
}

fn items(case: StringCase) -> Vec<Item> {
    let mut items = match case.shape {
        Shape::Empty => vec![Item::string(DATA, 0)],
        Shape::One => vec![Item::string(DATA, LONG)],
        Shape::Pieces => {
            vec![Item::string(DATA, PIECE).continues(), Item::string(DATA + SECOND, LONG - PIECE)]
        }
        Shape::Two => vec![Item::string(DATA, SHORT), Item::string(DATA + SECOND, LONG)],
    };
    let last = items.last_mut().expect("an item");
    let [_, address, bytes, _] = last.0;
    *last = match case.wrong {
        Wrong::Nothing => *last,
        Wrong::TooLong => Item::string(address, MAX_STRING + 1),
        Wrong::Nobodys => Item::string(NOBODYS, bytes),
        Wrong::GoesOn => last.continues(),
    };
    items
}

fn windows(case: StringCase) -> Vec<Item> {
    let strings: &[u64] = match case.shape {
        Shape::Empty => &[9],
        Shape::One | Shape::Pieces => &[LONG],
        Shape::Two => &[SHORT, LONG],
    };
    let mut windows = Vec::new();
    for (number, bytes) in (0..).zip(strings) {
        let address = DATA + SHIFT + number * SECOND;
        let is_last = number + 1 == strings.len() as u64;
        match case.room {
            Room::Missing if is_last => {}
            Room::OtherKind if is_last => {
                windows.push(Item::memory_window(DATA + (1 << 30), 1));
            }
            Room::Small if is_last => windows.push(Item::string(address, bytes - 1)),
            Room::Larger => windows.push(Item::string(address, bytes + 64)),
            Room::InPieces => {
                let first = bytes / 3;
                windows.push(Item::string(address, first).continues());
                windows.push(Item::string(address + first + 8, bytes - first));
            }
            _ => windows.push(Item::string(address, *bytes)),
        }
    }
    windows
}

fn plan(case: StringCase) -> Plan {
    let plan = Plan::mapped(&[USER_PAGES, USER_PAGES, 1]);
    match case.pages {
        Pages::Mapped => plan,
        Pages::SendersBrought => plan.with_pager(0, PagerPlan::OnCore(0)),
        Pages::SendersMissing => plan.with_pager(0, PagerPlan::Nobody),
        Pages::ReceiversBrought => plan.with_pager(1, PagerPlan::OnCore(0)),
        Pages::ReceiversMissing => plan.with_pager(1, PagerPlan::Nobody),
    }
}

fn check(stage: &mut Stage, way: Way, case: StringCase) {
    let carry = Carry::of(stage, &items(case), &windows(case));
    carry.fill(stage);
    let what = format!("{way:?} {case:?}");
    match case.expected() {
        StringExpected::Ends(Expected::Refused(status)) => {
            carry.begin(stage, way);
            assert_eq!(stage.got(carry.from).status, status, "{what}");
            carry.give_up(stage, way);
            stage.assert_untouched_but(carry.to, &[]);
        }
        StringExpected::Ends(Expected::Cut(status, amounts)) => {
            let (received, sent) = carry.go(stage, way);
            assert_eq!((received.status, sent.status), (status, status), "{what}");
            assert_eq!(received.words[..2], amounts, "{what}");
            assert_eq!(sent.words[..2], amounts, "{what}");
        }
        StringExpected::Ends(Expected::Arrives) => {
            let (received, sent) = carry.go(stage, way);
            assert_eq!(received.status, Status::Ok, "{what}");
            assert!(sent.status.is_done(), "{what}: {sent:?}");
            let expected = model::expect(&carry.items, &carry.windows);
            assert_eq!(Ok(received.items), expected.end, "{what}");
            for (to, from) in expected.bytes {
                assert_eq!(
                    stage.read(carry.to, to, 1),
                    stage.filled(carry.from, from, 1),
                    "{what}"
                );
            }
        }
        StringExpected::MoverStops => {
            let mover = carry.begin(stage, way);
            stage.settle();
            assert_eq!(stage.state(mover), State::Suspended, "{what}");
            assert!(stage.play.heard.contains(&(mover, Label::Fault)), "{what}");
        }
    }
}

#[test]
fn every_string_does_as_the_rule_says_in_every_way() {
    for chain in [false, true] {
        for way in Way::ALL {
            let cases = StringCase::all().into_iter().filter(|case| case.mover == mover(way));
            let (mapped, missing): (Vec<_>, Vec<_>) =
                cases.partition(|case| case.pages == Pages::Mapped);
            let build = |case| {
                let plan = plan(case);
                Stage::build(&if chain { plan.chain() } else { plan })
            };
            let mut stage = build(mapped[0]);
            mapped.into_iter().for_each(|case| check(&mut stage, way, case));
            missing.into_iter().for_each(|case| check(&mut build(case), way, case));
        }
    }
}

const HEAD: &str = "\
# Strings, memory and capabilities in messages

Generated from the rules; `cargo test -p cedo-core --test transfer` holds the kernel against them in every way that a message can
go: call (with and without DONATE), send, send and receive, reply, reply and wait, with either party first, on one core and two, in
both protocols. *Refused*: the sender hears it, nothing has moved, and the receiver goes on as if nothing had come. *Cut*: both hear
it, with the number of items that arrived and how much of the next one: bytes of a string, pages of memory.

## Strings

| string | what is special | receiver waits, is called or sent to | the same, by a reply | sender waits in the queue |
|---|---|---|---|---|
";

const GIFTS: &str = "
## Memory and capabilities

*Map* gives pages of a Region, *copy* and *move* a capability, *part* a part of a Region. What comes before it in the message gets
there; then *items* counts it.

| given | what is special | comes to |
|---|---|---|
";

#[test]
#[ignore = "writes the document into the file that CEDO_TABLE names: cargo xtask table"]
fn write_the_document() {
    let path = std::env::var_os("CEDO_TABLE").expect("CEDO_TABLE names the file to write");
    std::fs::write(path, text()).expect("the file can be written");
}

fn text() -> String {
    let mut text = HEAD.to_owned();
    let cases = StringCase::all();
    for first in cases.iter().filter(|case| case.mover == Mover::Sender) {
        let columns = Mover::ALL.map(|mover| string_end(StringCase { mover, ..*first }.expected()));
        let special = string_special(*first);
        let shape = match first.shape {
            Shape::Empty => "an empty one",
            Shape::One => "one",
            Shape::Pieces => "one in two pieces",
            Shape::Two => "two",
        };
        let _ = writeln!(text, "| {shape} | {special} | {} |", columns.join(" | "));
    }
    text += GIFTS;
    for case in gift_rule::Case::all() {
        let kind = format!("{:?}", case.kind).to_lowercase();
        let before = match case.before {
            gift_rule::Before::Nothing => "",
            gift_rule::Before::String => ", behind a string",
            gift_rule::Before::Gate => ", behind a gate",
        };
        let special = gift_special(case);
        let _ = writeln!(text, "| {kind}{before} | {special} | {} |", end(case.expected()));
    }
    text
}

fn end(end: Expected) -> String {
    match end {
        Expected::Arrives => "arrives".to_owned(),
        Expected::Refused(status) => format!("refused, {status:?}"),
        Expected::Cut(status, [items, rest]) => format!("cut, {status:?}, {items} and {rest}"),
    }
}

fn string_end(expected: StringExpected) -> String {
    match expected {
        StringExpected::Ends(expected) => end(expected),
        StringExpected::MoverStops => "the mover stops, its scheduler hears *fault*".to_owned(),
    }
}

fn string_special(case: StringCase) -> &'static str {
    match (case.wrong, case.room, case.pages) {
        (Wrong::TooLong, ..) => "longer than a string may be",
        (Wrong::Nobodys, ..) => "at an address that no user has",
        (Wrong::GoesOn, ..) => "goes on in an item that is not there",
        (_, Room::Larger, _) => "the window is larger",
        (_, Room::InPieces, _) => "the window is in two pieces",
        (_, Room::Missing, _) => "no window for the last string",
        (_, Room::OtherKind, _) => "a window for memory instead",
        (_, Room::Small, _) => "the last window is a byte too small",
        (_, _, Pages::SendersBrought) => "the sender's pages are missing, its handler brings them",
        (_, _, Pages::SendersMissing) => "the sender's pages are missing, it has no handler",
        (_, _, Pages::ReceiversBrought) => {
            "the receiver's pages are missing, its handler brings them"
        }
        (_, _, Pages::ReceiversMissing) => "the receiver's pages are missing, it has no handler",
        (Wrong::Nothing, Room::Fits, Pages::Mapped) => "",
    }
}

fn gift_special(case: gift_rule::Case) -> &'static str {
    use gift_rule::{Room, Source};
    match (case.source, case.room) {
        (Source::Weak, _) => "the sender's Region may only be read",
        (Source::Gate, _) => "the sender's slot holds a gate",
        (Source::Empty, _) => "the sender's slot is empty",
        (Source::Stale, _) => "what the sender's capability is for has been destroyed",
        (Source::Reserved, _) => "a reserved name instead of a slot",
        (Source::Used, _) => "something was made by means of the sender's capability",
        (Source::Deep, _) => "as many capabilities above the sender's as there can be",
        (Source::Beyond, _) => "beyond the end of the Region",
        (Source::TooMany, _) => "more pages than a message maps",
        (Source::NoRead, _) => "rights without READ",
        (Source::MovesPart, _) => "a part, or memory, that is to move",
        (Source::Flag, _) => "a flag that means nothing here",
        (Source::Good, Room::Fits) => "",
        (Source::Good, Room::Larger) => "the window is larger",
        (Source::Good, Room::Behind) => "behind windows of other kinds",
        (Source::Good, Room::Missing) => "no window",
        (Source::Good, Room::OtherKind) => "a window of another kind",
        (Source::Good, Room::Small) => "the window is one too small",
        (Source::Good, Room::Taken) => "the slot is taken, or the third page mapped",
        (Source::Good, Room::Nowhere) => "slots beyond the table, or an address within a page",
        (Source::Good, Room::Nobodys) => "a reserved name, or an address that no user has",
    }
}

#[test]
fn the_document_has_every_case_once() {
    let rows = text().lines().filter(|line| line.starts_with("| ")).count();
    let heads = 2;
    let strings = StringCase::all().len() / Mover::ALL.len();
    assert_eq!(rows, heads + strings + gift_rule::Case::all().len());
}
