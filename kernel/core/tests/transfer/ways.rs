//! The ways in which a message gets from one user to another: every operation that sends, every
//! operation that receives, either party first.

use crate::message::{Got, LABEL, Op};
use crate::stage::Stage;
use cedo_abi::Status;
use cedo_abi::item::Item;

/// How a message goes from `from` to `to`. A third user, `other`, helps where it takes one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// `from` calls; `to` waits for anyone.
    Call,
    /// The same without DONATE.
    WeakCall,
    /// `from` calls; `to` waits for it alone.
    CallClosed,
    /// `from` has called; `to` receives.
    CallQueued,
    /// `from` has called; `to` receives from it alone.
    CallQueuedClosed,
    Send,
    SendQueued,
    SendAndReceive,
    SendAndReceiveQueued,
    /// `to` has called.
    Reply,
    ReplyAndWait,
    /// `to` replies to `other`, then takes the call.
    AfterReply,
    /// The same, from `from` alone.
    AfterReplyClosed,
    /// `to` sends to `other`, then takes the call.
    AfterSend,
    /// The same, and `other` was not waiting at first.
    AfterQueuedSend,
    /// `to` replies to `other`, waits, and then the message comes.
    ReplyThenWait,
}

impl Way {
    pub const ALL: [Way; 16] = [
        Way::Call,
        Way::WeakCall,
        Way::CallClosed,
        Way::CallQueued,
        Way::CallQueuedClosed,
        Way::Send,
        Way::SendQueued,
        Way::SendAndReceive,
        Way::SendAndReceiveQueued,
        Way::Reply,
        Way::ReplyAndWait,
        Way::AfterReply,
        Way::AfterReplyClosed,
        Way::AfterSend,
        Way::AfterQueuedSend,
        Way::ReplyThenWait,
    ];

    /// True if the sender's call moves the items, else the receiver's.
    pub fn sender_moves(self) -> bool {
        matches!(
            self,
            Way::Call
                | Way::WeakCall
                | Way::CallClosed
                | Way::Send
                | Way::SendAndReceive
                | Way::Reply
                | Way::ReplyAndWait
                | Way::ReplyThenWait
        )
    }

    /// True if the message answers a call.
    pub fn replies(self) -> bool {
        matches!(self, Way::Reply | Way::ReplyAndWait)
    }
}

/// A message on its way: who, and with what.
#[derive(Clone, Debug)]
pub struct Carry {
    pub from: usize,
    pub to: usize,
    pub other: usize,
    pub items: Vec<Item>,
    pub windows: Vec<Item>,
}

impl Carry {
    /// Users 0 and 1 of the plan, helped by user 2.
    pub fn of(stage: &Stage, items: &[Item], windows: &[Item]) -> Carry {
        let [from, to, other] = [0, 1, 2].map(|index| stage.user(index));
        Carry { from, to, other, items: items.to_vec(), windows: windows.to_vec() }
    }

    /// Memory of both is as nobody has touched it.
    pub fn fill(&self, stage: &mut Stage) {
        stage.fill(self.from);
        stage.fill(self.to);
    }

    /// The one string of this message is in its one window, and nothing else has changed.
    pub fn assert_arrived(&self, stage: &Stage, (received, sent): &(Got, Got), what: &str) {
        assert_eq!((received.status, received.label), (Status::Ok, LABEL), "{what}");
        assert!(sent.status.is_done(), "{what}: {sent:?}");
        let [_, source, bytes, _] = self.items[0].0;
        let [_, target, _, _] = self.windows[0].0;
        assert_eq!(received.items, [Item::string(target, bytes)], "{what}");
        let found = stage.read(self.to, target, bytes);
        assert!(found == stage.filled(self.from, source, bytes), "{what}: other bytes");
        stage.assert_untouched_but(self.to, &[(target, bytes)]);
    }

    fn with_items(&self, op: Op) -> Op {
        self.items.iter().fold(op, |op, item| op.item(*item))
    }

    fn with_windows(&self, op: Op) -> Op {
        self.windows.iter().fold(op.closed(), |op, window| op.open(*window))
    }

