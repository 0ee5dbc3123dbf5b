//! What an inbox brings: kicks, and more posts than one interrupt takes out.

use crate::{AREA, CODE, CORE, FREE, Server, setup};
use cedo_abi::call::{Call, capability, core, ipc, object, operation, thread};
use cedo_abi::info::slot;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::name::{ANY, SELF};
use cedo_abi::{Label, Name, Rights, Status, Tag, notice};
use cedo_arch_host::{HostContext, Roles, Setup, image};
use cedo_machine::{Context, CoreNumber, Interrupt};

pub(crate) const OTHER: CoreNumber = CoreNumber(1);
/// More than `cross::MAILS_PER_ENTRY`, and not twice as many.
const POSTS: u64 = 12;

/// A call of the first server that may take the other core's help, and succeeds.
fn call(server: &mut Server, call: Call, sub: u8, names: (u64, u64), words: &[u64]) {
    let (status, _) = try_call(server, call, sub, names, words);
    assert_eq!(status, Status::Ok, "{call:?} {sub}");
}

/// The same; the status and message word 0 afterwards.
pub(crate) fn try_call(
    server: &mut Server,
    call: Call,
    sub: u8,
    (to, from): (u64, u64),
    words: &[u64],
) -> (Status, u64) {
    let mut all = [0; 7];
    all[..words.len()].copy_from_slice(words);
    let roles = Roles { operation: operation(call, sub, 0), to, from, tag: 0, words: all };
    let caller = server.world.current(CORE).expect("the first server runs");
    server.world.system_call(CORE, &roles).expect("the first server runs");
    while server.world.current(CORE) != Some(caller) {
        for at in [OTHER, CORE] {
            for source in server.world.pending(at) {
                server.world.interrupt(at, source).expect("is pending");
            }
        }
    }
    let context = server.world.context(caller);
    (context.status(), context.words()[0])
}

/// An operation of the thread that runs on a core; its registers afterwards.
pub(crate) fn message(
    server: &mut Server,
    core: CoreNumber,
    flags: u64,
    (to, from): (u64, u64),
    word: u64,
) -> HostContext {
    let operation = operation(Call::Ipc, 0, flags);
    let roles = Roles { operation, to, from, tag: 0, words: [word, 0, 0, 0, 0, 0, 0] };
    let caller = server.world.current(core).expect("somebody runs");
    server.world.system_call(core, &roles).expect("somebody runs");
    server.world.context(caller)
}

/// The root of a core hears all that it has not heard, and dispatches whom it heard of last; the
/// registers of that one.
pub(crate) fn grant(server: &mut Server, core: CoreNumber) -> HostContext {
    let mut token = 0;
    loop {
        let zero = ipc::RECEIVE | ipc::RECEIVE_ZERO;
        let heard = message(server, core, zero, (0, ANY), 0);
        if heard.status() == Status::NotReady {
            let event = heard.result() >> 16;
            message(server, core, ipc::SEND | ipc::RECEIVE, (token, ANY), event);
            let running = server.world.current(core).expect("a child runs");
            return server.world.context(running);
        }
        token = heard.token();
    }
}

#[test]
fn a_root_of_another_core_is_made_with_its_options() {
    let mut server = Server::boot_on(&Setup { cores: 2, ..setup(image::minimal(CODE)) });
    let slots = (server.region, FREE);
    call(&mut server, Call::Object, object::CREATE_THREAD, slots, &[0, SELF, 1, AREA, CODE]);
    let root = (u64::from(slot::CORE_0) + 1, FREE);
    let words = [core::DIRECT, core::CYCLE_COUNTER];
    call(&mut server, Call::Core, core::SET_ROOT, root, &words);
    let shows = [CORE, OTHER].map(|core| server.world.shows_cycles(core));
    assert_eq!(shows, [false, true]);
}

/// Core 1 with a root and children that have been started.
fn boot() -> Server {
    let mut server = Server::boot_on(&Setup { cores: 2, ..setup(image::minimal(CODE)) });
    let region = server.region;
    for index in 0..=POSTS {
        let words = [2 * index, SELF, 1, AREA + index * PAGE_SIZE, CODE, 0, 0];
        let slots = (region, FREE + index);
        call(&mut server, Call::Object, object::CREATE_THREAD, slots, &words);
    }
    let root = (u64::from(slot::CORE_0) + 1, FREE);
    call(&mut server, Call::Core, core::SET_ROOT, root, &[core::DIRECT]);
    for child in FREE + 1..=FREE + POSTS {
        call(&mut server, Call::Thread, thread::SET_SCHEDULER, (child, FREE), &[child]);
        call(&mut server, Call::Thread, thread::RESUME, (child, 0), &[]);
    }
    server
}

