//! The stage: the first server as root of core 0, a second root where there is a second core, and
//! users with a Space, data pages and a pager each.
//!
//! ```text
//! actor 0            root of core 0, first server
//!       1            root of core 1 (two cores only)
//!       then         users, in the order of the plan
//!       then         their pagers, in the first server's Space, on the core the plan says
//! ```

use cedo_abi::call::{Call, capability, core as core_call, memory, object, operation, thread};
use cedo_abi::info::slot;
use cedo_abi::item::{Item, MAX_ITEMS};
use cedo_abi::layout::{INIT_BOOT_INFO, INIT_UTCB, PAGE_SIZE};
use cedo_abi::name::SELF;
use cedo_abi::utcb::Utcb;
use cedo_abi::{Rights, Status, state};
use cedo_arch_host::{HostContext, Roles, Setup, image};
use cedo_core::kernel::Protocol;
use cedo_core::object::thread::{GateTo, State, Thread};
use cedo_floor::ThreadId;
use cedo_machine::{Context, CoreNumber, Frame};
use cedo_simulated::Simulation;
use std::mem::offset_of;

/// Where programs start. Nothing is mapped there: user code is not interpreted.
pub const CODE: u64 = 0x20_0000;
/// First address of a user's data pages.
pub const DATA: u64 = 0x4000_0000;
/// In every Space: slot of the gate to actor 0; the others follow.
pub const GATES: u64 = 96;
/// The same without DONATE and HANDOVER.
pub const WEAK_GATES: u64 = 112;
/// In the first server's Space: slot of thread 0; the others follow.
pub const THREADS: u64 = 128;
/// In the first server's Space: slot of the Space of actor 0; the others follow.
pub const SPACES: u64 = 144;
/// Address of the UTCB of actor 0 in its Space; the others follow.
const UTCBS: u64 = 0x1000_0000;
/// Data pages of the first server, none of them mapped.
const ROOT_PAGES: u32 = 4;
/// The badge of the gate to actor 0, and the cookie of actor 0; the others follow.
pub const NAMES: u64 = 100;

/// A user of a [`Plan`].
#[derive(Clone, Copy, Debug)]
pub struct UserPlan {
    /// Where it lives.
    pub core: u8,
    /// Data pages it has; those are mapped unless it has a pager.
    pub pages: u32,
    /// Who resolves its faults.
    pub pager: PagerPlan,
}

/// Who resolves a user's faults.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PagerPlan {
    /// Nobody; all its pages are mapped.
    Mapped,
    /// Nobody; none of its pages is mapped.
    Nobody,
    /// A thread of this core.
    OnCore(u8),
    /// Another user of the plan, by its place there.
    User(usize),
}

/// What to build.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Cores, 1 or 2.
    pub cores: u8,
    /// How preemptions become messages.
    pub protocol: Protocol,
    /// The users.
    pub users: Vec<UserPlan>,
}

impl Plan {
    /// Users on core 0 with this many data pages, all mapped.
    pub fn mapped(pages: &[u32]) -> Plan {
        let user = |pages: &u32| UserPlan { core: 0, pages: *pages, pager: PagerPlan::Mapped };
        let users = pages.iter().map(user).collect();
        Plan { cores: 1, protocol: Protocol::Direct, users }
    }

    /// The same, each with a pager and nothing mapped.
    pub fn paged(pages: &[u32]) -> Plan {
        let mut plan = Plan::mapped(pages);
        plan.users.iter_mut().for_each(|user| user.pager = PagerPlan::OnCore(0));
        plan
    }

    /// User `index` has this pager.
    pub fn with_pager(mut self, index: usize, pager: PagerPlan) -> Plan {
        self.users[index].pager = pager;
        self
    }

    /// The paper's protocol.
    pub fn chain(mut self) -> Plan {
        self.protocol = Protocol::Chain;
        self
    }
}

/// What a thread is here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Root scheduler of its core.
    Root,
    /// Does what the test says.
    User,
    /// Resolves the faults of this actor.
    Pager(usize),
}

