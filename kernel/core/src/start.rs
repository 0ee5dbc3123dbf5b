//! What happens once: sharing, and the first server.
//!
//! | file | contents |
//! |---|---|
//! | [`archive`] | reads the boot archive by words |
//! | `information` | fills the kernel information page and what the first server is told |
//! | `init` | builds the first server: Space, image, thread |
//! | `memory` | takes the first server's frames, and says what is left |
//!
//! An error is one line for a person; the board prints `cannot boot: ` before it.

pub mod archive;
mod information;
mod init;
mod memory;

use crate::kernel::{Kernel, Shared};
use cedo_abi::MAX_CORES;
use cedo_abi::info::feature;
use cedo_floor::{Claims, FrameKind, FrameTable, Inbox};
use cedo_machine::atomic::AtomicU64;
use cedo_machine::{CoreNumber, Frame, Machine, MemoryKind, Platform};

/// Prepares what all cores share, and adds all memory to the frame table.
pub fn share(platform: &Platform) -> Result<Shared, &'static str> {
    if platform.cores == 0 || usize::from(platform.cores) > MAX_CORES {
        return Err("the number of processors is not supported: limit it in the boot settings");
    }
    let table = FrameTable::new(platform.frame_table, platform.object_map);
    let memory = platform.memory.iter().filter(|range| range.kind == MemoryKind::Ram);
    for range in memory {
        // Frame 0 names nothing.
        (0..range.count)
            .map(|frame| range.first.plus(frame))
            .filter(|frame| frame.0 != 0)
            .for_each(|frame| {
                table.add_ram(frame);
            });
    }
    // The kernel's own frames: plain words that no user can ever claim or map.
    keep(table, platform.info_frame)?;
    keep(table, platform.kernel_root)?;
    if let Some((first, bytes)) = platform.archive {
        let frames = u32::try_from(archive::pages(bytes)).map_err(|_| archive::DAMAGED_LENGTH)?;
        (0..frames).for_each(|frame| table.add_ram(first.plus(frame)));
    }
    Ok(Shared {
        claims: Claims::new(),
        table,
        inboxes: core::array::from_fn(|_| Inbox::new()),
        cores: platform.cores,
        kernel_root: platform.kernel_root,
        info_frame: platform.info_frame,
        no_execute: platform.features & feature::NO_EXECUTE != 0,
        lines: core::array::from_fn(|_| AtomicU64::new(0)),
    })
}

/// Makes a frame of boot code's known as words of the kernel's.
fn keep(table: FrameTable, frame: Frame) -> Result<(), &'static str> {
    table.add_ram(frame);
    if table.claim(frame, FrameKind::Table, CoreNumber(0)) {
        Ok(())
    } else {
        Err("the boot code left the kernel's own pages out of its memory map: report this machine")
    }
}

impl<M: Machine> Kernel<M> {
    /// Builds the first server and makes it the root of this core, ready to run.
    pub fn start_first_server(&mut self, platform: &Platform) -> Result<(), &'static str> {
        self.fill_information(platform)?;
        let archive = self.check_archive(platform)?;
        let image = self.check_image(&archive)?;
        let plan = memory::Plan::new(&archive, &image);
        let (frames, memory) = memory::take(platform, &archive, plan.frames())?;
        let root = self.build_init(&archive, &image, &plan, frames)?;
        self.tell_init(root, &archive, &plan, frames, &memory)?;
        self.local.root = Some(root);
        self.note_duties(root);
        Ok(())
    }
}
