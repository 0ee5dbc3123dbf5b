//! A machine of several cores. Thread n of a scene lives on a core of its choice, below that core's
//! root; each has a list of calls that it makes when it has the processor.

use cedo_abi::call::{Call, capability, core, ipc, object, operation, thread};
use cedo_abi::info::slot;
use cedo_abi::layout::{INIT_BOOT_INFO, PAGE_SIZE};
use cedo_abi::name::{ANY, NOBODY, SELF};
use cedo_abi::utcb::{StateArea, Utcb};
use cedo_abi::{Rights, Status, Token, state};
use cedo_arch_host::{HostContext, Mix, Roles, Setup, Snapshot, World, image};
use cedo_core::kernel::Local;
use cedo_core::object::thread::{Record, State, Thread};
use cedo_core::object::unusual::LATCHED;
use cedo_floor::{FrameKind, Inbox, Mail, ThreadId};
use cedo_machine::{Context, CoreNumber, Frame};
use cedo_simulated::{Simulated, Simulation};
use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::iter;
use std::mem::offset_of;
use std::num::NonZeroU32;

const CODE: u64 = 0x20_0000;
const AREA: u64 = 0x4000_0000;
/// Slot of thread 0; of its gate, of which the badge is its number.
pub const THREADS: u64 = 64;
pub const GATES: u64 = 96;
/// Slot of the root of core 0.
const ROOTS: u64 = 48;
/// An instruction pointer where no thread of a scene is by itself.
pub const ELSEWHERE: u64 = 0x9000;

/// A call that a thread makes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Act {
    Receive,
    ReceiveFrom(usize),
    Call(usize),
    Send(usize),
    SendZero(usize),
    SendAndReceiveFrom(usize, usize),
    /// To the thread with this number, whose call it has taken; and waits.
    ReplyAndWait(usize),
    /// Passes the call of the first thread, which it has taken, on to the second.
    Forward(usize, usize),
    Abort(usize),
    /// Of the wait that is the thread's first operation.
    AbortFirst(usize),
    /// Registers with the instruction pointer [`ELSEWHERE`].
    Write(usize),
    Suspend(usize),
    Resume(usize),
    Destroy(usize),
    /// The same, because there is more to do.
    DestroyAgain(usize),
    /// To the root of a core.
    Migrate(usize, u8),
    /// To the second thread as its scheduler.
    MigrateBelow(usize, usize),
    Yield,
}

/// What can happen next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The core takes the interrupt of another one, and all posts.
    Signal(CoreNumber),
    /// The same when the first of several posts is there: one entry elsewhere makes more than one, and
    /// each is there at once.
    SignalOfFirst(CoreNumber),
    /// The thread makes its next call.
    Act(usize),
    /// The root of the core makes its next call.
    Root(CoreNumber),
}

/// A scene at one moment.
pub struct Moment {
    world: Snapshot<Vec<Local>>,
    posted: Vec<Vec<NonZeroU32>>,
    acts: Vec<VecDeque<Act>>,
    done: Vec<Vec<Status>>,
    calls: Vec<Option<Act>>,
    floating: Vec<u64>,
}

pub struct Scene {
    pub world: Simulation,
    pub ids: Vec<ThreadId>,
    homes: Vec<CoreNumber>,
    acts: Vec<VecDeque<Act>>,
    /// By thread: the statuses of the calls that are over, oldest first.
    pub done: Vec<Vec<Status>>,
    /// By thread: the call it is in, as long as its status has not been noted.
    calls: Vec<Option<Act>>,
    /// By thread: what it has in its floating-point register.
    floating: Vec<u64>,
    uses_floating: bool,
    quick_roots: bool,
    busy_roots: bool,
    idle_flags: u64,
}

