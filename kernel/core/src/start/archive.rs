//! The boot archive and the first server's flat image, read by words and checked whole.
//!
//! The layout is `cedo_abi::archive`. What the bytes say is checked before it is used; they may be
//! damaged or hostile. Where they are does not matter to the checks ([`Module`]), so these also run
//! on bytes of a host.

use crate::kernel::Kernel;
use crate::object::KernelTypes;
use cedo_abi::archive::{
    CHECKSUM_START, Entry, FLAT_MAGIC, FlatHeader, FlatSegment, Header, INIT, MAGIC, MAX_ENTRIES,
    MAX_SEGMENTS, checksum_on,
};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::read::{Cursor, Record, name};
use cedo_floor::Objects;
use cedo_machine::{Frame, Machine, PageFormat, Platform};
use core::sync::atomic::Ordering;

const MISSING: &str =
    "there is no boot archive: give the loader the file that `cargo xtask` packed as a module";
const NO_ARCHIVE: &str =
    "the boot module is not a Cedo archive: give the loader the file that `cargo xtask` packed";
pub(super) const DAMAGED_LENGTH: &str = "the boot archive is damaged (length): pack it again";
const DAMAGED_CHECKSUM: &str = "the boot archive is damaged (checksum): pack it again";
const DAMAGED_ENTRIES: &str = "the boot archive is damaged (list of files): pack it again";
const NO_INIT: &str = "the boot archive has no file `init`: pack it again";
pub(super) const DAMAGED_IMAGE: &str =
    "the first server's image in the boot archive is damaged: build and pack it again";

/// Most pages of a segment: 16 GiB, far beyond any server, and sums fit 32 bits.
const MAX_PAGES: u64 = 1 << 22;
/// Bytes of the largest record read here.
const RECORD_BYTES: usize = FlatHeader::BYTES;

/// Pages that hold so many bytes.
pub(super) const fn pages(bytes: u64) -> u64 {
    bytes.div_ceil(PAGE_SIZE)
}

/// A checked archive.
#[derive(Clone, Copy)]
pub(super) struct Archive {
    /// Its first frame.
    pub first: Frame,
    /// Its bytes, a multiple of the page size.
    pub bytes: u64,
}

impl Archive {
    /// Its pages.
    pub const fn pages(&self) -> u32 {
        (self.bytes / PAGE_SIZE) as u32
    }
}

/// The first server's image, checked.
#[derive(Clone, Copy)]
pub(super) struct Image {
    /// First frame of the image.
    pub first: Frame,
    /// Where it starts.
    pub entry: u64,
    flat: Flat,
}

impl Image {
    /// What to map.
    pub fn segments(&self) -> &[FlatSegment] {
        self.flat.segments()
    }

    /// Pages of memory that it takes.
    pub fn pages(&self) -> u32 {
        self.segments().iter().map(|segment| segment.memory_pages as u32).sum()
    }
}

/// The bytes of a boot module.
pub trait Module {
    /// The eight bytes at an offset that is a multiple of 8, if all of them are in the module.
    fn word(&self, offset: u64) -> Option<[u8; 8]>;
}

/// A flat image, checked.
#[derive(Clone, Copy, Debug)]
pub struct Flat {
    /// Offset of the image in its archive, a multiple of the page size.
    pub offset: u64,
    /// Where it starts.
    pub entry: u64,
    segments: [FlatSegment; MAX_SEGMENTS],
    count: usize,
}

impl Flat {
    /// What to map.
    pub fn segments(&self) -> &[FlatSegment] {
        self.segments.get(..self.count).unwrap_or(&[])
    }
}

/// Magic, length and checksum of the archive in a module of `bytes` bytes; the archive's bytes.
/// Errors are for people.
pub fn check_archive(module: &impl Module, bytes: u64) -> Result<u64, &'static str> {
    let header: Header = record(module, 0).ok_or(NO_ARCHIVE)?;
    if header.magic != MAGIC {
        return Err(NO_ARCHIVE);
    }
    let length = header.length;
    if length == 0 || length > bytes || !length.is_multiple_of(PAGE_SIZE) {
        return Err(DAMAGED_LENGTH);
    }
    let mut offsets = (Header::BYTES as u64..length).step_by(8);
    let sum = offsets.try_fold(CHECKSUM_START, |sum, at| Some(checksum_on(sum, &module.word(at)?)));
    if sum == Some(header.checksum) { Ok(length) } else { Err(DAMAGED_CHECKSUM) }
}

