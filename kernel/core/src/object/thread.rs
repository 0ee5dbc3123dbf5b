//! Execution context and communication state.
//!
//! # States
//!
//! ```text
//!                        dispatch (1)
//!   create --> Suspended            +--------+
//!      resume (2) |      +--------> |Running | --+
//!                 v      |          +--------+   | call (5), send (6), receive (7), fault (8),
//!              +-------------+         |         | remote operation (9)
//!              |    Ready    | <-------+ (3)     v
//!              +-------------+           +-----------------------------------------+
//!                 ^                      | Reply | Sending | Open | Closed | Remote|
//!                 +--------------------- +-----------------------------------------+
//!                     message, error, abort (4)
//! ```
//!
//! | edge | function |
//! |---|---|
//! | 1 | `schedule::run` |
//! | 2, 4 | `schedule::wake` |
//! | 3 | `schedule::interrupted`, `schedule::lose` |
//! | 5, 6 | `ipc::send` |
//! | 7 | `ipc::receive` |
//! | 8 | `ipc::fault` |
//! | 9 | `cross::post` |
//!
//! A call whose callee waits on the same core takes the caller from *Running* to *Reply* and the
//! callee from *Open* to *Running* without passing *Ready*.

use super::capability::Table;
use super::unusual::{NEW, Unusual};
use crate::ipc::repeat::Repeat;
use cedo_abi::{Label, MAX_DEPTH, Rights};
use cedo_floor::{SpaceId, ThreadId};
use cedo_machine::{Context, CoreNumber, Fault, Frame, UserAddress};

/// A thread of any core that may be gone by now: another may live in its frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Peer {
    /// Its frame.
    pub thread: ThreadId,
    /// Generation of that frame.
    pub generation: u32,
}

/// Where the mail of a thread has been sent, and what for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Errand {
    /// To which core first.
    pub core: CoreNumber,
    /// What for.
    pub kind: ErrandKind,
}

/// What a mail is sent for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ErrandKind {
    /// An IPC operation: a wait that can be cancelled.
    Message,
    /// Any other call: it comes to an end by itself.
    Operation,
}

/// What a thread is doing. *Preempted* in DESIGN.md is [`State::Ready`] here: it could run and waits
/// for a grant of its account.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// Its core's current thread.
    Running,
    /// Could run; its account is recorded, granted by a frozen scheduler, or current.
    Ready,
    /// In an open receive with never.
    Open,
    /// In a receive from this thread of the same core only.
    Closed(Peer),
    /// Called (or faulted at) this thread of the same core and awaits its reply.
    Reply(ThreadId),
    /// Queued at this thread of the same core, which was not waiting.
    Sending(ThreadId),
    /// Its mail is under way to, or kept by, another core; or by this one, for what takes long.
    Remote(Errand),
    /// The same, and suspended as soon as the mail is home.
    Recalled(Errand),
    /// Stopped: new, suspended, or faulted without a handler.
    Suspended,
}

/// Whether and how an account is recorded at its scheduler.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Record {
    /// Not at all.
    None,
    /// Ready, and in the scheduler's queue: the scheduler has not been told.
    Queued,
    /// Ready, and the scheduler has its token.
    Delivered,
    /// Not ready; a message about it is in the scheduler's queue.
    Notice,
}

/// Ends of an intrusive list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct List<I> {
    /// The oldest.
    pub first: Option<I>,
    /// The newest.
    pub last: Option<I>,
}

impl<I> List<I> {
    /// No element.
    pub const EMPTY: List<I> = List { first: None, last: None };
}

impl<I> Default for List<I> {
    fn default() -> List<I> {
        List::EMPTY
    }
}

impl List<ThreadId> {
    /// The ends after `element` has come last. Returns its neighbours.
    #[inline]
    pub fn push(&mut self, element: ThreadId) -> Link {
        let previous = self.last.replace(element);
        if previous.is_none() {
            self.first = Some(element);
        }
        Link { next: None, previous }
    }

    /// The ends after an element with these neighbours has gone.
    #[inline]
    pub fn cut(&mut self, link: Link) {
        if link.previous.is_none() {
            self.first = link.next;
        }
        if link.next.is_none() {
            self.last = link.previous;
        }
    }
}

