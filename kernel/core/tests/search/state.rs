//! A state of the real kernel, as data: copying it, putting it back, and what it means.
//!
//! Only what an operation can change is copied: the threads' frames, their entries in the frame
//! table, interrupt objects and [`Local`]. The key of a state leaves out what grows for ever
//! (sequence and event numbers, epochs, time) and registers that nobody reads again.

use crate::mail::MailCopy;
use crate::system::System;
use cedo_abi::Label;
use cedo_abi::call::thread;
use cedo_arch_host::HostContext;
use cedo_core::cross::Post;
use cedo_core::kernel::Local;
use cedo_core::object::irq::{Irq, IrqState};
use cedo_core::object::thread::{ErrandKind, List, Record, State, Thread};
use cedo_core::object::unusual::{LATCHED, LEAVING, NEW};
use cedo_floor::{FrameKind, IrqId, ThreadId};
use cedo_machine::{CoreNumber, Interrupt, Line};
use cedo_simulated::Simulated;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;
use std::sync::atomic::Ordering;

/// A state.
#[derive(Clone)]
pub struct Snapshot {
    pub threads: Vec<Thread<HostContext>>,
    pub mails: Vec<MailCopy>,
    pub irqs: Vec<Irq>,
    /// By core.
    pub locals: Vec<Local>,
    /// The core that is looked at: whose step it is.
    pub core: usize,
    /// By thread: its core.
    pub homes: Vec<usize>,
    /// By thread: it still exists.
    pub alive: Vec<bool>,
    /// By thread: it can still be named, its end has not begun.
    pub named: Vec<bool>,
    /// By core: whose mail is posted to it, oldest first.
    pub posted: Vec<Vec<ThreadId>>,
    /// By line: the machine lets no interrupt through.
    pub masked: Vec<bool>,
    /// By core: another one has signalled it.
    pub signalled: Vec<bool>,
    /// By scheduler: the threads, as bits, whose present token it has from a *stuck*.
    pub told: Vec<u16>,
    entries: Vec<u64>,
    threads_of_space: u32,
}

impl Snapshot {
    /// Copies the state of `system`. What is gone keeps what `before` had.
    pub fn take(system: &mut System, before: Option<&Snapshot>) -> Snapshot {
        let entries = entry_numbers(system)
            .map(|frame| system.world.platform().frame_table[frame].load(Ordering::Relaxed))
            .collect();
        let table = system.kernel().objects.table();
        let entries_of = || system.ids.iter().map(|id| table.entry(id.frame()));
        let alive: Vec<bool> =
            entries_of().map(|entry| entry.kind() == FrameKind::Thread).collect();
        let homes: Vec<usize> = entries_of()
            .enumerate()
            .map(|(index, entry)| match before {
                Some(before) if !alive[index] => before.homes[index],
                _ => entry.home().index(),
            })
            .collect();
        let generation = |id: &ThreadId| table.entry(id.frame()).generation();
        let named = system.ids.iter().zip(&system.generations);
        let named = named.map(|(id, first)| generation(id) == *first).collect();
        let irqs = irqs_of(system, before);
        let cores: Vec<_> = system.world.cores().collect();
        let kernels: Vec<_> = cores.iter().map(|core| system.world.kernel(*core)).collect();
        let posted = kernels.iter().map(|kernel| all_posted(kernel)).collect();
        let signalled =
            |core: &CoreNumber| system.world.pending(*core).contains(&Interrupt::Signal);
        let threads: Vec<_> = (0..homes.len())
            .map(|index| match before {
                Some(before) if !alive[index] => before.threads[index],
                _ => *kernels[homes[index]].look(system.ids[index]),
            })
            .collect();
        let mail = |index: usize| match before {
            Some(before) if !alive[index] => before.mails[index],
            _ => MailCopy::of(kernels[0].mail(system.ids[index])),
        };
        let space = kernels[0].space(threads[0].space);
        Snapshot {
            mails: (0..threads.len()).map(mail).collect(),
            irqs,
            locals: kernels.iter().map(|kernel| kernel.local).collect(),
            core: system.core.index(),
            homes,
            alive,
            named,
            posted,
            masked: lines(system).map(|line| system.world.is_masked(line)).collect(),
            signalled: cores.iter().map(signalled).collect(),
            told: before.map_or_else(|| vec![0; threads.len()], |before| before.told.clone()),
            entries,
            threads_of_space: space.threads.load(Ordering::Relaxed),
            threads,
        }
    }

