//! Creating threads and Spaces out of frames that the creator hands over.
//!
//! Everything is checked first. What can still fail afterwards, because another core was faster, is
//! undone by the way that destroys objects.

use super::Answer;
use super::decode::{self, Arguments};
use super::memory::{page_range, part_of};
use super::round::Unfinished;
use crate::kernel::Kernel;
use crate::object::capability::Capability;
use crate::object::space::{MAX_TABLE_FRAMES, Space};
use crate::object::thread::{Thread, ThreadHome};
use cedo_abi::call::object::SPACE_FRAMES;
use cedo_abi::layout::{KERNEL_INFO, PAGE_SIZE};
use cedo_abi::{Kind, Rights, Status};
use cedo_floor::{FrameKind, SpaceId, ThreadId};
use cedo_machine::{Context, CoreNumber, Frame, Machine, PageFormat, UserAddress};
use core::sync::atomic::Ordering;

/// Spreads generations over the sequences that a thread's tokens start with.
const SPREAD: u32 = 0x9e37_79b9;

/// A thread to be: resolved and checked arguments.
pub(crate) struct NewThread {
    /// Its frame; the UTCB is in the next.
    pub frame: Frame,
    /// Where it lives.
    pub space: SpaceId,
    /// Its home.
    pub core: CoreNumber,
    /// Address of its UTCB.
    pub utcb_address: UserAddress,
    /// Where it starts.
    pub instruction: UserAddress,
    /// Its stack pointer.
    pub stack: u64,
    /// Its message word 0.
    pub argument: u64,
}

impl NewThread {
    const fn utcb(&self) -> Frame {
        self.frame.plus(1)
    }
}

impl<M: Machine> Kernel<M> {
    /// Makes a suspended thread. Errors: `BadArgument` beyond the Region or for a core that does not
    /// run, `BadAddress`, `FramesBusy`, `NoStock` or `Occupied` for its UTCB, `Occupied` for the slot,
    /// `WrongState` if its Space is being destroyed.
    pub(super) fn create_thread(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let new = self.new_thread(caller, arguments)?;
        let (slot, home) = (decode::slot(arguments.from)?, self.look(caller).space);
        self.expect_empty(home, slot)?;
        self.expect_unused(new.frame, 2)?;
        self.put_utcb(&new)?;
        if let Err(status) = self.put_thread(&new) {
            return Ok(self.take_thread_back(caller, &new, (new.utcb(), 1), status));
        }
        let capability = self.object_capability(Kind::Thread, new.frame);
        match self.place_capability(home, slot, &capability) {
            Ok(()) => Ok(Status::Ok.into()),
            Err(status) => Ok(self.take_thread_back(caller, &new, (new.frame, 2), status)),
        }
    }

    /// Makes an empty Space that sees the kernel information page. Errors: `BadArgument` beyond the
    /// Region or for too few or too many frames, `FramesBusy`, `Occupied`.
    pub(super) fn create_space(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let [first, frames, ..] = arguments.words;
        let region = self.object_region(caller, arguments.to)?;
        let frame = part_of(&region, first, frames)?;
        let table_frames = frames.checked_sub(SPACE_FRAMES).ok_or(Status::BadArgument)?;
        let table_frames = u32::try_from(table_frames).map_err(|_| Status::BadArgument)?;
        if table_frames == 0 || table_frames > MAX_TABLE_FRAMES {
            return Err(Status::BadArgument);
        }
        let (slot, home) = (decode::slot(arguments.from)?, self.look(caller).space);
        self.expect_empty(home, slot)?;
        self.expect_unused(frame, frames as u32)?;
        let id = self.put_space(frame, table_frames)?;
        let capability = self.object_capability(Kind::Space, id.frame());
        match self.place_capability(home, slot, &capability) {
            Ok(()) => Ok(Status::Ok.into()),
            Err(status) => {
                // Another thread took the slot: the Space goes the way of all Spaces.
                self.space(id).start_dying();
                let generation = capability.generation;
                let undo = Unfinished::TearDown { space: id, generation, status };
                Ok(self.finish_after_round(caller, &undo, 0))
            }
        }
    }

    /// Claims the frames of a Space and fills them: itself, top-level page table, capability table,
    /// and as its first stock the tables that lead to the kernel information page. Errors:
    /// `FramesBusy`, and nothing is claimed.
    pub(crate) fn put_space(&mut self, frame: Frame, table_frames: u32) -> Result<SpaceId, Status> {
        let id = SpaceId::new(frame).ok_or(Status::FramesBusy)?;
        let (page_table, table) = (frame.plus(1), frame.plus(2));
        let stock = table.plus(table_frames);
        let parts = [
            (page_table, 1, FrameKind::PageTable),
            (table, table_frames, FrameKind::Table),
            (stock, SPACE_FRAMES as u32 - 2, FrameKind::Stock),
        ];
        for (index, (first, count, kind)) in parts.into_iter().enumerate() {
            if let Err(claimed) = self.claim_all(first, count, kind) {
                self.unclaim(first, claimed, kind);
                parts[..index].iter().for_each(|(first, count, kind)| {
                    self.unclaim(*first, *count, *kind);
                });
                return Err(Status::FramesBusy);
            }
        }
        let space = Space::new(page_table, table, table_frames);
        let filled = self.fill_space(&space, stock);
        if filled.is_ok() && self.objects.claim_space(frame, space) {
            return Ok(id);
        }
        // Tables that were made of the stock are still in place.
        for (first, count, kind) in parts {
            self.unclaim(first, count, kind);
            self.unclaim(first, count, FrameKind::PageTable);
        }
        filled.and(Err(Status::FramesBusy))
    }

