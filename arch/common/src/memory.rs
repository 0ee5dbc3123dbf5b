//! Spans of physical memory: who uses what. Pure.

use cedo_abi::info::MAX_MEMORY_RANGES;
use cedo_machine::{Frame, MemoryKind, MemoryRange};
use heapless::Vec;

/// Most spans that are kept apart.
const MOST_SPANS: usize = 128;
/// Ranges the kernel is told of; the interface's limit less one for the boot archive.
pub const MOST_RANGES: usize = MAX_MEMORY_RANGES - 1;
/// What the kernel needs to start the first server, tables included.
pub const LEAST_BYTES: u64 = 8 << 20;
/// Gaps below 4 GiB at least this long are where PCI devices live.
const DEVICE_GAP_BYTES: u64 = 1 << 20;
const FOUR_GIB: u64 = 4 << 30;
const MIB: u64 = 1 << 20;

/// Physical bytes `start..end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// First byte.
    pub start: u64,
    /// First byte that no longer belongs to it.
    pub end: u64,
}

impl Span {
    /// From a start and a length, cut where the address space ends.
    pub const fn new(start: u64, bytes: u64) -> Span {
        Span { start, end: start.saturating_add(bytes) }
    }

    /// Bytes in it.
    pub const fn bytes(self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// One line of the memory map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Where.
    pub span: Span,
    /// True for memory that is free for the kernel; false for everything else.
    pub is_ram: bool,
}

/// A set of page-aligned spans, sorted, none touching another.
#[derive(Clone, Default, Debug)]
pub struct Spans(Vec<Span, MOST_SPANS>);

impl Spans {
    /// All whole pages of RAM below `end` that no other entry of the map claims.
    pub fn ram(map: &[Entry], end: u64) -> Spans {
        let mut spans = Spans::default();
        for entry in map.iter().filter(|entry| entry.is_ram) {
            spans.add(inner(entry.span, end));
        }
        for entry in map.iter().filter(|entry| !entry.is_ram) {
            spans.remove(entry.span);
        }
        spans
    }

    /// Adds a page-aligned span, joining what touches it. What does not fit is left out.
    fn add(&mut self, mut new: Span) {
        if new.start >= new.end {
            return;
        }
        self.0.retain(|old| {
            let apart = old.end < new.start || new.end < old.start;
            if !apart {
                new = Span { start: old.start.min(new.start), end: old.end.max(new.end) };
            }
            apart
        });
        let place = self.0.iter().position(|old| old.start > new.start).unwrap_or(self.0.len());
        // A full list means a map with more than a hundred pieces: the piece is not used.
        let _ = self.0.insert(place, new);
    }

    /// Takes every page out that `span` touches.
    pub fn remove(&mut self, span: Span) {
        let span = outer(span);
        let before = core::mem::take(&mut self.0);
        for old in before {
            self.add(Span { start: old.start, end: old.end.min(span.start) });
            self.add(Span { start: old.start.max(span.end), end: old.end });
        }
    }

    /// Takes `bytes` (a multiple of a page) out, from the highest span that ends below `limit` and
    /// is long enough. `None` if there is none.
    pub fn take(&mut self, bytes: u64, limit: u64) -> Option<u64> {
        let fits = |span: &&Span| span.end.min(limit).saturating_sub(span.start) >= bytes;
        let span = *self.0.iter().rev().find(fits)?;
        let start = span.end.min(limit) - bytes;
        self.remove(Span { start, end: start + bytes });
        Some(start)
    }

    /// The spans.
    pub fn iter(&self) -> impl Iterator<Item = Span> + '_ {
        self.0.iter().copied()
    }

    /// Bytes in all.
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|span| span.bytes()).sum()
    }

    /// End of the last span.
    pub fn end(&self) -> u64 {
        self.0.last().map_or(0, |span| span.end)
    }

    /// Bytes of `span` that are in the set.
    pub fn overlap(&self, span: Span) -> u64 {
        let within = |own: &Span| own.end.min(span.end).saturating_sub(own.start.max(span.start));
        self.0.iter().map(within).sum()
    }
}

/// Where device registers may be: in `known`, and in the gaps of the map below 4 GiB. Pages in
/// `kernel` (the interrupt controllers) are the kernel's own.
pub fn device_spans(map: &[Entry], known: &[Span], kernel: &[Span]) -> Spans {
    let mut gaps = Spans::default();
    gaps.add(Span { start: MIB, end: FOUR_GIB });
    map.iter().for_each(|entry| gaps.remove(entry.span));
    let mut devices = Spans::default();
    known.iter().for_each(|span| devices.add(*span));
    for gap in gaps.iter().filter(|gap| gap.bytes() >= DEVICE_GAP_BYTES) {
        devices.add(gap);
    }
    map.iter().filter(|entry| entry.is_ram).for_each(|entry| devices.remove(entry.span));
    kernel.iter().for_each(|span| devices.remove(*span));
    devices
}

