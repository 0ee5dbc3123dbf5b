//! Register state with messages: told with each of the kernel's notices to who asks for it and may see
//! it, and to nobody else; refused in an answer if no thread can have it.

use crate::family::{BOTH, Family, GATES, place};
use crate::{AREA, CORE};
use cedo_abi::call::{Call, ipc, object, operation, thread};
use cedo_abi::info::slot;
use cedo_abi::layout::{INIT_UTCB, PAGE_SIZE};
use cedo_abi::name::{ANY, SELF};
use cedo_abi::state::{BASES, Cause, GENERAL, INSTRUCTION, STACK};
use cedo_abi::utcb::{STATE_WORDS, StateArea, Utcb};
use cedo_abi::{Label, Status, Tag, notice};
use cedo_arch_host::{HostContext, Roles};
use cedo_core::kernel::Protocol;
use cedo_floor::ThreadId;
use cedo_machine::{Context, Fault, Frame, Interrupt, Line};
use std::mem::offset_of;

const FAULT: Fault = Fault { cause: Cause::ReadFault, address: 0x1000, code: 4 };
const LINE: u32 = 5;
/// A word that nothing of the kernel's writes.
const MARK: u64 = 0x7777;
/// Where a thread runs when something happens to it.
const AT: u64 = 0x1234_5000;
/// Children: whom the notices are about, another one, and one below the first.
const CHILD: u64 = 1;
const OTHER: u64 = 2;
const BELOW: u64 = 5;
/// Nobody can have these.
const KERNEL_ADDRESS: u64 = 0xffff_8000_0000_0000;
const NOT_CANONICAL: u64 = 0x8000_0000_0000;

fn id(frame: Frame) -> ThreadId {
    ThreadId::new(frame).expect("not frame 0")
}

fn label(context: &HostContext) -> Option<Label> {
    Tag(context.tag()).kernel_label()
}

/// The root, what schedulers ask for with each receive, and the UTCB of the one that is looked at.
struct Stage {
    family: Family,
    wants: u64,
    may_see: bool,
    utcb: u64,
}

impl Stage {
    fn new(protocol: Protocol, wants: u64, may_see: bool) -> Stage {
        let mut stage = Stage { family: Family::new(0), wants, may_see, utcb: INIT_UTCB };
        stage.family.server.world.kernel_mut(CORE).local.protocol = protocol;
        stage.make(CHILD, slot::THREAD.into());
        stage
    }

    /// A child with bases that are its own.
    fn make(&mut self, index: u64, scheduler: u64) {
        self.family.make_below(index, scheduler);
        let reply = INIT_UTCB + offset_of!(Utcb, reply) as u64;
        let bases = reply + offset_of!(StateArea, bases) as u64;
        let words = [(reply, BASES), (bases, 0x5000 + index), (bases + 8, 0x6000 + index)];
        for (address, word) in words {
            self.family.server.world.store(CORE, address, word).expect("the root's UTCB");
        }
        let written = self.family.server.call(Call::Thread, thread::WRITE, (place(index), 0), &[]);
        assert_eq!(written.0, Status::Ok);
        let child = id(self.family.frame(index));
        self.family.server.world.kernel_mut(CORE).thread(child).branch.state_right = self.may_see;
    }

    fn call(&mut self, sub: u8, to: (u64, u64), words: &[u64]) {
        assert_eq!(self.family.server.call(Call::Thread, sub, to, words).0, Status::Ok);
    }

    /// Lets a child run, which gets to a place of its own.
    fn dispatch(&mut self, index: u64) {
        let seen = self.family.hear();
        self.mark();
        let to = self.family.tokens[&self.family.frame(index).0].0;
        let operation = operation(Call::Ipc, 0, BOTH | self.wants);
        let words = [seen, 0, 0, 0, 0, 0, 0];
        let roles = Roles { operation, to, from: ANY, tag: 0, words };
        self.family.server.world.system_call(CORE, &roles).expect("the root runs");
        assert_eq!(self.family.running(), self.family.frame(index));
        self.family.server.world.jump(CORE, AT + 0x100 * index).expect("it runs");
    }

