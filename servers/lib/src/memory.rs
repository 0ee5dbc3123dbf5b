//! Spaces and Regions: make Spaces, map, unmap, stock.

use crate::call::{Arguments, done};
use crate::capability::{Capability, Irq, Lines, Region, Space, Thread};
use cedo_abi::call::{Call, memory, object};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::{Rights, Status};
use cedo_rt::raw::Answer;

/// Makes a Space out of `frames` frames of `region` from page `first` on ([`object::SPACE_FRAMES`], the
/// rest for its capability table); its capability goes to `slot`.
pub fn create_space(region: Region, first: u64, frames: u64, slot: u32) -> Result<Space, Status> {
    let arguments = Arguments::new(Call::Object, object::CREATE_SPACE).to(region.name());
    done(&arguments.from(u64::from(slot)).words(&[first, frames]).make())?;
    Ok(Space::at(slot))
}

/// An interrupt source to be.
#[derive(Clone, Copy, Debug)]
pub struct NewIrq {
    /// The right to the line.
    pub lines: Lines,
    /// The line.
    pub line: u64,
    /// The thread that gets the interrupts (needs CONTROL).
    pub handler: Thread,
    /// Badge of its messages.
    pub badge: u64,
    /// True for a level-triggered line.
    pub level: bool,
}

/// Makes an Irq out of one frame of `region`; its capability goes to `slot`.
pub fn create_irq(region: Region, first: u64, slot: u32, new: &NewIrq) -> Result<Irq, Status> {
    let words =
        [first, new.lines.name(), new.line, new.handler.name(), new.badge, u64::from(new.level)];
    let arguments = Arguments::new(Call::Object, object::CREATE_IRQ).to(region.name());
    done(&arguments.from(u64::from(slot)).words(&words).make())?;
    Ok(Irq::at(slot))
}

/// Destroys a Thread, an Irq, or a Space without threads, in as many calls as it takes; its frames
/// can be used again afterwards. Needs CONTROL.
pub fn destroy(object: impl Capability) -> Result<(), Status> {
    loop {
        let answer = Arguments::new(Call::Object, object::DESTROY).to(object.name()).make();
        done(&answer)?;
        if answer.words[0] == 0 {
            return Ok(());
        }
    }
}

impl Space {
    /// Maps `pages` pages of `region` from page `first` on at `address`, in as many calls as it
    /// takes. On an error some of them may be mapped.
    pub fn map(
        self,
        region: Region,
        first: u64,
        address: u64,
        pages: u64,
        access: Rights,
    ) -> Result<(), Status> {
        in_pieces(pages, |done, rest| {
            let words = [first + done, address + done * PAGE_SIZE, rest, u64::from(access.0)];
            self.operation(memory::MAP).from(region.name()).words(&words).make()
        })
    }

    /// Unmaps `pages` pages at `address`, in as many calls as it takes.
    pub fn unmap(self, address: u64, pages: u64) -> Result<(), Status> {
        in_pieces(pages, |done, rest| {
            self.operation(memory::UNMAP).words(&[address + done * PAGE_SIZE, rest]).make()
        })
    }

    /// Gives `pages` frames of `region` from page `first` on to the stock for page tables, each of
    /// which takes two: an even number.
    pub fn stock(self, region: Region, first: u64, pages: u64) -> Result<(), Status> {
        in_pieces(pages, |done, rest| {
            self.operation(memory::STOCK).from(region.name()).words(&[first + done, rest]).make()
        })
    }

    fn operation(self, sub_operation: u8) -> Arguments {
        Arguments::new(Call::Memory, sub_operation).to(self.name())
    }
}

/// Repeats a call that does some pages at a time and returns in word 0 how many.
fn in_pieces(pages: u64, mut piece: impl FnMut(u64, u64) -> Answer) -> Result<(), Status> {
    let mut finished = 0;
    while finished < pages {
        let answer = piece(finished, pages - finished);
        done(&answer)?;
        let count = answer.words[0].min(pages - finished);
        if count == 0 {
            return Err(Status::BadArgument);
        }
        finished += count;
    }
    Ok(())
}
