//! What the kernel and the archive offer.

use crate::failure::{Cause, Failure};
use cedo_lib::abi::archive::SYSTEM;
use cedo_lib::abi::info::BootInfo;
use cedo_lib::abi::read::{archive, system};
use cedo_lib::{ThisThread, page};

/// Everything there is to begin with.
pub struct Boot {
    /// What the kernel says.
    pub information: &'static BootInfo,
    /// The boot archive.
    pub archive: archive::Reader<'static>,
    /// The system description in it.
    pub description: system::Reader<'static>,
}

impl Boot {
    /// Reads and checks all of it.
    pub fn read(this: &ThisThread) -> Result<Boot, Failure> {
        let doing = "read the boot archive";
        let missing = Failure::of_all(doing, Cause::Unpacked("boot information of this version"));
        let information = page::boot_info(this).ok_or(missing)?;
        let bytes = page::boot_archive(this).ok_or(missing)?;
        let damaged = |error| Failure::of_all(doing, Cause::Damaged(error));
        let archive = archive::Reader::new(bytes).map_err(damaged)?;
        let missing = Failure::of_all(doing, Cause::Unpacked("entry \"system\" in it"));
        let file = archive.find(SYSTEM).ok_or(missing)?;
        let damaged = |error| Failure::of_all("read the system description", Cause::Damaged(error));
        let description = system::Reader::new(file.bytes).map_err(damaged)?;
        Ok(Boot { information, archive, description })
    }
}
