//! What goes with a call in the UTCB: register state, long messages, typed items and windows.

use crate::random::Random;
use crate::surroundings::{MADE_SLOTS, Surroundings};
use cedo_abi::Rights;
use cedo_abi::item::{CONTINUES, Item, ItemKind, MAX_ITEMS, MOVES};
use cedo_abi::state::{BASES, FLAGS, GENERAL, INSTRUCTION, STACK};
use cedo_abi::utcb::StateArea;

/// Addresses that no user can have, or hardly anybody has.
pub const STRANGE: [u64; 10] = [
    0,
    0x0000_7fff_ffff_f000,
    0x0000_8000_0000_0000,
    0xffff_7fff_ffff_ffff,
    0xffff_8000_0000_0000,
    0xffff_83ff_ffff_f000,
    0xffff_8400_0000_0000,
    0xffff_ffff_8000_0000,
    u64::MAX,
    cedo_abi::layout::KERNEL_INFO,
];

/// The register state of a call with this `fill`.
pub fn area(fill: u64, surroundings: &Surroundings) -> StateArea {
    let mut random = Random::new(fill);
    let random = &mut random;
    let mut area = StateArea::EMPTY;
    area.mask = match random.below(8) {
        0 => BASES,
        1 => GENERAL | BASES,
        2 => 0,
        3 => random.number() & random.number(),
        _ => GENERAL,
    };
    area.general.iter_mut().for_each(|word| *word = random.number());
    let index = random.below(8);
    area.general[INSTRUCTION] = sane_or_strange(random, surroundings.entry);
    area.general[STACK] = sane_or_strange(random, surroundings.stack(index));
    if !random.once_in(4) {
        area.general[FLAGS] &= 0xffff;
    }
    area.bases.iter_mut().for_each(|base| *base = random.number() >> 18);
    if random.once_in(8) {
        area.bases[random.below(2) as usize] = random.pick(&STRANGE);
    }
    area
}

fn sane_or_strange(random: &mut Random, sane: u64) -> u64 {
    match random.below(16) {
        0 => random.number(),
        1 => random.pick(&STRANGE),
        2 => sane.wrapping_add(random.below(4096)),
        _ => sane,
    }
}

/// Typed items to send, and windows for those that come.
pub fn items(fill: u64, around: &Surroundings) -> ([Item; MAX_ITEMS], [Item; MAX_ITEMS]) {
    let mut random = Random::part(fill, 1);
    let random = &mut random;
    let send = core::array::from_fn(|_| item(random, around, false));
    let open = random.below(MAX_ITEMS as u64 + 1) as usize;
    let windows = core::array::from_fn(|index| match index < open {
        true => item(random, around, true),
        false => Item::NONE,
    });
    (send, windows)
}

fn item(random: &mut Random, around: &Surroundings, window: bool) -> Item {
    if random.once_in(40) {
        return Item(core::array::from_fn(|_| random.number() >> random.below(64)));
    }
    let flags = random.pick(&[0, 0, 0, CONTINUES, MOVES]);
    let rights = if random.once_in(2) { Rights::ALL.0 } else { random.number() as u16 };
    let head = |kind: ItemKind| kind as u64 | flags | u64::from(rights) << 16;
    let page = around.address(random);
    let address = sane_or_strange(random, page).wrapping_add(random.pick(&[0, 0, 8, 4090]));
    match random.below(4) {
        0..=1 => {
            let bytes = random.pick(&[0, 1, 16, 64, 100, 4096, 9000, 1 << 23]);
            Item([head(ItemKind::String), address, bytes, 0])
        }
        2 if window => Item([head(ItemKind::Memory), address & !0xfff, 1 + random.below(4), 0]),
        2 => {
            let (region, page) = (around.region(random), random.below(around.pages));
            Item([head(ItemKind::Memory), region, page, 1 + random.below(3)])
        }
        _ if window => {
            let slot = around.made + random.below(MADE_SLOTS);
            Item([head(ItemKind::Capability), slot, 1 + random.below(4), 0])
        }
        _ => {
            let slot = if random.once_in(2) {
                around.made + random.below(MADE_SLOTS)
            } else {
                around.gates.one(random)
            };
            Item([head(ItemKind::Capability), slot, random.below(3), random.below(3)])
        }
    }
}

/// Word `index` of a long message of a call with this `fill`.
pub const fn tail_word(fill: u64, index: usize) -> u64 {
    fill.rotate_left(7).wrapping_add((index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