/// Neighbours in an intrusive list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Link {
    /// The next newer.
    pub next: Option<ThreadId>,
    /// The next older.
    pub previous: Option<ThreadId>,
}

impl Link {
    /// In no list.
    pub const NONE: Link = Link { next: None, previous: None };
}

/// The right to send to a thread, as the kernel keeps it for fault handlers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct GateTo {
    /// To whom.
    pub thread: ThreadId,
    /// Generation of that thread's frame.
    pub generation: u32,
    /// Delivered with the message.
    pub badge: u64,
    /// What the gate allows.
    pub rights: Rights,
}

/// What the tree knows of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Branch {
    /// Its scheduler; itself for a root and for a thread that has none yet.
    pub scheduler: ThreadId,
    /// Chosen by the scheduler, comes back in every message.
    pub cookie: u64,
    /// Its scheduler may read and write its registers.
    pub state_right: bool,
    /// Its scheduler is told when it blocks.
    pub tell_blocked: bool,
    /// Its scheduler's order among its children, for interrupts (`auto`).
    pub rank: u32,
    /// Number of children.
    pub child_count: u32,
    /// Number of children that have 0, 1, ... levels below them.
    pub below: [u32; MAX_DEPTH],
    /// Its children, oldest first.
    pub children: List<ThreadId>,
    /// Its neighbours among its scheduler's children.
    pub sibling: Link,
}

/// What an account is to its scheduler.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Recorded {
    /// Whether it is recorded.
    pub how: Record,
    /// Why: the label of the message.
    pub why: Label,
    /// Who made it so, if inside the scheduler's subtree.
    pub by: Option<ThreadId>,
    /// Low half of the token that dispatches it; raised by each record and each dispatch.
    pub sequence: u32,
    /// The scheduler's event number when it was queued: which of two messages came first.
    pub queued: u64,
    /// In one of the scheduler's lists.
    pub link: Link,
}

/// What a thread is as a scheduler.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Scheduler {
    /// Direct mode: the child it granted its time to, while it waits.
    pub granted: Option<ThreadId>,
    /// Accounts recorded here of which it has not been told.
    pub records: List<ThreadId>,
    /// Accounts that are not ready and of which it is to be told something.
    pub notices: List<ThreadId>,
    /// Accounts recorded here whose token it has.
    pub delivered: List<ThreadId>,
    /// Children that are recorded ready here, told or not.
    pub ready: u32,
    /// Tell it when any child blocks.
    pub ask_blocked: bool,
    /// An interrupt for a child of a greater rank than the running one's runs it at once.
    pub auto: bool,
    /// Event number: raised by each record, interrupt and sender queued here.
    pub event: u64,
    /// Stopped schedulers below that have ready children, those last of which not all have been
    /// named.
    pub stuck: List<ThreadId>,
    /// The first in `stuck` of which not all have been named.
    pub unheard: Option<ThreadId>,
    /// While stopped: its place in the list above.
    pub stuck_link: Link,
    /// While stopped: at whom it is listed.
    pub stuck_at: Option<ThreadId>,
    /// While stopped: the first in `records` that has not been named to an ancestor.
    pub untold: Option<ThreadId>,
    /// While stopped: the first in `delivered` that has not been named to an ancestor.
    pub untold_delivered: Option<ThreadId>,
    /// Number of the last event that changed who listens: it stopped, went on or moved.
    pub since: u64,
    /// While stopped: the listener for whom the three positions above count.
    pub told_for: u64,
}

impl Scheduler {
    /// True if it has not been told of something about its children.
    #[inline]
    pub fn has_queued(&self) -> bool {
        self.records.first.is_some() || self.notices.first.is_some()
    }
}

