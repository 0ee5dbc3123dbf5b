//! MIGRATE in every state of the thread, with every scheduler and right, from both cores.

use crate::posts::{OTHER, grant, message, try_call};
use crate::{AREA, CODE, CORE, FREE, Server, setup};
use cedo_abi::call::{Call, capability, core, ipc, object, thread};
use cedo_abi::info::slot;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::name::{ANY, NOBODY, SELF};
use cedo_abi::state::Cause;
use cedo_abi::{Label, MAX_DEPTH, Rights, Status, Tag};
use cedo_arch_host::{Setup, image};
use cedo_core::object::thread::State;
use cedo_floor::{FrameKind, ThreadId};
use cedo_machine::{Context, CoreNumber, Fault, Frame};
use std::sync::atomic::Ordering;

const BOTH: u64 = ipc::SEND | ipc::RECEIVE;
/// The root of core 1.
const ROOT: u64 = FREE;
/// The first server, root of core 0.
const MYSELF: u64 = slot::THREAD as u64;
/// The thread, its partner and its child.
const THREAD: u64 = FREE + 1;
const PARTNER: u64 = FREE + 2;
const CHILD: u64 = FREE + 3;
/// A scheduler that has been destroyed.
const GONE: u64 = FREE + 4;
/// Gate to the thread in a slot.
const GATES: u64 = 32;
const IRQ: u64 = FREE + 20;
/// A capability that lacks a right.
const WEAK: u64 = FREE + 21;
/// Threads of a line as deep as the tree may be.
const LINE: u64 = FREE + 10;

/// What the thread is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Doing {
    /// Nothing: it has never been started.
    New,
    Suspended,
    Ready,
    Running,
    Open,
    Closed,
    Sending,
    Reply,
    /// A fault without a handler has stopped it.
    Faulted,
    /// Suspended, and a thread waits for it.
    Awaited,
    /// Suspended, with a child.
    Scheduler,
    /// Suspended, with a line that it handles.
    Handler,
    /// It runs its core.
    Root,
    Destroyed,
}

const ALL: [Doing; 14] = [
    Doing::New,
    Doing::Suspended,
    Doing::Ready,
    Doing::Running,
    Doing::Open,
    Doing::Closed,
    Doing::Sending,
    Doing::Reply,
    Doing::Faulted,
    Doing::Awaited,
    Doing::Scheduler,
    Doing::Handler,
    Doing::Root,
    Doing::Destroyed,
];

/// The new scheduler that the call names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Under {
    OtherRoot,
    OwnRoot,
    Itself,
    Gone,
}

/// What the rule says.
fn expected(doing: Doing, under: Under) -> Status {
    use Doing::{Awaited, Destroyed, Faulted, New, Suspended};
    match (doing, under) {
        (Destroyed, _) | (_, Under::Gone) => Status::NoCapability,
        (_, Under::OwnRoot | Under::Itself) => Status::WrongCore,
        (New | Suspended | Faulted | Awaited, Under::OtherRoot) => Status::Ok,
        _ => Status::WrongState,
    }
}

fn boot() -> Server {
    let mut server = Server::boot_on(&Setup { cores: 2, ..setup(image::minimal(CODE)) });
    create(&mut server, ROOT, OTHER);
    let own = u64::from(slot::CORE_0) + 1;
    done(&mut server, Call::Core, core::SET_ROOT, (own, ROOT), &[core::DIRECT]);
    server
}

fn done(server: &mut Server, call: Call, sub: u8, names: (u64, u64), words: &[u64]) {
    assert_eq!(try_call(server, call, sub, names, words).0, Status::Ok, "{call:?} {sub}");
}

/// Makes a thread of `core` in `slot`, and a gate to it.
fn create(server: &mut Server, slot: u64, core: CoreNumber) {
    let page = 2 * (slot - FREE);
    let words = [page, SELF, u64::from(core.0), AREA + page * PAGE_SIZE, CODE, 0, 0];
    done(server, Call::Object, object::CREATE_THREAD, (server.region, slot), &words);
    let words = [SELF, Rights::ALL.0.into(), slot];
    done(server, Call::Capability, capability::MAKE_GATE, (slot, slot + GATES), &words);
}

/// Makes a thread below the root of `core` that could run.
fn create_ready(server: &mut Server, slot: u64, core: CoreNumber) {
    create(server, slot, core);
    adopt(server, slot, root_of(core));
    done(server, Call::Thread, thread::RESUME, (slot, 0), &[]);
}

