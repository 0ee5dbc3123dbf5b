//! Capabilities as sources: what is to be made by means of them, and when they may go.
//!
//! Every entry into the kernel that makes something by means of a capability checks, once and in the
//! same entry, that the capability is alive ([`source`]), and notes that something depends on it
//! ([`claim`]) before that exists. Decision 0003 says why that is enough on many cores.

use super::KernelTypes;
use super::capability::{self, Capability, look_up};
use super::origin::{Origin, is_alive, origin_of};
use super::slot;
use super::space::Space;
use super::stamp::{self, Refused};
use cedo_abi::Status;
use cedo_abi::call::capability::MAX_DERIVATIONS;
use cedo_floor::{Objects, SpaceId};
use cedo_machine::Machine;
use cedo_machine::atomic::{AtomicU64, Ordering, fence};

/// How often a slot that changes under a reader is read again.
const TRIES: u32 = 3;

/// A capability that something is to be made by means of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Source {
    /// The capability.
    pub capability: Capability,
    /// The origin of what is made; nothing if a thread's own right is used.
    pub origin: Option<Origin>,
    /// Its own origin.
    pub above: Option<Origin>,
}

/// Reads slot `number` of `id` to make something by means of it. Errors: `NoCapability` also if it
/// has been taken back and the sweep has not come by yet.
pub fn source<M: Machine>(
    objects: &Objects<KernelTypes<M>>,
    id: SpaceId,
    number: u32,
) -> Result<Source, Status> {
    let space = objects.space(id);
    for _ in 0..TRIES {
        let slot = capability::slot(objects, space, number).ok_or(Status::NoCapability)?;
        let stamp = stamp::read(slot.stamp).sequence();
        let capability = look_up(objects, space, number)?;
        let above = origin_of(slot);
        let depth = above.map_or(0, |above| above.depth) + 1;
        fence(Ordering::Acquire);
        if stamp::read(slot.stamp).sequence() != stamp {
            continue;
        }
        let origin = Some(Origin { space: id, slot: number, stamp, depth });
        let alive = is_alive(objects, origin);
        return if alive {
            Ok(Source { capability, origin, above })
        } else {
            Err(Status::NoCapability)
        };
    }
    Err(Status::NoCapability)
}

/// Errors: `TooDeep` if a capability made by means of `source` would have too many above it.
pub fn expect_depth(source: &Source) -> Result<(), Status> {
    match source.origin {
        Some(origin) if usize::from(origin.depth) > MAX_DERIVATIONS => Err(Status::TooDeep),
        _ => Ok(()),
    }
}

/// Errors: `HasDependents` if something depends on `source`; `NoCapability` if the slot has changed
/// since it was read.
pub fn expect_free<M: Machine>(
    objects: &Objects<KernelTypes<M>>,
    source: &Source,
) -> Result<(), Status> {
    let origin = source.origin.ok_or(Status::NoCapability)?;
    let space = objects.space(origin.space);
    let slot = capability::slot(objects, space, origin.slot).ok_or(Status::NoCapability)?;
    let stamp = stamp::read(slot.stamp);
    match stamp.flags() {
        _ if stamp.sequence() != origin.stamp => Err(Status::NoCapability),
        0 => Ok(()),
        _ => Err(Status::HasDependents),
    }
}

/// Notes that something depends on `source` from now on, in the Space `to` if it is in one. Errors:
/// `NoCapability` if the slot has changed since it was read.
pub fn claim<M: Machine>(
    objects: &Objects<KernelTypes<M>>,
    source: &Source,
    to: Option<SpaceId>,
) -> Result<(), Status> {
    let Some(origin) = source.origin else { return Ok(()) };
    let space = objects.space(origin.space);
    if to != Some(origin.space) {
        space.note_derived(source.capability.kind);
    }
    let slot = capability::slot(objects, space, origin.slot).ok_or(Status::NoCapability)?;
    if stamp::claim(slot.stamp, origin.stamp) { Ok(()) } else { Err(Status::NoCapability) }
}

/// The stamp of a slot, and the cursor of its revocation.
pub fn marks<'a, M: Machine>(
    objects: &'a Objects<KernelTypes<M>>,
    space: &Space,
    number: u32,
) -> Option<(&'a AtomicU64, &'a AtomicU64)> {
    capability::slot(objects, space, number).map(|slot| (slot.stamp, slot.cursor))
}

/// Empties a slot on which nothing depends. The caller holds the Space's lock. Errors:
/// `HasDependents`; `NoCapability` out of range. A stale capability goes in any case.
pub fn release<M: Machine>(
    objects: &Objects<KernelTypes<M>>,
    space: &Space,
    number: u32,
) -> Result<(), Status> {
    if look_up(objects, space, number).is_ok() {
        free(objects, space, number, None)?;
    }
    capability::clear(objects, space, number)
}

/// The same for the slot of `source`, if it still holds that. Errors: `NoCapability` if not.
pub fn release_unchanged<M: Machine>(
    objects: &Objects<KernelTypes<M>>,
    space: &Space,
    source: &Source,
) -> Result<(), Status> {
    let origin = source.origin.ok_or(Status::NoCapability)?;
    free(objects, space, origin.slot, Some(origin.stamp))?;
    capability::clear(objects, space, origin.slot)
}

fn free<M: Machine>(
    objects: &Objects<KernelTypes<M>>,
    space: &Space,
    number: u32,
    expected: Option<u64>,
) -> Result<(), Status> {
    let slot = capability::slot(objects, space, number).ok_or(Status::NoCapability)?;
    stamp::free(slot.stamp, expected).map_err(|refused| match refused {
        Refused::Changed => Status::NoCapability,
        Refused::InUse => Status::HasDependents,
    })
}

/// Empties slot `number` if it was taken back. The caller holds the Space's lock. True if there was an
/// origin to follow.
pub fn clear_dead<M: Machine>(
    objects: &Objects<KernelTypes<M>>,
    space: &Space,
    number: u32,
) -> bool {
    let Some(slot) = capability::slot(objects, space, number) else { return false };
    let origin = origin_of(slot).filter(|_| slot::read(slot.content).is_some());
    if !is_alive(objects, origin) {
        let _ = capability::clear(objects, space, number);
    }
    origin.is_some()
}
