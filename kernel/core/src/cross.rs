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
//! | Message | queues it at the receiver, which is told as of an interrupt; sends it after one that has moved | |
//! | Reply | | the message is in the mail, its long part in the UTCB |
//! | Verdict | | taken, or why not |
//! | Operation | carries it out | |
//! | Done | | status and words |
//! | Round | forgets translations, sends it on | the call is finished |
//! | Fetch | sends the mail it looks for home, and this one behind it | |
//! | PassedOn | | the call goes to whom it was passed on to |
//! | LookAgain | | the message that is waited for is queued, or gone |

use crate::call::Answer;
use crate::ipc::closed::PASSED_ON;
use crate::ipc::receive::Taken;
use crate::ipc::send::Sender;
use crate::kernel::Kernel;
use crate::object::thread::{Errand, ErrandKind, GateTo, Peer, State};
use crate::object::unusual::{LATCHED, LEAVING};
use crate::operation::Operation;
use cedo_abi::item::has_amounts;
use cedo_abi::{REGISTER_WORDS, Status};
use cedo_floor::ThreadId;
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
    /// Look for the mail of another thread, and send both back.
    Fetch = 8,
    /// A call has been passed on to one who receives from this caller only: call it from here.
    PassedOn = 9,
}

impl<M: Machine> Kernel<M> {
    /// Pushes the mail of `id` to `core`.
    pub fn post(&mut self, core: CoreNumber, id: ThreadId) {
        let Some(inbox) = self.shared.inboxes.get(core.index()) else { return };
        let find = |frame: core::num::NonZeroU32| {
            self.mail(ThreadId::from_number(frame.get()).unwrap_or(id))
        };
        if inbox.post(id.number(), find) {
            self.machine.signal(core);
        }
    }

    /// Posts the mail of `id`, of this core, which waits until it is home.
    pub fn send_out(&mut self, id: ThreadId, errand: Errand) {
        let thread = self.thread(id);
        let (account, could_run) = (thread.account, thread.state == State::Ready);
        thread.state = match thread.state {
            State::Recalled(_) => State::Recalled(errand),
            _ => State::Remote(errand),
        };
        self.post(errand.core, id);
        if could_run {
            // It has lost the processor in the middle of its own call.
            self.unready(account);
            self.stopped(id);
        }
    }

    /// If `id`, whose mail has been sent out, was the current thread, somebody else runs.
    pub fn wait_for_mail(&mut self, id: ThreadId) {
        if self.local.current == Some(id) {
            self.stopped(id);
            self.blocked(id);
        }
    }

    /// Posts the mail of `sender`, which describes a message, to the thread behind `gate`. A sender of
    /// this core waits.
    pub fn post_to_thread(&mut self, sender: ThreadId, gate: &GateTo) {
        let peer = Peer { thread: gate.thread, generation: gate.generation };
        self.post_to_peer(sender, peer);
        if self.objects.is_here(sender) {
            self.send_after(gate.thread, sender);
            self.wait_for_mail(sender);
        }
    }

    /// Posts the mail of `id`, of any core, which describes what it wants, to the core of `peer`.
    pub fn post_to_peer(&mut self, id: ThreadId, peer: Peer) {
        let mail = self.mail(id);
        mail.post.set(Post::Message as u32);
        mail.destination.set(peer.thread.number().get());
        mail.generation.set(peer.generation);
        let core = self.objects.table().entry(peer.thread.frame()).home();
        if self.objects.is_here(id) {
            mail.epoch.set(self.look(id).epoch);
            self.send_out(id, Errand { core, kind: ErrandKind::Message });
        } else {
            self.post(core, id);
        }
    }

