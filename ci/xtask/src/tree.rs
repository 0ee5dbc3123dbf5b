//! Makes a flattened device tree of a board's `tree.toml` (Devicetree Specification 0.4, chapter 5).

use anyhow::{Context, Result, bail};
use std::path::Path;
use toml::{Table, Value};

const MAGIC: u32 = 0xd00d_feed;
const VERSION: u32 = 17;
const COMPATIBLE_VERSION: u32 = 16;
const HEADER_BYTES: u32 = 40;
/// The list of reserved memory is empty: its end.
const RESERVED_BYTES: u32 = 16;

const BEGIN: u32 = 1;
const END: u32 = 2;
const PROPERTY: u32 = 3;
const LAST: u32 = 9;

/// The tree that `file` describes.
pub fn read(file: &Path) -> Result<Vec<u8>> {
    changed(file, |_| ())
}

/// The same with something changed: what a test makes of it.
pub fn changed(file: &Path, change: impl FnOnce(&mut Table)) -> Result<Vec<u8>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the device tree {}", file.display()))?;
    let mut root: Table = text.parse().with_context(|| format!("{} is no TOML", file.display()))?;
    change(&mut root);
    flatten(&root).with_context(|| format!("{} is no device tree", file.display()))
}

fn flatten(root: &Table) -> Result<Vec<u8>> {
    let mut tree = Tree::default();
    tree.node("", root)?;
    tree.word(LAST);
    let structure = HEADER_BYTES + RESERVED_BYTES;
    let (structure_bytes, strings_bytes) =
        (u32::try_from(tree.structure.len())?, u32::try_from(tree.strings.len())?);
    let strings = structure + structure_bytes;
    let header = [
        MAGIC,
        strings + strings_bytes,
        structure,
        strings,
        HEADER_BYTES,
        VERSION,
        COMPATIBLE_VERSION,
        0,
        strings_bytes,
        structure_bytes,
    ];
    let mut bytes: Vec<u8> = header.iter().flat_map(|word| word.to_be_bytes()).collect();
    bytes.extend([0; RESERVED_BYTES as usize]);
    bytes.extend(tree.structure);
    bytes.extend(tree.strings);
    Ok(bytes)
}

/// A tree in the making.
#[derive(Default)]
struct Tree {
    structure: Vec<u8>,
    strings: Vec<u8>,
}

impl Tree {
    /// A node: its properties first, as the format wants it.
    fn node(&mut self, name: &str, node: &Table) -> Result<()> {
        self.word(BEGIN);
        self.padded(name.bytes().chain([0]));
        for (name, value) in node.iter().filter(|entry| !entry.1.is_table()) {
            let value = bytes(value).with_context(|| format!("in property `{name}`"))?;
            let place = u32::try_from(self.strings.len())?;
            self.strings.extend(name.bytes().chain([0]));
            self.word(PROPERTY);
            self.word(u32::try_from(value.len())?);
            self.word(place);
            self.padded(value.into_iter());
        }
        for (name, value) in node {
            if let Value::Table(child) = value {
                self.node(name, child).with_context(|| format!("in node `{name}`"))?;
            }
        }
        self.word(END);
        Ok(())
    }

    fn word(&mut self, word: u32) {
        self.structure.extend(word.to_be_bytes());
    }

    fn padded(&mut self, bytes: impl Iterator<Item = u8>) {
        self.structure.extend(bytes);
        self.structure.resize(self.structure.len().next_multiple_of(4), 0);
    }
}

/// What a property holds.
fn bytes(value: &Value) -> Result<Vec<u8>> {
    Ok(match value {
        Value::Boolean(true) => Vec::new(),
        Value::Integer(number) => {
            let cell = u32::try_from(*number).context("a cell has 32 bits")?;
            cell.to_be_bytes().to_vec()
        }
        Value::String(text) => text.bytes().chain([0]).collect(),
        Value::Array(parts) => {
            let parts: Result<Vec<_>> = parts.iter().map(bytes).collect();
            parts?.concat()
        }
        other => bail!("a {} is no property", other.type_str()),
    })
}

#[cfg(test)]
mod tests {
    use super::flatten;

    #[test]
    fn a_node_begins_with_its_properties_and_ends_after_its_children() {
        let text = "a = 0x1234\n[n]\nb = [\"x\", \"yz\"]\nc = true\n";
        let bytes = flatten(&text.parse().unwrap()).unwrap();
        let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!((word(0), word(4)), (0xd00d_feed, bytes.len() as u32));
        assert_eq!((word(8), word(32), word(36)), (56, 6, 76));
        let structure: Vec<u32> = (56..56 + 76).step_by(4).map(word).collect();
        let text = u32::from_be_bytes;
        let node = [1, text(*b"n\0\0\0"), 3, 5, 2, text(*b"x\0yz"), 0, 3, 0, 4, 2];
        let before = [1, 0, 3, 4, 0, 0x1234];
        assert_eq!(structure, [&before[..], &node, &[2, 9]].concat());
        assert_eq!(&bytes[56 + 76..], b"a\0b\0c\0");
    }

    #[test]
    fn what_is_no_property_is_named() {
        for (text, expected) in
            [("[n]\nb = 1.5", "in property `b`"), ("b = -1", "32 bits"), ("b = false", "boolean")]
        {
            let error = format!("{:#}", flatten(&text.parse().unwrap()).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}
