//! Answers calls: those of victims must come in order and unharmed; others get any answer.

use crate::board::{Place, Rule};
use crate::places::{CLIENT_BADGE, CORES, TRUSTED_BADGE};
use cedo_fuzz::pattern;
use cedo_lib::abi::{MESSAGE_WORDS, Status};
use cedo_lib::{Environment, Ipc, Message, Partner, ThisThread, Token};

/// Label of answers to enemies.
const OTHER: u32 = 5;

/// Victims call it; enemies do, without lending their time.
pub fn server(this: ThisThread) {
    serve(this, true);
}

/// Enemies call it, and may lend it their time.
pub fn lender(this: ThisThread) {
    serve(this, false);
}

struct Server {
    place: Place,
    for_victims: bool,
    /// By client: number of its last call.
    seen: [u64; CORES as usize],
}

/// An answer.
struct Reply {
    token: Token,
    /// Nobody but this server can end the call that it answers.
    to_victim: bool,
    label: u32,
    count: usize,
    words: [u64; MESSAGE_WORDS],
}

fn serve(mut this: ThisThread, for_victims: bool) {
    let place = Place::of(&Environment::of(&this));
    let mut server = Server { place, for_victims, seen: [0; CORES as usize] };
    let mut reply: Option<Reply> = None;
    loop {
        let message = match &reply {
            Some(Reply { token, label, count, words, .. }) => {
                place.does(token.0);
                let answer = Ipc::reply_and_wait(*token);
                answer.long(*label, &words[..*count], this.utcb_mut()).make()
            }
            None => Ipc::receive(Partner::ANY).make(),
        };
        place.does(0);
        reply = server.take(&this, &message, reply.as_ref());
        // Nobody calls a lender but enemies, when they like to.
        if for_victims {
            server.place.count_round();
        }
    }
}

impl Server {
    /// Takes a message; what is to be answered.
    fn take(
        &mut self,
        this: &ThisThread,
        message: &Message,
        reply: Option<&Reply>,
    ) -> Option<Reply> {
        if !message.arrived() {
            let gone = reply.is_some_and(|reply| !reply.to_victim);
            if !(gone && message.status == Status::Stale || failed_by_partner(message.status)) {
                let (token, to_victim) = reply.map_or((0, false), |it| (it.token.0, it.to_victim));
                let numbers = [message.status as u64, token, to_victim.into()];
                self.place.broken(Rule::ServersCanWait, numbers);
            }
            return None;
        }
        let client = message.badge.wrapping_sub(CLIENT_BADGE);
        if client < CORES {
            return self.serve_victim(this, message, client);
        }
        if message.badge & !0xff != TRUSTED_BADGE {
            self.place.broken(Rule::BadgesAreTheirMakers, [message.badge, message.tag.0, 0]);
        }
        let token = message.token()?;
        let count = (token.0 % (MESSAGE_WORDS as u64 + 1)) as usize;
        let words = core::array::from_fn(|index| token.0 ^ index as u64);
        Some(Reply { token, to_victim: false, label: OTHER, count, words })
    }

    fn serve_victim(&mut self, this: &ThisThread, message: &Message, client: u64) -> Option<Reply> {
        let number = message.words[0];
        let seen = &mut self.seen[client as usize];
        if !self.for_victims || number <= *seen {
            self.place.broken(Rule::MessagesArriveOnceAndInOrder, [client, number, *seen]);
        }
        *seen = number;
        let mut found = [0; MESSAGE_WORDS];
        message.copy(this.utcb(), &mut found);
        let harmed = (0..pattern::length(number))
            .find(|index| found[*index] != pattern::word(client, number, *index));
        if message.tag != pattern::tag(number) || harmed.is_some() {
            let index = harmed.unwrap_or(MESSAGE_WORDS) as u64;
            self.place.broken(Rule::MessagesArriveUnharmed, [number, index, message.tag.0]);
        }
        let Some(token) = message.token() else {
            self.place.broken(Rule::MessagesArriveUnharmed, [number, u64::MAX, message.tag.0]);
            return None;
        };
        let words = core::array::from_fn(|index| pattern::answer(client, number, index));
        let (label, count) = (pattern::ANSWER, pattern::length(number + 1));
        Some(Reply { token, to_victim: true, label, count, words })
    }
}

/// A receive that ended because its sender's items were no good.
pub fn failed_by_partner(status: Status) -> bool {
    matches!(
        status,
        Status::Overflow | Status::PageMissing | Status::BadAddress | Status::BadArgument
    )
}