    /// Makes `system` what it was.
    pub fn put_back(&self, system: &mut System) {
        for (frame, entry) in entry_numbers(system).zip(&self.entries) {
            system.world.platform().frame_table[frame].store(*entry, Ordering::Relaxed);
        }
        let (ids, irq_ids) = (system.ids.clone(), system.irqs.clone());
        for (line, masked) in lines(system).zip(&self.masked) {
            system.world.set_masked(line, *masked);
        }
        let cores: Vec<_> = system.world.cores().collect();
        for core in &cores {
            system.world.set_signal(*core, self.signalled[core.index()]);
            let kernel = system.world.kernel_mut(*core);
            kernel.inbox().clear();
            kernel.restore(self.locals[core.index()]);
            let here = |at: usize| self.alive[at] && self.homes[at] == core.index();
            for index in (0..ids.len()).filter(|at| here(*at)) {
                *kernel.thread(ids[index]) = self.threads[index];
                self.mails[index].put(kernel.mail(ids[index]));
            }
            for (index, irq) in self.irqs.iter().enumerate() {
                if here(self.index(irq.handler)) {
                    *kernel.objects.irq(irq_ids[index]) = *irq;
                }
            }
        }
        // Last, since a post links mails of any core.
        for core in cores {
            post(system.world.kernel(core), &self.posted[core.index()]);
        }
        let space = system.kernel().space(self.threads[0].space);
        space.threads.store(self.threads_of_space, Ordering::Relaxed);
    }

    /// What the core that is looked at knows of itself.
    pub fn local(&self) -> &Local {
        &self.locals[self.core]
    }

    /// The root of the core that is looked at.
    pub fn root(&self) -> usize {
        self.index(self.local().root.expect("a root"))
    }

    /// True if a thread exists on the core that is looked at.
    pub fn is_here(&self, at: usize) -> bool {
        self.alive[at] && self.homes[at] == self.core
    }

    /// True if interrupt object `index` still exists.
    pub fn irq_exists(&self, index: usize) -> bool {
        let handler = self.irqs[index].handler;
        self.alive[self.index(handler)]
    }

    /// The place of a thread.
    pub fn index(&self, id: ThreadId) -> usize {
        self.threads.iter().position(|thread| thread.id == id).expect("a thread of this system")
    }

    pub fn of(&self, id: ThreadId) -> &Thread<HostContext> {
        &self.threads[self.index(id)]
    }

    /// The current thread.
    pub fn current(&self) -> Option<usize> {
        self.local().current.map(|id| self.index(id))
    }

    /// True if `scheduler` is an ancestor of the thread with this index.
    pub fn is_above(&self, scheduler: usize, index: usize) -> bool {
        let above = |at: &usize| self.index(self.threads[*at].branch.scheduler);
        let next = |at: &usize| Some(above(at)).filter(|next| next != at);
        std::iter::successors(next(&index), next).any(|at| at == scheduler)
    }

    /// What a scheduler has not been told of its children, oldest first.
    pub fn queue(&self, index: usize) -> Vec<usize> {
        let scheduler = &self.threads[index].scheduler;
        let mut found = self.records(scheduler.records);
        found.extend(self.records(scheduler.notices));
        found.sort_by_key(|at| self.threads[*at].record.queued);
        found
    }

    /// The elements of a list of records, oldest first.
    pub fn records(&self, list: List<ThreadId>) -> Vec<usize> {
        self.walk(list, |thread| thread.record.link.next)
    }

    /// The elements of a list of stopped schedulers.
    pub fn stuck(&self, list: List<ThreadId>) -> Vec<usize> {
        self.walk(list, |thread| thread.scheduler.stuck_link.next)
    }

    /// The stopped schedulers below of whom `index` is to hear, oldest first.
    pub fn unheard(&self, index: usize) -> Vec<usize> {
        let scheduler = &self.threads[index].scheduler;
        let last = scheduler.stuck.last.filter(|_| scheduler.unheard.is_some());
        self.stuck(List { first: scheduler.unheard, last })
    }

    fn walk(
        &self,
        list: List<ThreadId>,
        next: impl Fn(&Thread<HostContext>) -> Option<ThreadId>,
    ) -> Vec<usize> {
        let mut found = Vec::new();
        let mut at = list.first;
        while let Some(id) = at {
            found.push(self.index(id));
            assert!(found.len() <= self.threads.len(), "a list that never ends");
            at = next(self.of(id));
        }
        assert_eq!(found.last().map(|last| self.threads[*last].id), list.last, "ends of a list");
        found
    }

