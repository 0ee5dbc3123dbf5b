//! Mapping, unmapping, stock. Each call does at most [`PAGES_PER_CALL`] pages and says how many.

use super::Answer;
use super::decode::Arguments;
use super::round::Unfinished;
use crate::kernel::Kernel;
use crate::object::capability::Capability;
use crate::object::space::Space;
use cedo_abi::call::memory::PAGES_PER_CALL;
use cedo_abi::layout::{KERNEL_INFO, PAGE_SIZE};
use cedo_abi::{Kind, Rights, Status};
use cedo_floor::lock::Held;
use cedo_floor::{FrameKind, SpaceId, ThreadId};
use cedo_machine::{Access, Frame, Machine, PageFormat, UserAddress};
use core::sync::atomic::Ordering;

/// Rights that a mapping can have.
const ACCESS: Rights = Rights::READ.or(Rights::WRITE).or(Rights::EXECUTE);

impl<M: Machine> Kernel<M> {
    /// Maps part of a Region. Errors, if not one page was mapped: `BadArgument` beyond the Region or
    /// for an access without READ, `NoRight`, `BadAddress`, `NoStock`, `Occupied`, `FramesBusy`.
    pub(super) fn map(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let [first, address, pages, rights, ..] = arguments.words;
        let rights = u16::try_from(rights).map_or(Rights::NONE, Rights);
        if !ACCESS.has(rights) || !rights.has(Rights::READ) {
            return Err(Status::BadArgument);
        }
        let id = self.space_argument(caller, arguments.to)?;
        let region = self.capability_of(caller, arguments.from, Kind::Region, rights)?;
        let frame = part_of(&region, first, pages)?;
        let pages = pages.min(PAGES_PER_CALL);
        let address = page_range::<M>(address, pages)?;
        let access = Access {
            write: rights.has(Rights::WRITE),
            execute: rights.has(Rights::EXECUTE),
            device: false,
        };
        let (space, _held) = self.lock_space(id)?;
        let tables = self.tables(space);
        done(pages, |page| tables.map_page(nth_page(address, page), frame.plus(page), access))
    }

    /// Unmaps pages; holes count as done. The frames count as mapped until every core that had the
    /// Space loaded has flushed; the caller waits for that. Errors: `BadAddress`, also for the kernel
    /// information page; `BadArgument` for no page.
    pub(super) fn unmap(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let [address, pages, ..] = arguments.words;
        let id = self.space_argument(caller, arguments.to)?;
        if pages == 0 {
            return Err(Status::BadArgument);
        }
        let pages = pages.min(PAGES_PER_CALL);
        let address = page_range::<M>(address, pages)?;
        let info = KERNEL_INFO.wrapping_sub(address.number()) / PAGE_SIZE;
        let pages = if info < pages { info } else { pages };
        if pages == 0 {
            return Err(Status::BadAddress);
        }
        let (space, held) = self.lock_space(id)?;
        let tables = self.tables(space);
        let mut zombies = 0;
        for page in 0..pages as u32 {
            zombies |= u32::from(tables.unmap_page(nth_page(address, page))) << page;
        }
        let (cores, page_table) = (space.cores.load(Ordering::Acquire), space.page_table);
        drop(held);
        if zombies == 0 {
            return Ok(Answer::word(pages));
        }
        if self.local.page_table == page_table {
            (0..pages as u32).for_each(|page| self.machine.flush_page(nth_page(address, page)));
        }
        let generation = self.objects.table().entry(id.frame()).generation();
        let address = address.number();
        let unmapped = Unfinished::Unmap { space: id, generation, address, zombies, pages };
        Ok(self.finish_after_round(caller, &unmapped, cores))
    }

    /// Gives frames to a Space's stock. Needs OBJECTS. Errors, if not one was taken: `BadArgument`
    /// beyond the Region, `FramesBusy`.
    pub(super) fn stock(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let [first, pages, ..] = arguments.words;
        let id = self.space_argument(caller, arguments.to)?;
        let region = self.capability_of(caller, arguments.from, Kind::Region, Rights::OBJECTS)?;
        let frame = part_of(&region, first, pages)?;
        let pages = pages.min(PAGES_PER_CALL) as u32;
        let objects = &mut self.objects;
        let claim = |page: &u32| objects.claim_words(frame.plus(*page), FrameKind::Stock);
        let claimed = (0..pages).take_while(claim).count() as u32;
        if claimed == 0 {
            return Err(Status::FramesBusy);
        }
        match self.lock_space(id) {
            Ok((space, _held)) => {
                let tables = self.tables(space);
                (0..claimed).for_each(|page| tables.push_stock(frame.plus(page)));
                Ok(Answer::word(u64::from(claimed)))
            }
            Err(status) => {
                self.unclaim(frame, claimed, FrameKind::Stock);
                Err(status)
            }
        }
    }

    /// Gives frames of words back that nobody has seen.
    pub(super) fn unclaim(&self, first: Frame, count: u32, kind: FrameKind) {
        for page in 0..count {
            self.objects.table().turn(first.plus(page), kind, FrameKind::Ram);
        }
    }

    /// A Space with its lock held. Errors: `WrongState` if it is being destroyed.
    pub(crate) fn lock_space(&self, id: SpaceId) -> Result<(&Space, Held<'_>), Status> {
        let space = self.space(id);
        let held = space.lock.lock(M::relax);
        if space.is_dying() { Err(Status::WrongState) } else { Ok((space, held)) }
    }
}

/// First frame of `pages` pages of a Region from page `first` on. Errors: `BadArgument` if there are
/// none or they reach beyond the end.
pub(super) fn part_of(region: &Capability, first: u64, pages: u64) -> Result<Frame, Status> {
    let end = first.checked_add(pages).ok_or(Status::BadArgument)?;
    if pages == 0 || end > region.count {
        return Err(Status::BadArgument);
    }
    Ok(region.frame.plus(first as u32))
}

/// The page that starts at an address a user wrote, if `pages` pages from there are a user's.
pub(super) fn page_range<M: Machine>(address: u64, pages: u64) -> Result<UserAddress, Status> {
    let bytes = pages.checked_mul(PAGE_SIZE).ok_or(Status::BadAddress)?;
    let address = M::Pages::user_address(address, bytes).ok_or(Status::BadAddress)?;
    if address.is_page_aligned() { Ok(address) } else { Err(Status::BadAddress) }
}

/// The `page`th page of a range that [`page_range`] has checked.
pub(super) fn nth_page(first: UserAddress, page: u32) -> UserAddress {
    UserAddress::from_checked(first.number() + u64::from(page) * PAGE_SIZE)
}

/// Does pages in order until one fails. The error counts only if it was the first.
fn done(pages: u64, mut step: impl FnMut(u32) -> Result<(), Status>) -> Result<Answer, Status> {
    for page in 0..pages {
        match step(page as u32) {
            Ok(()) => {}
            Err(status) if page == 0 => return Err(status),
            Err(_) => return Ok(Answer::word(page)),
        }
    }
    Ok(Answer::word(pages))
}
