//! Word positions in the messages that the kernel writes.
//!
//! Besides these words, a message about a thread carries the child's **cookie** as badge and the
//! child's **reply token**; the result word carries the receiver's event number.

/// *preempted, yielded, lost, woken, new, stuck*: cookie of the leaf (its scheduler chose it).
pub const LEAF: usize = 0;
/// *preempted, lost*: cookie of the child towards who got the processor instead; 0 if that is outside the
/// receiver's subtree.
pub const PREEMPTER: usize = 1;
/// Reply token of that child where it is recorded at the receiver too, *woken* or *new*: no other message
/// says so. Else 0.
pub const PREEMPTER_TOKEN: usize = 2;
/// Instruction pointer of the leaf.
pub const INSTRUCTION: usize = 3;
/// Stack pointer of the leaf.
pub const STACK: usize = 4;
/// Cookie of the grantee whose time it was.
pub const GRANTEE: usize = 5;
/// Nanoseconds that this grantee has run in all (*preempted, yielded, lost, blocked*).
pub const TIME_NS: usize = 6;
/// Words in a message about a thread.
pub const WORDS: usize = 7;

/// *fault*: what happened, a number of [`crate::state::Cause`].
pub const FAULT_CAUSE: usize = 0;
/// *fault*: the address that faulted, or 0.
pub const FAULT_ADDRESS: usize = 1;
/// *fault*: the processor's error code.
pub const FAULT_CODE: usize = 2;

/// *irq*: the line. The badge is the Irq's.
pub const IRQ_LINE: usize = 0;

/// *kick*: the bits, or'ed over all kicks since the last message.
pub const KICK_BITS: usize = 0;

/// *irq*: cookie of the receiver's child that this interrupt took the processor from, or 0.
pub const IRQ_CHILD: usize = 1;
/// *irq*: reply token of that child, or 0. Words 3 to 6 are about it, as above.
pub const IRQ_CHILD_TOKEN: usize = 2;
/// *irq* word 0 in a root's message about its deadline: no line, no token, nothing to acknowledge.
pub const LINE_TIMER: u64 = u64::MAX;
