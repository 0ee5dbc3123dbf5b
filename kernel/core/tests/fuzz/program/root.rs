//! The root scheduler: grants its time to whom it hears of, and gets stuck hostile threads going.
//! What it does next is part of a step, so that leaving steps out changes nothing else.

use super::{Deed, Sight, Untouched, failed_by_partner, frame_of, is_token};
use crate::cast::{Cast, Member};
use crate::violation::{Violation, broken};
use cedo_abi::call::{Call, core, ipc, thread};
use cedo_abi::{Label, Status, notice};
use cedo_fuzz::Random;
use cedo_machine::{Context, Frame};

/// Nanoseconds of a turn.
const SLICE_NS: u64 = 1500;
/// Nanoseconds for which an idle core sleeps at most.
const NAP_NS: u64 = 300;

/// What a root does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// Answers the call of a thread below it.
    Reply,
    /// Grants its time to the thread in this frame; true: the first scheduler below is to choose.
    Dispatch(Frame, bool),
    /// Reads a hostile thread's epoch.
    Read(usize),
    /// Cancels what that thread waits for.
    Abort(usize),
    /// Starts that thread.
    Resume(usize),
    /// Halts; true: what is woken may run at once.
    Idle(bool),
}

/// What the last call was for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Last {
    NotStarted,
    Dispatch(u64),
    Idle,
    Read,
    Other,
    /// Its answer was looked at.
    Looked,
}

#[derive(Clone, Debug)]
pub struct Root {
    core_slot: u64,
    hostile: Vec<u64>,
    ready: Vec<u64>,
    unanswered: Option<u64>,
    event: u64,
    epoch: u64,
    last: Last,
    /// The hostile thread that is looked after, and the next operation on it.
    cared: (usize, u8),
    untouched: Option<Untouched>,
}

impl Root {
    pub fn new(cast: &Cast, member: &Member) -> Root {
        Root {
            core_slot: member.core_slot,
            hostile: cast.hostile_slots[member.core.index()].clone(),
            ready: Vec::new(),
            unanswered: None,
            event: 0,
            epoch: 0,
            last: Last::NotStarted,
            cared: (0, 0),
            untouched: None,
        }
    }

    /// Looks at the answer of the last call, unless it has.
    pub fn look(&mut self, sight: &Sight<'_>) -> Result<(), Violation> {
        if self.last == Last::Looked { Ok(()) } else { self.digest(sight) }
    }

    /// Takes the answer of the last call in.
    fn digest(&mut self, sight: &Sight<'_>) -> Result<(), Violation> {
        let status = sight.status();
        let last = std::mem::replace(&mut self.last, Last::Looked);
        if last == Last::NotStarted {
            self.untouched = Some(Untouched::of(sight.context));
            return Ok(());
        }
        Untouched::check(&mut self.untouched, sight.context)?;
        self.event = sight.context.result() >> 16;
        match last {
            Last::Dispatch(token) => match status {
                Status::News => {
                    self.ready.push(token);
                    self.take_in(sight);
                }
                status if status.is_done() => self.take_in(sight),
                status if failed_by_partner(status) => self.ready.push(token),
                Status::Stale => {}
                _ => return broken("a root can dispatch", format!("{status:?}")),
            },
            Last::Idle if status.is_done() => self.take_in(sight),
            Last::Idle if !failed_by_partner(status) => {
                return broken("a root can idle", format!("{status:?}"));
            }
            Last::Read if status == Status::Ok => self.epoch = sight.context.words()[0],
            _ => {}
        }
        Ok(())
    }

    fn take_in(&mut self, sight: &Sight<'_>) {
        let token = sight.context.token();
        let Some(label) = sight.tag().kernel_label() else {
            if is_token(token) {
                self.unanswered = Some(token);
            }
            return;
        };
        if label != Label::Irq && is_token(token) {
            self.hear_of(token);
        }
        let second = sight.word(notice::PREEMPTER_TOKEN);
        if label != Label::Kick && label != Label::Fault && is_token(second) {
            self.hear_of(second);
        }
    }