/// A thread on the stage.
#[derive(Clone, Debug)]
pub struct Actor {
    pub id: ThreadId,
    pub role: Role,
    pub core: CoreNumber,
    /// First of its data frames, and how many there are.
    pub data: Frame,
    pub pages: u32,
    /// First data page as a page of the first server's Region.
    page: u64,
    /// Where it made the call that is not over.
    pub calling: Option<u64>,
    /// That call gives the processor back: it has nothing to do.
    pub yields: bool,
    /// How often it has made that call again.
    pub repeated: usize,
    /// It has been destroyed.
    pub gone: bool,
    /// What its last call came to.
    pub done: Option<HostContext>,
}

/// A machine with actors.
pub struct Stage {
    pub world: Simulation,
    pub actors: Vec<Actor>,
    pub plan: Plan,
    pub play: crate::play::Play,
    pub region: u64,
    first_frame: u32,
    next_page: u64,
}

impl Stage {
    pub fn build(plan: &Plan) -> Stage {
        let pages: u32 = plan.users.iter().map(|user| user.pages + 48).sum();
        let setup = Setup {
            cores: plan.cores,
            ram: vec![pages + 160],
            archive: image::minimal(CODE),
            ..Setup::default()
        };
        let mut world = Simulation::boot(&setup).expect("boots");
        let core = CoreNumber(0);
        let region = world.load(core, INIT_BOOT_INFO + 24 + 24 + 16).expect("boot information");
        let id = world.kernel(core).local.root.expect("the first server is the root");
        let root = Actor::new(id, Role::Root, core);
        let mut stage = Stage {
            world,
            actors: vec![root],
            plan: plan.clone(),
            play: crate::play::Play::default(),
            region: region & 0xffff_ffff,
            first_frame: 0,
            next_page: 4,
        };
        let region = stage.region;
        stage.first_frame =
            stage.setup_call(Call::Capability, capability::IDENTIFY, (region, 0), &[])[2] as u32;
        stage.make_actors();
        stage.make_gates();
        stage.start();
        stage
    }

    fn make_actors(&mut self) {
        self.actors[0].page = self.take_pages(ROOT_PAGES.into());
        let page = self.actors[0].page;
        (self.actors[0].data, self.actors[0].pages) = (self.frame_of(page), ROOT_PAGES);
        let copy = [SELF, Rights::ALL.0.into()];
        let own = [(slot::THREAD, THREADS), (slot::SPACE, SPACES)];
        for (from, to) in own {
            self.setup_call(Call::Capability, capability::COPY, (from.into(), to), &copy);
        }
        if self.plan.cores == 2 {
            self.make_thread(Role::Root, CoreNumber(1), None);
        }
        for user in self.plan.users.clone() {
            self.make_thread(Role::User, CoreNumber(user.core), Some(user));
        }
        for (index, user) in self.plan.users.clone().into_iter().enumerate() {
            if let PagerPlan::OnCore(core) = user.pager {
                let client = self.user(index);
                self.make_thread(Role::Pager(client), CoreNumber(core), None);
            }
        }
    }

    /// A new actor; with a Space of its own if it is a user.
    fn make_thread(&mut self, role: Role, core: CoreNumber, user: Option<UserPlan>) {
        let index = self.actors.len() as u64;
        let mut space = SELF;
        if user.is_some() {
            space = SPACES + index;
            let page = self.take_pages(object::SPACE_FRAMES + 2);
            let words = [page, object::SPACE_FRAMES + 2];
            let to = (self.region, space);
            self.setup_call(Call::Object, object::CREATE_SPACE, to, &words);
            let page = self.take_pages(32);
            let to = (space, self.region);
            self.setup_call(Call::Memory, memory::STOCK, to, &[page, 32]);
        }
        let page = self.take_pages(2);
        let utcb = UTCBS + index * PAGE_SIZE;
        let words = [page, space, core.0.into(), utcb, CODE, 0, 0];
        let to = (self.region, THREADS + index);
        self.setup_call(Call::Object, object::CREATE_THREAD, to, &words);
        let id = ThreadId::new(self.frame_of(page)).expect("not frame 0");
        let mut actor = Actor::new(id, role, core);
        if let Some(user) = user {
            actor.page = self.take_pages(user.pages.into());
            (actor.data, actor.pages) = (self.frame_of(actor.page), user.pages);
        }
        self.actors.push(actor);
        if user.is_some_and(|user| user.pager == PagerPlan::Mapped) {
            let pages = self.actors[index as usize].pages;
            (0..pages).for_each(|page| self.map(index as usize, page, true));
        }
    }

