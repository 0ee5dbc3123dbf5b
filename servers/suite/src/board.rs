//! A page that both Spaces of the suite share: who waits for orders, and how far who is.
//!
//! Asking a servant by a message would not do: a servant whose order is to receive would take the
//! question for the message it waits for.

use crate::cast::Who;
use cedo_lib::View;
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::system::place;

/// Where the system description maps the memory called "board" in both Spaces.
pub const ADDRESS: u64 = place::MEMORY + 0x0100_0000;

/// First word that counts steps.
const STEPS: usize = 64;

/// Says that this servant waits for orders, or does not.
pub fn set_free(who: Who, free: bool) {
    if let Some(board) = View::new(ADDRESS, PAGE_SIZE as usize) {
        board.set_word(who as usize, free.into());
    }
}

/// True if this servant waits for orders.
pub fn is_free(who: Who) -> bool {
    View::new(ADDRESS, PAGE_SIZE as usize).is_some_and(|board| board.word(who as usize) == 1)
}

/// Says how many steps of its order this servant has done.
pub fn set_steps(who: Who, steps: u64) {
    if let Some(board) = View::new(ADDRESS, PAGE_SIZE as usize) {
        board.set_word(STEPS + who as usize, steps);
    }
}

/// How many steps of its order this servant has done.
pub fn steps(who: Who) -> u64 {
    View::new(ADDRESS, PAGE_SIZE as usize).map_or(0, |board| board.word(STEPS + who as usize))
}
