//! Random programs: users that send, call, reply and receive with random strings and windows, pagers,
//! timer interrupts, a first server that cancels, stops and unmaps at random, one core or two. What
//! arrives is held against the model, byte by byte, and everybody must come to an end.

use crate::message::{LABEL, Op};
use crate::model;
use crate::stage::{DATA, PagerPlan, Plan, Role, Stage, THREADS, UserPlan};
use cedo_abi::call::{Call, ipc, operation, thread};
use cedo_abi::item::Item;
use cedo_abi::{Status, Tag};
use cedo_arch_host::{HostContext, Random, Roles};
use cedo_core::kernel::Protocol;
use cedo_core::object::thread::State;
use cedo_machine::{Context, CoreNumber};
use std::collections::BTreeMap;

/// Data pages of a user: the first half is sent from and never written, the second is windows.
const PAGES: u64 = 8;
const HALF: u64 = PAGES / 2 * 4096;
/// Steps of a run, and more in which everybody ends.
const STEPS: usize = 4_000;
const LAST_STEPS: usize = 40_000;

/// What a user has begun.
#[derive(Clone, Debug)]
struct Begun {
    user: usize,
    op: Op,
    malformed: bool,
    zero: bool,
    replies: bool,
    /// It only lets others come to an end.
    closes: bool,
}

/// What the first server does besides dispatching.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Control {
    Cancels,
    /// Cancels, stops and unmaps.
    Everything,
}

/// A run.
struct Show {
    stage: Stage,
    random: Random,
    /// Everything ever begun; word 0 of a message is its place here.
    begun: Vec<Begun>,
    /// By actor: what it is at.
    at: BTreeMap<usize, usize>,
    /// By actor: tokens of callers it owes.
    owed: BTreeMap<usize, Vec<u64>>,
    control: Control,
    /// How operations ended, by status.
    ends: BTreeMap<String, usize>,
    /// Strings that arrived.
    strings: usize,
    /// Nothing new begins but what lets others come to an end.
    closing: bool,
    /// Nothing begins.
    silent: bool,
}

impl Show {
    fn new(plan: &Plan, control: Control, seed: u64) -> Show {
        let mut stage = Stage::build(plan);
        stage.play.late_signals = true;
        let users: Vec<usize> = (0..plan.users.len()).map(|index| stage.user(index)).collect();
        users.iter().for_each(|user| stage.fill(*user));
        Show {
            stage,
            random: Random::new(seed),
            begun: Vec::new(),
            at: BTreeMap::new(),
            owed: BTreeMap::new(),
            control,
            ends: BTreeMap::new(),
            strings: 0,
            closing: false,
            silent: false,
        }
    }

    fn users(&self) -> Vec<usize> {
        (0..self.stage.plan.users.len()).map(|index| self.stage.user(index)).collect()
    }

    fn run(&mut self) {
        (0..STEPS).for_each(|_| self.step());
        self.closing = true;
        for _ in 0..LAST_STEPS {
            if self.is_over() {
                break;
            }
            self.step();
        }
        assert!(self.is_over(), "never ends: {:?} {}", self.at, self.stage.in_words());
        self.silent = true;
        while !self.at.is_empty() {
            self.step();
        }
        let overflows = self.ends.get("Overflow").copied().unwrap_or(0);
        assert_eq!(overflows % 2, 0, "both hear of it");
        for user in self.users() {
            let found = self.stage.read(user, DATA, HALF);
            assert!(found == self.stage.filled(user, DATA, HALF), "what is sent was written");
        }
    }

    fn is_over(&self) -> bool {
        self.at.values().all(|place| self.begun[*place].closes)
    }

    fn step(&mut self) {
        let cores: Vec<CoreNumber> = self.stage.world.cores().collect();
        let core = cores[self.random.below(cores.len())];
        let halted = self.stage.current(core).is_none();
        if self.random.below(if halted { 3 } else { 12 }) == 0 {
            return self.stage.interrupt(core);
        }
        let pending = self.stage.world.pending(core).first().copied();
        if let Some(source) = pending.filter(|_| self.random.below(3) == 0) {
            self.stage.world.interrupt(core, source).expect("is pending");
            return;
        }
        let Some(actor) = self.stage.current(core) else { return self.stage.step(core) };
        self.stage.end_if_over(actor);
        let free = self.stage.actors[actor].calling.is_none();
        match self.stage.actors[actor].role {
            Role::User if free => self.user_step(actor),
            Role::Root if free && actor == 0 && self.random.below(3) == 0 => {
                self.stage.hear(0);
                self.control();
            }
            _ => self.stage.step(core),
        }
    }

    fn user_step(&mut self, user: usize) {
        if let Some(context) = self.stage.actors[user].done.take()
            && let Some(place) = self.at.remove(&user)
        {
            self.ended(user, place, &context);
        }
        if self.silent {
            return self.stage.step(self.stage.actors[user].core);
        }
        if self.closing {
            return self.close(user);
        }
        if self.random.below(4) == 0 {
            return self.stage.step(self.stage.actors[user].core);
        }
        let begun = self.something(user);
        self.begin(begun);
    }

