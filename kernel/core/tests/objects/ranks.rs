//! Ranks: interrupts that preempt without their scheduler (*auto*). Foreign threads.

use crate::{AREA, CORE, FREE, Server};
use cedo_abi::call::object::CREATE_IRQ;
use cedo_abi::call::{Call, capability, ipc, operation, thread};
use cedo_abi::info::slot;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::name::{ANY, SELF};
use cedo_abi::state::Cause;
use cedo_abi::{Label, Rights, Status, Tag, notice};
use cedo_arch_host::{HostContext, Roles};
use cedo_core::object::thread::{Record, State};
use cedo_floor::ThreadId;
use cedo_machine::{Context, Frame, Interrupt, Line};

const LINE: u64 = 5;

/// Thread number `index` of the stage, in slot `FREE + index`.
struct Stage {
    server: Server,
    ids: Vec<ThreadId>,
}

impl Stage {
    /// The first server as root over `count` threads, each *new*.
    fn new(count: u64) -> Stage {
        let mut server = Server::boot();
        let region = server.region;
        let first = server.identify(region).1[2] as u32;
        let mut ids = Vec::new();
        for index in 0..count {
            let (page, utcb) = (2 * index, AREA + index * PAGE_SIZE);
            assert_eq!(server.create_thread(page, SELF, utcb, FREE + index), Status::Ok);
            let to = (FREE + index, slot::THREAD.into());
            let words = [index + 1, thread::EDGE_STATE];
            assert_eq!(server.call(Call::Thread, thread::SET_SCHEDULER, to, &words).0, Status::Ok);
            let id = ThreadId::new(Frame(first + page as u32)).expect("not frame 0");
            assert_eq!(
                server.call(Call::Thread, thread::RESUME, (FREE + index, 0), &[]).0,
                Status::Ok
            );
            ids.push(id);
        }
        Stage { server, ids }
    }

    fn current(&mut self) -> Option<ThreadId> {
        self.server.world.kernel(CORE).local.current
    }

    /// The current thread makes a call.
    fn act(&mut self, operation: u64, (to, from): (u64, u64), words: [u64; 7]) -> HostContext {
        let frame = self.server.world.current(CORE).expect("runs");
        let roles = Roles { operation, to, from, tag: 0, words };
        self.server.world.system_call(CORE, &roles).expect("runs");
        self.server.world.context(frame)
    }

    fn receive(&mut self) -> HostContext {
        self.act(operation(Call::Ipc, 0, ipc::RECEIVE), (0, ANY), [0; 7])
    }

    /// The current scheduler grants its time to whom `message` is about.
    fn dispatch(&mut self, message: &HostContext) {
        let operation = operation(Call::Ipc, 0, ipc::SEND | ipc::RECEIVE);
        let kernel = self.server.world.kernel(CORE);
        let root = kernel.local.root.expect("a root");
        let seen = kernel.look(root).scheduler.event;
        self.act(operation, (message.token(), ANY), [seen, 0, 0, 0, 0, 0, 0]);
    }

    fn set_rank(&mut self, message: &HostContext, rank: u64) -> Status {
        let token = message.token();
        self.server.call(Call::Thread, thread::SET_RANK, (SELF, token), &[rank]).0
    }
}

/// Thread 0 runs, thread 1 waits for its interrupt; their ranks. The root has set `options`.
fn interrupted(ranks: [u64; 2], options: u64) -> Stage {
    let mut stage = Stage::new(2);
    let server = &mut stage.server;
    let words = [20, slot::LINES.into(), LINE, FREE + 1, 77, 0];
    assert_eq!(server.object(CREATE_IRQ, server.region, FREE + 9, &words), Status::Ok);
    let set = server.call(Call::Thread, thread::SET_OPTIONS, (SELF, 0), &[options]);
    assert_eq!(set.0, Status::Ok);
    let first = stage.receive();
    let second = stage.receive();
    assert_eq!(stage.set_rank(&first, u64::MAX), Status::BadArgument);
    for (message, rank) in [&first, &second].into_iter().zip(ranks) {
        assert_eq!(stage.set_rank(message, rank), Status::Ok);
    }
    stage.dispatch(&second);
    assert_eq!(stage.current(), Some(stage.ids[1]));
    stage.receive();
    // The root has heard *idle* or *blocked*; the other one's token is as good as before.
    assert_eq!(stage.current(), stage.server.world.kernel(CORE).local.root);
    stage.dispatch(&first);
    assert_eq!(stage.current(), Some(stage.ids[0]));
    stage.server.world.raise(Line(LINE as u32));
    stage.server.world.interrupt(CORE, Interrupt::Line(Line(LINE as u32))).expect("pending");
    stage.server.world.kernel(CORE).check_invariants().expect("holds");
    stage
}

