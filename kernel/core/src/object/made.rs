//! What an object was made by means of: kept in the tail of its frame, which every core may read.

use super::KernelTypes;
use super::origin::{Origin, is_alive};
use cedo_floor::objects::TAIL_WORDS;
use cedo_floor::{FrameKind, Objects, SpaceId};
use cedo_machine::atomic::Ordering;
use cedo_machine::{Frame, Machine};

/// What the tail of an object's frame says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Made {
    /// By means of which Region.
    pub region: Option<Origin>,
    /// By means of which Lines: an Irq.
    pub lines: Option<Origin>,
    /// Where it lives: a thread.
    pub space: Option<SpaceId>,
    /// Its end has begun, and goes on by itself: a thread.
    pub is_ending: bool,
}

impl Made {
    /// By the kernel.
    pub const BY_KERNEL: Made = Made { region: None, lines: None, space: None, is_ending: false };

    /// As it is kept.
    pub fn to_tail(self) -> [u64; TAIL_WORDS] {
        let ([first, second], [third, fourth]) =
            (Origin::to_words(self.region), Origin::to_words(self.lines));
        let space = self.space.map_or(0, |space| u64::from(space.number().get()));
        [first, second, third, fourth, space, u64::from(self.is_ending), 0, 0]
    }

    /// Of the object in `frame`; nothing if there is none (any more).
    pub fn of<M: Machine>(objects: &Objects<KernelTypes<M>>, frame: Frame) -> Option<Made> {
        let [first, second, third, fourth, space, ending, ..] =
            objects.tail(frame)?.each_ref().map(|word| word.load(Ordering::Relaxed));
        Some(Made {
            region: Origin::from_words(first, second),
            lines: Origin::from_words(third, fourth),
            space: SpaceId::from_number(space as u32),
            is_ending: ending != 0,
        })
    }

    /// Notes that the end of a thread has begun: nobody else begins it.
    pub fn note_ending<M: Machine>(objects: &Objects<KernelTypes<M>>, frame: Frame) {
        if let Some([_, _, _, _, _, ending, ..]) = objects.tail(frame) {
            ending.store(1, Ordering::Relaxed);
        }
    }

    /// True if nothing above it was taken back, and its Space is not being destroyed.
    pub fn is_alive<M: Machine>(&self, objects: &Objects<KernelTypes<M>>) -> bool {
        let homeless = self.space.is_some_and(|space| {
            let is_space = objects.table().entry(space.frame()).kind() == FrameKind::Space;
            !is_space || objects.space(space).is_dying()
        });
        !homeless && is_alive(objects, self.region) && is_alive(objects, self.lines)
    }
}