    fn begin(&mut self, begun: Begun) {
        self.stage.put_lists(begun.user, &begun.op);
        self.stage.call(begun.user, &begun.op.roles);
        self.at.insert(begun.user, self.begun.len());
        self.begun.push(begun);
    }

    /// `user` lets everybody else come to an end.
    fn close(&mut self, user: usize) {
        let token = self.owed.get_mut(&user).and_then(Vec::pop);
        let mut op = match token {
            Some(token) => Op::reply(token),
            None if self.random.below(2) == 0 => Op::receive().closed().flags(ipc::RECEIVE_ZERO),
            None => return self.stage.step(self.stage.actors[user].core),
        };
        op.roles.words = words(self.begun.len());
        let replies = token.is_some();
        self.begin(Begun { user, op, malformed: false, zero: true, replies, closes: true });
    }

    /// The first server does something to a user.
    fn control(&mut self) {
        let users = self.users();
        let user = users[self.random.below(users.len())];
        let state = self.stage.state(user);
        let epoch = self.stage.look(user).epoch;
        let stops = self.closing || self.control == Control::Everything;
        let sub = match self.random.below(8) {
            _ if state == State::Suspended => thread::RESUME,
            0..3 => thread::ABORT,
            3 if stops && self.at.contains_key(&user) => thread::SUSPEND,
            4..6 if stops && self.stage.has_pager(user) => {
                let page = self.random.below(PAGES as usize) as u32;
                let roles = self.stage.unmap_roles(user, page);
                return self.stage.call(0, &roles);
            }
            _ => return,
        };
        let operation = operation(Call::Thread, sub, 0);
        let to = THREADS + user as u64;
        let words = [epoch, 0, 0, 0, 0, 0, 0];
        self.stage.call(0, &Roles { operation, to, from: 0, tag: 0, words });
    }

    /// A random operation.
    fn something(&mut self, user: usize) -> Begun {
        let others: Vec<usize> = self.users().into_iter().filter(|other| *other != user).collect();
        let to = others[self.random.below(others.len())];
        let from = others[self.random.below(others.len())];
        let token = self.owed.get_mut(&user).and_then(Vec::pop);
        let (op, sends) = match (self.random.below(12), token) {
            (0..6, Some(token)) => (Op::reply_and_wait(token), true),
            (6, Some(token)) => (Op::reply_and_receive_from(token, from), true),
            (_, Some(token)) => (Op::reply(token), true),
            (0..3, None) => (Op::call(to), true),
            (3, None) => (Op::call_weakly(to), true),
            (4, None) => (Op::send(to), true),
            (5, None) => (Op::send_and_receive(to), true),
            (6, None) => (Op::send_and_receive_from(to, from), true),
            (7, None) => (Op::receive_from(from), false),
            _ => (Op::receive(), false),
        };
        let mut op = op.closed();
        for window in self.list(HALF, 200) {
            op = op.open(window);
        }
        let items = if sends && self.random.below(4) > 0 { self.list(0, 0) } else { Vec::new() };
        let malformed = !items.is_empty() && self.random.below(40) == 0;
        for item in items {
            op = op.item(item);
        }
        if malformed && let Some(last) = op.items.last_mut() {
            *last = last.continues();
        }
        let zero = self.random.below(10);
        let flags = [ipc::SEND_ZERO, ipc::RECEIVE_ZERO].get(zero).copied().unwrap_or(0);
        op = op.flags(flags);
        op.roles.words = words(self.begun.len());
        let replies = token.is_some();
        Begun { user, op, malformed, zero: flags != 0, replies, closes: false }
    }

    /// Strings, or windows, somewhere in the half of the pages that begins at `offset`, with so many
    /// bytes at least.
    fn list(&mut self, offset: u64, least: usize) -> Vec<Item> {
        let count = 1 + self.random.below(3);
        (0..count)
            .map(|index| {
                let long = self.random.below(3) == 0 || least > 0 && self.random.below(2) == 0;
                let bytes = (least + self.random.below(if long { 12_000 } else { 300 })) as u64;
                let start = self.random.below((HALF - bytes) as usize) as u64;
                let item = Item::string(DATA + offset + start, bytes);
                let goes_on = index + 1 < count && self.random.below(3) == 0;
                if goes_on { item.continues() } else { item }
            })
            .collect()
    }

    /// What `user` began has ended.
    fn ended(&mut self, user: usize, place: usize, context: &HostContext) {
        let status = context.status();
        let begun = self.begun[place].clone();
        *self.ends.entry(format!("{status:?}")).or_default() += 1;
        let receives = begun.op.roles.operation & ipc::RECEIVE != 0;
        let known = match status {
            Status::Ok | Status::KeptProcessor => {
                if receives {
                    self.received(user, &begun, context);
                }
                true
            }
            Status::NotReady => begun.zero,
            Status::Stale => begun.replies,
            Status::BadArgument => begun.malformed,
            Status::Aborted => true,
            Status::Overflow => self.overflowed(&begun, context),
            // Of a reply or with timeout zero, its own or the partner's.
            Status::PageMissing => self.stage.has_pager(user) || self.has_pagers(),
            _ => false,
        };
        assert!(known, "{status:?} of {begun:x?}");
        if status == Status::Stale || !begun.replies || status.is_done() {
            return;
        }
        if status == Status::Aborted || status == Status::BadArgument {
            // The caller is still owed its reply.
            self.owed.entry(user).or_default().push(begun.op.roles.to);
        }
    }

