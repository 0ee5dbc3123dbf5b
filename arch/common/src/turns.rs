//! Whose log byte goes out next: cores write their rings at once, and one port sends them.

use crate::ring::Ring;

/// Ends a frame (defmt's rzcobs encoding).
const FRAME_END: u8 = 0;

/// Takes turns between rings. A frame goes out whole before another ring's begins.
pub struct Turns {
    /// Whose frame is being sent, or was last.
    ring: usize,
    within_frame: bool,
}

impl Turns {
    /// Nothing was sent yet.
    pub const fn new() -> Turns {
        Turns { ring: 0, within_frame: false }
    }

    /// The next byte: of the frame that was begun, else of the next ring that has one.
    pub fn next(&mut self, rings: &[Ring]) -> Option<u8> {
        if !self.within_frame {
            let after = (1..=rings.len()).map(|step| (self.ring + step) % rings.len());
            self.ring = after.into_iter().find(|ring| !rings[*ring].is_empty())?;
        }
        let byte = rings[self.ring].pop()?;
        self.within_frame = byte != FRAME_END;
        Some(byte)
    }
}

impl Default for Turns {
    fn default() -> Turns {
        Turns::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(ring: &Ring, frame: &[u8]) {
        frame.iter().for_each(|byte| ring.push(*byte));
        ring.end_frame();
    }

    #[test]
    fn frames_go_out_whole_and_rings_take_turns() {
        let rings = [Ring::new(), Ring::new(), Ring::new()];
        for number in 1..=2 {
            put(&rings[0], &[number, number, FRAME_END]);
            put(&rings[2], &[10 + number, 10 + number, FRAME_END]);
        }
        let mut turns = Turns::new();
        let sent: std::vec::Vec<u8> = core::iter::from_fn(|| turns.next(&rings)).collect();
        assert_eq!(sent, [11, 11, 0, 1, 1, 0, 12, 12, 0, 2, 2, 0]);
        assert_eq!(turns.next(&rings), None);
        put(&rings[1], &[7, FRAME_END]);
        assert_eq!(turns.next(&rings), Some(7));
    }
}
