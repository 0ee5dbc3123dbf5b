//! Posts between cores (DESIGN.md section 7).
//!
//! A thread that needs another core posts its mail there and waits in state *Remote* until it is
//! home again; processor time never crosses.
//!
//! ```text
//!                 Message            Operation        Round
//! caller's core  --------> core     ----------> core  -----> core -> core ...
//!      ^                     |                    |                     |
//!      +-- Reply, Verdict ---+------- Done -------+------- Round -------+
//! ```
//!
//! | post | the receiving core | back home |
//! |---|---|---|
//! | Message | queues it at the receiver, which is told as of an interrupt | |
//! | Reply | | the message is in the mail, its long part in the UTCB |
//! | Verdict | | taken, or why not |
//! | Operation | carries it out | |
//! | Done | | status and words |
//! | Round | forgets translations, sends it on | the call is finished |
//! | LookAgain | | the message that is waited for is queued, or gone |

use crate::call::Answer;
use crate::call::irq::IrqRequest;
use crate::call::thread::ThreadOperation;
use crate::ipc::send::Sender;
use crate::kernel::Kernel;
use crate::object::thread::{GateTo, Peer, State};
use crate::schedule::end::Ender;
use cedo_abi::{REGISTER_WORDS, Status};
use cedo_floor::{FrameKind, ThreadId};
use cedo_machine::{Context, CoreNumber, Frame, Machine};

/// Mails that one interrupt takes out of the inbox (DESIGN.md A5).
const MAILS_PER_ENTRY: usize = 8;

/// Why a mail was posted: `Mail::post`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Post {
    /// A message for a thread of the receiving core.
    Message = 1,
    /// The answer to a call.
    Reply = 2,
    /// What a send, or a call that failed, came to.
    Verdict = 3,
    /// An [`Operation`] for the receiving core.
    Operation = 4,
    /// What that came to.
    Done = 5,
    /// Forget translations and send it on.
    Round = 6,
    /// The message it receives may have come.
    LookAgain = 7,
}

/// Operations that only a thread's home core can carry out: `Mail::detail`.
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
    const fn from_number(number: u32) -> Option<Operation> {
        Some(match number {
            1 => Operation::CreateIrq,
            2 => Operation::Destroy,
            3 => Operation::Thread,
            4 => Operation::SetRoot,
            _ => return None,
        })
    }
}

impl<M: Machine> Kernel<M> {
    /// Pushes the mail of `id` to `core`.
    fn post(&mut self, core: CoreNumber, id: ThreadId) {
        let Some(inbox) = self.shared.inboxes.get(core.index()) else { return };
        let find = |frame: core::num::NonZeroU32| {
            self.mail(ThreadId::from_number(frame.get()).unwrap_or(id))
        };
        if inbox.post(id.number(), find) {
            self.machine.signal(core);
        }
    }

    /// The current thread waits until its mail, which is posted, is home.
    fn wait_for_mail(&mut self, id: ThreadId) {
        if self.local.current == Some(id) {
            self.thread(id).state = State::Remote;
            self.stopped(id);
            self.blocked(id);
        }
    }

    /// Posts the mail of `caller` to the thread behind `gate`; the caller waits.
    pub fn post_to_thread(&mut self, caller: ThreadId, gate: &GateTo, post: Post) {
        let mail = self.mail(caller);
        mail.post.set(post as u32);
        mail.destination.set(gate.thread.number().get());
        mail.generation.set(gate.generation);
        let home = self.objects.table().entry(gate.thread.frame()).home();
        self.post(home, caller);
        self.send_after(gate.thread, caller);
        self.wait_for_mail(caller);
    }

    /// Posts the mail of `id`, which describes what it waits for, to the core of `peer`.
    pub fn post_to_peer(&mut self, id: ThreadId, peer: Peer) {
        let mail = self.mail(id);
        mail.post.set(Post::Message as u32);
        mail.destination.set(peer.thread.number().get());
        mail.generation.set(peer.generation);
        self.thread(id).state = State::Remote;
        let home = self.objects.table().entry(peer.thread.frame()).home();
        self.post(home, id);
    }