    fn make_gates(&mut self) {
        let count = self.actors.len() as u64;
        let spaces: Vec<u64> = (0..self.actors.len())
            .filter(|index| self.actors[*index].role == Role::User || *index == 0)
            .map(|index| if index == 0 { SELF } else { SPACES + index as u64 })
            .collect();
        for index in 0..count {
            for space in &spaces {
                let all = [*space, Rights::ALL.0.into(), NAMES + index];
                let to = (THREADS + index, GATES + index);
                self.setup_call(Call::Capability, capability::MAKE_GATE, to, &all);
                let weak = [*space, Rights::SEND.or(Rights::CALL).0.into(), NAMES + index];
                let to = (THREADS + index, WEAK_GATES + index);
                self.setup_call(Call::Capability, capability::MAKE_GATE, to, &weak);
            }
        }
    }

    /// Gives everybody a scheduler and a handler, and starts them. Pagers come to wait.
    fn start(&mut self) {
        self.world.kernel_mut(CoreNumber(0)).local.protocol = self.plan.protocol;
        if self.plan.cores == 2 {
            let core_1 = u64::from(slot::CORE_0) + 1;
            let protocol = if self.plan.protocol == Protocol::Chain { 1 } else { 0 };
            let to = (core_1, THREADS + 1);
            self.setup_call(Call::Core, core_call::SET_ROOT, to, &[protocol]);
        }
        let first = usize::from(self.plan.cores);
        for index in first..self.actors.len() {
            let root = u64::from(self.actors[index].core.0);
            let to = (THREADS + index as u64, THREADS + root);
            let edge = [NAMES + index as u64, thread::EDGE_STATE];
            self.setup_call(Call::Thread, thread::SET_SCHEDULER, to, &edge);
            if let Role::Pager(client) = self.actors[index].role {
                self.set_handler(client, index);
            }
        }
        for (index, user) in self.plan.users.clone().into_iter().enumerate() {
            if let PagerPlan::User(pager) = user.pager {
                self.set_handler(self.user(index), self.user(pager));
            }
        }
        for index in first..self.actors.len() {
            self.setup_call(Call::Thread, thread::RESUME, (THREADS + index as u64, 0), &[]);
        }
        self.settle();
    }

    /// The first server gets a pager, on its own core.
    pub fn add_pager_of_root(&mut self) -> usize {
        let index = self.actors.len();
        self.make_thread(Role::Pager(0), CoreNumber(0), None);
        let to = (THREADS + index as u64, THREADS);
        self.setup_call(Call::Thread, thread::SET_SCHEDULER, to, &[NAMES + index as u64, 0]);
        self.setup_call(Call::Thread, thread::RESUME, (THREADS + index as u64, 0), &[]);
        // It cannot do that itself.
        let pager = self.actors[index].id;
        let kernel = self.world.kernel_mut(CoreNumber(0));
        let generation = kernel.objects.table().entry(pager.frame()).generation();
        let gate = GateTo { thread: pager, generation, badge: 0, rights: Rights::ALL };
        kernel.thread(self.actors[0].id).handler = Some(gate);
        self.settle();
        index
    }

    fn set_handler(&mut self, client: usize, pager: usize) {
        let to = (THREADS + client as u64, GATES + pager as u64);
        self.setup_call(Call::Thread, thread::SET_HANDLER, to, &[]);
    }

