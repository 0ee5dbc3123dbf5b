//! The trusted root scheduler of a core: children of the description first, those that never wait and
//! strangers in turn, for slices of random length. It also lets children of the description sleep.

use crate::board::{Place, Rule};
use crate::victims::failed_by_partner;
use cedo_fuzz::Random;
use cedo_lib::abi::call::{core, ipc};
use cedo_lib::abi::{Label, Name, notice};
use cedo_lib::driver::reply;
use cedo_lib::sched::{DONE, FULL, REFUSED, SLEEP_UNTIL};
use cedo_lib::{Clock, Core, Environment, Ipc, Message, Status, ThisThread, Token};

/// Tokens kept: more than there can be children.
const TOKENS: usize = 64;
/// Children of the description that can sleep.
const SLEEPERS: usize = 8;
/// Children of the description that never wait, or look again as soon as they can.
const RESTLESS: [&str; 2] = ["steady", "supervisor"];
/// Children of the description, and one.
const KNOWN: usize = 16;
/// Slices are from 2 to 2 + this many microseconds long, the shorter the more often.
const SLICE_US: u64 = 4000;
/// Slices of urgent children, and the longest rest of an idle core.
const LOOK_NS: u64 = 2_000_000;

/// A child that can run.
#[derive(Clone, Copy)]
struct Ready {
    token: u64,
    /// A child of the description.
    known: bool,
    urgent: bool,
}

struct Root {
    core: Core,
    clock: Clock,
    place: Place,
    random: Random,
    /// Children of the description have cookies from 1 to this.
    known: u64,
    /// By cookie: never waits, so it has its turn with strangers.
    restless: u64,
    ready: [Ready; TOKENS],
    count: usize,
    sleepers: [(u64, u64); SLEEPERS],
    /// By cookie: the frame of each child of the description, once it was heard of.
    frames: [u32; KNOWN],
    seen: u64,
    /// The deadline that the core has.
    armed_ns: u64,
}

/// Schedules for ever.
///
/// # Panics
/// If the description does not make it a root.
pub fn run(this: ThisThread) {
    let environment = Environment::of(&this);
    let number = environment.core_number();
    let restless = environment.children().fold(0, |bits, child| {
        let name = cedo_lib::abi::system::text(&child.name);
        let restless = RESTLESS.iter().any(|start| name.starts_with(start));
        bits | u64::from(restless) << child.cookie
    });
    let mut root = Root {
        core: environment.my_core().expect("roots have their core"),
        clock: Clock::of_core(number),
        place: Place::of(&environment),
        random: Random::part(1, number.into()),
        known: (environment.children().count() as u64).min(KNOWN as u64 - 1),
        restless,
        ready: [Ready { token: 0, known: false, urgent: false }; TOKENS],
        count: 0,
        sleepers: [(0, 0); SLEEPERS],
        frames: [0; KNOWN],
        seen: 0,
        armed_ns: 0,
    };
    loop {
        root.step();
    }
}

impl Root {
    fn step(&mut self) {
        let now_ns = self.clock.now_ns();
        self.wake(now_ns);
        let asleep_ns = self.sleepers.iter().filter(|(at_ns, _)| *at_ns != 0);
        let first_ns = asleep_ns.map(|(at_ns, _)| *at_ns).min().unwrap_or(now_ns + LOOK_NS);
        match self.take_first() {
            Some(ready) => self.dispatch(ready, now_ns, first_ns),
            None => self.idle(first_ns),
        }
        self.place.count_round();
    }

    /// The one that has waited longest, of the urgent ones if there are any; now and then any.
    fn take_first(&mut self) -> Option<Ready> {
        let ready = &self.ready[..self.count];
        let urgent = ready.iter().position(|ready| ready.urgent);
        let any = || (!ready.is_empty()).then_some(0);
        let first = urgent.or_else(any)?;
        let at = if urgent.is_none() && self.random.once_in(3) {
            self.random.below(self.count as u64) as usize
        } else {
            first
        };
        let ready = self.ready[at];
        self.remove(at);
        Some(ready)
    }

