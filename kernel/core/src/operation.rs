//! Operations that only a thread's home core can carry out, and those that take long.
//!
//! The invoker's mail carries the operation: to the target's core, on to where the target's own mail
//! is, and home with the answer. What has more to do than one entry may (DESIGN.md A5) posts the mail
//! to its own core and goes on when it is taken out again: interrupts come in between, the invoker
//! waits, and whatever becomes of it, the work is done to the end.
//!
//! ```text
//!  invoker's core     target's core           core that has the target's mail
//!      |  Operation        |                            |
//!      +-----------------> |  Fetch                     |
//!      |                   +--------------------------> | sends the target's mail home, if it has it,
//!      |                   | <---------- Verdict -------+ and this one behind it
//!      |                   | <---------- Operation -----+
//!      |                   |---+ Operation (more to do)
//!      |                   |<--+
//!      | <-----------------+  Done
//! ```
//!
//! An inbox is in order, so when a fetch is back, what it fetched is too. An operation that arrives
//! where its target no longer lives goes on to where that does.

use crate::call::irq::IrqRequest;
use crate::call::thread::ThreadOperation;
use crate::cross::Post;
use crate::kernel::Kernel;
use crate::list::MailList;
use crate::object::thread::{Errand, ErrandKind, State};
use crate::schedule::end::Ender;
use cedo_abi::call::thread;
use cedo_abi::{REGISTER_WORDS, Status};
use cedo_floor::{FrameKind, ThreadId};
use cedo_machine::{CoreNumber, Frame, Machine};

/// Cores that one fetch looks at: a call may be passed on from core to core.
const MAX_HOPS: u64 = 8;

/// What to do: `Mail::detail`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Operation {
    /// Make an interrupt object for a handler there.
    CreateIrq = 1,
    /// Destroy a thread or an interrupt object there.
    Destroy = 2,
    /// An operation on a thread there.
    Thread = 3,
    /// Make a thread there the root.
    SetRoot = 4,
}

impl Operation {
    /// The thread on whose home core it is to be carried out: its frame and the generation of that.
    const fn place(self, words: &[u64; REGISTER_WORDS]) -> Option<(Frame, u32)> {
        match self {
            Operation::CreateIrq | Operation::Thread => {
                Some((Frame(words[1] as u32), (words[1] >> 32) as u32))
            }
            Operation::Destroy => Some((Frame(words[1] as u32), words[2] as u32)),
            Operation::SetRoot => None,
        }
    }

    /// From `Mail::detail`.
    pub const fn from_number(number: u32) -> Option<Operation> {
        Some(match number {
            1 => Operation::CreateIrq,
            2 => Operation::Destroy,
            3 => Operation::Thread,
            4 => Operation::SetRoot,
            _ => return None,
        })
    }
}

/// How far it has got: `Mail::status` while it is posted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Stage {
    /// Nothing has been done.
    Fresh = 0,
    /// The target's mail has been fetched.
    Fetched = 1,
    /// It was not found: it is home, on its way there, or has been passed on.
    NotFound = 2,
    /// Some of the work has been done.
    Begun = 3,
    /// The target has been given to another core.
    Moved = 4,
}

impl Stage {
    const fn from_number(number: u32) -> Stage {
        match number {
            1 => Stage::Fetched,
            2 => Stage::NotFound,
            3 => Stage::Begun,
            4 => Stage::Moved,
            _ => Stage::Fresh,
        }
    }
}

/// What one entry has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// The operation is over.
    Done(Status, [u64; REGISTER_WORDS]),
    /// There is more to do.
    More,
    /// The mail of this thread was posted to that core and is to be fetched first.
    Fetch(ThreadId, CoreNumber),
    /// The target is that core's now.
    Moved(CoreNumber),
}

impl From<Status> for Progress {
    fn from(status: Status) -> Progress {
        Progress::Done(status, [0; REGISTER_WORDS])
    }
}

impl<M: Machine> Kernel<M> {
    /// Posts an operation to `core`, perhaps this one; `caller` waits for what it comes to.
    pub fn post_operation(
        &mut self,
        caller: ThreadId,
        core: CoreNumber,
        operation: Operation,
        words: &[u64; REGISTER_WORDS],
    ) {
        let utcb = self.look(caller).utcb;
        let mail = self.mail(caller);
        mail.post.set(Post::Operation as u32);
        mail.detail.set(operation as u32);
        mail.status.set(Stage::Fresh as u32);
        mail.utcb.set(utcb.0);
        mail.words.iter().zip(words).for_each(|(word, value)| word.set(*value));
        self.send_out(caller, Errand { core, kind: ErrandKind::Operation });
        self.wait_for_mail(caller);
    }

    /// True if the operation of `invoker` does as much in each entry as one may.
    pub fn may_take_long(&self, invoker: ThreadId) -> bool {
        let mail = self.mail(invoker);
        match Operation::from_number(mail.detail.get()) {
            Some(Operation::Destroy) => true,
            Some(Operation::Thread) => {
                let sub_operation = mail.words[0].get() as u8;
                matches!(sub_operation, thread::SUSPEND | thread::MIGRATE)
            }
            _ => false,
        }
    }

