//! Capability kinds and rights. Rights only shrink.

/// What a capability names (DESIGN.md section 2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// An empty slot.
    Empty = 0,
    /// One processor.
    Core = 1,
    /// Page table, capability table, stock.
    Space = 2,
    /// A thread.
    Thread = 3,
    /// The right to send to a thread.
    Gate = 4,
    /// One interrupt source bound to a handler.
    Irq = 5,
    /// A range of physical memory.
    Region = 6,
    /// A range of x86 I/O ports.
    Ports = 7,
    /// The right to make Irq objects of a range of lines.
    Lines = 8,
}

impl Kind {
    /// The kind with this number.
    pub const fn from_number(number: u8) -> Option<Kind> {
        Some(match number {
            0 => Kind::Empty,
            1 => Kind::Core,
            2 => Kind::Space,
            3 => Kind::Thread,
            4 => Kind::Gate,
            5 => Kind::Irq,
            6 => Kind::Region,
            7 => Kind::Ports,
            8 => Kind::Lines,
            _ => return None,
        })
    }
}

/// A set of rights; the bits are the same for all kinds so that a set can be masked without a look
/// at the kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Rights(pub u16);

impl Rights {
    /// None.
    pub const NONE: Rights = Rights(0);
    /// Gate: send.
    pub const SEND: Rights = Rights(1 << 0);
    /// Gate: call.
    pub const CALL: Rights = Rights(1 << 1);
    /// Gate: a call lends the processor to the callee.
    pub const DONATE: Rights = Rights(1 << 2);
    /// Gate: a send may hand the processor over.
    pub const HANDOVER: Rights = Rights(1 << 3);
    /// Thread, Space, Core, Irq: attributes, start, stop, destroy.
    pub const CONTROL: Rights = Rights(1 << 4);
    /// Thread: become its child.
    pub const ADOPT: Rights = Rights(1 << 5);
    /// Thread: read and write registers.
    pub const STATE: Rights = Rights(1 << 6);
    /// Region: map readable.
    pub const READ: Rights = Rights(1 << 7);
    /// Region: map writable.
    pub const WRITE: Rights = Rights(1 << 8);
    /// Region: map executable.
    pub const EXECUTE: Rights = Rights(1 << 9);
    /// Region: make kernel objects and page tables of it.
    pub const OBJECTS: Rights = Rights(1 << 10);
    /// Everything.
    pub const ALL: Rights = Rights(0xffff);

    /// Both sets together.
    pub const fn or(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }

    /// What both have.
    #[inline]
    pub const fn and(self, other: Rights) -> Rights {
        Rights(self.0 & other.0)
    }

    /// True if all of `wanted` is here.
    #[inline]
    pub const fn has(self, wanted: Rights) -> bool {
        self.0 & wanted.0 == wanted.0
    }
}