    /// The elements of a list of mails, oldest first.
    pub fn mails_in(&self, list: List<ThreadId>) -> Vec<usize> {
        let mut found = Vec::new();
        let mut at = list.first;
        while let Some(id) = at {
            found.push(self.index(id));
            assert!(found.len() <= self.threads.len(), "a list that never ends");
            at = self.mails[self.index(id)].next();
        }
        assert_eq!(found.last().map(|last| self.threads[*last].id), list.last, "ends of a list");
        found
    }

    /// Pending interrupts of a thread, oldest first.
    pub fn irqs_of(&self, index: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut at = self.threads[index].irqs.first;
        while let Some(id) = at {
            let place = self.irqs.iter().position(|irq| {
                let local = &self.locals[self.homes[index]];
                let slot = local.lines.get(irq.line.0 as usize).copied().flatten();
                slot == Some(id)
            });
            let place = place.expect("an interrupt of this system");
            found.push(place);
            assert!(found.len() <= self.irqs.len(), "a list that never ends");
            at = self.irqs[place].next;
        }
        found
    }

    /// True if the event number that `index` has seen last is still the present one.
    pub fn has_seen_all(&self, index: usize) -> bool {
        let thread = &self.threads[index];
        (thread.context.result() >> 16 ^ thread.scheduler.event) << 16 == 0
    }

    /// For a person: who is where.
    pub fn in_words(&self, names: &[&str]) -> String {
        let name = |id: Option<ThreadId>| id.map_or("-", |id| names[self.index(id)]);
        let list = |places: Vec<usize>| {
            places.iter().map(|place| names[*place]).collect::<Vec<_>>().join(",")
        };
        let current = |local: &Local| format!("current {}", name(local.current));
        let mut text =
            format!("[{}", self.locals.iter().map(current).collect::<Vec<_>>().join(", "));
        for (core, posted) in self.posted.iter().enumerate().filter(|(_, all)| !all.is_empty()) {
            let posted: Vec<_> = posted.iter().map(|id| self.posted_in_words(names, *id)).collect();
            text += &format!("; to core {core}: {}", posted.join(","));
        }
        for (index, thread) in self.threads.iter().enumerate().filter(|(at, _)| self.alive[*at]) {
            let partner = match thread.state {
                State::Closed(peer) => name(Some(peer.thread)),
                State::Reply(id) | State::Sending(id) => name(Some(id)),
                _ => "",
            };
            let state: String =
                format!("{:?}", thread.state).chars().take_while(|c| c.is_alphabetic()).collect();
            let latched = if thread.unusual.has(LATCHED) { " latched" } else { "" };
            text += &format!("; {} {state}{partner}{latched}", names[index]);
            if thread.account != thread.id {
                text += &format!(" for {}", name(Some(thread.account)));
            }
            if thread.record.how != Record::None {
                text += &format!(" {:?}({:?})", thread.record.how, thread.record.why);
            }
            let scheduler = &thread.scheduler;
            if scheduler.granted.is_some() {
                text += &format!(" granted {}", name(scheduler.granted));
            }
            for (what, places) in [
                ("queue", self.queue(index)),
                ("knows", self.records(scheduler.delivered)),
                ("stuck", self.stuck(scheduler.stuck)),
                ("senders", self.mails_in(thread.senders)),
                ("owes", self.mails_in(thread.owed)),
                ("awaited by", self.mails_in(thread.closed)),
            ] {
                if !places.is_empty() {
                    text += &format!(" {what} {}", list(places));
                }
            }
        }
        text + "]"
    }

    /// A mail on its way, for a person.
    fn posted_in_words(&self, names: &[&str], id: ThreadId) -> String {
        let mail = &self.mails[self.index(id)];
        let place = mail
            .destination()
            .and_then(|to| self.threads.iter().position(|thread| thread.id == to));
        let to = place.map_or("-", |at| names[at]);
        format!(
            "{}'s post {} about {:?} for {to}",
            names[self.index(id)],
            mail.post(),
            mail.about()
        )
    }

    /// What this state means, hashed: two states with the same key have the same future.
    pub fn key(&self) -> u128 {
        let mut words = Vec::with_capacity(256);
        for (local, posted) in self.locals.iter().zip(&self.posted) {
            self.local_words(local, &mut words);
            words.extend(posted.iter().map(|id| self.index(*id) as u8));
            words.push(0xf1);
        }
        for index in 0..self.threads.len() {
            self.thread_words(index, &mut words);
        }
        words.extend(self.masked.iter().copied().map(u8::from));
        for irq in &self.irqs {
            words.push(irq.state as u8 * 2 + u8::from(irq.again && irq.state != IrqState::Armed));
        }
        let hash = |seed: u8| {
            let mut hasher = DefaultHasher::new();
            seed.hash(&mut hasher);
            words.hash(&mut hasher);
            u128::from(hasher.finish())
        };
        hash(1) << 64 | hash(2)
    }