/// Finds the first server's image in a checked archive of `length` bytes and checks all that will be
/// used of it. `P` says what addresses a user can have. Errors are for people.
pub fn check_image<P: PageFormat>(module: &impl Module, length: u64) -> Result<Flat, &'static str> {
    let file = find_init(module, length)?;
    if file.length < FlatHeader::BYTES as u64 {
        return Err(DAMAGED_IMAGE);
    }
    let header: FlatHeader = record(module, file.offset).ok_or(DAMAGED_IMAGE)?;
    let count = usize::try_from(header.count).map_err(|_| DAMAGED_IMAGE)?;
    let is_header = header.magic == FLAT_MAGIC && (1..=MAX_SEGMENTS).contains(&count);
    let (offset, entry) = (file.offset, header.entry);
    let flat = Flat { offset, entry, segments: header.segments, count };
    let is_code = P::user_address(entry, 1).is_some();
    let all_fit = || flat.segments().iter().all(|segment| fits::<P>(segment, file.length));
    if is_header && is_code && all_fit() { Ok(flat) } else { Err(DAMAGED_IMAGE) }
}

fn find_init(module: &impl Module, length: u64) -> Result<Entry, &'static str> {
    let header: Header = record(module, 0).ok_or(DAMAGED_ENTRIES)?;
    if header.count as usize > MAX_ENTRIES {
        return Err(DAMAGED_ENTRIES);
    }
    for index in 0..header.count as usize {
        let offset = (Header::BYTES + index * Entry::BYTES) as u64;
        let entry: Entry = record(module, offset).ok_or(DAMAGED_ENTRIES)?;
        if name(&entry.name) != Ok(INIT) {
            continue;
        }
        let end = entry.offset.checked_add(entry.length).ok_or(DAMAGED_ENTRIES)?;
        let aligned = entry.offset != 0 && entry.offset.is_multiple_of(PAGE_SIZE);
        return if aligned && end <= length { Ok(entry) } else { Err(DAMAGED_ENTRIES) };
    }
    Err(NO_INIT)
}

/// The record at an offset that is a multiple of 8.
fn record<R: Record>(module: &impl Module, offset: u64) -> Option<R> {
    let mut bytes = [0; RECORD_BYTES];
    let space = bytes.get_mut(..R::BYTES)?;
    for (chunk, at) in space.chunks_mut(8).zip((offset..).step_by(8)) {
        chunk.copy_from_slice(module.word(at)?.get(..chunk.len())?);
    }
    R::take(&mut Cursor::new(space)).ok()
}

/// True if a segment lies inside an image of `length` bytes and where a user can have it.
fn fits<P: PageFormat>(segment: &FlatSegment, length: u64) -> bool {
    let FlatSegment { address, memory_pages, offset, file_pages, .. } = *segment;
    if memory_pages == 0 || memory_pages > MAX_PAGES || file_pages > memory_pages {
        return false;
    }
    let end = offset.checked_add(file_pages * PAGE_SIZE);
    end.is_some_and(|end| end <= length)
        && offset.is_multiple_of(PAGE_SIZE)
        && address.is_multiple_of(PAGE_SIZE)
        && P::user_address(address, memory_pages * PAGE_SIZE).is_some()
}

/// A module that lies in frames from `first` on.
struct Frames<'a, M: Machine> {
    objects: &'a Objects<KernelTypes<M>>,
    first: Frame,
    bytes: u64,
}

impl<M: Machine> Module for Frames<'_, M> {
    fn word(&self, offset: u64) -> Option<[u8; 8]> {
        if offset.checked_add(8)? > self.bytes {
            return None;
        }
        let frame = self.first.plus((offset / PAGE_SIZE) as u32);
        let index = (offset % PAGE_SIZE / 8) as usize;
        let word = self.objects.words(frame)?.get(index)?;
        Some(word.load(Ordering::Relaxed).to_le_bytes())
    }
}

impl<M: Machine> Kernel<M> {
    /// Magic, length and checksum.
    pub(super) fn check_archive(&self, platform: &Platform) -> Result<Archive, &'static str> {
        let (first, module) = platform.archive.ok_or(MISSING)?;
        let bytes = check_archive(&self.frames(first, module), module)?;
        Ok(Archive { first, bytes })
    }

    /// Finds the first server's image and checks all that will be used of it.
    pub(super) fn check_image(&self, archive: &Archive) -> Result<Image, &'static str> {
        let frames = self.frames(archive.first, archive.bytes);
        let flat = check_image::<M::Pages>(&frames, archive.bytes)?;
        let first = archive.first.plus((flat.offset / PAGE_SIZE) as u32);
        Ok(Image { first, entry: flat.entry, flat })
    }

    fn frames(&self, first: Frame, bytes: u64) -> Frames<'_, M> {
        Frames { objects: &self.objects, first, bytes }
    }
}