    /// The child that runs gives the processor back.
    fn yields(&mut self) {
        let roles = Roles { operation: operation(Call::Yield, 0, 0), ..Roles::default() };
        self.family.server.world.system_call(CORE, &roles).expect("it runs");
    }

    /// In direct mode the root hears only then that others lost or can run; in chain mode it runs by now.
    fn yields_if_it_runs(&mut self, index: u64) {
        if self.family.running() == self.family.frame(index) {
            self.yields();
        }
    }

    /// The child that runs waits for a message.
    fn receives(&mut self) {
        self.family.ipc(ipc::RECEIVE, 0, ANY);
    }

    /// A thread handles a line.
    fn handles(&mut self, handler: u64) {
        let words = [100, slot::LINES.into(), LINE.into(), handler, 77, 0];
        let region = self.family.server.region;
        let made = self.family.server.object(object::CREATE_IRQ, region, place(20), &words);
        assert_eq!(made, Status::Ok);
    }

    fn interrupts(&mut self) {
        let world = &mut self.family.server.world;
        world.raise(Line(LINE));
        world.interrupt(CORE, Interrupt::Line(Line(LINE))).expect("pending");
    }

    /// The root receives until it hears this of [`CHILD`].
    fn hears(&mut self, expected: Label) {
        loop {
            assert_eq!(self.family.running(), self.family.root, "{expected:?}");
            let heard = self.family.server.world.context(self.family.root);
            let about = if expected == Label::Irq {
                heard.words()[notice::IRQ_CHILD]
            } else {
                heard.badge()
            };
            if heard.status() == Status::Ok && label(&heard) == Some(expected) && about == CHILD {
                return;
            }
            self.mark();
            let heard = self.family.ipc(ipc::RECEIVE | ipc::RECEIVE_ZERO | self.wants, 0, ANY);
            assert_eq!(heard.status(), Status::Ok, "it never hears {expected:?}");
        }
    }

    fn mark(&mut self) {
        for word in 0..STATE_WORDS {
            let world = &mut self.family.server.world;
            world.store(CORE, received(self.utcb, word), MARK).expect("its UTCB");
        }
    }

    fn received(&mut self) -> Vec<u64> {
        let world = &mut self.family.server.world;
        (0..STATE_WORDS)
            .map(|word| world.load(CORE, received(self.utcb, word)).expect("its UTCB"))
            .collect()
    }

    /// What a scheduler receives of a thread: its registers, and nothing around them.
    fn expected(&self, about: u64) -> Vec<u64> {
        if self.wants == 0 || !self.may_see {
            return vec![MARK; STATE_WORDS];
        }
        let about = self.family.frame(about);
        let mut area = StateArea::EMPTY;
        let context = self.family.server.world.context(about);
        context.save_state(GENERAL | BASES, &mut area);
        let mut words = vec![MARK; STATE_WORDS];
        words[0] = GENERAL | BASES;
        let general = HostContext::GENERAL_WORDS;
        words[1..=general].copy_from_slice(&area.general[..general]);
        words[offset_of!(StateArea, bases) / 8..].copy_from_slice(&area.bases);
        words
    }
}

/// The address of a word of the state that the owner of a UTCB has received.
fn received(utcb: u64, word: usize) -> u64 {
    utcb + (offset_of!(Utcb, received) + 8 * word) as u64
}

