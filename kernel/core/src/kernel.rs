//! One core's kernel, and what all cores share.

use crate::ipc::repeat::Repeat;
use crate::object::KernelTypes;
use crate::object::space::Space;
use crate::object::thread::Thread;
use cedo_abi::MAX_CORES;
use cedo_floor::{Claims, FrameTable, Inbox, IrqId, Mail, Objects, SpaceId, ThreadId};
use cedo_machine::atomic::{AtomicU64, Ordering};
use cedo_machine::{CoreNumber, Frame, Line, Machine, Platform, Ticks};

/// How preemptions become messages (DESIGN.md section 6). The root chooses when it starts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Protocol {
    /// The grant stack, the default.
    Direct,
    /// The paper's chain of messages.
    Chain,
}

/// What all cores share: atomics and facts fixed at boot.
pub struct Shared {
    /// Which cores have their access to objects.
    pub claims: Claims,
    /// All frames.
    pub table: FrameTable,
    /// Posts to each core.
    pub inboxes: [Inbox; MAX_CORES],
    /// Cores that run.
    pub cores: u8,
    /// A top-level page table whose kernel entries every Space copies.
    pub kernel_root: Frame,
    /// The kernel information page.
    pub info_frame: Frame,
    /// The machine can make pages non-executable.
    pub no_execute: bool,
    /// Bit by bit: this interrupt line has an Irq on some core.
    pub lines: [AtomicU64; MAX_LINES / 64],
}

/// Interrupt lines that can have an Irq: 0 to this, excluded.
pub const MAX_LINES: usize = cedo_abi::system::MAX_LINES as usize;

impl Shared {
    /// Notes that a line has an Irq, or has none any more. True if that is new.
    pub fn note_line(&self, line: Line, is_used: bool) -> bool {
        let (word, bit) = (&self.lines[line.0 as usize / 64], 1 << (line.0 % 64));
        let before = match is_used {
            true => word.fetch_or(bit, Ordering::AcqRel),
            false => word.fetch_and(!bit, Ordering::AcqRel),
        };
        (before & bit != 0) != is_used
    }
}

/// What a core knows of itself, apart from its threads. Plain data: the search copies it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Local {
    /// Who runs; nobody on a halted core.
    pub current: Option<ThreadId>,
    /// The account that the current thread works for; the last one on a halted core.
    pub grantee: Option<ThreadId>,
    /// The root scheduler.
    pub root: Option<ThreadId>,
    /// The root's choice.
    pub protocol: Protocol,
    /// The root's options ([`cedo_abi::call::core::SET_OPTIONS`]).
    pub options: u64,
    /// While the core is halted: an arrival that makes exactly one thread runnable runs it.
    pub run_woken: bool,
    /// The deadline has passed and the root has not been told.
    pub timer_pending: bool,
    /// Bits of all kicks that the root has not been told of.
    pub kicks: u64,
    /// Number of the last change of who hears of whom, see `schedule::stuck`.
    pub listeners: u64,
    /// Waiters and children that one entry handles when a thread stops or ends (DESIGN.md A5).
    pub losers_per_entry: u32,
    /// When time was last charged.
    pub charged: Ticks,
    /// By line: its Irq, where that lives on this core.
    pub lines: [Option<IrqId>; MAX_LINES],
    /// The active page table.
    pub page_table: Frame,
    /// Who made the system call that this entry is about.
    pub caller: Option<ThreadId>,
    /// The operation word with which it would make that call again.
    pub operation: u64,
    /// The send phase of that call is over.
    pub has_sent: bool,
    /// The call was made before and goes on.
    pub repeated: Option<Repeat>,
}

impl Local {
    /// The system call of `caller` begins, perhaps again.
    #[inline]
    pub fn start_call(&mut self, caller: ThreadId, operation: u64, repeat: Option<Repeat>) {
        self.caller = Some(caller);
        self.operation = operation;
        self.repeated = repeat.filter(|repeat| repeat.operation == operation);
    }

    /// What this entry was about is done.
    #[inline]
    pub fn end_call(&mut self) {
        (self.caller, self.operation, self.has_sent, self.repeated) = (None, 0, false, None);
    }
}

/// One core's kernel.
pub struct Kernel<M: Machine> {
    /// The core itself.
    pub machine: M,
    /// What this core may touch in frames.
    pub objects: Objects<KernelTypes<M>>,
    /// What all cores share.
    pub shared: &'static Shared,
    /// What boot code handed over.
    pub platform: &'static Platform,
    /// What this core knows of itself.
    pub local: Local,
}

impl<M: Machine> Kernel<M> {
    /// This core.
    #[inline]
    pub fn core(&self) -> CoreNumber {
        self.objects.core()
    }

    /// Makes the core know of itself what it once did. For tests that put a machine back into an earlier
    /// state, after its frames.
    pub fn restore(&mut self, local: Local) {
        self.local = local;
        self.objects.set_current(local.current);
    }

    /// A thread of this core.
    #[inline]
    pub fn thread(&mut self, id: ThreadId) -> &mut Thread<M::Context> {
        self.objects.thread(id)
    }

    /// A thread of this core, to look at.
    #[inline]
    pub fn look(&self, id: ThreadId) -> &Thread<M::Context> {
        self.objects.thread_ref(id)
    }

    /// The mail of a thread of any core.
    #[inline]
    pub fn mail(&self, id: ThreadId) -> &Mail {
        self.objects.mail(id)
    }

    /// A Space.
    #[inline]
    pub fn space(&self, id: SpaceId) -> &Space {
        self.objects.space(id)
    }

    /// This core's inbox.
    #[inline]
    pub fn inbox(&self) -> &'static Inbox {
        &self.shared.inboxes[self.core().index()]
    }
}
