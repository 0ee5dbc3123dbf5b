use crate::spec::{Registers, Spec, Word};
use crate::surroundings::{AREA_PAGES, MADE_SLOTS, PAGES};
use crate::{Generator, Mailbox, Random, Slots, Surroundings};
use cedo_abi::call::{Call, ipc, operation, thread};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::{Label, Tag, Token, notice};
use std::collections::BTreeSet;
use std::string::ToString;

const AROUND: Surroundings = Surroundings {
    cores: 2,
    threads: Slots { first: 1, count: 4 },
    gates: Slots { first: 10, count: 4 },
    spaces: Slots { first: 20, count: 1 },
    regions: Slots { first: 21, count: 2 },
    pages: PAGES,
    ranges: Slots { first: 24, count: 2 },
    lines: (4, 3),
    made: 32,
    entry: 0x20_0000,
    stack_top: 0x40_0000,
    stack_bytes: PAGE_SIZE,
    area: 0x4000_0000,
    spared: (0x20_0000, 0x30_0000),
    items: true,
};

#[test]
fn a_seed_says_everything() {
    let stream = |seed| {
        let mut generator = Generator::new(Random::part(seed, 3), AROUND);
        (0..1000).map(|_| generator.next_call()).collect::<std::vec::Vec<_>>()
    };
    assert_eq!(stream(1), stream(1));
    assert_ne!(stream(1), stream(2));
}

#[test]
fn every_operation_is_made_and_unknown_ones_too() {
    let mut generator = Generator::new(Random::new(7), AROUND);
    let mut seen = BTreeSet::new();
    let mut unknown = 0;
    for _ in 0..100_000 {
        let spec = generator.next_call();
        match spec.name() {
            "" => unknown += 1,
            name => _ = seen.insert(name),
        }
    }
    assert_eq!(seen.len(), 2 + 12 + 4 + 7 + 3 + 7 + 2, "{seen:?}");
    assert!(unknown > 100, "{unknown}");
}

#[test]
fn the_program_spares_itself() {
    let mut generator = Generator::new(Random::new(8), AROUND);
    for _ in 0..200_000 {
        let spec = generator.next_call();
        let place = usize::from(spec.sub_operation() == 0);
        if spec.call() == Call::Memory as u8
            && spec.sub_operation() < 2
            && let Word::Plain(address) = spec.words[place]
        {
            let own = address.saturating_add(32 * PAGE_SIZE) > 0x20_0000 && address < 0x30_0000;
            assert!(!own, "{spec}");
        }
    }
}

#[test]
fn what_is_made_has_places_of_its_own() {
    let groups = [
        AROUND.made_threads(),
        AROUND.made_spaces(),
        AROUND.made_gates(),
        AROUND.made_irqs(),
        AROUND.made_ranges(),
    ];
    let slots: BTreeSet<u64> =
        groups.iter().flat_map(|slots| (0..slots.count).map(|at| slots.at(at))).collect();
    assert_eq!(slots.len() as u64, MADE_SLOTS);
    assert_eq!(slots.first().copied(), Some(AROUND.made));
    assert!(AROUND.utcb(0) >= AROUND.area + AREA_PAGES * PAGE_SIZE);
}

#[test]
fn tokens_epochs_and_events_are_remembered() {
    let mut mailbox = Mailbox::EMPTY;
    let receive = operation(Call::Ipc, 0, ipc::RECEIVE);
    let (one, two) = (Token::new(5, 8).0, Token::new(6, 9).0);
    let mut answer = Registers { operation: 77 << 16, from: one, ..Registers::default() };
    answer.tag = Tag::of_kernel(Label::Preempted, 7).0;
    answer.words[notice::PREEMPTER_TOKEN] = two;
    assert_eq!(mailbox.note(receive, &answer), Some(one));
    assert_eq!((mailbox.token(0), mailbox.token(1), mailbox.token(2)), (one, two, 0));
    let mut read = Registers::default();
    read.words[0] = 41;
    mailbox.note(operation(Call::Thread, thread::READ, 0), &read);
    let mut spec = Spec::new(Call::Ipc, 0, ipc::SEND)
        .between(Word::Token { age: 1, flip: 1 }, Word::Foreign { place: 3, flip: 0 });
    spec.words[0] = Word::Epoch;
    let registers = spec.resolve(&mailbox, |place| u64::from(place) + 100);
    assert_eq!((registers.to, registers.from, registers.words[0]), (two ^ 1, 103, 41));
    assert_eq!(spec.to_string(), "ipc send to token-1^0x1 from foreign-3 epoch tag 0x0");
}