impl Scene {
    /// Threads with these home cores, all of which could run.
    pub fn new(cores: u8, homes: &[u8]) -> Scene {
        let archive = image::minimal(CODE);
        let ram = vec![128];
        let setup = Setup { cores, ram, archive, ticks_per_entry: 0, ..Setup::default() };
        let world = World::boot(&setup).expect("boots");
        let count = homes.len();
        let homes = homes.iter().map(|home| CoreNumber(*home)).collect();
        let mut scene = Scene {
            world,
            ids: Vec::new(),
            homes,
            acts: vec![VecDeque::new(); count],
            done: vec![Vec::new(); count],
            calls: vec![None; count],
            floating: vec![0; count],
            uses_floating: false,
            quick_roots: false,
            busy_roots: false,
            idle_flags: 0,
        };
        scene.make_threads(cores);
        scene
    }

    fn make_threads(&mut self, cores: u8) {
        let region = self.world.load(CoreNumber(0), INIT_BOOT_INFO + 24 + 24 + 16);
        let region = region.expect("boot information") & 0xffff_ffff;
        let all = u64::from(Rights::ALL.0);
        let first = self.setup(Call::Capability, capability::IDENTIFY, (region, 0), &[])[2] as u32;
        let copy = (slot::THREAD.into(), ROOTS);
        self.setup(Call::Capability, capability::COPY, copy, &[SELF, all]);
        let threads: Vec<_> = self.homes.iter().map(|home| u64::from(home.0)).collect();
        let all_homes = (1..u64::from(cores)).map(|core| (ROOTS + core, core));
        let all_homes = all_homes.chain((THREADS..).zip(threads));
        for (page, (slot, home)) in (2..).step_by(2).zip(all_homes) {
            let words = [page, SELF, home, AREA + page * PAGE_SIZE, CODE, 0, 0];
            self.setup(Call::Object, object::CREATE_THREAD, (region, slot), &words);
            if slot >= THREADS {
                self.ids.push(ThreadId::new(Frame(first + page as u32)).expect("not frame 0"));
                let gate = (slot, slot - THREADS + GATES);
                let words = [SELF, all, slot - THREADS];
                self.setup(Call::Capability, capability::MAKE_GATE, gate, &words);
                self.prepare_registers(AREA + page * PAGE_SIZE);
            }
        }
        for core in 1..u64::from(cores) {
            let to = (u64::from(slot::CORE_0) + core, ROOTS + core);
            self.setup(Call::Core, core::SET_ROOT, to, &[core::DIRECT]);
        }
        for (slot, home) in (THREADS..).zip(self.homes.clone()) {
            let root = ROOTS + u64::from(home.0);
            self.setup(Call::Thread, thread::SET_SCHEDULER, (slot, root), &[slot]);
            self.setup(Call::Thread, thread::RESUME, (slot, 0), &[]);
        }
    }

    /// Registers that the owner of a UTCB may write, in there.
    fn prepare_registers(&mut self, utcb: u64) {
        let area = utcb + offset_of!(Utcb, reply) as u64;
        let instruction = area + 8 * (1 + state::INSTRUCTION as u64);
        let bases = area + offset_of!(StateArea, bases) as u64;
        let mask = state::GENERAL | state::BASES;
        for (place, word) in [(area, mask), (instruction, ELSEWHERE), (bases, ELSEWHERE)] {
            self.world.store(CoreNumber(0), place, word).expect("its UTCB");
        }
    }

    /// A call of the first server that succeeds, perhaps with the help of other cores.
    fn setup(&mut self, call: Call, sub: u8, (to, from): (u64, u64), words: &[u64]) -> [u64; 7] {
        let mut all = [0; 7];
        all[..words.len()].copy_from_slice(words);
        let roles = Roles { operation: operation(call, sub, 0), to, from, tag: 0, words: all };
        let core = CoreNumber(0);
        let caller = self.world.current(core).expect("the first server runs");
        self.world.system_call(core, &roles).expect("runs");
        while self.world.current(core) != Some(caller) {
            let cores: Vec<_> = self.world.cores().collect();
            cores.into_iter().for_each(|core| self.signal(core));
        }
        let context = self.world.context(caller);
        assert_eq!(context.status(), Status::Ok, "{call:?} {sub} {to} {from}");
        context.words()
    }

