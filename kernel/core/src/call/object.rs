//! Creating threads and Spaces out of frames that the creator hands over.
//!
//! Everything is checked first. What can still fail afterwards, because another core was faster, is
//! undone by the way that destroys objects.

use super::Answer;
use super::decode::{self, Arguments};
use super::memory::{page_range, part_of};
use super::round::{Then, Unfinished};
use crate::kernel::Kernel;
use crate::object::capability::Capability;
use crate::object::capability::Table;
use crate::object::made::Made;
use crate::object::source::{self, Source};
use crate::object::space::{MAX_TABLE_FRAMES, Space};
use crate::object::thread::{Thread, ThreadHome};
use crate::page_table::stock::{PAIR, claim_pair};
use cedo_abi::call::object::SPACE_FRAMES;
use cedo_abi::layout::{KERNEL_INFO, PAGE_SIZE};
use cedo_abi::{Kind, Rights, Status};
use cedo_floor::{FrameKind, SpaceId, ThreadId};
use cedo_machine::{Context, CoreNumber, Frame, Machine, PageFormat, UserAddress};
use core::sync::atomic::Ordering;

/// Spreads generations over the sequences that a thread's tokens start with.
const SPREAD: u32 = 0x9e37_79b9;

/// Tables through which the kernel information page is mapped.
const INFO_TABLES: u32 = 3;
const _: () = assert!(1 + PAIR + INFO_TABLES * PAIR == SPACE_FRAMES as u32);

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
    /// The Region it is made of; the first thread's is not known.
    pub region: Option<Source>,
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
        self.claim_source(new.region.as_ref())?;
        self.put_utcb(&new)?;
        if let Err(status) = self.put_thread(&new) {
            return Ok(self.take_thread_back(caller, &new, (new.utcb(), 1), status));
        }
        let capability = self.object_capability(Kind::Thread, new.frame);
        match self.place_capability((home, slot), &capability, new.region.as_ref()) {
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
        let frame = part_of(&region.capability, first, frames)?;
        let table_frames = frames.checked_sub(SPACE_FRAMES).ok_or(Status::BadArgument)?;
        let table_frames = u32::try_from(table_frames).map_err(|_| Status::BadArgument)?;
        if table_frames == 0 || table_frames > MAX_TABLE_FRAMES {
            return Err(Status::BadArgument);
        }
        let (slot, home) = (decode::slot(arguments.from)?, self.look(caller).space);
        self.expect_empty(home, slot)?;
        self.expect_unused(frame, frames as u32)?;
        self.claim_source(Some(&region))?;
        let id = self.put_space(frame, table_frames, Some(&region))?;
        let capability = self.object_capability(Kind::Space, id.frame());
        match self.place_capability((home, slot), &capability, Some(&region)) {
            Ok(()) => Ok(Status::Ok.into()),
            Err(status) => {
                // Another thread took the slot: the Space goes the way of all Spaces.
                self.space(id).start_dying();
                let generation = capability.generation;
                let then = Then::Answer(status);
                let undo = Unfinished::TearDown { space: id, generation, then };
                Ok(self.finish_after_round(caller, &undo, 0))
            }
        }
    }

    /// Claims the frames of a Space and fills them: itself, top-level page table, capability table,
    /// and as its first stock the tables that lead to the kernel information page. Errors:
    /// `FramesBusy`, and nothing is claimed.
    pub(crate) fn put_space(
        &mut self,
        frame: Frame,
        table_frames: u32,
        region: Option<&Source>,
    ) -> Result<SpaceId, Status> {
        let id = SpaceId::new(frame).ok_or(Status::FramesBusy)?;
        let page_table = frame.plus(1);
        let table = page_table.plus(PAIR);
        let stock = table.plus(table_frames);
        let last = stock.plus(INFO_TABLES * PAIR);
        let kind_of = |at: Frame| match at {
            at if at < table => FrameKind::PageTable,
            at if at < stock => FrameKind::Table,
            _ => FrameKind::Stock,
        };
        let mut at = page_table;
        while at < last {
            let kind = kind_of(at);
            let (claimed, count) = match kind {
                FrameKind::Table => (self.objects.claim_words(at, kind), 1),
                _ => (claim_pair(&mut self.objects, at), PAIR),
            };
            if !claimed {
                self.unclaim(page_table, at);
                return Err(Status::FramesBusy);
            }
            at = at.plus(count);
        }
        self.objects.table().turn(page_table, FrameKind::Stock, FrameKind::PageTable);
        let space = Space::new(page_table, table, table_frames);
        let filled = self.fill_space(&space, stock);
        let made = Made { region: region.and_then(|it| it.origin), ..Made::BY_KERNEL };
        if filled.is_ok() && self.objects.claim_space(frame, space, &made.to_tail()) {
            return Ok(id);
        }
        self.unclaim(page_table, last);
        filled.and(Err(Status::FramesBusy))
    }

    /// Claims the UTCB of a thread and maps it. On an error nothing has changed.
    pub(crate) fn put_utcb(&mut self, new: &NewThread) -> Result<(), Status> {
        if !self.objects.claim_words(new.utcb(), FrameKind::Utcb) {
            return Err(Status::FramesBusy);
        }
        let mapped = self.map_utcb(new);
        if mapped.is_err() {
            self.unclaim(new.utcb(), new.utcb().plus(1));
        }
        mapped
    }

    /// Claims the frame of a thread and fills it. Errors: `FramesBusy`.
    pub(crate) fn put_thread(&mut self, new: &NewThread) -> Result<ThreadId, Status> {
        let id = ThreadId::new(new.frame).ok_or(Status::FramesBusy)?;
        let space = self.space(new.space);
        let home = ThreadHome {
            space: new.space,
            page_table: space.page_table,
            capabilities: Table { first: space.table, slots: space.slots },
            utcb: new.utcb(),
            utcb_address: new.utcb_address,
        };
        let context = M::Context::new(new.instruction, new.stack, new.argument);
        // Tokens of waits are even, tokens of grants odd; those of an earlier thread in this frame
        // are far away.
        let generation = self.objects.table().entry(new.frame).generation();
        let sequence = generation.wrapping_mul(SPREAD) & !1;
        let thread = Thread::new(id, context, &home, sequence);
        let region = new.region.and_then(|region| region.origin);
        let made = Made { region, space: Some(new.space), ..Made::BY_KERNEL };
        if !self.objects.claim_thread(new.frame, new.core, thread, &made.to_tail()) {
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
    pub(super) fn object_region(&self, caller: ThreadId, word: u64) -> Result<Source, Status> {
        self.source_of(caller, word, Kind::Region, Rights::OBJECTS)
    }

    /// An object will depend on the Region. Errors: `NoCapability` if that has changed; `TooDeep`.
    pub(super) fn claim_source(&self, region: Option<&Source>) -> Result<(), Status> {
        let Some(region) = region else { return Ok(()) };
        source::expect_depth(region)?;
        source::claim(&self.objects, region, None)
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
        let frame = part_of(&region.capability, first, 2)?;
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
            region: Some(region),
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
        let release = Unfinished::Release { first, count, then: Then::Answer(status) };
        self.finish_after_round(caller, &release, self.all_cores())
    }

    /// Gives frames of words back that nobody has seen, from `first` on and before `end`.
    fn unclaim(&self, first: Frame, end: Frame) {
        let table = self.objects.table();
        for frame in (first.0..end.0).map(Frame) {
            table.map().unmark(frame);
            table.turn(frame, table.entry(frame).kind(), FrameKind::Ram);
        }
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
        let pairs = (0..INFO_TABLES).map(|pair| stock.plus(pair * PAIR));
        pairs.for_each(|pair| tables.push_stock(pair, None));
        let info = M::Pages::user_address(KERNEL_INFO, PAGE_SIZE).ok_or(Status::BadAddress)?;
        tables.map_object(info, self.shared.info_frame, false)
    }
}