/// A notice, and how it comes about. The root hears of [`CHILD`].
type Scene = (&'static str, Label, fn(&mut Stage));

const SCENES: [Scene; 12] = [
    ("irq, by the deadline that preempts it", Label::Irq, |stage| {
        stage.dispatch(CHILD);
        let world = &mut stage.family.server.world;
        world.spurious(CORE, Interrupt::Timer).expect("it runs");
    }),
    ("irq, by a line that preempts it", Label::Irq, |stage| {
        stage.handles(slot::THREAD.into());
        stage.dispatch(CHILD);
        stage.interrupts();
    }),
    ("preempted, by a line of another one", Label::Preempted, |stage| {
        stage.make(OTHER, slot::THREAD.into());
        stage.handles(place(OTHER));
        stage.dispatch(OTHER);
        stage.receives();
        stage.dispatch(CHILD);
        stage.interrupts();
    }),
    ("irq, by the deadline that preempts one below it", Label::Irq, |stage| {
        stage.make(BELOW, place(CHILD));
        stage.dispatch(CHILD);
        stage.family.dispatch(BELOW);
        let world = &mut stage.family.server.world;
        world.spurious(CORE, Interrupt::Timer).expect("it runs");
    }),
    ("yielded", Label::Yielded, |stage| {
        stage.dispatch(CHILD);
        stage.yields();
    }),
    ("lost", Label::Lost, |stage| {
        stage.make(OTHER, slot::THREAD.into());
        stage.dispatch(OTHER);
        stage.receives();
        stage.dispatch(CHILD);
        stage.family.ipc(ipc::SEND | ipc::WINNER_SEND, place(OTHER) + GATES, 0);
        stage.yields_if_it_runs(OTHER);
    }),
    ("woken", Label::Woken, |stage| {
        stage.make(OTHER, slot::THREAD.into());
        stage.dispatch(CHILD);
        stage.receives();
        stage.dispatch(OTHER);
        stage.family.ipc(ipc::SEND, place(CHILD) + GATES, 0);
        stage.yields_if_it_runs(OTHER);
    }),
    ("blocked", Label::Blocked, |stage| {
        stage.call(thread::SET_OPTIONS, (SELF, 0), &[thread::ASK_BLOCKED]);
        stage.dispatch(CHILD);
        stage.receives();
    }),
    ("idle", Label::Idle, |stage| {
        stage.dispatch(CHILD);
        stage.receives();
    }),
    ("fault", Label::Fault, |stage| {
        stage.dispatch(CHILD);
        stage.family.server.world.fault(CORE, FAULT).expect("it runs");
    }),
    ("new", Label::New, |_| {}),
    ("stuck", Label::Stuck, |stage| {
        stage.make(BELOW, place(CHILD));
        stage.call(thread::SUSPEND, (place(CHILD), 0), &[]);
    }),
];

/// With and without the request, with and without the right.
const ASKED: [(u64, bool); 4] =
    [(ipc::WANT_STATE, true), (0, true), (ipc::WANT_STATE, false), (0, false)];

#[test]
fn registers_come_with_every_notice_to_who_asks_for_them_and_may_see_them() {
    for protocol in [Protocol::Direct, Protocol::Chain] {
        for (name, label, happens) in SCENES {
            for (wants, may_see) in ASKED {
                let mut stage = Stage::new(protocol, wants, may_see);
                happens(&mut stage);
                stage.hears(label);
                let case = format!("{protocol:?}, {name}, wanted {wants:#x}, {may_see}");
                assert_eq!(stage.received(), stage.expected(CHILD), "{case}");
            }
        }
    }
}

#[test]
fn registers_of_who_was_preempted_by_the_deadline_come_to_its_own_scheduler_in_chain_mode() {
    for (wants, may_see) in ASKED {
        let mut stage = Stage::new(Protocol::Chain, wants, may_see);
        stage.make(BELOW, place(CHILD));
        stage.dispatch(CHILD);
        stage.utcb = AREA + CHILD * PAGE_SIZE;
        stage.dispatch(BELOW);
        let world = &mut stage.family.server.world;
        world.spurious(CORE, Interrupt::Timer).expect("it runs");
        stage.dispatch(CHILD);
        let heard = stage.family.server.world.context(stage.family.frame(CHILD));
        assert_eq!((label(&heard), heard.badge()), (Some(Label::Preempted), BELOW));
        assert_eq!(stage.received(), stage.expected(BELOW), "wanted {wants:#x}, {may_see}");
    }
}

/// What nobody can have: the group, the word of the state area, and its value.
const REFUSED: [(u64, usize, u64); 5] = [
    (GENERAL, 1 + INSTRUCTION, KERNEL_ADDRESS),
    (GENERAL | BASES, 1 + INSTRUCTION, NOT_CANONICAL),
    (BASES, BASES_WORD, KERNEL_ADDRESS),
    (GENERAL | BASES, BASES_WORD + 1, KERNEL_ADDRESS),
    (1 << 63, 0, 1 << 63),
];
const BASES_WORD: usize = offset_of!(StateArea, bases) / 8;

/// Fills the reply area of a UTCB that is at `utcb` for the current thread with state that is good but
/// for one word.
fn offer(family: &mut Family, utcb: u64, groups: u64, other: Option<(usize, u64)>) {
    let good = [(0, groups), (1 + INSTRUCTION, 2 * AT), (1 + STACK, 3 * AT)];
    let bases = [(BASES_WORD, 0x7000), (BASES_WORD + 1, 0x8000)];
    for (word, value) in good.into_iter().chain(bases).chain(other) {
        let address = utcb + (offset_of!(Utcb, reply) + 8 * word) as u64;
        family.server.world.store(CORE, address, value).expect("its UTCB");
    }
}

/// The current thread answers with state; the status.
fn answer(family: &mut Family, to: u64, seen: u64) -> Status {
    let caller = family.running();
    let operation = operation(Call::Ipc, 0, BOTH | ipc::STATE);
    let roles = Roles { operation, to, from: ANY, tag: 0, words: [seen, 0, 0, 0, 0, 0, 0] };
    family.server.world.system_call(CORE, &roles).expect("it runs");
    family.server.world.context(caller).status()
}

/// The current thread answers `about` with state that nobody can have, of each kind: it is refused and
/// nothing has changed; then with state that it can.
fn is_refused_and_then_taken(family: &mut Family, about: Frame, (utcb, to, seen): (u64, u64, u64)) {
    let answerer = family.running();
    let look = |family: &mut Family| {
        let kernel = family.server.world.kernel(CORE);
        let thread = kernel.look(id(about));
        let told = (thread.state, thread.record.how, thread.record.sequence, thread.in_fault);
        (family.server.world.context(about), format!("{told:?}"))
    };
    let before = look(family);
    for (groups, word, value) in REFUSED {
        offer(family, utcb, groups, Some((word, value)));
        assert_eq!(answer(family, to, seen), Status::BadAddress, "{groups:#x} {word} {value:#x}");
        assert_eq!(family.running(), answerer);
        assert_eq!(look(family), before, "{groups:#x} {word} {value:#x}");
        family.server.world.kernel(CORE).check_invariants().expect("holds");
    }
    offer(family, utcb, GENERAL | BASES, None);
    answer(family, to, seen);
    assert_eq!(family.running(), about, "the token is as good as before");
    let after = family.server.world.context(about);
    assert_eq!((after.instruction(), after.stack()), (2 * AT, 3 * AT));
    assert_eq!(after.bases(), [0x7000, 0x8000]);
}

#[test]
fn a_dispatch_with_registers_that_nobody_can_have_is_refused_and_changes_nothing() {
    for protocol in [Protocol::Direct, Protocol::Chain] {
        let mut stage = Stage::new(protocol, 0, true);
        stage.dispatch(CHILD);
        stage.yields();
        let mut family = stage.family;
        let seen = family.hear();
        let child = family.frame(CHILD);
        let token = family.tokens[&child.0].0;
        is_refused_and_then_taken(&mut family, child, (INIT_UTCB, token, seen));
    }
}

#[test]
fn an_answer_to_a_fault_with_registers_that_nobody_can_have_is_refused_and_changes_nothing() {
    for protocol in [Protocol::Direct, Protocol::Chain] {
        let mut stage = Stage::new(protocol, 0, true);
        stage.make(OTHER, slot::THREAD.into());
        let handler = (place(CHILD), place(OTHER) + GATES);
        stage.call(thread::SET_HANDLER, handler, &[]);
        stage.dispatch(OTHER);
        stage.receives();
        stage.dispatch(CHILD);
        let mut family = stage.family;
        family.server.world.fault(CORE, FAULT).expect("it runs");
        let (faulter, handler) = (family.frame(CHILD), family.frame(OTHER));
        assert_eq!(family.running(), handler, "{protocol:?}");
        let heard = family.server.world.context(handler);
        assert_eq!(label(&heard), Some(Label::Fault));
        let utcb = AREA + OTHER * PAGE_SIZE;
        is_refused_and_then_taken(&mut family, faulter, (utcb, heard.token(), 0));
    }
}