    /// A message has come: it is one that was sent, whole, and its strings are where they belong.
    fn received(&mut self, user: usize, begun: &Begun, context: &HostContext) {
        let tag = Tag(context.tag());
        let is_reply = begun.op.roles.operation & ipc::CALL != 0;
        assert_eq!((tag.label(), tag.words()), (LABEL, 2), "{begun:x?}");
        let id = context.words()[0] as usize;
        let sent = self.begun.get(id).expect("a message that somebody sent").clone();
        assert_eq!(context.words(), words(id));
        assert_eq!(sent.replies, is_reply, "{sent:x?}");
        if context.token() != 0 {
            self.owed.entry(user).or_default().push(context.token());
        }
        let got = self.stage.read_got(user, context);
        let windows = begun.op.windows.clone().unwrap_or_default();
        let expected = model::expect(&sent.op.items, &windows);
        assert_eq!(Ok(got.items), expected.end, "{sent:x?} to {begun:x?}");
        let last: BTreeMap<u64, u64> = expected.bytes.into_iter().collect();
        let from = sent.user;
        for (to, source) in &last {
            let found = self.stage.read(user, *to, 1);
            assert_eq!(found, self.stage.filled(from, *source, 1), "{sent:x?} to {begun:x?}");
        }
        self.strings += usize::from(!last.is_empty());
    }

    fn has_pagers(&self) -> bool {
        self.users().iter().any(|user| self.stage.has_pager(*user))
    }

    /// The amounts are those of some message that was under way.
    fn overflowed(&self, begun: &Begun, context: &HostContext) -> bool {
        let amounts = (context.words()[0], context.words()[1]);
        let fits = |sent: &Begun, received: &Begun| {
            let windows = received.op.windows.clone().unwrap_or_default();
            !sent.malformed && model::expect(&sent.op.items, &windows).end == Err(amounts)
        };
        let mut recent = self.begun.iter().rev().take(400);
        recent.any(|other| fits(begun, other) || fits(other, begun))
    }
}

/// The words of message `id`.
fn words(id: usize) -> [u64; 7] {
    let id = id as u64;
    [id, id.wrapping_mul(3), !id, id << 7, id ^ 0x55, id + 9, id]
}

fn users(cores: &[u8], pagers: bool) -> Vec<UserPlan> {
    let user = |core: &u8| {
        let pager = if pagers { PagerPlan::OnCore(*core) } else { PagerPlan::Mapped };
        UserPlan { core: *core, pages: PAGES as u32, pager }
    };
    cores.iter().map(user).collect()
}

/// Runs with many seeds; what they came to.
fn runs(cores: &[u8], protocol: Protocol, control: Control, pagers: bool, first_seed: u64) {
    let count = 1 + *cores.iter().max().expect("users");
    let plan = Plan { cores: count, protocol, users: users(cores, pagers) };
    let (mut strings, mut ends) = (0, BTreeMap::new());
    for seed in first_seed..first_seed + seeds() {
        let mut show = Show::new(&plan, control, seed);
        show.stage.play.scene = format!("{cores:?} {protocol:?} {control:?} {pagers} {seed}");
        println!("{}", show.stage.play.scene);
        show.run();
        strings += show.strings;
        for (status, count) in show.ends {
            *ends.entry(status).or_insert(0) += count;
        }
    }
    println!("{strings} strings, {ends:?}");
    assert!(strings > 10 * seeds() as usize, "{strings} strings");
}

/// Runs of each kind, unless the environment variable `CEDO_CHAOS` says another number.
fn seeds() -> u64 {
    let wanted = std::env::var("CEDO_CHAOS").ok();
    wanted.map_or(6, |text| text.parse().expect("a number of runs"))
}

#[test]
fn users_of_one_core_exchange_strings() {
    for protocol in [Protocol::Direct, Protocol::Chain] {
        runs(&[0, 0, 0], protocol, Control::Cancels, false, 1);
        runs(&[0, 0, 0, 0], protocol, Control::Cancels, true, 100);
    }
}

#[test]
fn users_of_one_core_are_cancelled_stopped_and_lose_pages() {
    for protocol in [Protocol::Direct, Protocol::Chain] {
        runs(&[0, 0, 0, 0], protocol, Control::Everything, true, 200);
    }
}

#[test]
fn users_of_two_cores_exchange_strings() {
    for protocol in [Protocol::Direct, Protocol::Chain] {
        runs(&[0, 1, 0, 1], protocol, Control::Cancels, false, 300);
        runs(&[0, 1, 0, 1], protocol, Control::Cancels, true, 400);
    }
}

#[test]
fn users_of_two_cores_are_cancelled_stopped_and_lose_pages() {
    for protocol in [Protocol::Direct, Protocol::Chain] {
        runs(&[0, 1, 1, 0], protocol, Control::Everything, true, 500);
    }
}
