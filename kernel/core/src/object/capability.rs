//! Capability tables: looked up without a lock, written with the Space's lock held.
//!
//! ```text
//! word 0   name     generation (32) | frame (32)     object kinds; Regions: 0 | first frame
//! word 1   what     sequence (40) | rights (16) | kind (8)
//! word 2   badge    badge, or first (port, line), or core number
//! word 3   count    frames, ports, lines
//! word 4   origin   what it was made by means of, see `origin`
//! word 5            the rest of that
//! word 6   stamp    see `stamp`
//! word 7   cursor   of a revocation under way, see `call::sweep`
//! ```
//!
//! How the first four words are read while another core writes them: [`super::slot`]; IPC reads no
//! others. A slot is one line of a cache.

use super::origin::Origin;
use super::slot::{self, Content};
use super::stamp;
use crate::object::space::Space;
use cedo_abi::{Kind, Rights, Status};
use cedo_floor::objects::current::Current;
use cedo_floor::{FrameKind, FrameTable, Objects, Types, Words};
use cedo_machine::Frame;
use cedo_machine::atomic::{AtomicU64, Ordering, fence};

/// Words of a slot.
const SLOT_WORDS: usize = 8;
/// Slots in a frame.
const SLOTS: u32 = super::space::SLOTS_PER_FRAME;

/// Where a capability table is: fixed as long as its Space lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Table {
    /// Its first frame; the others follow.
    pub first: Frame,
    /// How many slots it has.
    pub slots: u32,
}

/// The words of a slot.
#[derive(Clone, Copy)]
pub(super) struct Slot<'a> {
    /// The capability.
    pub content: &'a slot::Slot,
    /// What it was made by means of.
    pub origin: &'a [AtomicU64; 2],
    /// Its stamp.
    pub stamp: &'a AtomicU64,
    /// The cursor of a revocation under way.
    pub cursor: &'a AtomicU64,
}

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

    /// Errors: `WrongKind`, `NoRight` unless it is of `kind` and has all of `rights`.
    pub fn expect(&self, kind: Kind, rights: Rights) -> Result<(), Status> {
        if self.kind != kind {
            return Err(Status::WrongKind);
        }
        if self.rights.has(rights) { Ok(()) } else { Err(Status::NoRight) }
    }

    /// Part of a Region, Ports or Lines with at most `rights`. Errors: `BadArgument` if it is empty
    /// or reaches beyond the end, `WrongKind`.
    pub fn part(&self, first: u64, count: u64, rights: Rights) -> Result<Capability, Status> {
        let end = first.checked_add(count).ok_or(Status::BadArgument)?;
        let fits = count > 0 && end <= self.count;
        let part = Capability { rights: self.rights.and(rights), count, ..*self };
        match self.kind {
            Kind::Region | Kind::Ports | Kind::Lines if !fits => Err(Status::BadArgument),
            Kind::Region => Ok(Capability { frame: self.frame.plus(first as u32), ..part }),
            Kind::Ports | Kind::Lines => Ok(Capability { badge: self.badge + first, ..part }),
            _ => Err(Status::WrongKind),
        }
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
#[inline]
pub(super) fn slot<'a, T: Types>(
    objects: &'a Objects<T>,
    space: &Space,
    number: u32,
) -> Option<Slot<'a>> {
    if number >= space.slots {
        return None;
    }
    let words: &Words = objects.words(space.table.plus(number / SLOTS))?;
    let first = (number % SLOTS) as usize * SLOT_WORDS;
    let (content, rest) = words.get(first..first + SLOT_WORDS)?.split_first_chunk()?;
    let (origin, rest) = rest.split_first_chunk()?;
    let [stamp, cursor] = rest else { return None };
    Some(Slot { content, origin, stamp, cursor })
}

/// A gate, read. Its thread may be gone.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// Generation (32) and frame (32) of the thread.
    pub name: u64,
    /// Delivered with the message.
    pub badge: u64,
}

/// The gate in slot `number` of `table`, that of the thread which runs, if there is one with all of
/// `rights`.
#[inline(always)]
pub fn gate<T: Types>(
    current: &Current<'_, T>,
    table: Table,
    number: u64,
    rights: Rights,
) -> Option<Gate> {
    if number >= u64::from(table.slots) {
        return None;
    }
    let number = number as u32;
    let words = current.words(table.first.plus(number / SLOTS), FrameKind::Table)?;
    let first = (number % SLOTS) as usize * SLOT_WORDS;
    let (content, _) = words.get(first..first + SLOT_WORDS)?.split_first_chunk()?;
    let (what, name, badge) = slot::read_gate(content)?;
    let wanted = (rights.0 as u32) << 8 | Kind::Gate as u32;
    if what & ((rights.0 as u32) << 8 | 0xff) != wanted {
        return None;
    }
    Some(Gate { name, badge })
}

/// Reads slot `number`. Errors: `NoCapability` if it is empty, out of range or stale.
#[inline]
pub fn look_up<T: Types>(
    objects: &Objects<T>,
    space: &Space,
    number: u32,
) -> Result<Capability, Status> {
    let slot = slot(objects, space, number).ok_or(Status::NoCapability)?;
    let content = slot::read(slot.content).ok_or(Status::NoCapability)?;
    let capability = Capability::from_content(&content).ok_or(Status::NoCapability)?;
    if capability.is_live(objects.table()) { Ok(capability) } else { Err(Status::NoCapability) }
}

/// Errors where [`place`] can place nothing: `NoCapability` out of range, `Occupied` if a live
/// capability is there.
pub fn expect_vacant<T: Types>(
    objects: &Objects<T>,
    space: &Space,
    number: u32,
) -> Result<(), Status> {
    match look_up(objects, space, number) {
        _ if number >= space.slots => Err(Status::NoCapability),
        Ok(_) => Err(Status::Occupied),
        Err(_) => Ok(()),
    }
}

/// Writes an empty slot. The caller holds the Space's lock. Errors: as [`expect_vacant`].
pub fn place<T: Types>(
    objects: &Objects<T>,
    space: &Space,
    number: u32,
    capability: &Capability,
    origin: Option<Origin>,
) -> Result<(), Status> {
    expect_vacant(objects, space, number)?;
    // What a stale capability left: its dependents, if any, name the same object and are stale too.
    clear(objects, space, number)?;
    let slot = slot(objects, space, number).ok_or(Status::NoCapability)?;
    // Behind the fence of `clear`: who follows an origin and sees these sees the new stamp too.
    let words = slot.origin.iter().zip(Origin::to_words(origin));
    words.for_each(|(word, value)| word.store(value, Ordering::Relaxed));
    slot::write(slot.content, &capability.to_content());
    Ok(())
}

/// Empties a slot, whatever depends on it. The caller holds the Space's lock. Errors: `NoCapability`
/// out of range.
pub fn clear<T: Types>(objects: &Objects<T>, space: &Space, number: u32) -> Result<(), Status> {
    let slot = slot(objects, space, number).ok_or(Status::NoCapability)?;
    slot::clear(slot.content);
    slot.cursor.store(0, Ordering::Relaxed);
    stamp::raise(slot.stamp);
    fence(Ordering::Release);
    Ok(())
}
