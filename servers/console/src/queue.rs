//! Bytes in a ring.

/// At most `ROOM` bytes, first in, first out.
pub struct Queue<const ROOM: usize> {
    bytes: [u8; ROOM],
    first: usize,
    used: usize,
}

impl<const ROOM: usize> Queue<ROOM> {
    /// Empty.
    pub const fn new() -> Self {
        Queue { bytes: [0; ROOM], first: 0, used: 0 }
    }

    /// True if nothing is in it.
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Bytes that still fit.
    pub const fn room(&self) -> usize {
        ROOM - self.used
    }

    /// Adds a byte at the end; false if there is no room.
    pub fn push(&mut self, byte: u8) -> bool {
        if self.used == ROOM {
            return false;
        }
        self.bytes[(self.first + self.used) % ROOM] = byte;
        self.used += 1;
        true
    }

    /// Takes the first byte.
    pub fn pop(&mut self) -> Option<u8> {
        if self.used == 0 {
            return None;
        }
        let byte = self.bytes[self.first];
        self.first = (self.first + 1) % ROOM;
        self.used -= 1;
        Some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::Queue;

    #[test]
    fn bytes_leave_in_the_order_they_came_and_none_is_lost() {
        let mut queue = Queue::<5>::new();
        let mut expected = 0..;
        let mut next = 0_u8;
        for round in 0..40 {
            for _ in 0..round % 6 {
                let fits = queue.room() > 0;
                assert_eq!(queue.push(next), fits);
                next += u8::from(fits);
            }
            for _ in 0..round % 4 {
                if let Some(byte) = queue.pop() {
                    assert_eq!(Some(byte), expected.next());
                }
            }
        }
        while let Some(byte) = queue.pop() {
            assert_eq!(Some(byte), expected.next());
        }
        assert_eq!(expected.next(), Some(next));
        assert!(queue.is_empty());
    }
}