    /// A call of the first server that succeeds, whatever other cores have to do for it; its result
    /// words.
    pub fn setup_call(
        &mut self,
        call: Call,
        sub: u8,
        (to, from): (u64, u64),
        words: &[u64],
    ) -> [u64; 7] {
        let (status, words) = self.root_call(call, sub, (to, from), words);
        assert_eq!(status, Status::Ok, "{call:?} {sub} {to} {from} {words:x?}");
        words
    }

    /// A call of the first server; its status and result words.
    pub fn root_call(
        &mut self,
        call: Call,
        sub: u8,
        (to, from): (u64, u64),
        words: &[u64],
    ) -> (Status, [u64; 7]) {
        let mut all = [0; 7];
        all[..words.len()].copy_from_slice(words);
        let roles = Roles { operation: operation(call, sub, 0), to, from, tag: 0, words: all };
        self.bring(0);
        self.call(0, &roles);
        let context = self.finish(0);
        (context.status(), context.words())
    }

    /// Maps data page `page` of an actor at its place.
    pub fn map(&mut self, actor: usize, page: u32, write: bool) {
        let rights = if write { Rights::READ.or(Rights::WRITE) } else { Rights::READ };
        let space = SPACES + actor as u64;
        let first = self.actors[actor].page + u64::from(page);
        let address = DATA + u64::from(page) * PAGE_SIZE;
        let words = [first, address, 1, rights.0.into()];
        self.setup_call(Call::Memory, memory::MAP, (space, self.region), &words);
    }

    /// The registers of the call that maps data page `page` of actor `client`.
    pub fn map_roles(&self, client: usize, page: u32) -> Roles {
        let first = self.actors[client].page + u64::from(page);
        let address = DATA + u64::from(page) * PAGE_SIZE;
        let access = Rights::READ.or(Rights::WRITE).0.into();
        let words = [first, address, 1, access, 0, 0, 0];
        let (to, from) = (SPACES + client as u64, self.region);
        Roles { operation: operation(Call::Memory, memory::MAP, 0), to, from, tag: 0, words }
    }

    /// Unmaps a data page.
    pub fn unmap(&mut self, actor: usize, page: u32) {
        let Roles { to, words, .. } = self.unmap_roles(actor, page);
        self.setup_call(Call::Memory, memory::UNMAP, (to, 0), &words);
    }

    /// The registers of the call that unmaps a data page of an actor.
    pub fn unmap_roles(&self, actor: usize, page: u32) -> Roles {
        let address = DATA + u64::from(page) * PAGE_SIZE;
        let operation = operation(Call::Memory, memory::UNMAP, 0);
        let words = [address, 1, 0, 0, 0, 0, 0];
        Roles { operation, to: SPACES + actor as u64, from: 0, tag: 0, words }
    }

    /// Stops an actor.
    pub fn suspend(&mut self, actor: usize) {
        self.setup_call(Call::Thread, thread::SUSPEND, (THREADS + actor as u64, 0), &[]);
    }

    /// Lets a stopped actor go on.
    pub fn resume(&mut self, actor: usize) {
        self.setup_call(Call::Thread, thread::RESUME, (THREADS + actor as u64, 0), &[]);
    }

    /// Cancels the wait, or transfer, that an actor is in; what the kernel says to that.
    pub fn abort(&mut self, actor: usize) -> Status {
        let epoch = self.look(actor).epoch;
        self.root_call(Call::Thread, thread::ABORT, (THREADS + actor as u64, 0), &[epoch]).0
    }

    /// Gives an actor other registers in the general group, among them this instruction pointer.
    pub fn write_general(&mut self, actor: usize, instruction: u64) -> Status {
        self.bring(0);
        let mut general = [0; state::GENERAL_WORDS];
        general[state::INSTRUCTION] = instruction;
        self.put_reply_state(state::GENERAL, &general);
        self.root_call(Call::Thread, thread::WRITE, (THREADS + actor as u64, 0), &[]).0
    }

