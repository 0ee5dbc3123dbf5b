//! Call numbers and the operation word.
//!
//! Every entry to the kernel carries one *operation word* and up to ten argument words by role:
//! `to`, `from`, `tag` and message words 0-6. The kernel returns a *result word* in its place.
//!
//! ```text
//! operation word   63 ........ 16 | 15 ........ 8 | 7 ...... 0
//!                  flags          | sub-operation | call
//!
//! result word      63 ........ 16 | 15 ........ 8 | 7 ...... 0
//!                  event number   | 0             | status
//! ```
//!
//! x86-64 registers (`syscall`; `rcx`, `r11` are lost):
//!
//! | role | operation/result | to / badge | from / token | tag | words 0..6 |
//! |---|---|---|---|---|---|
//! | register | rax | rdi | rsi | rdx | r8 r9 r10 r12 r13 r14 r15 |
//!
//! `rbx`, `rbp`, `rsp` are preserved by every call; everything else is a result or lost.
//!
//! aarch64 registers (`svc #0`; the number in the instruction means nothing):
//!
//! | role | operation/result | to / badge | from / token | tag | words 0..6 |
//! |---|---|---|---|---|---|
//! | register | x0 | x1 | x2 | x3 | x4 to x10 |
//!
//! All others, the flags included, are preserved by every call. A thread starts with message word 0 in
//! x4 and zero in every other register.

/// What the low byte of the operation word selects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Call {
    /// Send, receive, call, send and receive, reply and wait, dispatch. Flags: [`ipc`].
    Ipc = 0,
    /// Give the rest of this grant back to my scheduler, which hears *yielded*.
    Yield = 1,
    /// Operations on a thread one holds a capability for. Sub-operations: [`thread`].
    Thread = 2,
    /// Create and destroy objects. Sub-operations: [`object`].
    Object = 3,
    /// Copy, derive and drop capabilities. Sub-operations: [`capability`].
    Capability = 4,
    /// Map and unmap memory. Sub-operations: [`memory`].
    Memory = 5,
    /// The processor itself. Sub-operations: [`core`].
    Core = 6,
    /// x86 I/O ports. Sub-operations: [`ports`].
    Ports = 7,
}

impl Call {
    /// The call that a byte names, if any.
    pub const fn from_byte(byte: u8) -> Option<Call> {
        Some(match byte {
            0 => Call::Ipc,
            1 => Call::Yield,
            2 => Call::Thread,
            3 => Call::Object,
            4 => Call::Capability,
            5 => Call::Memory,
            6 => Call::Core,
            7 => Call::Ports,
            _ => return None,
        })
    }
}

/// Builds an operation word.
pub const fn operation(call: Call, sub: u8, flags: u64) -> u64 {
    call as u64 | (sub as u64) << 8 | flags
}

