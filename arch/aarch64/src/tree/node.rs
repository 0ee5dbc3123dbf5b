//! Numbers in a node's properties: 32-bit cells, most significant byte first.

use cedo_arch_common::memory::Span;
use dtoolkit::{Node, Property};

/// How many cells an address and a size take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cells {
    /// An address.
    pub address: usize,
    /// A size.
    pub size: usize,
}

impl Cells {
    /// What `node` says of its children.
    pub fn below(node: &impl Node) -> Cells {
        let of = |name, default| number(node, name).map_or(default, |cells| cells as usize);
        Cells { address: of("#address-cells", 2), size: of("#size-cells", 1) }
    }

    /// Entry `index` of the property `reg` of a child.
    pub fn span(self, child: &impl Node, index: usize) -> Option<Span> {
        let property = child.property("reg")?;
        let entry = self.address + self.size;
        let bytes = property.value().get(index * entry * 4..(index + 1) * entry * 4)?;
        let (address, size) = bytes.split_at(self.address * 4);
        Some(Span::new(value(address)?, value(size)?))
    }

    /// The address in entry 0 of `reg`, where entries have no size too.
    pub fn address(self, child: &impl Node) -> Option<u64> {
        value(child.property("reg")?.value().get(..self.address * 4)?)
    }
}

/// Where the addresses of a bus are in the addresses of what it is on (`ranges`).
#[derive(Clone, Copy)]
pub struct Bus<'a> {
    /// Of addresses on the bus.
    pub cells: Cells,
    /// Of addresses on its parent.
    parent: Cells,
    /// `None`: they are the same.
    ranges: Option<&'a [u8]>,
}

impl<'a> Bus<'a> {
    /// The root's own.
    pub const fn root(cells: Cells) -> Bus<'a> {
        Bus { cells, parent: cells, ranges: None }
    }

    /// A bus that is a child of the root, with what its property `ranges` holds.
    pub fn below(node: &impl Node, parent: Cells, ranges: &'a [u8]) -> Bus<'a> {
        let ranges = Some(ranges).filter(|ranges| !ranges.is_empty());
        Bus { cells: Cells::below(node), parent, ranges }
    }

    /// Entry `index` of the property `reg` of a child, in the root's addresses.
    pub fn span(self, child: &impl Node, index: usize) -> Option<Span> {
        let span = self.cells.span(child, index)?;
        let Some(ranges) = self.ranges else { return Some(span) };
        let (address, parent, size) =
            (4 * self.cells.address, 4 * self.parent.address, 4 * self.cells.size);
        ranges.chunks_exact((address + parent + size).max(1)).find_map(|range| {
            let (on_bus, rest) = range.split_at(address);
            let (on_parent, bytes) = rest.split_at(parent);
            let whole = Span::new(value(on_bus)?, value(bytes)?);
            let is_in = whole.start <= span.start && span.end <= whole.end;
            let start = is_in.then(|| value(on_parent)?.checked_add(span.start - whole.start))?;
            Some(Span::new(start?, span.bytes()))
        })
    }
}

/// The number in some cells: none, or more than 64 bits, is no number.
pub fn value(cells: &[u8]) -> Option<u64> {
    if cells.is_empty() || cells.len() > 8 || !cells.len().is_multiple_of(4) {
        return None;
    }
    Some(cells.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// The number in a property.
pub fn number(node: &impl Node, name: &str) -> Option<u64> {
    value(node.property(name)?.value())
}

/// Cell `index` of a property.
pub fn cell(node: &impl Node, name: &str, index: usize) -> Option<u32> {
    let property = node.property(name)?;
    let cell = property.value().get(4 * index..4 * index + 4)?;
    Some(u32::from_be_bytes(cell.try_into().ok()?))
}

/// True if one of the texts in the property `name` is one of `wanted`.
pub fn names(node: &impl Node, name: &str, wanted: &[&str]) -> bool {
    node.property(name).is_some_and(|property| {
        let mut texts = property.value().split(|byte| *byte == 0);
        texts.any(|text| wanted.iter().any(|wanted| wanted.as_bytes() == text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_big_endian_and_at_most_two() {
        assert_eq!(value(&[0, 0, 1, 2]), Some(0x102));
        assert_eq!(value(&[0, 0, 0, 1, 0, 0, 0, 2]), Some(0x1_0000_0002));
        assert_eq!([value(&[]), value(&[1, 2, 3]), value(&[0; 12])], [None; 3]);
    }
}
