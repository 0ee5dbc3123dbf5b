//! The unsafe floor: what must be unsafe and is not an architecture, so that the kernel core can
//! forbid it. It knows frames, who may touch what is in them, and lists that cross cores; it knows
//! nothing of IPC or scheduling.
//!
//! | file | contents |
//! |---|---|
//! | [`frame_table`] | one atomic word per frame: kind, home core, map count, generation |
//! | [`object_map`] | which frames hold what an origin is known of |
//! | [`objects`] | typed access to what lives in frames |
//! | [`mail`] | the part of a thread that other cores may touch |
//! | [`copy`] | bytes from one frame of words to another |
//! | [`inbox`] | a core's list of posted mails |
//! | [`lock`] | a FIFO lock for the writers of a Space |
//!
//! # What the floor relies on and keeps
//!
//! 1. One [`Objects`] exists per core and kernel ([`objects::Claims`] hands each out once).
//! 2. A frame of kind *Thread* or *Irq* is reached exclusively, and only by the `Objects` of its home
//!    core; [`mail::Mail`] is the second half of a thread's frame and made of atomics.
//! 3. A frame of kind *Space* is reached by shared reference from every core; the type is `Sync`.
//! 4. A frame holds the type that its kind says from [`Objects::claim`] until it is retired *and*
//!    released. Between the two every core has left the kernel, so no reference is left: whoever
//!    calls [`frame_table::FrameTable::release`] has waited for that.
//! 5. The thread that runs is noted ([`objects::current`]) and reached without asking: no core retires
//!    another's thread that has ever run.
//! 6. The last [`objects::TAIL_WORDS`] words of an object's frame, and every other kind of frame,
//!    are read and written as atomic words only.
#![no_std]
#![expect(unsafe_code, reason = "typed access to physical frames")]

pub mod copy;
pub mod frame_table;
pub mod inbox;
pub mod lock;
pub mod mail;
pub mod object_map;
pub mod objects;

pub use copy::copy_bytes;
pub use frame_table::{Entry, FrameKind, FrameTable};
pub use inbox::Inbox;
pub use lock::TicketLock;
pub use mail::Mail;
pub use object_map::{ObjectMap, Walk};
pub use objects::{Claims, IrqId, Objects, SpaceId, Tail, ThreadId, Types, Words};