    /// Claims the UTCB of a thread and maps it. On an error nothing has changed.
    pub(crate) fn put_utcb(&mut self, new: &NewThread) -> Result<(), Status> {
        if !self.objects.claim_words(new.utcb(), FrameKind::Utcb) {
            return Err(Status::FramesBusy);
        }
        let mapped = self.map_utcb(new);
        if mapped.is_err() {
            self.unclaim(new.utcb(), 1, FrameKind::Utcb);
        }
        mapped
    }

    /// Claims the frame of a thread and fills it. Errors: `FramesBusy`.
    pub(crate) fn put_thread(&mut self, new: &NewThread) -> Result<ThreadId, Status> {
        let id = ThreadId::new(new.frame).ok_or(Status::FramesBusy)?;
        let home = ThreadHome {
            space: new.space,
            page_table: self.space(new.space).page_table,
            utcb: new.utcb(),
            utcb_address: new.utcb_address,
        };
        let context = M::Context::new(new.instruction, new.stack, new.argument);
        // Tokens of waits are even, tokens of grants odd; those of an earlier thread in this frame
        // are far away.
        let generation = self.objects.table().entry(new.frame).generation();
        let sequence = generation.wrapping_mul(SPREAD) & !1;
        let thread = Thread::new(id, context, &home, sequence);
        if !self.objects.claim_thread(new.frame, new.core, thread) {
            return Err(Status::FramesBusy);
        }
        let mail = self.mail(id);
        mail.utcb.set(new.utcb().0);
        mail.sequence.set(sequence);
        Ok(id)
    }

    /// A capability with all rights for the object in `frame`.
    pub(crate) fn object_capability(&self, kind: Kind, frame: Frame) -> Capability {
        let generation = self.objects.table().entry(frame).generation();
        Capability { kind, rights: Rights::ALL, frame, generation, badge: 0, count: 0 }
    }

    /// The Region that gives the frames of an object. Needs OBJECTS.
    pub(super) fn object_region(&self, caller: ThreadId, word: u64) -> Result<Capability, Status> {
        self.capability_of(caller, word, Kind::Region, Rights::OBJECTS)
    }

    /// Errors: `FramesBusy` if one of the frames could not be claimed now.
    pub(super) fn expect_unused(&self, first: Frame, count: u32) -> Result<(), Status> {
        let is_unused = |page| {
            let entry = self.objects.table().entry(first.plus(page));
            entry.kind() == FrameKind::Ram && entry.map_count() == 0
        };
        if (0..count).all(is_unused) { Ok(()) } else { Err(Status::FramesBusy) }
    }

    fn new_thread(&self, caller: ThreadId, arguments: &Arguments) -> Result<NewThread, Status> {
        let [first, space, core, utcb, instruction, stack, argument] = arguments.words;
        let region = self.object_region(caller, arguments.to)?;
        let frame = part_of(&region, first, 2)?;
        let space = self.space_argument(caller, space)?;
        if core >= u64::from(self.shared.cores) {
            return Err(Status::BadArgument);
        }
        Ok(NewThread {
            frame,
            space,
            core: CoreNumber(core as u8),
            utcb_address: page_range::<M>(utcb, 1)?,
            instruction: M::Pages::user_address(instruction, 1).ok_or(Status::BadAddress)?,
            stack,
            argument,
        })
    }

    /// Counts the thread in its Space and maps its UTCB.
    fn map_utcb(&self, new: &NewThread) -> Result<(), Status> {
        let (space, _held) = self.lock_space(new.space)?;
        if !space.enter(new.core) {
            return Err(Status::WrongState);
        }
        let mapped = self.tables(space).map_object(new.utcb_address, new.utcb(), true);
        if mapped.is_err() {
            space.exit();
        }
        mapped
    }

    /// Undoes a creation whose UTCB has been mapped, and answers `status` when the frames claimed
    /// (first and count) are quiet.
    fn take_thread_back(
        &mut self,
        caller: ThreadId,
        new: &NewThread,
        (first, count): (Frame, u32),
        status: Status,
    ) -> Answer {
        self.remove_utcb(new.space, new.utcb_address, new.utcb());
        (0..count).for_each(|frame| _ = self.objects.table().retire(first.plus(frame)));
        let release = Unfinished::Release { first, count, status };
        self.finish_after_round(caller, &release, self.all_cores())
    }

    /// Claims frames as words. Error: how many were claimed before one that could not be.
    fn claim_all(&mut self, first: Frame, count: u32, kind: FrameKind) -> Result<(), u32> {
        for page in 0..count {
            if !self.objects.claim_words(first.plus(page), kind) {
                return Err(page);
            }
        }
        Ok(())
    }

    /// Copies the kernel's entries, and maps the kernel information page by means of `stock`.
    fn fill_space(&self, space: &Space, stock: Frame) -> Result<(), Status> {
        let kernel = self.objects.words(self.shared.kernel_root).ok_or(Status::BadAddress)?;
        let words = self.objects.words(space.page_table).ok_or(Status::BadAddress)?;
        for (index, (to, from)) in words.iter().zip(kernel).enumerate() {
            if M::Pages::is_kernel_entry(index) {
                to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
        let tables = self.tables(space);
        (0..SPACE_FRAMES as u32 - 2).for_each(|page| tables.push_stock(stock.plus(page)));
        let info = M::Pages::user_address(KERNEL_INFO, PAGE_SIZE).ok_or(Status::BadAddress)?;
        tables.map_object(info, self.shared.info_frame, false)
    }
}
