//! The handler of faults: lets the faulter start again, mostly with new registers.

use super::{Deed, REPLY, Sight, Untouched, failed_by_partner};
use crate::stage::{CODE, HOSTILE_BADGE};
use crate::violation::{Violation, broken};
use cedo_abi::call::ipc;
use cedo_abi::state::{GENERAL, INSTRUCTION};
use cedo_abi::{Label, Name, Status};

#[derive(Clone, Debug)]
pub struct Handler {
    answers: bool,
    waits: bool,
    count: u64,
    untouched: Option<Untouched>,
}

impl Handler {
    pub fn new() -> Handler {
        Handler { answers: false, waits: false, count: 0, untouched: None }
    }

    pub fn next(&mut self, sight: &Sight<'_>) -> Result<Deed, Violation> {
        Untouched::check(&mut self.untouched, sight.context)?;
        let status = sight.status();
        let (answered, waited) = (self.answers, self.waits);
        (self.answers, self.waits) = (false, true);
        if !waited || answered && status == Status::Stale || failed_by_partner(status) {
            return Ok(Deed::wait().flags(ipc::WANT_STATE));
        }
        if !status.is_done() {
            return broken("a handler hears of faults", format!("{status:?}"));
        }
        let fault = sight.tag().kernel_label() == Some(Label::Fault);
        if sight.context.badge() & !0xff != HOSTILE_BADGE {
            let text = format!("{:#x}", sight.context.badge());
            return broken("a handler hears of hostile threads only", text);
        }
        let token = sight.context.token();
        let Some(Name::Token(_)) = Name::from_word(token) else { return Ok(Deed::wait()) };
        self.answers = true;
        self.count += 1;
        let deed = Deed::reply_and_wait(token).flags(ipc::WANT_STATE).message(1, 0, |_| 0);
        if !fault || self.count.is_multiple_of(3) {
            return Ok(deed);
        }
        let mut deed = deed.flags(ipc::STATE);
        deed.utcb.push((REPLY, GENERAL));
        deed.utcb.push((REPLY + 1 + INSTRUCTION, CODE));
        Ok(deed)
    }
}
