//! The frame table against page tables, stocks and caches of translations.

use crate::play::Play;
use crate::stage::{CORE, Machine};
use crate::violation::{Violation, holds};
use cedo_arch_host::HostPages;
use cedo_core::object::space::SLOTS_PER_FRAME;
use cedo_floor::{FrameKind, SpaceId};
use cedo_machine::{Frame, PageFormat};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

/// Marks of a leaf that is no longer present (`page_table.rs`): a zombie, and that it counts.
const ZOMBIE: u64 = 1 << 1;
const COUNTED: u64 = 1 << 2;

pub fn check(play: &Play<'_>) -> Result<(), Violation> {
    let world = &play.stage.world;
    let table = world.shared().table;
    let mut mapped: BTreeMap<u32, u16> = BTreeMap::new();
    let mut owned: BTreeMap<u32, u32> = BTreeMap::new();
    for number in 0..table.len() {
        let entry = table.entry(Frame(number));
        if entry.kind() != FrameKind::Space {
            continue;
        }
        let Some(space) = SpaceId::from_number(number) else { continue };
        count(world, space, &mut mapped, &mut owned);
    }
    for number in 0..table.len() {
        let entry = table.entry(Frame(number));
        let count = mapped.get(&number).copied().unwrap_or(0);
        let fits = match entry.kind() {
            FrameKind::Ram => entry.map_count() == count,
            FrameKind::PageTable | FrameKind::Stock => owned.get(&number) == Some(&1),
            _ => entry.map_count() == 0,
        };
        holds("the frame table counts mappings and tables", fits, || {
            let owned = owned.get(&number);
            format!("frame {number:#x} {entry:x?} {:?}: {count} {owned:?}", entry.kind())
        })?;
    }
    caches(play)
}

/// What a core still caches leads to memory that nobody else has got.
fn caches(play: &Play<'_>) -> Result<(), Violation> {
    let world = &play.stage.world;
    let table = world.shared().table;
    for core in world.cores() {
        for (page, translation) in world.stale(core) {
            let entry = table.entry(translation.frame);
            let kept = match entry.kind() {
                FrameKind::Ram => entry.map_count() > 0,
                FrameKind::Quiet => true,
                _ => false,
            };
            holds("a stale translation leads to memory that is kept", kept, || {
                format!("core {}: {page:#x} {translation:?} {:?}", core.0, entry.kind())
            })?;
        }
    }
    Ok(())
}

fn count(
    world: &Machine,
    id: SpaceId,
    mapped: &mut BTreeMap<u32, u16>,
    owned: &mut BTreeMap<u32, u32>,
) {
    for frame in of_space(world, id) {
        *owned.entry(frame).or_default() += 1;
    }
    let space = world.kernel(CORE).space(id);
    leaves(world, space.page_table, &mut |leaf| {
        let frame = match HostPages::frame(leaf) {
            Some(frame) => Some(frame),
            None if leaf & ZOMBIE != 0 && leaf & COUNTED != 0 => Some(Frame((leaf >> 12) as u32)),
            None => None,
        };
        if let Some(frame) = frame {
            *mapped.entry(frame.0).or_default() += 1;
        }
    });
}

/// Frames that belong to a Space: itself, its tables, its stock.
pub fn of_space(world: &Machine, id: SpaceId) -> BTreeSet<u32> {
    let space = world.kernel(CORE).space(id);
    let mut owned = BTreeSet::from([id.frame().0]);
    owned.extend((0..space.slots / SLOTS_PER_FRAME).map(|frame| space.table.0 + frame));
    tables(world, space.page_table, HostPages::LEVELS, &mut |frame| {
        owned.insert(frame.0);
    });
    let mut stock = space.stock.load(Ordering::Relaxed);
    while stock != 0 && owned.insert(stock) {
        stock = world.read(Frame(stock), 0) as u32;
    }
    owned
}

/// Hears of every table.
fn tables(world: &Machine, table: Frame, level: u32, hear: &mut impl FnMut(Frame)) {
    hear(table);
    if level == 1 {
        return;
    }
    for index in user_entries(level) {
        if let Some(lower) = HostPages::frame(world.read(table, index)) {
            tables(world, lower, level - 1, hear);
        }
    }
}

/// Hears of every leaf entry that is not empty.
pub fn leaves(world: &Machine, root: Frame, hear: &mut impl FnMut(u64)) {
    leaves_below(world, root, HostPages::LEVELS, hear);
}

fn leaves_below(world: &Machine, table: Frame, level: u32, hear: &mut impl FnMut(u64)) {
    for index in user_entries(level) {
        let entry = world.read(table, index);
        if level == 1 {
            if entry != 0 {
                hear(entry);
            }
        } else if let Some(lower) = HostPages::frame(entry) {
            leaves_below(world, lower, level - 1, hear);
        }
    }
}

fn user_entries(level: u32) -> impl Iterator<Item = usize> {
    (0..512).filter(move |index| level < HostPages::LEVELS || !HostPages::is_kernel_entry(*index))
}