    /// Gives an actor other bases.
    pub fn write_bases(&mut self, actor: usize) -> Status {
        self.bring(0);
        self.put_reply_state(state::BASES, &[0; state::GENERAL_WORDS]);
        self.root_call(Call::Thread, thread::WRITE, (THREADS + actor as u64, 0), &[]).0
    }

    fn put_reply_state(&mut self, mask: u64, general: &[u64; state::GENERAL_WORDS]) {
        let utcb = self.utcb(0);
        let first = offset_of!(Utcb, reply) / 8;
        self.world.write(utcb, first, mask);
        for (index, word) in general.iter().enumerate() {
            self.world.write(utcb, first + 1 + index, *word);
        }
    }

    /// Opens windows for an actor, and closes all others.
    pub fn open_windows(&mut self, actor: usize, windows: &[Item]) {
        for index in 0..MAX_ITEMS {
            let window = windows.get(index).copied().unwrap_or(Item::NONE);
            self.set_item(actor, offset_of!(Utcb, windows), index, window);
        }
    }

    /// Changes the list of items to send, or of windows, behind everybody's back.
    pub fn change_lists(&mut self, actor: usize, items: bool, list: &[Item]) {
        let windows = offset_of!(Utcb, windows);
        let offset = if items { offset_of!(Utcb, send_items) } else { windows };
        for (index, item) in list.iter().enumerate() {
            self.set_item(actor, offset, index, *item);
        }
    }

    /// Destroys an actor.
    pub fn destroy(&mut self, actor: usize) {
        self.setup_call(Call::Object, object::DESTROY, (THREADS + actor as u64, 0), &[]);
        self.actors[actor].calling = None;
        self.actors[actor].gone = true;
    }

    pub fn take_pages(&mut self, count: u64) -> u64 {
        let page = self.next_page;
        self.next_page += count;
        page
    }

    pub fn frame_of(&self, page: u64) -> Frame {
        Frame(self.first_frame + page as u32)
    }

    /// The actor of the plan's user `index`.
    pub fn user(&self, index: usize) -> usize {
        usize::from(self.plan.cores) + index
    }

    /// The pager of `client`.
    pub fn pager(&self, client: usize) -> usize {
        let found = self.actors.iter().position(|actor| actor.role == Role::Pager(client));
        found.expect("it has a pager")
    }

    /// True if `client` has a pager of its own.
    pub fn has_pager(&self, client: usize) -> bool {
        self.actors.iter().any(|actor| actor.role == Role::Pager(client))
    }

    /// What the kernel knows of an actor.
    pub fn look(&self, actor: usize) -> &Thread<HostContext> {
        let Actor { id, core, .. } = self.actors[actor];
        self.world.kernel(core).look(id)
    }

    /// What an actor is doing.
    pub fn state(&self, actor: usize) -> State {
        self.look(actor).state
    }

    /// The frame of an actor's UTCB.
    pub fn utcb(&self, actor: usize) -> Frame {
        self.look(actor).utcb
    }

    /// Sets one of the items in the UTCB of `actor` that start at byte `offset`.
    pub fn set_item(&mut self, actor: usize, offset: usize, index: usize, item: Item) {
        let utcb = self.utcb(actor);
        for (word, value) in item.0.into_iter().enumerate() {
            self.world.write(utcb, offset / 8 + index * 4 + word, value);
        }
    }

    /// One of the items in the UTCB of `actor` that start at byte `offset`.
    pub fn item(&self, actor: usize, offset: usize, index: usize) -> Item {
        let utcb = self.utcb(actor);
        let word = |word| self.world.read(utcb, offset / 8 + index * 4 + word);
        Item(core::array::from_fn(word))
    }
}

impl Actor {
    fn new(id: ThreadId, role: Role, core: CoreNumber) -> Actor {
        Actor {
            id,
            role,
            core,
            data: Frame(0),
            pages: 0,
            page: 0,
            calling: None,
            yields: false,
            repeated: 0,
            gone: false,
            done: None,
        }
    }
}

const _: () = assert!(INIT_UTCB != UTCBS);
