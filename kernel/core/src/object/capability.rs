//! Capability tables: looked up without a lock, written with the Space's lock held.
//!
//! ```text
//! word 0   generation (32) | frame (32)     object kinds; Regions: 0 | first frame
//! word 1   sequence (40) | rights (16) | kind (8)
//! word 2   badge, or first (port, line), or core number
//! word 3   count (frames, ports, lines)
//! ```
//!
//! Word 1 is written last and cleared first, and its sequence differs for every content a slot ever
//! had; a reader that sees the same word 1 before and after has read one capability.

use crate::object::space::Space;
use cedo_abi::{Kind, Rights, Status};
use cedo_floor::{FrameKind, FrameTable, Objects, Types, Words};
use cedo_machine::Frame;
use core::sync::atomic::{AtomicU64, Ordering, fence};

/// Words of a slot.
const SLOT_WORDS: usize = 4;
/// Slots in a frame.
const SLOTS: u32 = super::space::SLOTS_PER_FRAME;

/// A capability, read. It may be stale: see [`Capability::is_live`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Capability {
    /// What it names.
    pub kind: Kind,
    /// What it allows.
    pub rights: Rights,
    /// Frame of the object; first frame of a Region.
    pub frame: Frame,
    /// Generation of the object's frame.
    pub generation: u32,
    /// Badge of a Gate; first port or line; core number.
    pub badge: u64,
    /// Frames, ports or lines.
    pub count: u64,
}

impl Capability {
    /// True if the object it names still exists.
    #[inline]
    pub fn is_live(&self, table: FrameTable) -> bool {
        let kind = match self.kind {
            Kind::Thread | Kind::Gate => FrameKind::Thread,
            Kind::Space => FrameKind::Space,
            Kind::Irq => FrameKind::Irq,
            Kind::Empty => return false,
            Kind::Core | Kind::Region | Kind::Ports | Kind::Lines => return true,
        };
        let entry = table.entry(self.frame);
        entry.kind() == kind && entry.generation() == self.generation
    }
}

/// The four words of a slot, or nothing if the table is shorter.
fn slot<'a, T: Types>(
    objects: &'a Objects<T>,
    space: &Space,
    number: u32,
) -> Option<&'a [AtomicU64; SLOT_WORDS]> {
    if number >= space.slots {
        return None;
    }
    let words: &Words = objects.words(space.table.plus(number / SLOTS))?;
    let first = (number % SLOTS) as usize * SLOT_WORDS;
    words.get(first..first + SLOT_WORDS)?.try_into().ok()
}

/// Reads slot `number`. Errors: `NoCapability` if it is empty, out of range or stale.
#[inline]
pub fn look_up<T: Types>(
    objects: &Objects<T>,
    space: &Space,
    number: u32,
) -> Result<Capability, Status> {
    let words = slot(objects, space, number).ok_or(Status::NoCapability)?;
    let head = words[1].load(Ordering::Acquire);
    let name = words[0].load(Ordering::Relaxed);
    let badge = words[2].load(Ordering::Relaxed);
    let count = words[3].load(Ordering::Relaxed);
    fence(Ordering::Acquire);
    if words[1].load(Ordering::Relaxed) != head {
        return Err(Status::NoCapability);
    }
    let kind = Kind::from_number(head as u8).ok_or(Status::NoCapability)?;
    let capability = Capability {
        kind,
        rights: Rights((head >> 8) as u16),
        frame: Frame(name as u32),
        generation: (name >> 32) as u32,
        badge,
        count,
    };
    if capability.is_live(objects.table()) { Ok(capability) } else { Err(Status::NoCapability) }
}

/// Writes an empty slot. The caller holds the Space's lock. Errors: `NoCapability` out of range,
/// `Occupied` if a live capability is there.
pub fn place<T: Types>(
    objects: &Objects<T>,
    space: &Space,
    number: u32,
    capability: &Capability,
) -> Result<(), Status> {
    match look_up(objects, space, number) {
        Ok(_) => return Err(Status::Occupied),
        Err(_) => clear(objects, space, number)?,
    }
    let words = slot(objects, space, number).ok_or(Status::NoCapability)?;
    let sequence = words[1].load(Ordering::Relaxed) >> 24;
    let name = u64::from(capability.generation) << 32 | u64::from(capability.frame.0);
    words[0].store(name, Ordering::Relaxed);
    words[2].store(capability.badge, Ordering::Relaxed);
    words[3].store(capability.count, Ordering::Relaxed);
    let head = sequence << 24 | u64::from(capability.rights.0) << 8 | capability.kind as u64;
    words[1].store(head, Ordering::Release);
    Ok(())
}

/// Empties a slot. The caller holds the Space's lock. Errors: `NoCapability` out of range.
pub fn clear<T: Types>(objects: &Objects<T>, space: &Space, number: u32) -> Result<(), Status> {
    let words = slot(objects, space, number).ok_or(Status::NoCapability)?;
    let sequence = (words[1].load(Ordering::Relaxed) >> 24).wrapping_add(1);
    words[1].store(sequence << 24 | Kind::Empty as u64, Ordering::Relaxed);
    fence(Ordering::Release);
    Ok(())
}
