//! Origins: what something was made by means of, and whether that still lets it live (decision 0003).
//!
//! ```text
//!   slot of a Space                    what depends on it
//!   stamp: sequence | flags  <-------- origin: frame of the Space, slot, that sequence
//!   origin  ----> the slot above
//! ```
//!
//! A dependent is alive while its origin's slot has the same sequence and is alive itself. Sequences
//! are raised by each new content of a slot, and by REVOKE, which so kills everything below at once.
//!
//! A mapping, and a page table, has one word for its origin, with the low bits of the sequence only.
//! So it counts as alive only if the slot holds a Region that allows it.

use super::KernelTypes;
use super::capability::{Capability, Slot, look_up, slot};
use super::stamp;
use cedo_abi::Kind;
use cedo_abi::call::capability::MAX_DERIVATIONS;
use cedo_floor::{FrameKind, Objects, SpaceId};
use cedo_machine::Machine;
use cedo_machine::atomic::{Ordering, fence};

/// Bits of a slot's number, and of a stamp, in the one word that a mapping has for its origin.
const PACKED_SLOT: u32 = 12;
const PACKED_STAMP: u32 = 21;

/// A slot with the content it had.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Origin {
    /// The Space whose slot it is.
    pub space: SpaceId,
    /// The slot.
    pub slot: u32,
    /// Its sequence.
    pub stamp: u64,
    /// Slots above the dependent, this one included.
    pub depth: u8,
}

impl Origin {
    /// As it is kept beside a capability or an object.
    pub fn to_words(origin: Option<Origin>) -> [u64; 2] {
        origin.map_or([0; 2], |it| {
            let place = u64::from(it.space.number().get());
            [place << 32 | u64::from(it.slot) << 8 | u64::from(it.depth), it.stamp]
        })
    }

    /// From [`to_words`](Self::to_words); nothing where that was made of nothing.
    pub fn from_words(place: u64, stamp: u64) -> Option<Origin> {
        Some(Origin {
            space: SpaceId::from_number((place >> 32) as u32)?,
            slot: (place >> 8) as u32 & 0xff_ffff,
            stamp,
            depth: place as u8,
        })
    }

    /// In one word: frame (31) | slot (12) | low bits of the stamp (21).
    pub fn packed(origin: Option<Origin>) -> u64 {
        origin.map_or(0, |it| {
            let place = u64::from(it.space.number().get()) << PACKED_SLOT | u64::from(it.slot);
            place << PACKED_STAMP | it.stamp & mask(PACKED_STAMP)
        })
    }

    /// From [`packed`](Self::packed): the stamp is not whole, the depth not known.
    fn from_packed(word: u64) -> Option<Origin> {
        Some(Origin {
            space: SpaceId::from_number((word >> (PACKED_SLOT + PACKED_STAMP)) as u32)?,
            slot: (word >> PACKED_STAMP & mask(PACKED_SLOT)) as u32,
            stamp: word & mask(PACKED_STAMP),
            depth: 0,
        })
    }
}

const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

/// True if nothing above has been taken back. What has no origin is alive.
pub fn is_alive<M: Machine>(objects: &Objects<KernelTypes<M>>, origin: Option<Origin>) -> bool {
    let mut at = origin;
    // One more than a capability can have: what is made by means of the deepest one.
    for _ in 0..=MAX_DERIVATIONS + 1 {
        let Some(origin) = at else { return true };
        match above(objects, &origin, u64::MAX) {
            Some(next) => at = next,
            None => return false,
        }
    }
    false
}

/// The Region that lets a mapping or page table with this packed origin live; nothing if it is dead.
/// The stamp in it is cut short, so whoever asks must see whether *this* Region allows it.
pub fn region_of<M: Machine>(objects: &Objects<KernelTypes<M>>, word: u64) -> Option<Capability> {
    let origin = Origin::from_packed(word)?;
    let next = above(objects, &origin, mask(PACKED_STAMP))?;
    let region = look_up(objects, objects.space(origin.space), origin.slot).ok()?;
    (region.kind == Kind::Region && is_alive(objects, next)).then_some(region)
}

/// True if `place`, a slot of `space`, is somewhere above what has this origin.
pub fn is_below<M: Machine>(
    objects: &Objects<KernelTypes<M>>,
    origin: Option<Origin>,
    (space, place): (SpaceId, u32),
) -> bool {
    let mut at = origin;
    for _ in 0..=MAX_DERIVATIONS + 1 {
        let Some(origin) = at else { return false };
        if (origin.space, origin.slot) == (space, place) {
            return true;
        }
        at = above(objects, &origin, u64::MAX).flatten();
    }
    false
}

/// The origin of the slot that `origin` names; nothing if that has another content now.
fn above<M: Machine>(
    objects: &Objects<KernelTypes<M>>,
    origin: &Origin,
    mask: u64,
) -> Option<Option<Origin>> {
    if objects.table().entry(origin.space.frame()).kind() != FrameKind::Space {
        return None;
    }
    let space = objects.space(origin.space);
    let words = slot(objects, space, origin.slot).filter(|_| !space.is_dying())?;
    let is_same = || stamp::read(words.stamp).sequence() & mask == origin.stamp;
    let next = Some(origin_of(words)).filter(|_| is_same());
    fence(Ordering::Acquire);
    next.filter(|_| is_same())
}

/// The origin of what is in a slot.
pub(super) fn origin_of(slot: Slot<'_>) -> Option<Origin> {
    let [place, stamp] = slot.origin.each_ref().map(|word| word.load(Ordering::Relaxed));
    Origin::from_words(place, stamp)
}