    fn place(&self, id: Option<ThreadId>) -> u8 {
        id.map_or(0xff, |id| self.index(id) as u8)
    }

    /// The same for a number that may be none of a thread.
    fn place_or_none(&self, id: Option<ThreadId>) -> u8 {
        self.place(id.filter(|id| self.threads.iter().any(|thread| thread.id == *id)))
    }

    fn local_words(&self, local: &Local, words: &mut Vec<u8>) {
        words.extend([local.current, local.grantee, local.root].map(|id| self.place(id)));
        words.push((local.options | local.options >> 15) as u8);
        words.push(u8::from(local.run_woken && local.current.is_none()));
        words.push(u8::from(local.timer_pending));
    }

    fn thread_words(&self, index: usize, words: &mut Vec<u8>) {
        if !self.alive[index] {
            return words.push(0xfe);
        }
        let thread = &self.threads[index];
        let (state, partner) = match thread.state {
            State::Running => (0, None),
            State::Ready => (1, None),
            State::Open => (2, None),
            State::Closed(peer) => (3, Some(peer.thread)),
            State::Reply(id) => (4, Some(id)),
            State::Sending(id) => (5, Some(id)),
            State::Remote(_) => (6, None),
            State::Recalled(_) => (8, None),
            State::Suspended => (7, None),
        };
        words.extend([state, self.place(partner), u8::from(thread.unusual.has(LATCHED))]);
        words.extend([self.homes[index] as u8, self.place(Some(thread.branch.scheduler))]);
        words.push(u8::from(thread.unusual.has(LEAVING)));
        words.push(u8::from(self.named[index]));
        words.push(self.index(thread.account) as u8);
        let works = self.of(thread.leaf).account == thread.id;
        words.push(if works { self.index(thread.leaf) as u8 } else { 0xff });
        words.push(thread.call_depth);
        let flags = [thread.unusual.has(NEW), thread.in_fault.is_some()];
        words.extend(flags.map(u8::from));
        if let State::Sending(_) = thread.state {
            let mail = &self.mails[index];
            words.extend([mail.kind() as u8, mail.carried()[0] as u8]);
            words.push(self.place_or_none(ThreadId::from_number(mail.receives_from())));
        }
        self.record_words(index, words);
        self.scheduler_words(index, words);
        if let State::Remote(_) | State::Recalled(_) = thread.state {
            self.mail_words(index, words);
        }
        let earlier = |at: usize| self.mails[at].suspensions() != thread.suspensions;
        for list in [thread.senders, thread.closed] {
            let waiters = self.mails_in(list);
            words.extend(waiters.iter().map(|at| *at as u8 * 2 + u8::from(earlier(*at))));
            words.push(0xf0);
        }
        words.extend(self.mails_in(thread.owed).iter().map(|index| *index as u8));
        words.push(0xf0);
        words.extend(self.irqs_of(index).iter().map(|index| *index as u8));
        words.push(0xf0);
    }

    /// What decides about the future of a mail that is away.
    fn mail_words(&self, index: usize, words: &mut Vec<u8>) {
        let mail = &self.mails[index];
        words.extend([mail.post() as u8, mail.kind() as u8]);
        words.extend(mail.about());
        let of = |id| self.place_or_none(id);
        let places = [mail.destination(), mail.owed_by(), mail.queued_at(), mail.awaits()];
        words.extend(places.map(of));
        words.push(of(ThreadId::from_number(mail.receives_from())));
        let named = mail.destination().is_some_and(|to| of(Some(to)) != 0xff && self.is_named(to));
        words.push(u8::from(named));
        let sought = mail.destination().filter(|to| of(Some(*to)) != 0xff);
        let finds = sought.is_some_and(|to| self.mails[self.index(to)].epoch() == mail.epoch());
        words.push(u8::from(mail.post() == Post::Fetch as u32 && finds));
        if let State::Remote(errand) | State::Recalled(errand) = self.threads[index].state
            && errand.kind == ErrandKind::Operation
        {
            let [sub, pair, other, first, ..] = mail.carried();
            words.extend([sub, pair, other].map(|word| word as u8));
            let target = ThreadId::from_number(pair as u32).filter(|id| of(Some(*id)) != 0xff);
            let hit = |id: ThreadId| sub == u64::from(thread::ABORT) && self.may_hit(id, first);
            words.push(u8::from(target.is_some_and(hit)));
        }
    }