/// Flags of [`Call::Ipc`]; the sub-operation byte is 0.
///
/// | operation | flags |
/// |---|---|
/// | `send(to)` | `SEND` |
/// | `receive(from)` | `RECEIVE` |
/// | `call(to)` | `SEND \| RECEIVE \| CALL` |
/// | `send_and_receive(to, from)` | `SEND \| RECEIVE` |
/// | `reply_and_wait(to)` | `SEND \| RECEIVE`, `to` a token, `from` = ANY |
/// | `forward(token, to)` | `SEND \| FORWARD`, `from` a token; with `RECEIVE` it then waits |
/// | dispatch | the same with the token of a preempted descendant |
///
/// A dispatch reads message words: 0 = the event number seen, 1 = the core's next deadline in
/// nanoseconds (with [`DEADLINE`]).
pub mod ipc {
    /// There is a send phase to `to`.
    pub const SEND: u64 = 1 << 16;
    /// There is a receive phase from `from`.
    pub const RECEIVE: u64 = 1 << 17;
    /// The receive phase waits for the reply of the send partner.
    pub const CALL: u64 = 1 << 18;
    /// Timeout of the send phase is zero (else never).
    pub const SEND_ZERO: u64 = 1 << 19;
    /// Timeout of the receive phase is zero (else never).
    pub const RECEIVE_ZERO: u64 = 1 << 20;
    /// First of the two winner bits.
    pub const WINNER_SHIFT: u32 = 21;
    /// The caller goes on if it can.
    pub const WINNER_SELF: u64 = 0 << WINNER_SHIFT;
    /// The partner of the send phase goes on if it can.
    pub const WINNER_SEND: u64 = 1 << WINNER_SHIFT;
    /// The partner of the receive phase goes on if it can.
    pub const WINNER_RECEIVE: u64 = 2 << WINNER_SHIFT;
    /// None of them: my scheduler decides.
    pub const WINNER_SCHEDULER: u64 = 3 << WINNER_SHIFT;
    /// Mask of the winner bits.
    pub const WINNER_MASK: u64 = 3 << WINNER_SHIFT;
    /// The reply carries register state (UTCB reply area) to install in the thread first.
    pub const STATE: u64 = 1 << 23;
    /// In a dispatch: stop at the first scheduler below, do not walk to the leaf.
    pub const RESCHEDULE: u64 = 1 << 24;
    /// In a dispatch by a root: message word 1 is the core's next deadline in nanoseconds.
    pub const DEADLINE: u64 = 1 << 25;
    /// Do not lend the processor with this call, even where the gate allows it.
    pub const NO_DONATION: u64 = 1 << 26;
    /// Pass on the call that token `from` names to the gate `to`, which owes the reply from then on;
    /// the message is this thread's, a fault stays the kernel's. Only with `SEND`, and perhaps
    /// `RECEIVE` (from anybody, never), `NO_DONATION`, `WANT_STATE`.
    pub const FORWARD: u64 = 1 << 27;
    /// First of three bits: a group mask of [`crate::state`]. Write these groups of the registers of
    /// the thread a kernel message is about to the UTCB, where the receiver may read them.
    pub const WANT_SHIFT: u32 = 28;
    /// Mask of those bits.
    pub const WANT_MASK: u64 = 7 << WANT_SHIFT;
    /// The general registers and the bases.
    pub const WANT_STATE: u64 = (crate::state::GENERAL | crate::state::BASES) << WANT_SHIFT;
    /// All flags this version knows; others are refused.
    pub const KNOWN: u64 = ((1 << 31) - 1) & !0xffff;

    /// The group mask in an operation word.
    pub const fn wanted_groups(operation: u64) -> u64 {
        (operation & WANT_MASK) >> WANT_SHIFT
    }
}

/// Sub-operations of [`Call::Thread`]. `to` names the thread capability.
pub mod thread {
    /// Stop the thread wherever it is. Needs CONTROL.
    pub const SUSPEND: u8 = 0;
    /// Make a suspended or new thread runnable; winner bits of [`super::ipc`] apply. Needs CONTROL.
    pub const RESUME: u8 = 1;
    /// Cancel the wait with the epoch in word 0. Needs CONTROL.
    pub const ABORT: u8 = 2;
    /// Read register state into the UTCB; word 0 = group mask of [`crate::state`]. Needs STATE. Returns word 0 = epoch,
    /// word 1 = instruction pointer, word 2 = stack pointer.
    pub const READ: u8 = 3;
    /// Install register state from the UTCB reply area. Needs STATE. The thread must not be running.
    /// A new instruction pointer cancels the wait of a thread that waits for a message, on whatever
    /// core its partner is, as ABORT does, and what is left of a transfer of typed items. With an error, word 0
    /// = 1: the wait is over all the same, and the thread went on where it was, perhaps to another wait.
    pub const WRITE: u8 = 4;
    /// `from` = a thread capability with ADOPT: its new scheduler; word 0 = cookie,
    /// word 1 = [`EDGE_STATE`] and [`EDGE_BLOCKED`]. Needs CONTROL; the child is suspended.
    pub const SET_SCHEDULER: u8 = 5;
    /// `from` = a gate with CALL: its new fault handler (or [`crate::name::NOBODY`]), which runs on the
    /// faulter's time only if the gate has DONATE. Needs CONTROL.
    pub const SET_HANDLER: u8 = 6;
    /// Set, as the thread's scheduler, the cookie (word 0) of the child that token `from` names.
    pub const SET_COOKIE: u8 = 7;
    /// Word 0 = options of *this* thread as a scheduler: [`ASK_BLOCKED`], [`AUTO`]. `to` = SELF.
    pub const SET_OPTIONS: u8 = 8;
    /// Word 0 = 1: the thread is *foreign*: its system calls become exceptions of cause
    /// *system call*, with the instruction pointer behind the instruction; it can make none of the
    /// kernel's own. Word 0 = 0: no longer. Needs CONTROL.
    pub const SET_FOREIGN: u8 = 9;
    /// Set, as the thread's scheduler, the rank (word 0) of the child that token `from` names. A child
    /// starts with rank 0; a greater rank is more urgent. Only [`AUTO`] looks at it.
    pub const SET_RANK: u8 = 10;
    /// Move the thread to the core of its new scheduler: `from`, word 0 and word 1 as for
    /// [`SET_SCHEDULER`]. Needs CONTROL; the thread is suspended, schedules nobody and handles no
    /// interrupts. Who waits for it hears *aborted*. Returns word 0 = 1 if it has moved, also with an
    /// error: then it is there, suspended, without a scheduler.
    pub const MIGRATE: u8 = 11;
    /// Edge option: the scheduler may read and write the child's registers.
    pub const EDGE_STATE: u64 = 1;
    /// Edge option: the scheduler is told when this child blocks.
    pub const EDGE_BLOCKED: u64 = 2;
    /// Scheduler option: tell me with *blocked* when any child blocks (an edge can also ask).
    pub const ASK_BLOCKED: u64 = 1;
    /// Scheduler option: an interrupt for a child of a greater rank than the running one's runs that
    /// child at once; this scheduler is not entered and finds the record of the other one later.
    /// Direct mode only.
    pub const AUTO: u64 = 2;
}

