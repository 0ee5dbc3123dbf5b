//! What remains to be done when every core has flushed, or left the kernel once.
//!
//! A call that takes something away (`unmap`, `destroy`) notes here, in the words of its caller's own
//! mail, what to finish, and starts a round. The mail visits the cores one after the other; the
//! caller waits as a thread. Back home, [`Kernel::after_round`] finishes the call. Every round that
//! was started is finished so, even if the caller has been suspended in between.

use super::Answer;
use super::memory::{nth_page, page_range};
use crate::kernel::Kernel;
use cedo_abi::{REGISTER_WORDS, Status};
use cedo_floor::{FrameKind, SpaceId, ThreadId};
use cedo_machine::{Frame, Machine};

/// What a call has begun. Lives in the words of a mail while that is under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unfinished {
    /// Bury the zombies of an unmap: bit n of `zombies` = page n from `address` on.
    Unmap { space: SpaceId, generation: u32, address: u64, zombies: u32, pages: u64 },
    /// Give `count` retired frames back; then answer `status` and `word`.
    Release { first: Frame, count: u32, status: Status },
    /// Nobody has the page table of a dying Space loaded any more: tear it down; when it is gone,
    /// answer `status`.
    TearDown { space: SpaceId, generation: u32, status: Status },
}

impl Unfinished {
    fn to_words(self) -> [u64; REGISTER_WORDS] {
        let name = |space: SpaceId, generation: u32| {
            u64::from(generation) << 32 | u64::from(space.number().get())
        };
        match self {
            Unfinished::Unmap { space, generation, address, zombies, pages } => {
                [1, name(space, generation), address, u64::from(zombies), pages, 0, 0]
            }
            Unfinished::Release { first, count, status } => {
                [2, u64::from(first.0), u64::from(count), status as u64, 0, 0, 0]
            }
            Unfinished::TearDown { space, generation, status } => {
                [3, name(space, generation), status as u64, 0, 0, 0, 0]
            }
        }
    }

    fn from_words(words: &[u64; REGISTER_WORDS]) -> Option<Unfinished> {
        let [kind, first, second, third, fourth, ..] = *words;
        let space = SpaceId::from_number(first as u32);
        let generation = (first >> 32) as u32;
        match kind {
            1 => Some(Unfinished::Unmap {
                space: space?,
                generation,
                address: second,
                zombies: third as u32,
                pages: fourth,
            }),
            2 => Some(Unfinished::Release {
                first: Frame(first as u32),
                count: second as u32,
                status: Status::of_result(third),
            }),
            3 => Some(Unfinished::TearDown {
                space: space?,
                generation,
                status: Status::of_result(second),
            }),
            _ => None,
        }
    }
}

impl<M: Machine> Kernel<M> {
    /// Sends the caller's mail round the other cores in `cores`, and finishes when it is back.
    pub(super) fn finish_after_round(
        &mut self,
        caller: ThreadId,
        unfinished: &Unfinished,
        cores: u8,
    ) -> Answer {
        let mail = self.mail(caller);
        for (word, value) in mail.words.iter().zip(unfinished.to_words()) {
            word.set(value);
        }
        if self.start_round(caller, cores) { self.after_round(caller) } else { Answer::Later }
    }

    /// The caller's mail has visited every core that it was sent to: finishes what the caller began.
    /// `Later` if that takes another round.
    pub fn after_round(&mut self, caller: ThreadId) -> Answer {
        let words = self.mail(caller).words.each_ref().map(|word| word.get());
        match Unfinished::from_words(&words) {
            Some(Unfinished::Unmap { space, generation, address, zombies, pages }) => {
                if self.is_space(space, generation) {
                    self.bury(space, address, zombies);
                }
                Answer::word(pages)
            }
            Some(Unfinished::Release { first, count, status }) => {
                (0..count).for_each(|frame| _ = self.objects.table().release(first.plus(frame)));
                match status {
                    Status::Ok => Answer::word(0),
                    status => status.into(),
                }
            }
            Some(Unfinished::TearDown { space, generation, status }) => {
                self.tear_down(caller, space, generation, status)
            }
            None => Status::WrongState.into(),
        }
    }

    /// What a core does when a round visits it: afterwards it caches no translation, and the page
    /// table of no Space but its current thread's is loaded.
    pub fn forget_translations(&mut self) {
        let wanted = match self.local.current {
            Some(current) => self.look(current).page_table,
            None => self.shared.kernel_root,
        };
        if wanted == self.local.page_table {
            self.machine.flush_all();
        } else {
            self.local.page_table = wanted;
            self.machine.activate(wanted);
            // The way out compares page tables only where the thread changes.
            self.local.entered = None;
        }
    }

    /// All cores that run.
    pub(super) fn all_cores(&self) -> u8 {
        u8::MAX.unbounded_shr(u32::from(8_u8.saturating_sub(self.shared.cores)))
    }

    /// True if the Space that was named before a round still exists, dying or not.
    pub(super) fn is_space(&self, id: SpaceId, generation: u32) -> bool {
        let entry = self.objects.table().entry(id.frame());
        entry.kind() == FrameKind::Space && entry.generation() == generation
    }

    fn bury(&self, id: SpaceId, address: u64, zombies: u32) {
        let Ok(address) = page_range::<M>(address, 1) else { return };
        let space = self.space(id);
        // Also in a Space that is being destroyed, where the tables may be gone.
        let _held = space.lock.lock(M::relax);
        let tables = self.tables(space);
        for page in (0..u32::BITS).filter(|page| zombies >> page & 1 != 0) {
            tables.bury_page(nth_page(address, page));
        }
    }
}