    /// True if an abort in this epoch may yet find the wait that it is meant for.
    fn may_hit(&self, id: ThreadId, epoch: u64) -> bool {
        let thread = self.of(id);
        let runs =
            matches!(thread.state, State::Running | State::Ready) && !thread.unusual.has(LATCHED);
        thread.epoch == epoch && !runs
    }

    fn is_named(&self, id: ThreadId) -> bool {
        self.named[self.index(id)]
    }

    fn record_words(&self, index: usize, words: &mut Vec<u8>) {
        let record = self.threads[index].record;
        words.push(record.how as u8);
        if record.how == Record::Queued {
            let decides = matches!(record.why, Label::Preempted | Label::Fault | Label::Blocked);
            words.push(if decides { record.why as u8 } else { 0 });
            words.push(self.place(record.by));
        }
        if record.how == Record::Notice {
            words.push(record.why as u8);
        }
    }

    /// For whom positions below a stopped scheduler count, see `schedule::stuck`.
    fn listener(&self, index: usize) -> u64 {
        let thread = &self.threads[index];
        let above = self.index(thread.branch.scheduler);
        match thread.scheduler.since {
            since if is_stopped(thread.state) && above != index => since.max(self.listener(above)),
            since => since,
        }
    }

    fn scheduler_words(&self, index: usize, words: &mut Vec<u8>) {
        let thread = &self.threads[index];
        if !thread.is_scheduler() {
            return;
        }
        let scheduler = &thread.scheduler;
        words.push(self.place(scheduler.granted));
        words.extend(self.queue(index).iter().map(|index| *index as u8));
        words.push(0xf0);
        words.extend(self.records(scheduler.delivered).iter().map(|index| *index as u8));
        words.push(0xf0);
        words.extend(self.stuck(scheduler.stuck).iter().map(|index| *index as u8));
        words.push(self.place(scheduler.stuck_at));
        if !is_stopped(thread.state) {
            words.push(self.place(scheduler.unheard));
        } else if scheduler.told_for == self.listener(index) {
            words.push(self.place(scheduler.unheard));
            words.extend([self.place(scheduler.untold), self.place(scheduler.untold_delivered)]);
        }
        let runs =
            matches!(thread.state, State::Running | State::Ready) && !thread.unusual.has(LATCHED);
        words.push(u8::from(runs && self.has_seen_all(index)));
        words.extend(self.told[index].to_le_bytes());
    }
}

fn lines(system: &System) -> impl Iterator<Item = Line> + use<> {
    (0..system.plan.lines.len() as u32).map(Line)
}

/// The interrupt objects. What is gone keeps what `before` had.
fn irqs_of(system: &mut System, before: Option<&Snapshot>) -> Vec<Irq> {
    let handlers = system.plan.lines.iter().map(|handler| system.homes[*handler]);
    let irqs: Vec<_> = system.irqs.iter().copied().zip(handlers).collect();
    let copy = |(index, (id, home)): (usize, (IrqId, CoreNumber))| {
        let objects = &mut system.world.kernel_mut(home).objects;
        match before {
            Some(before) if !objects.table().entry(id.frame()).is(FrameKind::Irq, home) => {
                before.irqs[index]
            }
            _ => *objects.irq(id),
        }
    };
    irqs.into_iter().enumerate().map(copy).collect()
}

/// Whose mail is in the inbox, oldest first.
fn all_posted(kernel: &Simulated) -> Vec<ThreadId> {
    let id = |frame: NonZeroU32| ThreadId::from_number(frame.get()).expect("not zero");
    let next = |at: &NonZeroU32| NonZeroU32::new(kernel.mail(id(*at)).next.observe());
    std::iter::successors(kernel.inbox().first(), next).map(id).collect()
}

fn post(kernel: &Simulated, posted: &[ThreadId]) {
    let id = |frame: NonZeroU32| ThreadId::from_number(frame.get()).expect("not zero");
    for thread in posted {
        let _ = kernel.inbox().post(thread.number(), |frame| kernel.mail(id(frame)));
    }
}

/// True if a thread in this state cannot be told of its children.
pub fn is_stopped(state: State) -> bool {
    !matches!(state, State::Running | State::Ready | State::Open)
}

/// The frames whose entries in the frame table change: threads, UTCBs, interrupt objects.
fn entry_numbers(system: &System) -> impl Iterator<Item = usize> + use<> {
    let threads: Vec<usize> = system.ids.iter().map(|id| id.frame().0 as usize).collect();
    let irqs: Vec<usize> = system.irqs.iter().map(|id| id.frame().0 as usize).collect();
    let utcbs: Vec<usize> = threads.iter().skip(1).map(|frame| frame + 1).collect();
    threads.into_iter().chain(utcbs).chain(irqs)
}