/// The ranges the kernel is told of, sorted. If there are too many, the smallest RAM goes first.
pub fn ranges(ram: &Spans, devices: &Spans) -> Vec<MemoryRange, MOST_RANGES> {
    let range = |span: Span, kind| MemoryRange {
        first: Frame::containing(span.start),
        count: (span.bytes() >> 12) as u32,
        kind,
    };
    let mut kept: Vec<MemoryRange, MOST_RANGES> = Vec::new();
    for range in devices.iter().map(|span| range(span, MemoryKind::Device)) {
        // The gaps below 4 GiB are few; one that does not fit is a device nobody drives.
        let _ = kept.push(range);
    }
    for new in ram.iter().map(|span| range(span, MemoryKind::Ram)) {
        if let Err(new) = kept.push(new)
            && let Some(smallest) = smallest_ram(&mut kept).filter(|old| old.count < new.count)
        {
            *smallest = new;
        }
    }
    // In order, by inserting one after the other: the list is short.
    for end in 1..kept.len() {
        let mut place = end;
        while place > 0 && kept[place - 1].first > kept[place].first {
            kept.swap(place - 1, place);
            place -= 1;
        }
    }
    kept
}

fn smallest_ram(ranges: &mut [MemoryRange]) -> Option<&mut MemoryRange> {
    ranges.iter_mut().filter(|range| range.kind == MemoryKind::Ram).min_by_key(|range| range.count)
}

/// The whole pages in a span, below `end`.
fn inner(span: Span, end: u64) -> Span {
    let last = span.end.min(end) & !4095;
    Span { start: span.start.saturating_add(4095) & !4095, end: last }
}

/// The pages that a span touches.
fn outer(span: Span) -> Span {
    Span {
        start: span.start & !4095,
        end: span.end.checked_add(4095).map_or(u64::MAX, |end| end & !4095),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(start: u64, end: u64, is_ram: bool) -> Entry {
        Entry { span: Span { start, end }, is_ram }
    }

    const VGA: [Span; 1] = [Span { start: 0xa_0000, end: 0xc_0000 }];

    fn pairs(spans: &Spans) -> std::vec::Vec<(u64, u64)> {
        spans.iter().map(|span| (span.start, span.end)).collect()
    }

    fn pc() -> [Entry; 6] {
        [
            entry(0x10_0000, 0x1ffe_0000, true),
            entry(0, 0x9_fc00, true),
            entry(0x9_fc00, 0xa_0000, false),
            entry(0xf_0000, 0x10_0000, false),
            entry(0x1ffe_0000, 0x2000_0000, false),
            entry(0xfffc_0000, 0x1_0000_0000, false),
        ]
    }

    #[test]
    fn whole_free_pages_are_ram() {
        let ram = Spans::ram(&pc(), u64::MAX);
        assert_eq!(pairs(&ram), [(0, 0x9_f000), (0x10_0000, 0x1ffe_0000)]);
        assert_eq!(pairs(&Spans::ram(&pc(), 0x20_0800)), [(0, 0x9_f000), (0x10_0000, 0x20_0000)]);
    }

    #[test]
    fn overlapping_and_touching_entries_become_one() {
        let map = [
            entry(0x1000, 0x3000, true),
            entry(0x2000, 0x5000, true),
            entry(0x5000, 0x6000, true),
            entry(0x3800, 0x3900, false),
            entry(0x9000, 0x8000, true),
            entry(u64::MAX - 10, u64::MAX, false),
        ];
        assert_eq!(pairs(&Spans::ram(&map, u64::MAX)), [(0x1000, 0x3000), (0x4000, 0x6000)]);
    }

    #[test]
    fn taking_starts_at_the_top_and_respects_the_limit() {
        let mut ram = Spans::ram(&pc(), u64::MAX);
        assert_eq!(ram.take(0x2000, u64::MAX), Some(0x1ffd_e000));
        assert_eq!(ram.take(0x1000, 0x1000_0000), Some(0xfff_f000));
        assert_eq!(ram.overlap(Span { start: 0xfff_e000, end: 0x1000_1000 }), 0x2000);
        assert_eq!(ram.take(0x1000, 0x10_0000), Some(0x9_e000));
        assert_eq!(ram.take(1 << 40, u64::MAX), None);
        assert_eq!(ram.take(0x1000, 0x800), None);
    }

    #[test]
    fn devices_are_in_the_gaps_but_the_kernels_own_are_not() {
        let own = [Span::new(0xfec0_0000, 0x400), Span::new(0xfee0_0000, 0x1000)];
        let devices = device_spans(&pc(), &VGA, &own);
        let expected = [
            (0xa_0000, 0xc_0000),
            (0x2000_0000, 0xfec0_0000),
            (0xfec0_1000, 0xfee0_0000),
            (0xfee0_1000, 0xfffc_0000),
        ];
        assert_eq!(pairs(&devices), expected);
    }

    #[test]
    fn ranges_are_sorted_and_the_smallest_ram_is_given_up() {
        let mut map = std::vec::Vec::new();
        for index in 0..100 {
            map.push(entry(index << 24, (index << 24) + ((index + 1) << 12), true));
        }
        let ranges = ranges(&Spans::ram(&map, u64::MAX), &device_spans(&pc(), &VGA, &[]));
        assert_eq!(ranges.len(), MOST_RANGES);
        assert!(ranges.is_sorted_by_key(|range| range.first));
        let ram = |range: &&MemoryRange| range.kind == MemoryKind::Ram;
        assert!(ranges.iter().filter(ram).all(|range| range.count > 68));
        assert_eq!(ranges.iter().filter(|range| !ram(range)).count(), 2);
    }

    #[test]
    fn a_map_of_nothing_is_nothing() {
        let ram = Spans::ram(&[], u64::MAX);
        assert_eq!((ram.bytes(), ram.end()), (0, 0));
    }
}
