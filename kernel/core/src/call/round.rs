//! What remains to be done when every core has flushed, or left the kernel once.
//!
//! A call that takes something away (`unmap`, `destroy`, `revoke`) notes here, in the words of its caller's own
//! mail, what to finish, and starts a round. The mail visits the cores one after the other; the
//! caller waits as a thread. Back home, [`Kernel::after_round`] finishes the call. Every round that
//! was started is finished so, even if the caller has been suspended in between.

use super::Answer;
use super::cursor::{Phase, SweepOf};
use super::memory::nth_page;
use crate::kernel::Kernel;
use cedo_abi::{REGISTER_WORDS, Status};
use cedo_floor::{FrameKind, SpaceId, ThreadId};
use cedo_machine::{Frame, Machine, UserAddress};

/// What a call has begun. Lives in the words of a mail while that is under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unfinished {
    /// Bury the zombies of an unmap: bit n of `zombies` = page n from `address` on.
    Unmap { space: SpaceId, generation: u32, address: u64, zombies: u64, pages: u64 },
    /// Give `count` retired frames back.
    Release { first: Frame, count: u32, then: Then },
    /// Nobody has the page table of a dying Space loaded any more: tear it down.
    TearDown { space: SpaceId, generation: u32, then: Then },
    /// Let a sweep begin with this phase.
    Begin { of: SweepOf, first: Phase },
    /// A table of `level` that was taken back from `address` can be torn down.
    Quiet { space: SpaceId, generation: u32, address: u64, level: u32 },
}

/// What a call answers when what it began is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Then {
    /// `Ok` with word 0 = 0, or an error.
    Answer(Status),
    /// Word 0 = 1: there is more to do.
    Again,
}

impl Then {
    const AGAIN: u64 = 1 << 8;

    /// As a word of a mail.
    pub(super) fn word(self) -> u64 {
        match self {
            Then::Answer(status) => status as u64,
            Then::Again => Then::AGAIN,
        }
    }

    /// From [`word`](Self::word).
    pub(super) fn from_word(word: u64) -> Then {
        if word == Then::AGAIN { Then::Again } else { Then::Answer(Status::of_result(word)) }
    }

    /// The answer.
    pub(super) fn answer(self) -> Answer {
        match self {
            Then::Answer(Status::Ok) => Answer::word(0),
            Then::Answer(status) => status.into(),
            Then::Again => Answer::word(1),
        }
    }

    /// The answer where somebody else was faster.
    pub(super) fn gone(self) -> Answer {
        match self {
            Then::Answer(_) => Status::NoCapability.into(),
            Then::Again => Answer::word(1),
        }
    }
}

impl Unfinished {
    fn to_words(self) -> [u64; REGISTER_WORDS] {
        let name = |space: SpaceId, generation: u32| {
            u64::from(generation) << 32 | u64::from(space.number().get())
        };
        match self {
            Unfinished::Unmap { space, generation, address, zombies, pages } => {
                [1, name(space, generation), address, zombies, pages, 0, 0]
            }
            Unfinished::Release { first, count, then } => {
                [2, u64::from(first.0), u64::from(count), then.word(), 0, 0, 0]
            }
            Unfinished::TearDown { space, generation, then } => {
                [3, name(space, generation), then.word(), 0, 0, 0, 0]
            }
            Unfinished::Begin { of: SweepOf::Slot { slot, stamp }, first } => {
                [4, u64::from(slot), stamp, first as u64, 0, 0, 0]
            }
            Unfinished::Begin { of: SweepOf::Space { space, generation }, first } => {
                [5, name(space, generation), 0, first as u64, 0, 0, 0]
            }
            Unfinished::Quiet { space, generation, address, level } => {
                [6, name(space, generation), address, u64::from(level), 0, 0, 0]
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
                zombies: third,
                pages: fourth,
            }),
            2 => Some(Unfinished::Release {
                first: Frame(first as u32),
                count: second as u32,
                then: Then::from_word(third),
            }),
            3 => Some(Unfinished::TearDown {
                space: space?,
                generation,
                then: Then::from_word(second),
            }),
            4 => Some(Unfinished::Begin {
                of: SweepOf::Slot { slot: first as u32, stamp: second },
                first: Phase::from_number(third),
            }),
            5 => Some(Unfinished::Begin {
                of: SweepOf::Space { space: space?, generation },
                first: Phase::from_number(third),
            }),
            6 => Some(Unfinished::Quiet {
                space: space?,
                generation,
                address: second,
                level: third as u32,
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
        if self.machine.keeps_translations() {
            // The caller had the page table flushed where it is active; it need not be here.
            self.machine.flush_all();
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
            Some(Unfinished::Release { first, count, then }) => {
                (0..count).for_each(|frame| _ = self.objects.table().release(first.plus(frame)));
                then.answer()
            }
            Some(Unfinished::TearDown { space, generation, then }) => {
                self.tear_down(caller, space, generation, then)
            }
            Some(Unfinished::Begin { of, first }) => {
                self.begin_sweep(caller, of, first);
                Answer::word(1)
            }
            Some(Unfinished::Quiet { space, generation, address, level }) => {
                if self.is_space(space, generation) {
                    self.quiet_table(space, address, level);
                }
                Answer::word(1)
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
            if self.machine.keeps_translations() {
                self.machine.flush_all();
            }
            // The way out compares page tables only where the thread changes.
            self.objects.set_current(None);
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

    fn bury(&self, id: SpaceId, address: u64, zombies: u64) {
        let address = UserAddress::from_checked(address);
        let space = self.space(id);
        // Also in a Space that is being destroyed, where the tables may be gone.
        let _held = space.lock.lock(M::relax);
        let tables = self.tables(space);
        for page in (0..u64::BITS).filter(|page| zombies >> page & 1 != 0) {
            tables.bury_page(nth_page(address, page));
        }
    }

    fn quiet_table(&self, id: SpaceId, address: u64, level: u32) {
        let space = self.space(id);
        let _held = space.lock.lock(M::relax);
        self.tables(space).quiet_table(UserAddress::from_checked(address), level);
    }
}