    /// Everything up to the operation that begins to move the items. Returns who makes it.
    pub fn begin(&self, stage: &mut Stage, way: Way) -> usize {
        let Carry { from, to, other, .. } = *self;
        stage.play.scene = format!("{way:?}");
        let receive = self.with_windows(Op::receive());
        let receive_closed = self.with_windows(Op::receive_from(from));
        let call = self.with_items(Op::call(to));
        match way {
            Way::Call => self.two(stage, (to, &receive), (from, &call)),
            Way::WeakCall => {
                let call = self.with_items(Op::call_weakly(to));
                self.two(stage, (to, &receive), (from, &call))
            }
            Way::CallClosed => self.two(stage, (to, &receive_closed), (from, &call)),
            Way::CallQueued => self.two(stage, (from, &call), (to, &receive)),
            Way::CallQueuedClosed => self.two(stage, (from, &call), (to, &receive_closed)),
            Way::Send | Way::SendQueued => {
                let send = self.with_items(Op::send(to));
                self.ordered(stage, way == Way::Send, (to, &receive), (from, &send))
            }
            Way::SendAndReceive | Way::SendAndReceiveQueued => {
                let send = self.with_items(Op::send_and_receive_from(to, other));
                self.ordered(stage, way == Way::SendAndReceive, (to, &receive), (from, &send))
            }
            Way::Reply | Way::ReplyAndWait => {
                stage.make(from, &Op::receive().closed());
                stage.make(to, &self.with_windows(Op::call(from)));
                let token = stage.got(from).token;
                let reply = match way {
                    Way::Reply => Op::reply(token),
                    _ => Op::reply_and_wait(token),
                };
                stage.make(from, &self.with_items(reply));
                from
            }
            _ => self.begin_with_other(stage, way, &call),
        }
    }

    /// The same for the ways in which the receiver has to do with `other` first.
    fn begin_with_other(&self, stage: &mut Stage, way: Way, call: &Op) -> usize {
        let Carry { from, to, other, .. } = *self;
        match way {
            Way::AfterSend | Way::AfterQueuedSend => {
                if way == Way::AfterSend {
                    stage.make(other, &Op::receive().closed());
                }
                stage.make(from, call);
                stage.make(to, &self.with_windows(Op::send_and_receive(other)));
                if way == Way::AfterQueuedSend {
                    stage.make(other, &Op::receive().closed());
                }
                to
            }
            Way::AfterReplyClosed => {
                let token = self.other_calls(stage);
                stage.make(from, call);
                stage.make(to, &self.with_windows(Op::reply_and_receive_from(token, from)));
                to
            }
            _ => {
                let token = self.other_calls(stage);
                let reply = self.with_windows(Op::reply_and_wait(token));
                if way == Way::AfterReply {
                    self.two(stage, (from, call), (to, &reply))
                } else {
                    self.two(stage, (to, &reply), (from, call))
                }
            }
        }
    }

    fn two(&self, stage: &mut Stage, first: (usize, &Op), second: (usize, &Op)) -> usize {
        stage.make(first.0, first.1);
        stage.make(second.0, second.1);
        second.0
    }

    fn ordered(
        &self,
        stage: &mut Stage,
        receiver_first: bool,
        receiver: (usize, &Op),
        sender: (usize, &Op),
    ) -> usize {
        if receiver_first {
            self.two(stage, receiver, sender)
        } else {
            self.two(stage, sender, receiver)
        }
    }

    /// `other` has called `to`, which has taken the call; the token.
    fn other_calls(&self, stage: &mut Stage) -> u64 {
        stage.make(self.to, &Op::receive().closed());
        stage.make(self.other, &Op::call(self.to));
        stage.got(self.to).token
    }

    /// What the receiver gets, then what the sender's call comes to once the receiver has answered.
    pub fn end(&self, stage: &mut Stage, way: Way) -> (Got, Got) {
        let received = stage.got(self.to);
        if received.status.is_done() && received.token != 0 {
            let replied = stage.made(self.to, &Op::reply(received.token));
            assert!(replied.status.is_done(), "{replied:?}");
        }
        let receives = matches!(way, Way::SendAndReceive | Way::SendAndReceiveQueued);
        if receives && self.is_in_call(stage, self.from) {
            let sent = stage.made(self.other, &Op::send(self.from));
            assert_eq!(sent.status, Status::Ok);
        }
        if way == Way::ReplyAndWait && received.status.is_done() {
            let sent = stage.made(self.other, &Op::send(self.from));
            assert_eq!(sent.status, Status::Ok);
        }
        let sent = stage.got(self.from);
        (received, sent)
    }

    pub fn is_in_call(&self, stage: &mut Stage, actor: usize) -> bool {
        stage.settle();
        stage.actors[actor].calling.is_some() && !stage.actors[actor].yields
    }

    /// All of it: what receiver and sender got.
    pub fn go(&self, stage: &mut Stage, way: Way) -> (Got, Got) {
        self.begin(stage, way);
        self.end(stage, way)
    }
}