    /// An operation begins here, or goes on.
    pub fn operation_arrived(&mut self, invoker: ThreadId) {
        let mail = self.mail(invoker);
        let words = mail.words.each_ref().map(|word| word.get());
        let stage = Stage::from_number(mail.status.get());
        let operation = Operation::from_number(mail.detail.get());
        if let Some(core) = operation.and_then(|operation| self.moved_to(operation, &words)) {
            return self.post(core, invoker);
        }
        let progress = match operation {
            Some(Operation::CreateIrq) => match IrqRequest::from_words(&words) {
                Some(request) => Progress::Done(self.create_irq_here(&request), words),
                None => Status::BadArgument.into(),
            },
            Some(Operation::Destroy) => self.destroy_here(words, stage, Ender::Elsewhere),
            Some(Operation::Thread) => {
                let utcb = Frame(mail.utcb.get());
                match ThreadOperation::from_words(&words) {
                    Some(operation) => self.thread_operation(&operation, utcb, None, stage),
                    None => Status::BadArgument.into(),
                }
            }
            Some(Operation::SetRoot) => Progress::Done(self.set_root_here(&words), words),
            None => Status::BadArgument.into(),
        };
        self.proceed(invoker, progress);
    }

    /// The core on which the target of an operation that has arrived here lives, if that is another one.
    fn moved_to(&self, operation: Operation, words: &[u64; REGISTER_WORDS]) -> Option<CoreNumber> {
        let (frame, generation) = operation.place(words)?;
        let entry = self.objects.table().entry(frame);
        let lives = entry.kind() == FrameKind::Thread && entry.generation() == generation;
        (lives && entry.home() != self.core()).then_some(entry.home())
    }

    fn proceed(&mut self, invoker: ThreadId, progress: Progress) {
        let mail = self.mail(invoker);
        match progress {
            Progress::Done(status, results) => {
                mail.words.iter().zip(results).for_each(|(word, value)| word.set(value));
                self.send_home(invoker, Post::Done, status);
            }
            Progress::More => {
                mail.status.set(Stage::Begun as u32);
                self.post(self.core(), invoker);
            }
            Progress::Moved(core) => {
                mail.status.set(Stage::Moved as u32);
                self.post(core, invoker);
            }
            Progress::Fetch(target, core) => {
                mail.epoch.set(self.look(target).epoch);
                let fetches = &mail.words[REGISTER_WORDS - 1];
                fetches.set(fetches.get() + 1);
                mail.post.set(Post::Fetch as u32);
                mail.destination.set(target.number().get());
                mail.flags.set(u64::from(self.core().0));
                mail.badge.set(MAX_HOPS);
                self.post(core, invoker);
            }
        }
    }

    /// The mail of `invoker` looks for that of the thread it names, which may be kept here.
    pub fn fetch_arrived(&mut self, invoker: ThreadId) {
        let mail = self.mail(invoker);
        let target = ThreadId::from_number(mail.destination.get());
        let epoch = mail.epoch.get();
        let fetched = target.is_some_and(|target| self.give_back(target, epoch));
        let mail = self.mail(invoker);
        let home = CoreNumber(mail.flags.get() as u8);
        let hops = mail.badge.get();
        if !fetched
            && hops > 0
            && let Some(core) = target.and_then(|target| self.passed_on_to(target))
            && core != home
        {
            mail.badge.set(hops - 1);
            return self.post(core, invoker);
        }
        let stage = if fetched { Stage::Fetched } else { Stage::NotFound };
        mail.status.set(stage as u32);
        mail.post.set(Post::Operation as u32);
        self.post(home, invoker);
    }

    /// Sends the mail of `id`, of another core, home if it is kept here for the wait `epoch`, which is
    /// over then.
    fn give_back(&mut self, id: ThreadId, epoch: u64) -> bool {
        if self.objects.is_here(id) {
            return false;
        }
        let Some(mail) = self.objects.try_mail(id) else { return false };
        if mail.epoch.get() != epoch {
            return false;
        }
        let lists = [
            (mail.owed_by.get(), MailList::Owed),
            (mail.queued_at.get(), MailList::Senders),
            (mail.awaits.get(), MailList::Closed),
        ];
        for (number, list) in lists {
            if let Some(owner) = ThreadId::from_number(number)
                && self.objects.is_here(owner)
            {
                self.take_out(owner, list, id);
                self.send_home(id, Post::Verdict, Status::Aborted);
                return true;
            }
        }
        false
    }

    /// Another core to which the message of `id` has been passed on, or has followed its receiver. What
    /// is read may be out of date.
    fn passed_on_to(&self, id: ThreadId) -> Option<CoreNumber> {
        let mail = self.objects.try_mail(id).filter(|_| !self.objects.is_here(id))?;
        let destination = ThreadId::from_number(mail.destination.get())?;
        let core = self.objects.table().entry(destination.frame()).home();
        (mail.post.get() == Post::Message as u32 && core != self.core()).then_some(core)
    }

    /// True if `id` is suspended, if perhaps its mail is not home yet.
    pub fn is_suspended(&self, id: ThreadId) -> bool {
        matches!(self.look(id).state, State::Suspended | State::Recalled(_))
    }

    /// `id` is to be suspended as soon as its mail is home. Where that was sent to; nothing if it is
    /// home.
    pub fn recall(&mut self, id: ThreadId) -> Option<CoreNumber> {
        let thread = self.thread(id);
        let (State::Remote(errand) | State::Recalled(errand)) = thread.state else { return None };
        thread.state = State::Recalled(errand);
        Some(errand.core)
    }
}