    fn dispatch(&mut self, ready: Ready, now_ns: u64, first_ns: u64) {
        let longest = self.random.below(SLICE_US) + 1;
        let short = self.random.below(longest);
        let slice_ns = if ready.urgent { LOOK_NS } else { 1000 * (2 + short) };
        let deadline_ns = self.deadline(now_ns, first_ns.min(now_ns + slice_ns));
        let again = if self.random.once_in(6) { ipc::RESCHEDULE } else { 0 };
        let words = [self.seen, deadline_ns, 0, 0, 0, 0, 0];
        let dispatch = Ipc::reply_and_wait(Token(ready.token)).flags(ipc::DEADLINE | again);
        let message = dispatch.message(0, 2, words).make();
        match message.status {
            Status::News => {
                self.hear_of(ready);
                self.take_in(&message);
            }
            status if status.is_done() => self.take_in(&message),
            status if failed_by_partner(status) => self.hear_of(ready),
            Status::Stale => {}
            status => self.place.broken(Rule::RootsCanDispatch, [status as u64, ready.token, 0]),
        }
    }

    /// An earlier deadline that the core has already will do: to set a timer takes an emulator longer
    /// than most calls.
    fn deadline(&mut self, now_ns: u64, wanted_ns: u64) -> u64 {
        if self.armed_ns <= now_ns || self.armed_ns > wanted_ns {
            self.armed_ns = wanted_ns;
        }
        self.armed_ns
    }

    fn idle(&mut self, first_ns: u64) {
        let flags = if self.random.once_in(3) { core::RUN_WOKEN } else { 0 };
        self.armed_ns = first_ns;
        let message = self.core.idle(self.seen, Some(first_ns), flags);
        if message.arrived() {
            self.take_in(&message);
        } else if !failed_by_partner(message.status) {
            self.place.broken(Rule::RootsCanIdle, [message.status as u64, 0, 0]);
        }
    }

    fn take_in(&mut self, message: &Message) {
        self.seen = message.event;
        let Some(label) = message.kernel_label() else { return self.serve(message) };
        let told = !matches!(label, Label::Irq | Label::Kick | Label::Idle | Label::Fault);
        if let Some(token) = message.token().filter(|_| told) {
            self.hear_from(message.badge, token.0);
        }
        // A deadline's message says whom it took the processor from where others name the preempter.
        let second = (message.words[notice::PREEMPTER], message.words[notice::PREEMPTER_TOKEN]);
        if !matches!(label, Label::Kick | Label::Fault) && is_token(second.1) {
            self.hear_from(second.0, second.1);
        }
    }

    fn hear_from(&mut self, cookie: u64, token: u64) {
        let known = cookie >= 1 && cookie <= self.known;
        let urgent = known && self.restless >> cookie & 1 == 0;
        if known {
            let (frame, before) = (Token(token).frame(), &mut self.frames[cookie as usize]);
            if *before != 0 && *before != frame {
                let numbers = [cookie, (*before).into(), frame.into()];
                self.place.broken(Rule::CookiesAreTheirChilds, numbers);
            }
            *before = frame;
        }
        self.hear_of(Ready { token, known, urgent });
    }

    /// This child can run: its last token counts.
    fn hear_of(&mut self, ready: Ready) {
        let frame = Token(ready.token).frame();
        let old = self.ready[..self.count].iter().position(|it| Token(it.token).frame() == frame);
        if let Some(at) = old {
            self.remove(at);
        }
        if self.count == TOKENS {
            // A stranger who is gone, most likely. Children of the description are few.
            let strangers = self.ready.iter().position(|it| !it.known);
            self.remove(strangers.unwrap_or(0));
        }
        self.ready[self.count] = ready;
        self.count += 1;
    }

    fn remove(&mut self, at: usize) {
        self.ready.copy_within(at + 1..self.count, at);
        self.count -= 1;
    }

    fn serve(&mut self, message: &Message) {
        let Some(token) = message.token() else { return };
        let known = message.badge >= 1 && message.badge <= self.known;
        if message.label() != SLEEP_UNTIL || !known {
            reply(token, REFUSED, 0, [0; 7]);
            return;
        }
        match self.sleepers.iter_mut().find(|(at_ns, _)| *at_ns == 0) {
            Some(place) => *place = (message.words[0].max(1), token.0),
            None => _ = reply(token, FULL, 0, [0; 7]),
        }
    }

    fn wake(&mut self, now_ns: u64) {
        for place in &mut self.sleepers {
            if place.0 != 0 && place.0 <= now_ns {
                let status = reply(Token(place.1), DONE, 1, [now_ns, 0, 0, 0, 0, 0, 0]);
                if !matches!(status, Status::Ok | Status::KeptProcessor) {
                    // Nobody can end a victim's sleep but its root.
                    self.place.broken(Rule::RootsCanWake, [status as u64, place.1, now_ns]);
                }
                *place = (0, 0);
            }
        }
    }
}

fn is_token(word: u64) -> bool {
    matches!(Name::from_word(word), Some(Name::Token(_)))
}