    /// Posts an operation to `core`; `caller` waits for what it comes to.
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
        mail.utcb.set(utcb.0);
        mail.words.iter().zip(words).for_each(|(word, value)| word.set(*value));
        self.post(core, caller);
        self.wait_for_mail(caller);
    }

    /// Sends the mail of `caller` round the other cores in the set `cores`. True if there are none.
    pub fn start_round(&mut self, caller: ThreadId, cores: u8) -> bool {
        let others = cores & !(1 << self.core().0);
        if others == 0 {
            return true;
        }
        self.mail(caller).post.set(Post::Round as u32);
        self.send_on(caller, others);
        self.wait_for_mail(caller);
        false
    }

    /// Posts a round to the next core in the set, or home.
    fn send_on(&mut self, id: ThreadId, cores: u8) {
        let mail = self.mail(id);
        mail.flags.set(u64::from(cores & cores.wrapping_sub(1)));
        let next = if cores == 0 { mail.home.get() } else { cores.trailing_zeros() };
        self.post(CoreNumber(next as u8), id);
    }

    /// Posts the mail of `id`, of another core, home.
    pub fn send_home(&mut self, id: ThreadId, post: Post, status: Status) {
        let mail = self.mail(id);
        mail.post.set(post as u32);
        mail.status.set(status as u32);
        self.post(CoreNumber(mail.home.get() as u8), id);
    }

    /// Another core signalled this one.
    pub fn drain(&mut self) {
        let inbox = self.inbox();
        inbox.open();
        let kicks = inbox.take_kicks();
        if kicks != 0
            && let Some(root) = self.local.root
        {
            self.local.kicks |= kicks;
            self.interrupted(root);
        }
        for _ in 0..MAILS_PER_ENTRY {
            let find = |frame: core::num::NonZeroU32| {
                self.objects.mail(ThreadId::from_number(frame.get()).expect("not zero"))
            };
            let Some(frame) = inbox.take(find) else { break };
            if let Some(id) = ThreadId::from_number(frame.get()) {
                self.received(id);
            }
        }
        if inbox.close() {
            self.machine.signal(self.core());
        }
        self.run_root_if_told();
    }

    fn received(&mut self, id: ThreadId) {
        match self.mail(id).post.get() {
            post if post == Post::Message as u32 => self.message_arrived(id),
            post if post == Post::Operation as u32 => self.operation_arrived(id),
            post if post == Post::Round as u32 && !self.objects.is_here(id) => {
                self.forget_translations();
                let cores = self.mail(id).flags.get() as u8;
                self.send_on(id, cores);
            }
            post => self.came_home(id, post),
        }
    }

    fn message_arrived(&mut self, sender: ThreadId) {
        let mail = self.mail(sender);
        let zero = mail.status.get() != 0;
        let receiver = ThreadId::from_number(mail.destination.get()).filter(|id| {
            let entry = self.objects.table().entry(id.frame());
            entry.is(FrameKind::Thread, self.core()) && entry.generation() == mail.generation.get()
        });
        let Some(receiver) = receiver else {
            return self.send_home(sender, Post::Verdict, Status::PartnerGone);
        };
        if mail.kind.get() == Sender::Closed as u32 {
            return self.closed_receiver_arrived(receiver, sender);
        }
        let receptive = self.is_receptive(receiver);
        if zero && !receptive {
            return self.send_home(sender, Post::Verdict, Status::NotReady);
        }
        if self.objects.is_here(sender) {
            self.take_passed_on(sender, receiver);
        }
        self.queue_sender(receiver, sender);
        if receptive {
            self.thread(receiver).latched = true;
            self.arrived(receiver);
        } else if self.waits_only_for(receiver, sender) {
            self.leave_closed(receiver);
            self.take_sender(receiver, sender);
            self.arrived(receiver);
        }
    }

    /// A call of `sender`, of this core, is back from another one, whose server has passed it on to
    /// `receiver`: the words that it calls with are that server's.
    fn take_passed_on(&mut self, sender: ThreadId, receiver: ThreadId) {
        let mail = self.mail(sender);
        let fault = Sender::from_number(mail.kind.get()).is_some_and(Sender::is_fault);
        let (tag, words) = (mail.tag.get(), mail.words.each_ref().map(|word| word.get()));
        let thread = self.thread(sender);
        thread.state = State::Sending(receiver);
        if !fault {
            thread.context.set_message(0, 0, tag);
            thread.context.set_words(&words);
        }
    }

    /// Takes the message of a `sender` of another core, which is out of the queue of `receiver`.
    pub fn take_mail(&mut self, receiver: ThreadId, sender: ThreadId, kind: Sender) {
        if kind.is_call() {
            let token = self.lend_mail(sender, receiver);
            self.move_mail(sender, receiver, token.0);
            if kind.is_fault() && self.look(receiver).want_state {
                let source = Frame(self.mail(sender).utcb.get());
                let area = self.received_state(source);
                self.put_state(self.look(receiver).utcb, &area);
            }
            return;
        }
        self.move_mail(sender, receiver, 0);
        self.send_home(sender, Post::Verdict, Status::Ok);
    }

    fn operation_arrived(&mut self, invoker: ThreadId) {
        let mail = self.mail(invoker);
        let words = mail.words.each_ref().map(|word| word.get());
        let (status, results) = match Operation::from_number(mail.detail.get()) {
            Some(Operation::CreateIrq) => match IrqRequest::from_words(&words) {
                Some(request) => (self.create_irq_here(&request), words),
                None => (Status::BadArgument, words),
            },
            Some(Operation::Destroy) => (self.destroy_here(&words, Ender::Elsewhere), words),
            Some(Operation::Thread) => {
                let utcb = Frame(mail.utcb.get());
                self.thread_operation(&ThreadOperation::from_words(&words), utcb, None)
            }
            Some(Operation::SetRoot) => (self.set_root_here(&words), words),
            None => (Status::BadArgument, words),
        };
        let mail = self.mail(invoker);
        mail.words.iter().zip(results).for_each(|(word, value)| word.set(value));
        self.send_home(invoker, Post::Done, status);
    }

    /// The mail of `id`, of this core, is back.
    fn came_home(&mut self, id: ThreadId, post: u32) {
        let mail = self.mail(id);
        let status = Status::of_result(u64::from(mail.status.get()));
        let answer = match post {
            post if post == Post::Reply as u32 => {
                self.take_reply(id);
                Answer::Later
            }
            post if post == Post::LookAgain as u32 => return self.look_again(id),
            post if post == Post::Round as u32 => match self.after_round(id) {
                Answer::Later => return,
                answer => answer,
            },
            post if post == Post::Done as u32 => match self.operation_done(id, status) {
                Answer::Later => return,
                answer => answer,
            },
            _ => {
                let receives = mail.kind.get() == Sender::SendAndReceive as u32;
                if receives && status == Status::Ok {
                    if self.receive_latched(id) {
                        self.arrived(id);
                    }
                    return;
                }
                match Sender::from_number(mail.kind.get()) {
                    Some(Sender::Fault) => return self.fault_unhandled(id),
                    Some(Sender::PartnerFault) => {
                        self.end_fault(id);
                        self.end_repeat(id);
                        Status::PartnerFault.into()
                    }
                    _ if status == Status::Overflow => {
                        Answer::Words(status, mail.words.each_ref().map(|word| word.get()))
                    }
                    _ => status.into(),
                }
            }
        };
        self.answer(id, answer);
        self.arrived(id);
    }

    fn operation_done(&mut self, id: ThreadId, status: Status) -> Answer {
        let mail = self.mail(id);
        match Operation::from_number(mail.detail.get()) {
            Some(Operation::Destroy) => self.after_destroy(id, status),
            Some(Operation::Thread) => {
                Answer::Words(status, mail.words.each_ref().map(|word| word.get()))
            }
            _ => status.into(),
        }
    }

    /// The answer to the call or fault of `id` is in its mail.
    fn take_reply(&mut self, id: ThreadId) {
        let mail = self.mail(id);
        let faulted = Sender::from_number(mail.kind.get()).is_some_and(Sender::is_fault);
        let installs = mail.flags.get() != 0;
        let (tag, words) = (mail.tag.get(), mail.words.each_ref().map(|word| word.get()));
        self.end_fault(id);
        let thread = self.thread(id);
        if !faulted {
            let result = thread.scheduler.event << 16 | Status::Ok as u64;
            thread.context.set_result(result);
            thread.context.set_message(0, 0, tag);
            thread.context.set_words(&words);
        } else if installs {
            let area = self.received_state(self.look(id).utcb);
            self.install(id, &area);
        }
    }
}