    fn signal(&mut self, core: CoreNumber) {
        for source in self.world.pending(core) {
            self.world.interrupt(core, source).expect("is pending");
        }
    }

    fn signal_of_first(&mut self, core: CoreNumber) {
        let mut posted = self.take_posted();
        let others = posted[core.index()].split_off(1);
        self.post(&posted);
        self.signal(core);
        let mut posted = self.take_posted();
        posted[core.index()].extend(others);
        self.post(&posted);
        self.world.set_signal(core, true);
    }

    /// What roots do comes before anything else, so that there are fewer orders.
    pub fn with_quick_roots(&mut self) -> &mut Scene {
        self.quick_roots = true;
        self
    }

    /// Roots that have nothing to do keep the processor, so that threads can get something to do later.
    pub fn with_busy_roots(&mut self) -> &mut Scene {
        self.busy_roots = true;
        self
    }

    /// On a core that halts, who is woken alone runs without the root.
    pub fn with_roots_that_run_woken(&mut self) -> &mut Scene {
        self.idle_flags = core::RUN_WOKEN;
        self
    }

    /// Each thread uses the floating-point register of its core before each call.
    pub fn with_floating(&mut self) -> &mut Scene {
        self.uses_floating = true;
        self
    }

    /// Each entry handles one waiter or child only.
    pub fn in_small_steps(&mut self) -> &mut Scene {
        for core in self.world.cores() {
            self.world.kernel_mut(core).local.losers_per_entry = 1;
        }
        self
    }

    /// What `thread` does when it has the processor.
    pub fn does(&mut self, thread: usize, acts: &[Act]) -> &mut Scene {
        self.acts[thread].extend(acts);
        self
    }

    pub fn lives(&self, thread: usize) -> bool {
        let table = self.world.shared().table;
        table.entry(self.ids[thread].frame()).kind() == FrameKind::Thread
    }

    /// The core it lives on now.
    pub fn home(&self, thread: usize) -> CoreNumber {
        self.world.shared().table.entry(self.ids[thread].frame()).home()
    }

    pub fn look(&self, thread: usize) -> &Thread<HostContext> {
        self.world.kernel(self.home(thread)).look(self.ids[thread])
    }

    pub fn mail(&self, thread: usize) -> &Mail {
        self.world.kernel(self.home(thread)).mail(self.ids[thread])
    }

    pub fn context(&self, thread: usize) -> HostContext {
        self.world.context(self.ids[thread].frame())
    }

    /// Lets things happen until nothing can.
    pub fn play(&mut self) {
        while let Some(event) = self.events().first().copied() {
            self.happens(event);
        }
    }

    /// True if all of its frame is memory again.
    pub fn is_released(&self, thread: usize) -> bool {
        self.world.shared().table.entry(self.ids[thread].frame()).kind() == FrameKind::Ram
    }

    /// True if it is waiting for something, on whichever core.
    pub fn waits(&self, thread: usize) -> bool {
        let state = self.look(thread).state;
        !matches!(state, State::Running | State::Ready | State::Suspended)
    }

    /// True if the mail of a thread that waits for another one is in a list of a thread that lives.
    pub fn is_kept(&self, thread: usize) -> bool {
        let mail = self.mail(thread);
        let owners = [mail.queued_at.get(), mail.owed_by.get(), mail.awaits.get()];
        let owner = owners.into_iter().find_map(ThreadId::from_number);
        let Some(owner) = owner.and_then(|owner| self.ids.iter().position(|id| *id == owner))
        else {
            return false;
        };
        let lists = self.lives(owner).then(|| self.look(owner));
        let lists = lists.map(|owner| [owner.senders, owner.owed, owner.closed]);
        lists.into_iter().flatten().any(|list| {
            iter::successors(list.first, |id| {
                let other = self.ids.iter().position(|one| one == id).expect("of this scene");
                ThreadId::from_number(self.mail(other).next.get())
            })
            .any(|id| id == self.ids[thread])
        })
    }

