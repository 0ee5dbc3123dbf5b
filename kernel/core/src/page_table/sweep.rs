//! Takes back mappings, and tables, that are dead: what they were made by means of was taken back.
//!
//! A sweep goes through a page table in windows of 64 pages and stops at the first with something
//! dead in it. Whoever asked then waits until every core that had the Space loaded has flushed, ends
//! what the sweep began, and looks at the same window again.
//!
//! ```text
//!   dead pages    zombies           --- round ---> buried
//!   dead table    zombie, as such   --- round ---> quiet ---> torn down in steps (`tear_down`)
//! ```

use super::{Pair, QUIET, Table, Tables, ZOMBIE};
use crate::object::capability::Capability;
use crate::object::origin;
use cedo_abi::Rights;
use cedo_machine::atomic::Ordering;
use cedo_machine::{Frame, Machine, PageFormat, UserAddress};

/// Pages of a window.
pub const WINDOW: u64 = 64;
/// What following one origin takes off the looks that are left.
const ORIGIN_LOOKS: u32 = 8;
/// What one step of tearing down takes off them.
const STEP_LOOKS: u32 = 512;

/// Why a sweep through a page table stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// It came to the end.
    End,
    /// It looked at as much as was allowed, or something dead is being buried by somebody else.
    Pause,
    /// It made zombies: bit n = page n from this address on.
    Pages {
        /// The first page of the window. Only its indices count: it may lack the sign of an address.
        address: u64,
        /// The pages.
        zombies: u64,
    },
    /// It made a zombie of the table for this address.
    Table {
        /// As in `Pages`.
        address: u64,
        /// The level of the table.
        level: u32,
    },
}

/// Where in the address space a sweep is.
struct Place<'w> {
    window: &'w mut u64,
}

impl Place<'_> {
    /// An address that has the indices of the window.
    fn address(&self) -> UserAddress {
        UserAddress::from_checked((*self.window * WINDOW) << 12)
    }

    /// Goes on by `count` entries of a table of `level`.
    fn skip(&mut self, level: u32, count: usize) {
        if count > 0 {
            let shift = 9 * (level - 1) - WINDOW.trailing_zeros();
            *self.window = ((*self.window >> shift) + count as u64) << shift;
        }
    }
}

/// What the descent to a window came to.
enum Descent<'a> {
    /// Its leaf table.
    Leaf(Table<'a>),
    /// The window has moved past an end: descend again.
    Again,
    /// The step ends here.
    Stop(Found),
}

impl<'a, M: Machine> Tables<'a, M> {
    /// Goes on from window `window`, which it moves. Looks at entries and origins are taken off
    /// `looks`; it stops soon after none is left.
    pub fn sweep(&self, window: &mut u64, looks: &mut u32) -> Found {
        let windows = 1_u64 << (9 * M::Pages::LEVELS - WINDOW.trailing_zeros());
        let mut place = Place { window };
        while *place.window < windows {
            if *looks == 0 {
                return Found::Pause;
            }
            match self.descend(&mut place, looks) {
                Descent::Leaf(table) => match self.kill_dead(table, &place, looks) {
                    (0, false) => *place.window += 1,
                    (0, true) => return Found::Pause,
                    (zombies, _) => {
                        return Found::Pages { address: place.address().number(), zombies };
                    }
                },
                Descent::Again => {}
                Descent::Stop(found) => return found,
            }
        }
        Found::End
    }

    /// Every core has flushed since this table was made a zombie.
    pub fn quiet_table(&self, address: UserAddress, level: u32) {
        let mut table = self.space.page_table;
        for upper in (level + 1..=M::Pages::LEVELS).rev() {
            let Some(words) = self.objects.words(table) else { return };
            let Some(entry) = words.get(M::Pages::index(address, upper)) else { return };
            let value = entry.load(Ordering::Acquire);
            match M::Pages::frame(value) {
                Some(lower) => table = lower,
                None if upper == level + 1 && value & ZOMBIE != 0 => {
                    entry.store(value | QUIET, Ordering::Release);
                }
                None => return,
            }
        }
    }