    /// Sends the mail of `caller` round the other cores in the set `cores`. True if there are none.
    pub fn start_round(&mut self, caller: ThreadId, cores: u8) -> bool {
        let others = cores & !(1 << self.core().0);
        if others == 0 {
            return true;
        }
        let mail = self.mail(caller);
        mail.post.set(Post::Round as u32);
        mail.flags.set(u64::from(others & others.wrapping_sub(1)));
        let core = CoreNumber(others.trailing_zeros() as u8);
        self.send_out(caller, Errand { core, kind: ErrandKind::Operation });
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

    /// Posts the mail of `id` home. If that is here, it is.
    pub fn send_home(&mut self, id: ThreadId, post: Post, status: Status) {
        let mail = self.mail(id);
        mail.post.set(post as u32);
        mail.status.set(status as u32);
        if self.objects.is_here(id) {
            return self.came_home(id, post as u32);
        }
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
            let Some(id) = ThreadId::from_number(frame.get()) else { break };
            if self.received(id) {
                break;
            }
        }
        if inbox.close() {
            self.machine.signal(self.core());
        }
        self.run_root_if_told();
    }

    /// True if that may have been as much as an entry should do.
    fn received(&mut self, id: ThreadId) -> bool {
        let post = self.mail(id).post.get();
        let long = post == Post::Operation as u32 && self.may_take_long(id);
        match post {
            post if post == Post::Message as u32 => self.message_arrived(id),
            post if post == Post::Operation as u32 => self.operation_arrived(id),
            post if post == Post::Fetch as u32 => self.fetch_arrived(id),
            post if post == Post::Round as u32 && !self.objects.is_here(id) => {
                self.forget_translations();
                let cores = self.mail(id).flags.get() as u8;
                self.send_on(id, cores);
            }
            post => self.came_home(id, post),
        }
        long
    }

    fn message_arrived(&mut self, sender: ThreadId) {
        let mail = self.mail(sender);
        let zero = mail.status.get() != 0;
        let thread = ThreadId::from_number(mail.destination.get());
        let peer = thread.map(|thread| Peer { thread, generation: mail.generation.get() });
        let Some(peer) = peer.filter(|peer| self.exists(*peer)) else {
            return self.send_home(sender, Post::Verdict, Status::PartnerGone);
        };
        let receiver = peer.thread;
        if !self.objects.is_here(receiver) {
            return self.post_to_peer(sender, peer);
        }
        if self.look(receiver).unusual.has(LEAVING) {
            return self.send_home(sender, Post::Verdict, Status::Aborted);
        }
        if mail.kind.get() == Sender::Closed as u32 {
            return self.closed_receiver_arrived(receiver, sender);
        }
        if mail.detail.get() == PASSED_ON && self.awaits_elsewhere(receiver, sender) {
            return self.send_home(sender, Post::PassedOn, Status::Ok);
        }
        let receptive = self.is_receptive(receiver);
        if zero && !receptive {
            return self.send_home(sender, Post::Verdict, Status::NotReady);
        }
        if self.objects.is_here(sender) && !self.take_back(sender, receiver) {
            return;
        }
        self.queue_sender(receiver, sender);
        if receptive && (!zero || self.has_items(sender)) {
            self.thread(receiver).unusual.set(LATCHED, true);
            self.arrived(receiver);
        } else if receptive {
            // Its sender waits for the verdict, not until the receiver runs.
            let taken = self.take_sender(receiver, sender);
            self.arrived(receiver);
            self.arrived_if_released(taken);
        } else if self.waits_only_for(receiver, sender) {
            self.leave_closed(receiver);
            let taken = self.take_sender(receiver, sender);
            self.arrived(receiver);
            self.arrived_if_released(taken);
        }
    }

    /// The sender of a message that has been taken, if it is of this core, could run.
    pub fn arrived_if_released(&mut self, taken: Taken) {
        if let Taken::Released(sender) = taken {
            self.arrived(sender);
        }
    }

    /// The mail of `sender`, of this core, has been to another one and has come to `receiver`: that has
    /// moved here, or the call has been passed on to it; then the words that it calls with are that
    /// server's. False if it is void, because the sender has been suspended.
    fn take_back(&mut self, sender: ThreadId, receiver: ThreadId) -> bool {
        let mail = self.mail(sender);
        let kind = Sender::from_number(mail.kind.get());
        let words_may_differ = kind.is_some_and(|kind| kind.is_call() && !kind.is_fault());
        let (tag, words) = (mail.tag.get(), mail.words.each_ref().map(|word| word.get()));
        if matches!(self.look(sender).state, State::Recalled(_)) {
            self.send_home(sender, Post::Verdict, Status::Aborted);
            return false;
        }
        let thread = self.thread(sender);
        thread.state = State::Sending(receiver);
        if words_may_differ {
            thread.context.set_message(0, 0, tag);
            thread.context.set_words(&words);
        }
        true
    }