#[test]
fn an_interrupt_for_a_child_of_greater_rank_runs_it_and_leaves_the_scheduler_a_record() {
    let mut stage = interrupted([1, 2], thread::AUTO);
    assert_eq!(stage.current(), Some(stage.ids[1]));
    let handler = stage.server.world.context(stage.ids[1].frame());
    assert_eq!(Tag(handler.tag()).kernel_label(), Some(Label::Irq));
    let (preempted, kernel) = (stage.ids[0], stage.server.world.kernel(CORE));
    assert_eq!(kernel.look(preempted).state, State::Ready);
    assert_eq!(kernel.look(preempted).record.how, Record::Queued);
    assert_eq!(kernel.look(preempted).record.why, Label::Preempted);
    let root = kernel.local.root.expect("a root");
    // When the handler waits again, the scheduler hears of the one that was preempted, and by whom.
    stage.receive();
    assert_eq!(stage.current(), Some(root));
    let message = stage.server.world.context(root.frame());
    assert_eq!(Tag(message.tag()).kernel_label(), Some(Label::Preempted));
    assert_eq!((message.badge(), message.words()[notice::PREEMPTER]), (1, 2));
}

#[test]
fn without_auto_or_with_no_greater_rank_the_scheduler_is_entered() {
    for (ranks, options) in [([1, 2], 0), ([2, 2], thread::AUTO), ([2, 1], thread::AUTO)] {
        let mut stage = interrupted(ranks, options);
        let root = stage.server.world.kernel(CORE).local.root;
        assert_eq!(stage.current(), root, "{ranks:?} {options}");
    }
}

/// Thread 0 is foreign, thread 1 handles its exceptions and waits.
fn foreign() -> Stage {
    let mut stage = Stage::new(2);
    let gate = [SELF, Rights::ALL.0.into(), 9];
    let server = &mut stage.server;
    assert_eq!(server.capability(capability::MAKE_GATE, FREE + 1, FREE + 5, &gate), Status::Ok);
    let set = server.call(Call::Thread, thread::SET_HANDLER, (FREE, FREE + 5), &[]);
    assert_eq!(set.0, Status::Ok);
    let set = |server: &mut Server, word| {
        server.call(Call::Thread, thread::SET_FOREIGN, (FREE, 0), &[word]).0
    };
    assert_eq!(set(server, 2), Status::BadArgument);
    assert_eq!(set(server, 1), Status::Ok);
    let first = stage.receive();
    let second = stage.receive();
    stage.dispatch(&second);
    let wants = operation(Call::Ipc, 0, ipc::RECEIVE | ipc::WANT_STATE);
    stage.act(wants, (0, ANY), [0; 7]);
    stage.dispatch(&first);
    assert_eq!(stage.current(), Some(stage.ids[0]));
    stage
}

#[test]
fn a_foreign_threads_system_call_is_an_exception_and_no_call_of_the_kernels() {
    let mut stage = foreign();
    let before = stage.server.world.context(stage.ids[0].frame());
    stage.act(operation(Call::Yield, 0, 0), (3, 4), [5; 7]);
    assert_eq!(stage.current(), Some(stage.ids[1]), "its handler runs on its time");
    let message = stage.server.world.context(stage.ids[1].frame());
    assert_eq!(Tag(message.tag()).kernel_label(), Some(Label::Fault));
    assert_eq!(message.words()[notice::FAULT_CAUSE], Cause::SystemCall as u64);
    assert_eq!(message.badge(), 9);
    assert_eq!(message.words()[notice::INSTRUCTION], before.instruction() + 4);
    // Answered, it goes on behind the instruction with its registers as they were.
    let reply = operation(Call::Ipc, 0, ipc::SEND | ipc::RECEIVE);
    stage.act(reply, (message.token(), ANY), [0; 7]);
    assert_eq!(stage.current(), Some(stage.ids[0]));
    let after = stage.server.world.context(stage.ids[0].frame());
    assert_eq!((after.instruction(), after.words()), (before.instruction() + 4, [5; 7]));
    assert_eq!(after.operation(), operation(Call::Yield, 0, 0));
}

#[test]
fn a_foreign_thread_whose_handler_is_gone_stops_at_its_system_call() {
    let mut stage = foreign();
    let instruction = stage.server.world.context(stage.ids[0].frame()).instruction();
    stage.act(operation(Call::Yield, 0, 0), (0, 0), [0; 7]);
    // The handler gives up; the root destroys it.
    stage.act(operation(Call::Yield, 0, 0), (0, 0), [0; 7]);
    let root = stage.server.world.kernel(CORE).local.root.expect("a root");
    assert_eq!(stage.current(), Some(root));
    let message = stage.server.world.context(root.frame());
    assert_eq!(Tag(message.tag()).kernel_label(), Some(Label::Yielded));
    assert_eq!(stage.server.destroy(FREE + 1), Status::Ok);
    assert_eq!(stage.server.world.kernel(CORE).look(stage.ids[0]).state, State::Ready);
    stage.dispatch(&message);
    let again = stage.server.world.context(stage.ids[0].frame());
    assert_eq!(again.instruction(), instruction, "the instruction is made again");
    stage.act(again.operation(), (0, 0), [0; 7]);
    let kernel = stage.server.world.kernel(CORE);
    assert_eq!(kernel.look(stage.ids[0]).state, State::Suspended);
    let heard = stage.server.world.context(kernel.local.root.expect("a root").frame());
    assert_eq!(Tag(heard.tag()).kernel_label(), Some(Label::Fault));
}