    fn hear_of(&mut self, token: u64) {
        self.ready.retain(|other| frame_of(*other) != frame_of(token));
        self.ready.push(token);
    }

    /// What it could do next.
    pub fn propose(&mut self, random: &mut Random) -> Choice {
        if self.unanswered.is_some() {
            return Choice::Reply;
        }
        let (who, what) = self.cared;
        let cares = what > 0 || random.once_in(if self.ready.is_empty() { 2 } else { 30 });
        if cares {
            self.cared =
                if what == 2 { ((who + 1) % self.hostile.len(), 0) } else { (who, what + 1) };
            return [Choice::Read(who), Choice::Abort(who), Choice::Resume(who)][usize::from(what)];
        }
        // Mostly who has waited longest.
        let count = self.ready.len() as u64;
        let at = if random.once_in(3) { random.below(count) } else { 0 };
        match self.ready.get(at as usize) {
            Some(token) => Choice::Dispatch(frame_of(*token), random.once_in(6)),
            None => Choice::Idle(random.once_in(3)),
        }
    }

    /// Does that; nothing if it is impossible now.
    pub fn next(&mut self, choice: Choice, now_ns: u64) -> Option<Deed> {
        let looked = std::mem::replace(&mut self.last, Last::Other);
        let deed = self.possible(choice, now_ns);
        if deed.is_none() {
            self.last = looked;
        }
        deed
    }

    fn possible(&mut self, choice: Choice, now_ns: u64) -> Option<Deed> {
        let on_thread = |sub, who: usize, words: &[u64]| {
            let slot = self.hostile.get(who)?;
            Some(Deed::call(Call::Thread, sub, *slot, 0, words))
        };
        Some(match choice {
            Choice::Reply => {
                let token = self.unanswered.take()?;
                Deed::ipc(ipc::SEND, token, 0).message(9, 3, |index| index as u64)
            }
            Choice::Dispatch(frame, again) => {
                let at = self.ready.iter().position(|token| frame_of(*token) == frame)?;
                let token = self.ready.remove(at);
                self.last = Last::Dispatch(token);
                let again = if again { ipc::RESCHEDULE } else { 0 };
                let mut deed = Deed::reply_and_wait(token).flags(ipc::DEADLINE | again);
                deed.roles.words[..2].copy_from_slice(&[self.event, now_ns + SLICE_NS]);
                deed
            }
            Choice::Read(who) => {
                let deed = on_thread(thread::READ, who, &[0])?;
                self.last = Last::Read;
                deed
            }
            Choice::Abort(who) => on_thread(thread::ABORT, who, &[self.epoch])?,
            Choice::Resume(who) => on_thread(thread::RESUME, who, &[])?,
            Choice::Idle(run_woken) => {
                self.last = Last::Idle;
                let words = [self.event, now_ns + NAP_NS];
                let flags = if run_woken { core::RUN_WOKEN } else { 0 };
                Deed::call(Call::Core, core::IDLE, self.core_slot, 0, &words).flags(flags)
            }
        })
    }
}

impl Choice {
    /// For a trace.
    pub fn in_words(self, cast: &Cast) -> String {
        match self {
            Choice::Reply => "answers a call".to_owned(),
            Choice::Dispatch(frame, false) => format!("dispatches {}", cast.name(frame)),
            Choice::Dispatch(frame, true) => {
                format!("dispatches {}, reschedule", cast.name(frame))
            }
            Choice::Read(who) => format!("reads its hostile thread {who}"),
            Choice::Abort(who) => format!("aborts its hostile thread {who}"),
            Choice::Resume(who) => format!("resumes its hostile thread {who}"),
            Choice::Idle(false) => "idles".to_owned(),
            Choice::Idle(true) => "idles, run woken".to_owned(),
        }
    }
}
