//! The first server: a Space with its image, and a thread with all rights there are.

use super::archive::{Archive, DAMAGED_IMAGE, Image};
use super::memory::{Memory, Plan, TABLE_FRAMES};
use crate::call::object::NewThread;
use crate::kernel::{Kernel, MAX_LINES};
use crate::object::capability::Capability;
use crate::object::thread::State;
use crate::object::unusual::NEW;
use crate::page_table::stock::{PAIR, claim_pair};
use cedo_abi::info::range_kind::{ARCHIVE, DEVICE};
use cedo_abi::info::slot;
use cedo_abi::layout::{
    INIT_ARCHIVE, INIT_BOOT_INFO, INIT_STACK_PAGES, INIT_STACK_TOP, INIT_UTCB, PAGE_SIZE,
};
use cedo_abi::{Kind, Rights, Status};
use cedo_floor::{SpaceId, ThreadId};
use cedo_machine::{Access, CoreNumber, Frame, Machine, PageFormat, UserAddress};
use core::iter;

const READ_ONLY: Access = Access { write: false, execute: false, device: false };
const READ_WRITE: Access = Access { write: true, execute: false, device: false };
/// I/O ports of a machine that has any.
const PORTS: u64 = 0x1_0000;
const BROKEN: &str = "the memory map names memory twice: report this machine";

impl<M: Machine> Kernel<M> {
    /// Makes the Space, maps everything, makes the thread: ready, its own scheduler.
    pub(super) fn build_init(
        &mut self,
        archive: &Archive,
        image: &Image,
        plan: &Plan,
        frames: Frame,
    ) -> Result<ThreadId, &'static str> {
        let space = self.put_space(frames, TABLE_FRAMES, None).map_err(|_| BROKEN)?;
        for table in 0..plan.stock_tables {
            let first = frames.plus(plan.stock + table * PAIR);
            if !claim_pair(&mut self.objects, first) {
                return Err(BROKEN);
            }
            self.tables(self.space(space)).push_stock(first, None);
        }
        self.map_image(space, image, frames.plus(plan.image))?;
        let (stack, pages) = (frames.plus(plan.stack), INIT_STACK_PAGES as u32);
        (0..pages).try_for_each(|page| self.write_words(stack.plus(page), iter::empty()))?;
        let lowest = INIT_STACK_TOP - INIT_STACK_PAGES * PAGE_SIZE;
        self.map_all(space, lowest, stack, pages, READ_WRITE).map_err(clash)?;
        let boot_info = frames.plus(plan.boot_info);
        self.map_all(space, INIT_BOOT_INFO, boot_info, 1, READ_ONLY).map_err(clash)?;
        self.map_all(space, INIT_ARCHIVE, archive.first, archive.pages(), READ_ONLY)
            .map_err(clash)?;
        let address = |address| M::Pages::user_address(address, PAGE_SIZE).ok_or(DAMAGED_IMAGE);
        let new = NewThread {
            frame: frames.plus(plan.thread),
            space,
            core: CoreNumber(0),
            utcb_address: address(INIT_UTCB)?,
            instruction: M::Pages::user_address(image.entry, 1).ok_or(DAMAGED_IMAGE)?,
            stack: INIT_STACK_TOP,
            argument: INIT_UTCB,
            region: None,
        };
        self.put_utcb(&new).map_err(clash)?;
        let root = self.put_thread(&new).map_err(|_| BROKEN)?;
        let thread = self.thread(root);
        thread.state = State::Ready;
        thread.unusual.set(NEW, false);
        Ok(root)
    }

    /// Fills the capability table and the boot information.
    pub(super) fn tell_init(
        &mut self,
        root: ThreadId,
        archive: &Archive,
        plan: &Plan,
        frames: Frame,
        memory: &Memory,
    ) -> Result<(), &'static str> {
        let boot_info = frames.plus(plan.boot_info);
        self.fill_boot_info(boot_info, archive.bytes, memory.ranges())?;
        let space = self.look(root).space;
        let whole = |kind, badge, count| Capability {
            kind,
            rights: Rights::ALL,
            frame: Frame(0),
            generation: 0,
            badge,
            count,
        };
        let objects = [
            (slot::SPACE, self.object_capability(Kind::Space, space.frame())),
            (slot::THREAD, self.object_capability(Kind::Thread, root.frame())),
            (slot::PORTS, whole(Kind::Ports, 0, PORTS)),
            (slot::LINES, whole(Kind::Lines, 0, MAX_LINES as u64)),
        ];
        let cores = (0..self.shared.cores)
            .map(|core| (slot::CORE_0 + u32::from(core), whole(Kind::Core, u64::from(core), 1)));
        let regions = memory.ranges().iter().map(|range| {
            let region = Capability {
                rights: region_rights(range.kind),
                frame: Frame::containing(range.base),
                ..whole(Kind::Region, 0, range.pages)
            };
            (range.slot, region)
        });
        for (slot, capability) in objects.into_iter().chain(cores).chain(regions) {
            self.place_capability((space, slot), &capability, None).map_err(|_| BROKEN)?;
        }
        Ok(())
    }

    /// Copies the image out of the archive and maps the copy.
    fn map_image(&self, space: SpaceId, image: &Image, frames: Frame) -> Result<(), &'static str> {
        let mut to = frames;
        for segment in image.segments() {
            let from = image.first.plus((segment.offset / PAGE_SIZE) as u32);
            let file_pages = segment.file_pages as u32;
            (0..file_pages).try_for_each(|page| self.copy_frame(from.plus(page), to.plus(page)))?;
            let pages = segment.memory_pages as u32;
            (file_pages..pages)
                .try_for_each(|page| self.write_words(to.plus(page), iter::empty()))?;
            let rights = Rights(segment.access as u16);
            let access = Access {
                write: rights.has(Rights::WRITE),
                execute: rights.has(Rights::EXECUTE),
                device: false,
            };
            // Segments that overlap each other.
            self.map_all(space, segment.address, to, pages, access).map_err(|_| DAMAGED_IMAGE)?;
            to = to.plus(pages);
        }
        Ok(())
    }

    fn map_all(
        &self,
        id: SpaceId,
        address: u64,
        first: Frame,
        pages: u32,
        access: Access,
    ) -> Result<(), Status> {
        let (space, _held) = self.lock_space(id)?;
        let tables = self.tables(space);
        for page in 0..pages {
            let address = UserAddress::from_checked(address + u64::from(page) * PAGE_SIZE);
            tables.map_page(address, first.plus(page), access, None)?;
        }
        Ok(())
    }
}

/// What a Region of the first server allows.
fn region_rights(kind: u32) -> Rights {
    match kind {
        ARCHIVE => Rights::READ,
        DEVICE => Rights::READ.or(Rights::WRITE),
        _ => Rights::READ.or(Rights::WRITE).or(Rights::EXECUTE).or(Rights::OBJECTS),
    }
}

/// Why the first server's own pages could not be mapped.
fn clash(status: Status) -> &'static str {
    match status {
        Status::Occupied => {
            "the first server's image lies where the kernel puts its stack: relink it"
        }
        _ => BROKEN,
    }
}