    /// Takes the message of a `sender` of another core, which is out of the queue of `receiver`.
    pub fn take_mail(&mut self, receiver: ThreadId, sender: ThreadId, kind: Sender) {
        if kind.is_call() {
            let token = self.lend_mail(sender, receiver);
            self.move_mail(sender, receiver, token.0);
            let wanted = u64::from(self.look(receiver).unusual.wanted());
            if kind.is_fault() && wanted != 0 {
                let (from, to) = (self.mail(sender).utcb.get(), self.look(receiver).utcb);
                self.pass_away_state(Frame(from), wanted, to);
            }
            return;
        }
        self.move_mail(sender, receiver, 0);
        self.send_home(sender, Post::Verdict, Status::Ok);
    }

    /// The mail of `id`, of this core, is back.
    fn came_home(&mut self, id: ThreadId, post: u32) {
        let status = Status::of_result(u64::from(self.mail(id).status.get()));
        let answer = match post {
            post if post == Post::Reply as u32 => {
                self.take_reply(id);
                Answer::Later
            }
            post if post == Post::PassedOn as u32 => match self.call_passed_on(id) {
                Some(answer) => answer,
                None => return,
            },
            post if post == Post::LookAgain as u32 => match self.look_again(id) {
                Some(answer) => answer,
                None => return,
            },
            post if post == Post::Round as u32 => match self.after_round(id) {
                Answer::Later => return,
                answer => answer,
            },
            post if post == Post::Done as u32 => match self.operation_done(id, status) {
                Answer::Later => return,
                answer => answer,
            },
            _ => match self.take_verdict(id, status) {
                Some(answer) => answer,
                None => return,
            },
        };
        self.answer(id, answer);
        self.goes_on(id);
    }

    /// The mail of `id` is home and its answer written: it could run, unless it has been suspended.
    fn goes_on(&mut self, id: ThreadId) {
        if !matches!(self.look(id).state, State::Recalled(_)) {
            return self.arrived(id);
        }
        self.thread(id).state = State::Suspended;
        if self.look(id).account != id {
            self.work_for_itself(id);
        }
    }

    /// What the message of `id` came to. Nothing if it waits on.
    pub fn take_verdict(&mut self, id: ThreadId, status: Status) -> Option<Answer> {
        let mail = self.mail(id);
        let kind = Sender::from_number(mail.kind.get());
        if kind == Some(Sender::SendAndReceive) && status == Status::Ok {
            if matches!(self.look(id).state, State::Recalled(_)) {
                return Some(Status::Aborted.into());
            }
            return self.receive_latched(id).then_some(Answer::Later);
        }
        Some(match kind {
            Some(kind) if kind.is_fault() => self.take_verdict_of_fault(id, status),
            _ if status == Status::Aborted => Answer::Words(status, [0; REGISTER_WORDS]),
            _ if has_amounts(status) => {
                Answer::Words(status, mail.words.each_ref().map(|word| word.get()))
            }
            _ => status.into(),
        })
    }

    /// The handler of the fault of `id` does not answer: the instruction, or the call in the middle of
    /// which a page was missing, is made again, unless that was cancelled.
    fn take_verdict_of_fault(&mut self, id: ThreadId, status: Status) -> Answer {
        self.end_fault(id);
        let thread = self.look(id);
        let recalled = matches!(thread.state, State::Recalled(_));
        if status != Status::Aborted || thread.repeat.is_none() || recalled {
            return Answer::Later;
        }
        Answer::Words(status, self.end_repeat(id))
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
            self.install_away(id);
        }
    }
}
