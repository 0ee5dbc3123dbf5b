//! Typed capabilities: which object a slot of this program's table names. Using the wrong kind of
//! object does not compile.
//!
//! ```compile_fail
//! use cedo_lib::capability::{Gate, Thread};
//! use cedo_lib::ipc::Ipc;
//!
//! let thread = Thread::at(3);
//! let _ = Ipc::call(thread); // only a Gate can be called
//! ```
//!
//! A handle is a number and may be copied: the right is in the table, and the kernel checks kind,
//! generation and rights on every use.

use crate::call::{Arguments, done};
use cedo_abi::call::{Call, capability};
use cedo_abi::name::SELF;
use cedo_abi::{Kind, Rights, Status};

/// A handle on a capability.
pub trait Capability: Copy {
    /// The slot, or a reserved name.
    fn name(self) -> u64;
}

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub struct $name(u64);

        impl $name {
            /// The handle on the capability in `slot`.
            #[inline]
            pub const fn at(slot: u32) -> $name {
                $name(slot as u64)
            }
        }

        impl Capability for $name {
            #[inline]
            fn name(self) -> u64 {
                self.0
            }
        }
    )*};
}

handles! {
    /// The right to send to a thread.
    Gate
    /// A thread.
    Thread
    /// An address space: page table, capability table, stock.
    Space
    /// One interrupt source bound to a handler thread.
    Irq
    /// A range of physical memory.
    Region
    /// A range of I/O ports.
    Ports
    /// The right to make Irq objects of a range of interrupt lines.
    Lines
    /// One processor.
    Core
}

impl Space {
    /// The Space of this program.
    pub const MINE: Space = Space(SELF);
}

impl Thread {
    /// The calling thread.
    pub const MYSELF: Thread = Thread(SELF);
}

/// What is in a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The kind of object.
    pub kind: Kind,
    /// What may be done with it.
    pub rights: Rights,
    /// Badge of a Gate; first page, port or line of a range.
    pub badge_or_first: u64,
    /// Length of a range.
    pub count: u64,
}

/// Copies `source` to `slot` of `space` with at most `rights`. The copy lives no longer than `source`.
pub fn copy(
    source: impl Capability,
    space: Space,
    slot: u32,
    rights: Rights,
) -> Result<(), Status> {
    let words = [space.name(), u64::from(rights.0)];
    transfer(capability::COPY, source.name(), slot, &words)
}

/// Moves `source` to `slot` of `space` with at most `rights`: it lives as long as it would have here.
/// Nothing may have been made by means of it.
pub fn move_to(
    source: impl Capability,
    space: Space,
    slot: u32,
    rights: Rights,
) -> Result<(), Status> {
    let words = [space.name(), u64::from(rights.0)];
    transfer(capability::MOVE, source.name(), slot, &words)
}

/// Makes a Gate with `badge` to `thread` (needs CONTROL) in `slot` of `space`.
pub fn make_gate(
    thread: Thread,
    space: Space,
    slot: u32,
    rights: Rights,
    badge: u64,
) -> Result<(), Status> {
    let words = [space.name(), u64::from(rights.0), badge];
    transfer(capability::MAKE_GATE, thread.name(), slot, &words)
}

/// Copies `count` pages, ports or lines of a range from number `first` on (counted from its own
/// start) to `slot` of `space`.
pub fn divide(
    source: impl Divisible,
    space: Space,
    slot: u32,
    rights: Rights,
    first: u64,
    count: u64,
) -> Result<(), Status> {
    let words = [space.name(), u64::from(rights.0), first, count];
    transfer(capability::DIVIDE, source.name(), slot, &words)
}

/// A capability for a range.
pub trait Divisible: Capability {}
impl Divisible for Region {}
impl Divisible for Ports {}
impl Divisible for Lines {}

/// Takes back all that was made by means of `source`, directly or not, in as many calls as it takes:
/// capabilities, mappings, objects, stock. Keeps `source`.
pub fn revoke(source: impl Capability) -> Result<(), Status> {
    loop {
        let arguments = Arguments::new(Call::Capability, capability::REVOKE);
        let answer = arguments.to(source.name()).make();
        done(&answer)?;
        if answer.words[0] == 0 {
            return Ok(());
        }
    }
}

/// Empties `slot` of `space`. Errors: `HasDependents` if something was made by means of what is
/// there: [`revoke`] first.
pub fn drop_slot(space: Space, slot: u32) -> Result<(), Status> {
    transfer(capability::DROP, SELF, slot, &[space.name()])
}

/// What is in `slot` of this program's table?
pub fn identify(slot: u32) -> Result<Identity, Status> {
    let answer = Arguments::new(Call::Capability, capability::IDENTIFY).to(u64::from(slot)).make();
    done(&answer)?;
    let [kind, rights, badge_or_first, count, ..] = answer.words;
    let kind = u8::try_from(kind).ok().and_then(Kind::from_number).ok_or(Status::WrongKind)?;
    Ok(Identity { kind, rights: Rights(rights as u16), badge_or_first, count })
}

fn transfer(operation: u8, source: u64, slot: u32, words: &[u64]) -> Result<(), Status> {
    let arguments = Arguments::new(Call::Capability, operation).to(source).from(u64::from(slot));
    done(&arguments.words(words).make())
}