    fn current(&self, core: CoreNumber) -> Option<ThreadId> {
        self.world.kernel(core).local.current
    }

    /// The scene as it is now.
    pub fn moment(&mut self) -> Moment {
        let locals = |kernels: &[Simulated]| kernels.iter().map(|one| one.local).collect();
        let posted = self.posted();
        let world = self.world.snapshot(|kernels, _| locals(kernels));
        let (acts, done, calls) = (self.acts.clone(), self.done.clone(), self.calls.clone());
        Moment { world, posted, acts, done, calls, floating: self.floating.clone() }
    }

    /// Makes the scene what it was.
    pub fn go_back_to(&mut self, moment: &Moment) {
        self.take_posted();
        self.world.restore(&moment.world, |kernels, _, locals| {
            kernels.iter_mut().zip(locals).for_each(|(kernel, local)| kernel.restore(*local));
        });
        self.post(&moment.posted);
        self.acts.clone_from(&moment.acts);
        self.done.clone_from(&moment.done);
        self.calls.clone_from(&moment.calls);
        self.floating.clone_from(&moment.floating);
    }

    /// A number for the scene as it is now.
    pub fn key(&mut self) -> u64 {
        let mut mix = Mix::default();
        let frames: Vec<_> = self.world.cores().map(|core| self.root(core)).collect();
        let frames: Vec<_> = frames.iter().chain(&self.ids).map(|id| id.frame()).collect();
        self.world.fingerprint(&frames).hash(&mut mix);
        self.world.hash_machine(&mut mix);
        for frame in frames {
            self.world.shared().table.entry(frame).hash(&mut mix);
        }
        for core in self.world.cores() {
            let local = self.world.kernel(core).local;
            (local.current, local.grantee, local.root, local.run_woken).hash(&mut mix);
        }
        (&self.posted(), &self.acts, &self.done, &self.calls, &self.floating).hash(&mut mix);
        mix.finish()
    }

    fn root(&self, core: CoreNumber) -> ThreadId {
        self.world.kernel(core).local.root.expect("a root")
    }

    /// What is posted to each core, oldest first.
    fn posted(&mut self) -> Vec<Vec<NonZeroU32>> {
        let posted = self.take_posted();
        self.post(&posted);
        posted
    }

    fn take_posted(&mut self) -> Vec<Vec<NonZeroU32>> {
        let inboxes = self.world.shared().inboxes.iter().zip(self.world.cores());
        let take = |(inbox, core): (&'static Inbox, CoreNumber)| {
            let objects = &self.world.kernel(core).objects;
            let mail =
                |frame: NonZeroU32| objects.mail(ThreadId::from_number(frame.get()).unwrap());
            iter::from_fn(|| inbox.take(mail)).collect()
        };
        inboxes.map(take).collect()
    }

    fn post(&mut self, posted: &[Vec<NonZeroU32>]) {
        let inboxes = self.world.shared().inboxes.iter().zip(self.world.cores());
        for ((inbox, core), frames) in inboxes.zip(posted) {
            let objects = &self.world.kernel(core).objects;
            let mail =
                |frame: NonZeroU32| objects.mail(ThreadId::from_number(frame.get()).unwrap());
            inbox.open();
            for frame in frames {
                let _ = inbox.post(*frame, mail);
            }
        }
    }

