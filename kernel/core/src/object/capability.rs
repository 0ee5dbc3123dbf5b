//! Capability tables: looked up without a lock, written with the Space's lock held.
//!
//! ```text
//! name     generation (32) | frame (32)     object kinds; Regions: 0 | first frame
//! what     rights (16) | kind (8)
//! badge    badge, or first (port, line), or core number
//! count    frames, ports, lines
//! ```
//!
//! How the words of a slot are read while another core writes them: [`super::slot`].

use super::slot::{self, Content, SLOT_WORDS, Slot};
use crate::object::space::Space;
use cedo_abi::{Kind, Rights, Status};
use cedo_floor::{FrameKind, FrameTable, Objects, Types, Words};
use cedo_machine::Frame;

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

impl Capability {
    const fn to_content(self) -> Content {
        Content {
            what: (self.rights.0 as u32) << 8 | self.kind as u32,
            name: (self.generation as u64) << 32 | self.frame.0 as u64,
            badge: self.badge,
            count: self.count,
        }
    }

    fn from_content(content: &Content) -> Option<Capability> {
        Some(Capability {
            kind: Kind::from_number(content.what as u8)?,
            rights: Rights((content.what >> 8) as u16),
            frame: Frame(content.name as u32),
            generation: (content.name >> 32) as u32,
            badge: content.badge,
            count: content.count,
        })
    }
}

/// A slot, or nothing if the table is shorter.
fn slot<'a, T: Types>(objects: &'a Objects<T>, space: &Space, number: u32) -> Option<&'a Slot> {
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
    let content = slot(objects, space, number).and_then(slot::read).ok_or(Status::NoCapability)?;
    let capability = Capability::from_content(&content).ok_or(Status::NoCapability)?;
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
    if look_up(objects, space, number).is_ok() {
        return Err(Status::Occupied);
    }
    let slot = slot(objects, space, number).ok_or(Status::NoCapability)?;
    slot::write(slot, &capability.to_content());
    Ok(())
}

/// Empties a slot. The caller holds the Space's lock. Errors: `NoCapability` out of range.
pub fn clear<T: Types>(objects: &Objects<T>, space: &Space, number: u32) -> Result<(), Status> {
    slot::clear(slot(objects, space, number).ok_or(Status::NoCapability)?);
    Ok(())
}