/// Sub-operations of [`Call::Object`]. `to` = the Region that gives the frames, `from` = the slot
/// the new capability goes to, word 0 = first frame of the Region to use (an offset in pages).
pub mod object {
    /// Uses 2 frames (thread, UTCB). Word 1 = Space slot, 2 = home core, 3 = address of the UTCB in
    /// that Space, 4 = instruction pointer, 5 = stack pointer, 6 = argument (passed in word 0).
    pub const CREATE_THREAD: u8 = 0;
    /// Word 1 = frames to use: [`SPACE_FRAMES`] and at least one, at most [`MAX_TABLE_FRAMES`], that
    /// hold the capability table ([`SLOTS_PER_FRAME`] slots each). The kernel information page is
    /// mapped at once; every other mapping needs stock first.
    pub const CREATE_SPACE: u8 = 1;
    /// Uses 1 frame. Word 1 = slot of a Lines capability, 2 = line number, 3 = handler thread slot
    /// (CONTROL), 4 = badge, 5 = trigger (0 edge, 1 level).
    pub const CREATE_IRQ: u8 = 2;
    /// Destroy the Thread, Irq or Space that `to` names. Needs CONTROL. A Space must have no threads
    /// any more. Large Spaces, and threads in the middle of an operation on another core, take several
    /// calls: returns word 0 = 1 while there is more to do (call again), 0 when it is gone. The frames
    /// of what is gone can be used again at once.
    pub const DESTROY: u8 = 3;

    /// Frames that a Space takes besides its capability table: itself, its top-level page table, and
    /// three tables through which the kernel information page is mapped. A page table takes two
    /// frames ([`super::memory::STOCK`]).
    pub const SPACE_FRAMES: u64 = 9;
    /// Slots in one frame of a capability table.
    pub const SLOTS_PER_FRAME: u64 = 64;
    /// Most frames of a capability table.
    pub const MAX_TABLE_FRAMES: u64 = 64;
}

