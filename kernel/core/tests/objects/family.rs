//! The first server as a root scheduler with children that make IPC operations.

use crate::{AREA, CODE, CORE, FREE, Server, setup};
use cedo_abi::call::{Call, capability, ipc, object, operation, thread};
use cedo_abi::info::slot;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::name::{ANY, SELF};
use cedo_abi::{Rights, Status, Token, notice};
use cedo_arch_host::{HostContext, Roles, Setup, image};
use cedo_machine::{Context, Frame};
use std::collections::BTreeMap;

pub(crate) const BOTH: u64 = ipc::SEND | ipc::RECEIVE;

/// Thread number `index`: its slot; its gate is [`GATES`] further on.
pub(crate) const fn place(index: u64) -> u64 {
    FREE + index
}

pub(crate) const GATES: u64 = 32;

/// The first server with children, none of which has run.
pub(crate) struct Family {
    pub(crate) server: Server,
    pub(crate) root: Frame,
    /// Frame of child 0.
    pub(crate) first: u32,
    /// By frame of a thread: the token heard last.
    pub(crate) tokens: BTreeMap<u32, Token>,
}

impl Family {
    pub(crate) fn new(children: u64) -> Family {
        Family::on(1, children)
    }

    pub(crate) fn on(cores: u8, children: u64) -> Family {
        let mut server = Server::boot_on(&Setup { cores, ..setup(image::minimal(CODE)) });
        let region = server.region;
        let first = server.identify(region).1[2] as u32;
        let root = server.world.current(CORE).expect("the first server runs");
        let mut family = Family { server, root, first, tokens: BTreeMap::new() };
        for index in 0..children {
            family.make(index);
        }
        family
    }

    /// A child of the root that has been started, with a gate.
    pub(crate) fn make(&mut self, index: u64) {
        self.make_below(index, slot::THREAD.into());
    }

    pub(crate) fn make_below(&mut self, index: u64, scheduler: u64) {
        let (slot, utcb) = (place(index), AREA + index * PAGE_SIZE);
        let server = &mut self.server;
        assert_eq!(server.create_thread(2 * index, SELF, utcb, slot), Status::Ok);
        let all = [SELF, Rights::ALL.0.into(), 7];
        server.capability(capability::DROP, 0, slot + GATES, &[SELF]);
        assert_eq!(server.capability(capability::MAKE_GATE, slot, slot + GATES, &all), Status::Ok);
        let edge = (slot, scheduler);
        assert_eq!(server.call(Call::Thread, thread::SET_SCHEDULER, edge, &[index]).0, Status::Ok);
        assert_eq!(server.call(Call::Thread, thread::RESUME, (slot, 0), &[]).0, Status::Ok);
    }

    /// The root, or another scheduler that runs, hears all that it has not heard, and lets a child
    /// run; the child's frame.
    pub(crate) fn dispatch(&mut self, index: u64) -> Frame {
        let event = self.hear();
        let words = [event, 0, 0, 0, 0, 0, 0];
        let (operation, to) = (operation(Call::Ipc, 0, BOTH), self.tokens[&self.frame(index).0].0);
        let roles = Roles { operation, to, from: ANY, tag: 0, words };
        self.server.world.system_call(CORE, &roles).expect("a scheduler runs");
        self.running()
    }

    /// The scheduler that runs hears all that it has not heard. Its event number.
    pub(crate) fn hear(&mut self) -> u64 {
        // The last dispatch may have brought a message already.
        let mut heard = self.server.world.context(self.running());
        while heard.status() != Status::NotReady {
            for token in [heard.token(), heard.words()[notice::PREEMPTER_TOKEN]].map(Token) {
                self.tokens.insert(token.frame(), token);
            }
            heard = self.ipc(ipc::RECEIVE | ipc::RECEIVE_ZERO, 0, ANY);
        }
        heard.result() >> 16
    }

    pub(crate) fn frame(&self, index: u64) -> Frame {
        Frame(self.first + 2 * index as u32)
    }

    pub(crate) fn running(&self) -> Frame {
        self.server.world.current(CORE).expect("somebody runs")
    }

    /// An operation of the current thread; its registers afterwards.
    pub(crate) fn ipc(&mut self, flags: u64, to: u64, from: u64) -> HostContext {
        let caller = self.running();
        let operation = operation(Call::Ipc, 0, flags);
        let roles = Roles { operation, to, from, tag: 0, words: [0; 7] };
        self.server.world.system_call(CORE, &roles).expect("somebody runs");
        self.server.world.context(caller)
    }

    pub(crate) fn destroy(&mut self, index: u64) {
        let (status, _) = self.server.call(Call::Object, object::DESTROY, (place(index), 0), &[]);
        assert_eq!(status, Status::Ok);
    }
}
