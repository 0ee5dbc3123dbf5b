//! Reading the loader's words in multiboot2 form.

use super::information::{Entry, Information, RootPointer, Span};
use crate::layout::WINDOW_BASE;
use multiboot2::{BootInformation, MemoryAreaType, TagType};

/// What GRUB leaves in eax.
pub const MAGIC: u32 = multiboot2::MAGIC;

/// Reads what physical `address` (below 4 GiB) points to. `None` if it is no boot information with
/// a memory map.
pub fn read(address: u64) -> Option<Information> {
    let pointer = (WINDOW_BASE + address) as *const multiboot2::BootInformationHeader;
    // SAFETY: 1. The loader passed this address, and all of the first 4 GiB is in the window.
    // 2. Nothing was allocated yet, so nothing writes there.
    let boot = unsafe { BootInformation::load(pointer) }.ok()?;
    let mut information = Information { loader: "multiboot2", ..Information::default() };
    for area in boot.memory_map_tag()?.memory_areas() {
        let span = Span::new(area.start_address(), area.size());
        let is_ram = area.typ() == MemoryAreaType::Available;
        // What does not fit the list is memory that nobody uses.
        let _ = information.memory.push(Entry { span, is_ram });
    }
    if let Some(module) = boot.module_tags().next() {
        let (start, end) = (module.start_address(), module.end_address());
        information.archive = Some(Span { start: u64::from(start), end: u64::from(end) });
    }
    if let Some(Ok(text)) = boot.command_line_tag().map(|tag| tag.cmdline()) {
        information.set_command_line(text.as_bytes());
    }
    information.root_pointer = root_pointer(&boot);
    Some(information)
}

/// The copy of ACPI's root pointer: the newer form if there is one.
fn root_pointer(boot: &BootInformation<'_>) -> Option<RootPointer> {
    let tag = |wanted: TagType| {
        boot.tags().find(|tag| TagType::from(tag.header().typ) == wanted).map(|tag| tag.payload())
    };
    let bytes = tag(TagType::AcpiV2).or_else(|| tag(TagType::AcpiV1))?;
    let mut copy = [0; 36];
    let length = bytes.len().min(copy.len());
    copy[..length].copy_from_slice(&bytes[..length]);
    Some(RootPointer::Copy(copy))
}
