//! Mapping, unmapping, stock. Each call does at most [`PAGES_PER_CALL`] pages and says how many.

use super::Answer;
use super::decode::Arguments;
use super::give::Slot;
use super::round::Unfinished;
use crate::kernel::Kernel;
use crate::object::capability::Capability;
use crate::object::source::{self, Source};
use crate::object::space::Space;
use crate::page_table::stock::{PAIR, claim_pair, free_pair};
use cedo_abi::call::memory::PAGES_PER_CALL;
use cedo_abi::layout::{KERNEL_INFO, PAGE_SIZE};
use cedo_abi::{Kind, Rights, Status};
use cedo_floor::lock::Held;
use cedo_floor::{FrameKind, SpaceId, ThreadId};
use cedo_machine::{Access, Frame, Machine, PageFormat, UserAddress};

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
        let id = self.space_argument(caller, arguments.to)?;
        let region = self.source(caller, arguments.from)?;
        match self.map_source(&region, (first, pages), id, address, rights) {
            (0, status) => Err(status),
            (done, _) => Ok(Answer::word(done)),
        }
    }

    /// Maps pages `first` to `first + pages` (excluded) of the Region in slot `from`, at most
    /// [`PAGES_PER_CALL`], at `address` in the Space `to`. Needs no right over that Space: for items of
    /// messages. Answers how many were mapped, and `Ok` or why not more; errors as of MAP.
    pub fn map_part(
        &self,
        from: Slot,
        part: (u64, u64),
        to: SpaceId,
        address: u64,
        access: Rights,
    ) -> (u64, Status) {
        match source::source(&self.objects, from.0, from.1) {
            Ok(region) => self.map_source(&region, part, to, address, access),
            Err(status) => (0, status),
        }
    }

    /// Errors: what of those of [`map_part`](Self::map_part) is the giver's.
    pub fn expect_mappable(
        &self,
        from: Slot,
        part: (u64, u64),
        access: Rights,
    ) -> Result<(), Status> {
        let region = source::source(&self.objects, from.0, from.1)?;
        first_frame(&region.capability, part, access).map(|_| ())
    }

    fn map_source(
        &self,
        region: &Source,
        part: (u64, u64),
        to: SpaceId,
        address: u64,
        access: Rights,
    ) -> (u64, Status) {
        let mut done = 0;
        let result = self.map_pages(region, part, to, (address, access), &mut done);
        (done, result.err().unwrap_or(Status::Ok))
    }

    /// Counts in `done` what was mapped before an error.
    fn map_pages(
        &self,
        region: &Source,
        part: (u64, u64),
        to: SpaceId,
        (address, rights): (u64, Rights),
        done: &mut u64,
    ) -> Result<(), Status> {
        let frame = first_frame(&region.capability, part, rights)?;
        let pages = part.1.min(PAGES_PER_CALL);
        let address = page_range::<M>(address, pages)?;
        let access = Access {
            write: rights.has(Rights::WRITE),
            execute: rights.has(Rights::EXECUTE),
            device: false,
        };
        let (space, _held) = self.lock_space(to)?;
        source::claim(&self.objects, region, Some(to))?;
        let tables = self.tables(space);
        for page in 0..pages as u32 {
            let (at, frame) = (nth_page(address, page), frame.plus(page));
            tables.map_page(at, frame, access, region.origin)?;
            *done += 1;
        }
        Ok(())
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
            zombies |= u64::from(tables.unmap_page(nth_page(address, page))) << page;
        }
        let (cores, page_table) = (space.cores_to_visit(), space.page_table);
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

    /// Gives frames to a Space's stock, two by two. Needs OBJECTS. Errors, if none were taken:
    /// `BadArgument` beyond the Region, or for less than two; `FramesBusy`.
    pub(super) fn stock(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let [first, pages, ..] = arguments.words;
        let id = self.space_argument(caller, arguments.to)?;
        let region = self.object_region(caller, arguments.from)?;
        let frame = part_of(&region.capability, first, pages)?;
        let pairs = pages.min(PAGES_PER_CALL) as u32 / PAIR;
        if pairs == 0 {
            return Err(Status::BadArgument);
        }
        let objects = &mut self.objects;
        let claim = |pair: &u32| claim_pair(objects, frame.plus(pair * PAIR));
        let claimed = (0..pairs).take_while(claim).count() as u32;
        if claimed == 0 {
            return Err(Status::FramesBusy);
        }
        let firsts = (0..claimed).map(|pair| frame.plus(pair * PAIR));
        let given = self.lock_space(id).and_then(|(space, _held)| {
            source::claim(&self.objects, &region, Some(id))?;
            let tables = self.tables(space);
            firsts.clone().for_each(|first| tables.push_stock(first, region.origin));
            Ok(Answer::word(u64::from(claimed * PAIR)))
        });
        if given.is_err() {
            firsts.for_each(|first| free_pair(&self.objects, first, FrameKind::Stock));
        }
        given
    }

    /// A Space with its lock held. Errors: `WrongState` if it is being destroyed.
    pub(crate) fn lock_space(&self, id: SpaceId) -> Result<(&Space, Held<'_>), Status> {
        let space = self.space(id);
        let held = space.lock.lock(M::relax);
        if space.is_dying() { Err(Status::WrongState) } else { Ok((space, held)) }
    }
}

/// First frame of part of a Region that is to be mapped. Errors: `BadArgument` as of [`part_of`], or
/// for an access without READ; `WrongKind`, `NoRight`.
fn first_frame(
    region: &Capability,
    (first, pages): (u64, u64),
    access: Rights,
) -> Result<Frame, Status> {
    if !ACCESS.has(access) || !access.has(Rights::READ) {
        return Err(Status::BadArgument);
    }
    region.expect(Kind::Region, access)?;
    part_of(region, first, pages)
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