    fn descend(&self, place: &mut Place<'_>, looks: &mut u32) -> Descent<'a> {
        let mut at = self.space.page_table;
        for level in (2..=M::Pages::LEVELS).rev() {
            let Some(table) = self.table_at(at) else { return Descent::Stop(Found::End) };
            let first = M::Pages::index(place.address(), level);
            let is_user = |index| level < M::Pages::LEVELS || !M::Pages::is_kernel_entry(index);
            let full = |index: &usize| {
                is_user(*index) && table.entries[*index].load(Ordering::Acquire) != 0
            };
            let index = (first..table.entries.len()).find(full);
            let index = index.unwrap_or(table.entries.len());
            place.skip(level, index - first);
            *looks = looks.saturating_sub((index - first) as u32 + 1);
            let Some(pair) = table.pair(index) else { return Descent::Again };
            match self.lower(pair, place, level, looks) {
                Ok(lower) => at = lower,
                Err(found) => return Descent::Stop(found),
            }
        }
        self.table_at(at).map_or(Descent::Stop(Found::End), Descent::Leaf)
    }

    /// The table below a full entry of a table of `level`, if it is alive.
    fn lower(
        &self,
        pair: Pair<'a>,
        place: &Place<'_>,
        level: u32,
        looks: &mut u32,
    ) -> Result<Frame, Found> {
        let entry = pair.entry.load(Ordering::Acquire);
        let Some(lower) = M::Pages::frame(entry) else {
            // Until it is quiet, whoever made it waits for a round.
            if entry & QUIET != 0 {
                *looks = looks.saturating_sub(STEP_LOOKS);
                self.tear_down_below(pair, Frame((entry >> 12) as u32), level - 1);
            }
            return Err(Found::Pause);
        };
        *looks = looks.saturating_sub(ORIGIN_LOOKS);
        let word = pair.origin.load(Ordering::Relaxed);
        let region = origin::region_of(self.objects, word);
        if word == 0 || region.is_some_and(|region| covers(&region, lower, Rights::OBJECTS)) {
            return Ok(lower);
        }
        pair.entry.store(u64::from(lower.0) << 12 | ZOMBIE, Ordering::Release);
        Err(Found::Table { address: place.address().number(), level: level - 1 })
    }

    /// Makes zombies of the dead pages of a window, and says whether somebody else has begun to.
    fn kill_dead(&self, table: Table<'a>, place: &Place<'_>, looks: &mut u32) -> (u64, bool) {
        let first = M::Pages::index(place.address(), 1);
        let (mut zombies, mut has_zombie) = (0, false);
        // Neighbours mostly came here by means of the same slot.
        let mut known = (0, None);
        *looks = looks.saturating_sub(WINDOW as u32);
        for page in 0..WINDOW as usize {
            let Some(pair) = table.pair(first + page) else { break };
            let word = pair.origin.load(Ordering::Relaxed);
            let entry = pair.entry.load(Ordering::Acquire);
            if word == 0 || entry == 0 {
                continue;
            }
            if word != known.0 {
                *looks = looks.saturating_sub(ORIGIN_LOOKS);
                known = (word, origin::region_of(self.objects, word));
            }
            let (frame, rights) = match M::Pages::frame(entry) {
                Some(frame) => (frame, self.rights_of(entry)),
                None => (Frame((entry >> 12) as u32), Rights::READ),
            };
            if known.1.is_some_and(|region| covers(&region, frame, rights)) {
                continue;
            }
            if self.kill(pair.entry) {
                zombies |= 1 << page;
            } else {
                has_zombie = true;
            }
        }
        (zombies, has_zombie)
    }

    /// What a Region must allow for this leaf.
    fn rights_of(&self, leaf: u64) -> Rights {
        let access = M::Pages::access(leaf);
        let right = |has: bool, right| if has { right } else { Rights::NONE };
        let write = right(access.write, Rights::WRITE);
        // Where the machine can't forbid execution every page has it.
        let execute = right(access.execute && self.no_execute, Rights::EXECUTE);
        Rights::READ.or(write).or(execute)
    }
}

/// True if a Region has this frame and these rights.
fn covers(region: &Capability, frame: Frame, rights: Rights) -> bool {
    let offset = frame.0.checked_sub(region.frame.0);
    offset.is_some_and(|offset| u64::from(offset) < region.count) && region.rights.has(rights)
}