fn adopt(server: &mut Server, child: u64, scheduler: u64) {
    done(server, Call::Thread, thread::SET_SCHEDULER, (child, scheduler), &[child]);
}

const fn root_of(core: CoreNumber) -> u64 {
    if core.0 == 0 { MYSELF } else { ROOT }
}

/// The newest thread of a core that could run makes an IPC operation, after which it does not.
fn waits(server: &mut Server, core: CoreNumber, flags: u64, to: u64, from: u64) {
    grant(server, core);
    message(server, core, flags, (to, from), 0);
}

/// Makes the thread on `core` do this.
fn make(server: &mut Server, core: CoreNumber, doing: Doing) {
    let partner = PARTNER + GATES;
    if matches!(doing, Doing::Closed | Doing::Sending | Doing::Reply) {
        create(server, PARTNER, core);
    }
    match doing {
        Doing::New | Doing::Destroyed | Doing::Scheduler | Doing::Handler => {
            create(server, THREAD, core);
            adopt(server, THREAD, root_of(core));
        }
        Doing::Root => {}
        _ => create_ready(server, THREAD, core),
    }
    match doing {
        Doing::Running => drop(grant(server, core)),
        Doing::Open => waits(server, core, ipc::RECEIVE, 0, ANY),
        Doing::Closed => waits(server, core, ipc::RECEIVE, 0, partner),
        Doing::Sending => waits(server, core, ipc::SEND, partner, 0),
        Doing::Reply => waits(server, core, BOTH | ipc::CALL, partner, 0),
        Doing::Faulted => {
            grant(server, core);
            let fault = Fault { cause: Cause::Debug, address: 0, code: 0 };
            server.world.fault(core, fault).expect("it runs");
        }
        Doing::Suspended | Doing::Awaited => {
            done(server, Call::Thread, thread::SUSPEND, (THREAD, 0), &[]);
        }
        Doing::Scheduler => {
            create(server, CHILD, core);
            adopt(server, CHILD, THREAD);
        }
        Doing::Handler => {
            let words = [100, slot::LINES.into(), 5, THREAD, 0, 0];
            done(server, Call::Object, object::CREATE_IRQ, (server.region, IRQ), &words);
        }
        Doing::Destroyed => done(server, Call::Object, object::DESTROY, (THREAD, 0), &[]),
        Doing::New | Doing::Ready | Doing::Root => {}
    }
    if doing == Doing::Awaited {
        create_ready(server, PARTNER, core);
        waits(server, core, ipc::SEND, THREAD + GATES, 0);
    }
}

fn migrate(server: &mut Server, child: u64, scheduler: u64) -> (Status, u64) {
    // Word 0 is the cookie, and not mistaken for the answer.
    try_call(server, Call::Thread, thread::MIGRATE, (child, scheduler), &[1, 0])
}

/// The thread in a slot that [`create`] made.
fn id(server: &Server, slot: u64) -> ThreadId {
    let root = server.world.kernel(OTHER).local.root.expect("core 1 has a root");
    let frame = root.frame().0 + 2 * (slot - ROOT) as u32;
    ThreadId::new(Frame(frame)).expect("not frame 0")
}

fn home(server: &Server, slot: u64) -> CoreNumber {
    let entry = server.world.shared().table.entry(id(server, slot).frame());
    assert_eq!(entry.kind(), FrameKind::Thread);
    entry.home()
}

/// State and scheduler of the thread in a slot.
fn look(server: &Server, slot: u64) -> (State, ThreadId) {
    let thread = server.world.kernel(home(server, slot)).look(id(server, slot));
    (thread.state, thread.branch.scheduler)
}

