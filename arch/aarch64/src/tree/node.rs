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
