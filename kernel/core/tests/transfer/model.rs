//! What a transfer of strings comes to, as plainly as can be: one byte after the other.

use cedo_abi::item::{CONTINUES, Item, ItemKind, MAX_ITEMS};

/// What the contract says of a list of items and a list of windows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expected {
    /// Address at the receiver's, address at the sender's, in order.
    pub bytes: Vec<(u64, u64)>,
    /// The reports if all fits; else items moved, and bytes of the next one.
    pub end: Result<Vec<Item>, (u64, u64)>,
}

/// Well-formed items, any windows.
pub fn expect(items: &[Item], windows: &[Item]) -> Expected {
    let mut places = windows_by_string(windows).into_iter();
    let mut bytes = Vec::new();
    let mut reports = Vec::new();
    let mut room: Vec<u64> = Vec::new();
    let mut begins = true;
    for item in items {
        if begins {
            room = places.next().unwrap_or_default();
            room.reverse();
        }
        let [_, address, count, _] = item.0;
        let first = room.last().copied();
        for done in 0..count {
            let Some(to) = room.pop() else {
                return Expected { bytes, end: Err((reports.len() as u64, done)) };
            };
            bytes.push((to, address + done));
        }
        let start = if count == 0 { 0 } else { first.unwrap_or(0) };
        let report = Item::string(start, count);
        begins = !item.has(CONTINUES);
        reports.push(if begins { report } else { report.continues() });
    }
    Expected { bytes, end: Ok(reports) }
}

/// For each string that can come, the addresses of its bytes.
fn windows_by_string(windows: &[Item]) -> Vec<Vec<u64>> {
    let mut found = vec![Vec::new()];
    let listed = windows.iter().take(MAX_ITEMS).take_while(|window| window.kind().is_some());
    for window in listed.filter(|window| window.kind() == Some(ItemKind::String)) {
        let [_, address, bytes, _] = window.0;
        let place = found.last_mut().expect("never empty");
        place.extend(address..address + bytes);
        if !window.has(CONTINUES) {
            found.push(Vec::new());
        }
    }
    found
}