#[test]
fn each_state_under_each_scheduler_comes_to_what_the_rule_says() {
    let mut cells = 0;
    for core in [CORE, OTHER] {
        for doing in ALL {
            // Of core 0 the first server is the root, and runs while it makes the call.
            if core == CORE && matches!(doing, Doing::Running | Doing::Root) {
                continue;
            }
            for under in [Under::OtherRoot, Under::OwnRoot, Under::Itself, Under::Gone] {
                let mut server = boot();
                create(&mut server, GONE, OTHER);
                make(&mut server, core, doing);
                let target = if doing == Doing::Root { ROOT } else { THREAD };
                let other = CoreNumber(1 - core.0);
                let scheduler = match under {
                    Under::OtherRoot => root_of(other),
                    Under::OwnRoot => root_of(core),
                    Under::Itself => target,
                    Under::Gone => GONE,
                };
                done(&mut server, Call::Object, object::DESTROY, (GONE, 0), &[]);
                let before = (doing != Doing::Destroyed).then(|| look(&server, target));
                let (status, moved) = migrate(&mut server, target, scheduler);
                let name = format!("{doing:?} thread of {core:?} under {under:?}");
                assert_eq!(status, expected(doing, under), "{name}");
                assert_eq!(moved == 1, status == Status::Ok, "{name}");
                cells += 1;
                if status == Status::Ok {
                    assert_eq!(home(&server, target), other, "{name}");
                    let root = server.world.kernel(other).local.root;
                    assert_eq!(look(&server, target), (State::Suspended, root.unwrap()), "{name}");
                } else if before.is_some() {
                    assert_eq!(
                        (home(&server, target), Some(look(&server, target))),
                        (core, before)
                    );
                }
                let waits = doing == Doing::Awaited;
                let told = waits
                    && server.world.kernel(core).look(id(&server, PARTNER)).state
                        != State::Sending(id(&server, THREAD));
                assert_eq!(told, waits && status == Status::Ok, "{name}: who waits for it");
            }
        }
    }
    println!("{cells} cells");
}

#[test]
fn who_lacks_a_right_moves_nothing() {
    let mut server = boot();
    make(&mut server, CORE, Doing::Suspended);
    let mut weaken = |from: u64, rights: Rights, to: u64| {
        let words = [SELF, (Rights::ALL.0 & !rights.0).into()];
        assert_eq!(server.capability(capability::COPY, from, to, &words), Status::Ok);
    };
    weaken(THREAD, Rights::CONTROL, WEAK);
    weaken(ROOT, Rights::ADOPT, WEAK + 1);
    for (child, scheduler, status) in [
        (WEAK, ROOT, Status::NoRight),
        (THREAD, WEAK + 1, Status::NoRight),
        (THREAD + GATES, ROOT, Status::WrongKind),
        (THREAD, ROOT + GATES, Status::WrongKind),
        (FREE + 63, ROOT, Status::NoCapability),
        (THREAD, FREE + 63, Status::NoCapability),
        (THREAD, NOBODY, Status::NoCapability),
        (MYSELF, ROOT, Status::NotOneself),
    ] {
        assert_eq!(migrate(&mut server, child, scheduler), (status, 0));
        assert_eq!(home(&server, THREAD), CORE);
    }
    let edge = [0, 4];
    let wrong = try_call(&mut server, Call::Thread, thread::MIGRATE, (THREAD, ROOT), &edge);
    assert_eq!(wrong, (Status::BadArgument, 0));
    assert_eq!(migrate(&mut server, THREAD, ROOT), (Status::Ok, 1));
}

#[test]
fn a_scheduler_that_is_too_deep_leaves_the_thread_on_its_core_without_one() {
    let mut server = boot();
    make(&mut server, CORE, Doing::Suspended);
    let mut above = ROOT;
    for slot in LINE..LINE + MAX_DEPTH as u64 {
        create(&mut server, slot, OTHER);
        adopt(&mut server, slot, above);
        above = slot;
    }
    assert_eq!(migrate(&mut server, THREAD, above), (Status::TooDeep, 1));
    assert_eq!(home(&server, THREAD), OTHER);
    assert_eq!(look(&server, THREAD), (State::Suspended, id(&server, THREAD)));
    let resume = try_call(&mut server, Call::Thread, thread::RESUME, (THREAD, 0), &[]);
    assert_eq!(resume.0, Status::WrongState, "nobody schedules it");
    adopt(&mut server, THREAD, ROOT);
    done(&mut server, Call::Thread, thread::RESUME, (THREAD, 0), &[]);
}

#[test]
fn what_keeps_a_thread_on_its_core_can_be_taken_away() {
    let mut server = boot();
    make(&mut server, CORE, Doing::Handler);
    assert_eq!(migrate(&mut server, THREAD, ROOT), (Status::WrongState, 0));
    done(&mut server, Call::Object, object::DESTROY, (IRQ, 0), &[]);
    create(&mut server, CHILD, CORE);
    adopt(&mut server, CHILD, THREAD);
    assert_eq!(migrate(&mut server, THREAD, ROOT), (Status::WrongState, 0));
    done(&mut server, Call::Object, object::DESTROY, (CHILD, 0), &[]);
    assert_eq!(migrate(&mut server, THREAD, ROOT), (Status::Ok, 1));
    // On its new core it can have both.
    let words = [101, slot::LINES.into(), 5, THREAD, 0, 0];
    let names = (server.region, IRQ + 2);
    done(&mut server, Call::Object, object::CREATE_IRQ, names, &words);
    assert_eq!(migrate(&mut server, THREAD, MYSELF), (Status::WrongState, 0));
}