/// A thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Thread<C: Context> {
    /// User registers; at the start of the frame, see [`Context`].
    pub context: C,
    /// What it is doing.
    pub state: State,
    /// Its own name.
    pub id: ThreadId,
    /// What keeps it from the short cut.
    pub unusual: Unusual,
    /// IPC operations it has started.
    pub epoch: u64,
    /// The grantee it works for.
    pub account: ThreadId,
    /// As an account: the thread that runs on it when it is ready.
    pub leaf: ThreadId,
    /// Callers that it owes a reply.
    pub owed: List<ThreadId>,
    /// Senders that wait for it to receive, oldest first.
    pub senders: List<ThreadId>,
    /// Interrupts it has not taken, oldest first.
    pub irqs: List<cedo_floor::IrqId>,
    /// Its Space's top-level page table.
    pub page_table: Frame,
    /// Its Space's capability table.
    pub capabilities: Table,
    /// Frame of its UTCB.
    pub utcb: Frame,
    /// Donated calls between its account and it.
    pub call_depth: u8,
    /// The wait it is in, or was last in, answers a fault: a reply leaves its registers alone.
    pub in_fault: Option<Fault>,
    /// That fault is its partner's, in the middle of a transfer.
    pub faulted_for: Option<ThreadId>,
    /// The call that it makes again as soon as it runs.
    pub repeat: Option<Repeat>,
    /// How many transfers into its windows threads of this core have begun.
    pub filling: u64,
    /// Who began the last of them.
    pub filled_by: Option<ThreadId>,
    /// Its Space.
    pub space: SpaceId,
    /// Address of its UTCB.
    pub utcb_address: UserAddress,
    /// Who hears of its faults.
    pub handler: Option<GateTo>,
    /// Its place in the tree.
    pub branch: Branch,
    /// Its record at its scheduler.
    pub record: Recorded,
    /// What it is as a scheduler.
    pub scheduler: Scheduler,
    /// How often it has been suspended: who queues here notes it, so that those who waited before can
    /// be told from those who came after.
    pub suspensions: u32,
    /// Threads of any core that receive from it only.
    pub closed: List<ThreadId>,
    /// Ticks it has run as a grantee.
    pub time: u64,
}

impl<C: Context> Thread<C> {
    /// A stopped thread that nobody schedules yet. `sequence` starts its tokens, so that tokens of a
    /// thread that had the frame before mean nothing.
    pub fn new(id: ThreadId, context: C, home: &ThreadHome, sequence: u32) -> Thread<C> {
        Thread {
            context,
            state: State::Suspended,
            id,
            unusual: Unusual::of(NEW),
            epoch: 0,
            account: id,
            leaf: id,
            owed: List::EMPTY,
            senders: List::EMPTY,
            irqs: List::EMPTY,
            page_table: home.page_table,
            capabilities: home.capabilities,
            utcb: home.utcb,
            call_depth: 0,
            in_fault: None,
            faulted_for: None,
            repeat: None,
            filling: 0,
            filled_by: None,
            space: home.space,
            utcb_address: home.utcb_address,
            handler: None,
            branch: Branch {
                scheduler: id,
                cookie: 0,
                state_right: false,
                tell_blocked: false,
                rank: 0,
                child_count: 0,
                below: [0; MAX_DEPTH],
                children: List::EMPTY,
                sibling: Link::NONE,
            },
            record: Recorded {
                how: Record::None,
                why: Label::New,
                by: None,
                sequence: sequence | 1,
                queued: 0,
                link: Link::NONE,
            },
            scheduler: Scheduler::default(),
            suspensions: 0,
            closed: List::EMPTY,
            time: 0,
        }
    }

    /// True if it has children or is a root: its time is never another's (DESIGN.md section 6, 5).
    #[inline]
    pub fn is_scheduler(&self) -> bool {
        self.branch.child_count > 0
    }

    /// True if nobody schedules it: a root, or a thread without a scheduler yet.
    #[inline]
    pub fn is_own_scheduler(&self) -> bool {
        self.branch.scheduler == self.id
    }
}

/// Where a thread lives.
#[derive(Clone, Copy, Debug)]
pub struct ThreadHome {
    /// Its Space.
    pub space: SpaceId,
    /// The Space's top-level page table.
    pub page_table: Frame,
    /// The Space's capability table.
    pub capabilities: Table,
    /// Frame of its UTCB.
    pub utcb: Frame,
    /// Address of its UTCB.
    pub utcb_address: UserAddress,
}