#[test]
fn a_scheduler_gets_a_call_of_another_core_that_its_child_passes_on() {
    let mut server = boot();
    let (child, gate, own) = (FREE + 40, FREE + 41, FREE + 42);
    let first = slot::THREAD.into();
    assert_eq!(server.create_thread(60, SELF, AREA + 60 * PAGE_SIZE, child), Status::Ok);
    for (thread, gate) in [(child, gate), (first, own)] {
        let words = [SELF, Rights::ALL.0.into(), 7];
        assert_eq!(server.capability(capability::MAKE_GATE, thread, gate, &words), Status::Ok);
    }
    call(&mut server, Call::Thread, thread::SET_SCHEDULER, (child, first), &[1]);
    call(&mut server, Call::Thread, thread::RESUME, (child, 0), &[]);
    let both = ipc::SEND | ipc::RECEIVE;
    let root = server.world.current(CORE);
    grant(&mut server, CORE);
    message(&mut server, CORE, ipc::RECEIVE, (0, ANY), 0);
    assert_eq!(server.world.current(CORE), root, "the child waits");
    grant(&mut server, OTHER);
    message(&mut server, OTHER, both | ipc::CALL, (gate, ANY), 0x55);
    server.world.interrupt(CORE, Interrupt::Signal).expect("a post");
    let call = grant(&mut server, CORE);
    assert_eq!(call.words()[0], 0x55);
    message(&mut server, CORE, ipc::SEND | ipc::FORWARD, (own, call.token()), 0x66);
    assert_eq!(server.world.current(CORE), root);
    let passed_on = server.world.context(root.expect("it runs"));
    assert_eq!((passed_on.status(), passed_on.badge()), (Status::Ok, 7));
    assert_eq!(passed_on.words()[0], 0x66);
}

#[test]
fn an_inbox_that_one_interrupt_does_not_empty_interrupts_again() {
    let mut server = boot();
    let world = &mut server.world;
    let root = world.current(OTHER).expect("core 1 has a root");
    let mut tokens = Vec::new();
    let mut posted = 0;
    while posted < POSTS {
        let context = world.context(world.current(OTHER).expect("somebody runs"));
        let mut roles = Roles { from: ANY, ..Roles::default() };
        if world.current(OTHER) != Some(root) {
            roles.operation = operation(Call::Thread, thread::READ, 0);
            roles.to = slot::THREAD.into();
            posted += 1;
        } else {
            let token = context.token();
            if matches!(Name::from_word(token), Some(Name::Token(_))) {
                tokens.push(token);
            }
            roles.operation = operation(Call::Ipc, 0, ipc::RECEIVE | ipc::RECEIVE_ZERO);
            if context.status() == Status::NotReady {
                roles.operation = operation(Call::Ipc, 0, ipc::SEND | ipc::RECEIVE);
                roles.to = tokens.pop().expect("a child is ready");
                roles.words[0] = context.result() >> 16;
            }
        }
        world.system_call(OTHER, &roles).expect("somebody runs");
    }
    let mut interrupts = 0;
    while world.pending(CORE).contains(&Interrupt::Signal) {
        world.interrupt(CORE, Interrupt::Signal).expect("is pending");
        interrupts += 1;
    }
    assert_eq!(interrupts, 2);
    assert!(world.shared().inboxes[CORE.index()].is_empty());
}

#[test]
fn a_kick_is_told_to_the_root_of_the_other_core_with_all_its_bits() {
    let mut server = boot();
    let other = u64::from(slot::CORE_0) + 1;
    for bits in [1, 4] {
        call(&mut server, Call::Core, core::KICK, (other, 0), &[bits]);
    }
    let world = &mut server.world;
    world.interrupt(OTHER, Interrupt::Signal).expect("is pending");
    assert!(!world.pending(OTHER).contains(&Interrupt::Signal), "one for both");
    let receive = operation(Call::Ipc, 0, ipc::RECEIVE);
    let roles = Roles { operation: receive, from: ANY, ..Roles::default() };
    let heard = world.call(OTHER, &roles).expect("the root runs").expect("goes on");
    assert_eq!(Tag(heard.tag()).kernel_label(), Some(Label::Kick));
    assert_eq!(heard.words()[notice::KICK_BITS], 5);
}