#[test]
fn a_thread_that_has_moved_can_become_the_root_of_its_new_core_only() {
    let mut server = boot();
    make(&mut server, CORE, Doing::New);
    assert_eq!(migrate(&mut server, THREAD, ROOT), (Status::Ok, 1));
    let own = u64::from(slot::CORE_0);
    let set = |server: &mut Server, core: u64| {
        try_call(server, Call::Core, core::SET_ROOT, (core, THREAD), &[core::DIRECT]).0
    };
    assert_eq!(set(&mut server, own), Status::WrongCore);
    assert_eq!(set(&mut server, own + 1), Status::WrongState, "it has a scheduler");
}

#[test]
fn a_thread_runs_on_its_new_core_with_its_registers_and_mappings() {
    let mut server = boot();
    make(&mut server, CORE, Doing::Faulted);
    let frame = id(&server, THREAD).frame();
    let before = server.world.context(frame);
    // As if nobody of its Space had lived there: the root of core 1 did.
    let kernel = server.world.kernel(CORE);
    let space = kernel.look(id(&server, THREAD)).space;
    kernel.space(space).cores.store(1, Ordering::Relaxed);
    assert_eq!(migrate(&mut server, THREAD, ROOT), (Status::Ok, 1));
    done(&mut server, Call::Thread, thread::RESUME, (THREAD, 0), &[]);
    assert_eq!(grant(&mut server, OTHER), before);
    assert_eq!(server.world.current(OTHER), Some(frame));
    // A page that is mapped and unmapped while it runs there is flushed there.
    let page = AREA + 200 * PAGE_SIZE;
    assert_eq!(server.map(110, page, 1, Rights::READ.or(Rights::WRITE)), (Status::Ok, 1));
    server.world.store(OTHER, page, 5).expect("it is mapped");
    let unmap = [page, 1];
    done(&mut server, Call::Memory, cedo_abi::call::memory::UNMAP, (SELF, 0), &unmap);
    assert!(server.world.store(OTHER, page, 6).is_err(), "the old translation is forgotten");
}

/// Takes all that the thread which runs on core 1 can hear; how often that is *stuck*.
fn hears_stuck(server: &mut Server) -> usize {
    let mut count = 0;
    loop {
        let heard = message(server, OTHER, ipc::RECEIVE | ipc::RECEIVE_ZERO, (0, ANY), 0);
        if heard.status() == Status::NotReady {
            return count;
        }
        count += usize::from(Tag(heard.tag()).kernel_label() == Some(Label::Stuck));
    }
}

#[test]
fn a_scheduler_that_has_moved_hears_of_what_is_stuck_below_it_each_time() {
    let mut server = boot();
    server.world.kernel_mut(CORE).local.listeners = 1000;
    make(&mut server, CORE, Doing::Scheduler);
    done(&mut server, Call::Thread, thread::RESUME, (THREAD, 0), &[]);
    done(&mut server, Call::Thread, thread::SUSPEND, (THREAD, 0), &[]);
    done(&mut server, Call::Object, object::DESTROY, (CHILD, 0), &[]);
    assert_eq!(migrate(&mut server, THREAD, ROOT), (Status::Ok, 1));
    done(&mut server, Call::Thread, thread::RESUME, (THREAD, 0), &[]);
    grant(&mut server, OTHER);
    // Below it a scheduler, below that one that is stopped, with a thread that could run.
    for (slot, above) in [(LINE, THREAD), (LINE + 1, LINE), (LINE + 2, LINE + 1)] {
        create(&mut server, slot, OTHER);
        adopt(&mut server, slot, above);
    }
    done(&mut server, Call::Thread, thread::RESUME, (LINE + 2, 0), &[]);
    for _ in 0..3 {
        done(&mut server, Call::Thread, thread::RESUME, (LINE, 0), &[]);
        done(&mut server, Call::Thread, thread::SUSPEND, (LINE, 0), &[]);
        assert_eq!(hears_stuck(&mut server), 1);
    }
}