/// Sub-operations of [`Call::Capability`]. `to` = source slot of the caller, `from` = destination
/// slot, word 0 = slot of the destination Space ([`crate::name::SELF`] = own).
pub mod capability {
    /// Word 1 = rights to keep. As all that is made by means of a capability, the copy lives no longer
    /// than `to`.
    pub const COPY: u8 = 0;
    /// Make a Gate out of a Thread (CONTROL) or a Gate: word 1 = rights, word 2 = badge (a Gate
    /// keeps its own).
    pub const MAKE_GATE: u8 = 1;
    /// Copy a part of a Region, Ports or Lines: word 1 = rights, 2 = first, 3 = count.
    pub const DIVIDE: u8 = 2;
    /// Empty the slot `from` of Space word 0. Refused (`HasDependents`) if something was made by means
    /// of the capability and not taken back.
    pub const DROP: u8 = 3;
    /// What is in slot `to`? Word 0 = kind, 1 = rights, 2 = badge or first, 3 = count.
    pub const IDENTIFY: u8 = 4;
    /// Take back all that was made by means of slot `to`, directly or not, and keep that: capabilities,
    /// mappings, objects, stock. Does a bounded part; returns word 0 = 1 while there is more to do
    /// (call again), 0 when nothing depends on it. What is being used goes on: a message on its way, a
    /// binding of a handler.
    pub const REVOKE: u8 = 5;
    /// Copy to `from` and empty `to`: nothing may have been made by means of it (`HasDependents`).
    /// Word 1 = rights to keep. What it was made by means of stays the same.
    pub const MOVE: u8 = 6;
    /// Capabilities that can be above one another: each is made by means of the one above it.
    pub const MAX_DERIVATIONS: usize = 15;
}

/// Sub-operations of [`Call::Memory`]. `to` = Space slot (or SELF).
pub mod memory {
    /// `from` = Region slot, word 0 = first page of the Region, 1 = address, 2 = pages, 3 = access
    /// rights. At most [`PAGES_PER_CALL`] are done; returns word 0 = pages done.
    pub const MAP: u8 = 0;
    /// Word 0 = address, 1 = pages. Returns word 0 = pages done.
    pub const UNMAP: u8 = 1;
    /// Give frames to the Space's page-table stock: `from` = Region slot, word 0 = first page,
    /// 1 = pages, taken two by two: a page table takes two neighbouring frames, of which the second
    /// says where what it maps came from. Returns word 0 = pages done.
    pub const STOCK: u8 = 2;
    /// Pages that one call handles before it returns (DESIGN.md A5).
    pub const PAGES_PER_CALL: u64 = 32;
}

/// Sub-operations of [`Call::Core`]. `to` = Core capability.
pub mod core {
    /// `from` = thread that becomes the root scheduler; word 0 = protocol ([`CHAIN`], [`DIRECT`]).
    pub const SET_ROOT: u8 = 0;
    /// Word 0 = nanoseconds of the next timer interrupt of the caller's core, 0 = none.
    pub const DEADLINE: u8 = 1;
    /// Wait with the core halted. Root only. Word 0 = event number seen, word 1 = deadline (0 =
    /// leave as it is), flags [`RUN_WOKEN`].
    pub const IDLE: u8 = 2;
    /// Word 0 = bits for the root scheduler of the named core.
    pub const KICK: u8 = 3;
    /// Word 0 = 0: power off with exit code word 1; 1: reboot.
    pub const POWER: u8 = 4;
    /// Write up to 7 message words of text to the kernel's console; word 0 = bytes (at most 48).
    pub const WRITE: u8 = 5;
    /// Word 0 = root options: [`ON_EMPTY_HALT`], and with it perhaps [`RUN_WOKEN`].
    pub const SET_OPTIONS: u8 = 6;
    /// Protocol: the paper's chain of preemption messages.
    pub const CHAIN: u64 = 1;
    /// Protocol: the grant stack, the default.
    pub const DIRECT: u64 = 0;
    /// Idle flag, and root option for a core that an empty R has halted: an arrival that makes exactly one
    /// thread runnable runs it without telling the root.
    pub const RUN_WOKEN: u64 = 1 << 16;
    /// Root option: an empty R halts the core without telling the root.
    pub const ON_EMPTY_HALT: u64 = 1;
}

/// Sub-operations of [`Call::Ports`]. `to` = Ports capability, word 0 = port.
pub mod ports {
    /// Read 1, 2 or 4 bytes (word 1); returns word 0.
    pub const READ: u8 = 0;
    /// Write word 2, 1, 2 or 4 bytes of it (word 1).
    pub const WRITE: u8 = 1;

    /// aarch64, where a port is a device behind an instruction: the calling core's physical timer.
    /// Writing 4 bytes interrupts once, as an edge of the core's own line, after that many ticks of the
    /// counter (as a signed number); 0 stops it. Reading says how many are left, or 0 if it is stopped.
    /// (On PCs no device has this port.)
    pub const CORE_TIMER: u16 = 0xff00;
}
