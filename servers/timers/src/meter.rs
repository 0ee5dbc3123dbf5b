//! The root scheduler of a core: whoever owns a core's deadline measures it best. It lets its children run
//! in turn, and between its own deadlines decides nothing.

use crate::series::Series;
use cedo_lib::abi::call::ipc;
use cedo_lib::abi::notice::{self, LINE_TIMER};
use cedo_lib::abi::{Label, Token};
use cedo_lib::driver::reply;
use cedo_lib::{Clock, Core, Environment, Ipc, Message, Status};

/// A call: word 0 = how many deadlines, word 1 = nanoseconds from one to the next, word 2 = up to how many
/// more, at random. Answer: [`DONE`], when the last has passed; how late they were is in [`SERIES`].
pub const MEASURE: u32 = 1;
/// Answer: done.
pub const DONE: u32 = 0;
/// Answer: unknown label, or it is measuring already.
pub const REFUSED: u32 = 0x100;

/// What the last measurement found.
pub static SERIES: Series = Series::new();

/// Children that it can have.
const CHILDREN: usize = 8;
/// Multiplier and addend of a random sequence. Source: Knuth, MMIX.
const RANDOM: (u64, u64) = (6_364_136_223_846_793_005, 1_442_695_040_888_963_407);

struct Meter {
    core: Core,
    clock: Clock,
    /// By cookie less 1: the token of each child that can run.
    ready: [Option<Token>; CHILDREN],
    /// Who was chosen last.
    turn: usize,
    seen: u64,
    work: Option<Work>,
    random: u64,
}

/// A measurement under way.
#[derive(Clone, Copy)]
struct Work {
    client: Token,
    left: u64,
    period_ns: u64,
    spread_ns: u64,
    deadline_ns: u64,
}

/// Schedules for ever.
///
/// # Panics
/// If the description does not make it a root.
pub fn run(environment: &Environment) -> ! {
    let Some(core) = environment.my_core().filter(|_| environment.is_root()) else {
        panic!("the meter must be the root of a core: see systems/timers.toml");
    };
    let clock = Clock::of_core(environment.core_number());
    let ready = [None; CHILDREN];
    let mut meter = Meter { core, clock, ready, turn: 0, seen: 0, work: None, random: 1 };
    loop {
        meter.step();
    }
}

impl Meter {
    /// Dispatches who is next, or halts; hears what ended it.
    fn step(&mut self) {
        let deadline_ns = self.work.map_or(0, |work| work.deadline_ns);
        let Some((child, token)) = self.take_next() else {
            let message = self.core.idle(self.seen, Some(deadline_ns), 0);
            if message.arrived() {
                self.hear(&message);
            }
            return;
        };
        let words = [self.seen, deadline_ns, 0, 0, 0, 0, 0];
        let dispatch = Ipc::reply_and_wait(token).flags(ipc::DEADLINE);
        let message = dispatch.message(0, 2, words).make();
        match message.status {
            // Nothing was consumed.
            Status::News => {
                self.ready[child] = Some(token);
                self.hear(&message);
            }
            status if status.is_done() => self.hear(&message),
            // It stopped being ready: there will be a message when it is again.
            _ => {}
        }
    }

    fn take_next(&mut self) -> Option<(usize, Token)> {
        let order = (1..=CHILDREN).map(|step| (self.turn + step) % CHILDREN);
        let child = order.into_iter().find(|child| self.ready[*child].is_some())?;
        self.turn = child;
        Some((child, self.ready[child].take()?))
    }

    fn hear(&mut self, message: &Message) {
        let now_ns = self.clock.now_ns();
        self.seen = message.event;
        match message.kernel_label() {
            Some(Label::Irq) if message.words[notice::IRQ_LINE] == LINE_TIMER => {
                self.hear_of_child(message.words[notice::IRQ_CHILD], second(message));
                self.deadline_passed(now_ns);
            }
            Some(Label::Irq | Label::Idle | Label::Kick | Label::Fault | Label::Blocked) => {}
            Some(_) => {
                self.hear_of_child(message.badge, message.token());
                self.hear_of_child(message.words[notice::PREEMPTER], second(message));
            }
            None => self.serve(message, now_ns),
        }
    }

    fn hear_of_child(&mut self, cookie: u64, token: Option<Token>) {
        let place = (cookie as usize).checked_sub(1).and_then(|child| self.ready.get_mut(child));
        if let (Some(place), Some(token)) = (place, token) {
            *place = Some(token);
        }
    }

    fn deadline_passed(&mut self, now_ns: u64) {
        let Some(mut work) = self.work else { return };
        SERIES.add(work.deadline_ns, now_ns);
        work.left -= 1;
        if work.left == 0 {
            self.work = None;
            reply(work.client, DONE, 0, [0; 7]);
            return;
        }
        work.deadline_ns = self.after(now_ns, &work);
        self.work = Some(work);
    }

    fn serve(&mut self, message: &Message, now_ns: u64) {
        let Some(client) = message.token() else { return };
        let [left, period_ns, spread_ns, ..] = message.words;
        if message.label() != MEASURE || left == 0 || self.work.is_some() {
            reply(client, REFUSED, 0, [0; 7]);
            return;
        }
        SERIES.clear();
        let mut work = Work { client, left, period_ns, spread_ns, deadline_ns: 0 };
        work.deadline_ns = self.after(now_ns, &work);
        self.work = Some(work);
    }

    /// The next deadline: not in step with anything else.
    fn after(&mut self, now_ns: u64, work: &Work) -> u64 {
        self.random = self.random.wrapping_mul(RANDOM.0).wrapping_add(RANDOM.1);
        now_ns + work.period_ns + (self.random >> 33) % (work.spread_ns + 1)
    }
}

/// The second token of a message, if there is one.
fn second(message: &Message) -> Option<Token> {
    let word = message.words[notice::PREEMPTER_TOKEN];
    (word != 0).then_some(Token(word))
}