    /// Everything that can happen now.
    pub fn events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let posted = self.posted();
        for core in self.world.cores() {
            if !self.world.pending(core).is_empty() {
                events.push(Event::Signal(core));
                if posted[core.index()].len() > 1 {
                    events.push(Event::SignalOfFirst(core));
                }
            }
            let Some(current) = self.current(core) else { continue };
            match self.ids.iter().position(|id| *id == current) {
                Some(thread) if self.may_act(thread) => events.push(Event::Act(thread)),
                Some(_) => {}
                None if self.busy_roots && !self.has_work(core) => {}
                None if self.quick_roots => return vec![Event::Root(core)],
                None => events.push(Event::Root(core)),
            }
        }
        events
    }

    /// True if the current `thread` has something to do, or has others on its core to make room for.
    /// Who is to try again leaves other cores the time to do their part.
    fn may_act(&self, thread: usize) -> bool {
        let Some(act) = self.acts[thread].front() else {
            let home = self.home(thread);
            return (0..self.ids.len())
                .any(|other| other != thread && self.home(other) == home && self.is_busy(other));
        };
        let quiet = || self.world.cores().all(|core| self.world.pending(core).is_empty());
        !matches!(act, Act::DestroyAgain(_)) || quiet()
    }

    /// True if it has something to do when it gets the processor.
    fn is_busy(&self, thread: usize) -> bool {
        let ready = self.lives(thread) && self.look(thread).state == State::Ready;
        ready && (!self.acts[thread].is_empty() || self.calls[thread].is_some())
    }

    pub fn happens(&mut self, event: Event) {
        match event {
            Event::Signal(core) => self.signal(core),
            Event::SignalOfFirst(core) => self.signal_of_first(core),
            Event::Act(thread) => {
                self.use_floating(thread);
                let act = self.acts[thread].pop_front();
                let roles = self.roles(act.unwrap_or(Act::Yield));
                self.calls[thread] = act;
                self.world.system_call(self.home(thread), &roles).expect("runs");
            }
            Event::Root(core) => self.root_acts(core),
        }
        for core in self.world.cores() {
            self.world.kernel(core).check_invariants().expect("holds");
            let Some(owner) = self.world.floating_owner(core) else { continue };
            let entry = self.world.shared().table.entry(owner);
            let lives_here = entry.kind() == FrameKind::Thread && entry.home() == core;
            assert!(lives_here, "{core:?} holds floating point of {entry:?}");
        }
        (0..self.ids.len()).for_each(|thread| self.note(thread));
    }

    /// The current `thread` finds in the floating-point register what it has left there.
    fn use_floating(&mut self, thread: usize) {
        if self.uses_floating {
            let core = self.home(thread);
            let value = thread as u64 + 1;
            let found = self.world.exchange_floating(core, value);
            assert_eq!(found, Some(self.floating[thread]), "floating point of {thread}");
            self.floating[thread] = value;
        }
    }

    /// Notes the status of a call that is over. DESTROY may have to be made again.
    fn note(&mut self, thread: usize) {
        let over =
            self.lives(thread) && !self.waits(thread) && !self.look(thread).unusual.has(LATCHED);
        let Some(act) = self.calls[thread].filter(|_| over) else { return };
        self.calls[thread] = None;
        let context = self.context(thread);
        let again = context.status() == Status::Ok && context.words()[0] == 1;
        if let Act::Destroy(target) | Act::DestroyAgain(target) = act
            && again
        {
            return self.acts[thread].push_front(Act::DestroyAgain(target));
        }
        self.done[thread].push(context.status());
    }

    /// True if the root has something to take, or somebody to dispatch.
    fn has_work(&self, core: CoreNumber) -> bool {
        self.world.kernel(core).has_news(self.root(core)) || self.to_dispatch(core).is_some()
    }

    /// Somebody whom the root knows to be ready, and who has something to do.
    fn to_dispatch(&self, core: CoreNumber) -> Option<usize> {
        let knows = |thread: &usize| {
            let delivered = || self.look(*thread).record.how == Record::Delivered;
            self.home(*thread) == core && self.is_busy(*thread) && delivered()
        };
        (0..self.ids.len()).find(knows)
    }

    /// A root takes what is pending, else dispatches who has something to do, else idles.
    fn root_acts(&mut self, core: CoreNumber) {
        let kernel = self.world.kernel(core);
        let root = self.root(core);
        let scheduler = kernel.look(root).scheduler;
        let ipc = |flags, to, word| Roles {
            operation: operation(Call::Ipc, 0, flags),
            to,
            from: ANY,
            tag: 0,
            words: [word, 0, 0, 0, 0, 0, 0],
        };
        let roles = if kernel.has_news(root) {
            ipc(ipc::RECEIVE | ipc::RECEIVE_ZERO, 0, 0)
        } else if let Some(thread) = self.to_dispatch(core) {
            let id = self.ids[thread];
            let token = Token::new(id.frame().0, kernel.look(id).record.sequence).0;
            ipc(ipc::SEND | ipc::RECEIVE, token, scheduler.event)
        } else {
            Roles {
                operation: operation(Call::Core, core::IDLE, self.idle_flags),
                to: u64::from(slot::CORE_0) + u64::from(core.0),
                from: NOBODY,
                tag: 0,
                words: [scheduler.event, 0, 0, 0, 0, 0, 0],
            }
        };
        self.world.system_call(core, &roles).expect("runs");
    }

    /// The token of the call that `client` is in, or was in last.
    fn token(&self, client: usize) -> u64 {
        let sequence = self.lives(client).then(|| self.mail(client).sequence.get());
        Token::new(self.ids[client].frame().0, sequence.unwrap_or(2)).0
    }

    fn roles(&self, act: Act) -> Roles {
        let gate = |thread: usize| GATES + thread as u64;
        let ipc = |flags, to, from| Roles {
            operation: operation(Call::Ipc, 0, flags),
            to,
            from,
            tag: 0,
            words: [0; 7],
        };
        let on = |call, sub, thread: usize, word| Roles {
            operation: operation(call, sub, 0),
            to: THREADS + thread as u64,
            from: NOBODY,
            tag: 0,
            words: [word, 0, 0, 0, 0, 0, 0],
        };
        let both = ipc::SEND | ipc::RECEIVE;
        match act {
            Act::Receive => ipc(ipc::RECEIVE, 0, ANY),
            Act::ReceiveFrom(from) => ipc(ipc::RECEIVE, 0, gate(from)),
            Act::Call(to) => ipc(both | ipc::CALL, gate(to), 0),
            Act::Send(to) => ipc(ipc::SEND, gate(to), 0),
            Act::SendZero(to) => ipc(ipc::SEND | ipc::SEND_ZERO, gate(to), 0),
            Act::SendAndReceiveFrom(to, from) => ipc(both, gate(to), gate(from)),
            Act::ReplyAndWait(client) => ipc(both, self.token(client), ANY),
            Act::Forward(client, to) => ipc(ipc::SEND | ipc::FORWARD, gate(to), self.token(client)),
            Act::Abort(thread) => on(Call::Thread, thread::ABORT, thread, self.look(thread).epoch),
            Act::AbortFirst(thread) => on(Call::Thread, thread::ABORT, thread, 1),
            Act::Write(thread) => on(Call::Thread, thread::WRITE, thread, 0),
            Act::Suspend(thread) => on(Call::Thread, thread::SUSPEND, thread, 0),
            Act::Resume(thread) => on(Call::Thread, thread::RESUME, thread, 0),
            Act::Destroy(thread) | Act::DestroyAgain(thread) => {
                on(Call::Object, object::DESTROY, thread, 0)
            }
            Act::Migrate(thread, core) => {
                let from = ROOTS + u64::from(core);
                Roles { from, ..on(Call::Thread, thread::MIGRATE, thread, THREADS + thread as u64) }
            }
            Act::MigrateBelow(thread, scheduler) => {
                let from = THREADS + scheduler as u64;
                Roles { from, ..on(Call::Thread, thread::MIGRATE, thread, THREADS + thread as u64) }
            }
            Act::Yield => Roles { operation: operation(Call::Yield, 0, 0), ..Roles::default() },
        }
    }
}
