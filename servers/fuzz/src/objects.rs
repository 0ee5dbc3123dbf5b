//! Sensible operations on threads, objects, capabilities, memory, cores and ports.

use crate::generator::Source;
use crate::spec::{Spec, Word};
use crate::surroundings::{IRQ_PAGES, LOOSE_PAGES, MADE, PAGES_OF_SPACE, SPACE_PAGES};
use cedo_abi::Rights;
use cedo_abi::call::{Call, capability, core, ipc, memory, object, ports, thread};
use cedo_abi::name::{NOBODY, SELF};

const EDGES: u64 = thread::EDGE_STATE | thread::EDGE_BLOCKED;

impl Source<'_> {
    /// An operation on a thread.
    pub(crate) fn thread(&mut self) -> Spec {
        let target = self.around.thread(self.random);
        match self.random.below(16) {
            0..=2 => self.resume(target),
            3..=4 => on_thread(thread::SUSPEND, target),
            5..=7 => self.abort(target),
            8..=9 => self.read(target),
            10 => {
                let fill = self.random.number();
                Spec { fill, ..on_thread(thread::WRITE, target) }
            }
            11 => self.set_scheduler(target),
            12 => self.migrate(target),
            13 => self.set_handler(target),
            14 => {
                let token = Word::Token { age: self.random.below(3) as u8, flip: 0 };
                let sub = self.random.pick(&[thread::SET_COOKIE, thread::SET_RANK]);
                let number = self.random.below(32);
                on_thread(sub, SELF).between(Word::Plain(SELF), token).words(&[number])
            }
            _ if self.random.once_in(2) => {
                let foreign = u64::from(self.random.once_in(3));
                on_thread(thread::SET_FOREIGN, target).words(&[foreign])
            }
            _ => on_thread(thread::SET_OPTIONS, SELF).words(&[self.random.below(4)]),
        }
    }

    pub(crate) fn resume(&mut self, target: u64) -> Spec {
        let flags = self.random.below(4) << ipc::WINNER_SHIFT;
        let mut spec = on_thread(thread::RESUME, target);
        spec.operation |= flags;
        spec
    }

    pub(crate) fn read(&mut self, target: u64) -> Spec {
        on_thread(thread::READ, target).words(&[self.random.below(4)])
    }

    fn abort(&mut self, target: u64) -> Spec {
        let mut spec = on_thread(thread::ABORT, target);
        let near = self.random.below(40);
        spec.words[0] = if self.random.once_in(2) { Word::Epoch } else { Word::Plain(near) };
        spec
    }

    pub(crate) fn set_scheduler(&mut self, child: u64) -> Spec {
        self.put_below(thread::SET_SCHEDULER, child)
    }

    pub(crate) fn migrate(&mut self, child: u64) -> Spec {
        self.put_below(thread::MIGRATE, child)
    }

    fn put_below(&mut self, sub: u8, child: u64) -> Spec {
        let scheduler = self.around.thread(self.random);
        let words = [self.random.below(32), self.random.number() & EDGES];
        on_thread(sub, child).between(Word::Plain(child), Word::Plain(scheduler)).words(&words)
    }

    fn set_handler(&mut self, target: u64) -> Spec {
        let gate = self.around.gate(self.random);
        let handler = if self.random.once_in(3) { NOBODY } else { gate };
        on_thread(thread::SET_HANDLER, target).between(Word::Plain(target), Word::Plain(handler))
    }

    /// An object is made or destroyed.
    pub(crate) fn object(&mut self) -> Spec {
        let around = self.around;
        match self.random.below(8) {
            0..=2 => {
                let index = self.random.below(MADE[0]);
                self.create_thread(index, SELF)
            }
            3 => {
                let index = self.random.below(MADE[1]);
                self.create_space(index)
            }
            4 => {
                let index = self.random.below(MADE[3]);
                self.create_irq(index)
            }
            5 => destroy(around.made_irqs().one(self.random)),
            6 => destroy(around.made_spaces().one(self.random)),
            _ => destroy(around.made_threads().one(self.random)),
        }
    }

    pub(crate) fn create_thread(&mut self, index: u64, space: u64) -> Spec {
        let around = self.around;
        let core = self.random.below(around.cores);
        let utcb = around.utcb(index);
        let words = [2 * index, space, core, utcb, around.entry, around.stack(index), utcb];
        self.create(object::CREATE_THREAD, around.made_threads().at(index)).words(&words)
    }

    pub(crate) fn create_space(&mut self, index: u64) -> Spec {
        let frames = object::SPACE_FRAMES + 1 + self.random.below(2);
        let words = [SPACE_PAGES + index * PAGES_OF_SPACE, frames];
        self.create(object::CREATE_SPACE, self.around.made_spaces().at(index)).words(&words)
    }

    pub(crate) fn create_irq(&mut self, index: u64) -> Spec {
        let around = self.around;
        let (first, count) = around.lines;
        let line = first + self.random.below(count);
        let handler =
            if self.random.once_in(2) { SELF } else { around.made_threads().one(self.random) };
        let lines = around.ranges.first;
        let trigger = self.random.below(2);
        let words = [IRQ_PAGES + index, lines, line, handler, 0x600 + index, trigger];
        self.create(object::CREATE_IRQ, around.made_irqs().at(index)).words(&words)
    }

    fn create(&self, sub: u8, slot: u64) -> Spec {
        let region = self.around.regions.first;
        Spec::new(Call::Object, sub, 0).between(Word::Plain(region), Word::Plain(slot))
    }

    /// A capability is copied, derived, moved, dropped, revoked or looked at.
    pub(crate) fn capability(&mut self) -> Spec {
        let space = self.space();
        match self.random.below(9) {
            0..=1 => self.copy(space),
            2..=3 => {
                let slot = self.around.made_gates().one(self.random);
                let thread = self.around.thread(self.random);
                self.make_gate(thread, slot, space)
            }
            4 => self.divide(space),
            5 => {
                let slot = self.made_slot();
                on_slots(capability::DROP, 0, slot).words(&[space])
            }
            6 => {
                let slot = self.random.below(self.around.made + 64);
                on_slots(capability::REVOKE, slot, 0)
            }
            7 => {
                let (from, to) = (self.made_slot(), self.made_slot());
                on_slots(capability::MOVE, from, to).words(&[space])
            }
            _ => {
                let slot = self.random.below(self.around.made + 64);
                on_slots(capability::IDENTIFY, slot, 0)
            }
        }
    }

    pub(crate) fn copy(&mut self, space: u64) -> Spec {
        let random = &mut *self.random;
        let from = match random.below(3) {
            0 => self.around.thread(random),
            1 => self.around.gate(random),
            _ => self.around.region(random),
        };
        let slot = self.made_slot();
        let rights = self.rights();
        on_slots(capability::COPY, from, slot).words(&[space, rights])
    }

    pub(crate) fn make_gate(&mut self, thread: u64, slot: u64, space: u64) -> Spec {
        let badge = self.random.below(64);
        let rights = self.rights();
        on_slots(capability::MAKE_GATE, thread, slot).words(&[space, rights, badge])
    }

    fn divide(&mut self, space: u64) -> Spec {
        let around = self.around;
        let from = if self.random.once_in(2) {
            around.region(self.random)
        } else {
            around.ranges.one(self.random)
        };
        let slot = around.made_ranges().one(self.random);
        let (first, count) = (self.random.below(around.pages), 1 + self.random.below(12));
        let rights = self.rights();
        on_slots(capability::DIVIDE, from, slot).words(&[space, rights, first, count])
    }

    fn rights(&mut self) -> u64 {
        if self.random.once_in(2) {
            Rights::ALL.0.into()
        } else {
            self.random.number() & u64::from(Rights::ALL.0)
        }
    }

    /// A slot in which the program makes something.
    fn made_slot(&mut self) -> u64 {
        self.around.made + self.random.below(crate::surroundings::MADE_SLOTS)
    }

    /// The own Space, or another.
    fn space(&mut self) -> u64 {
        match self.random.below(8) {
            0..=1 => self.around.made_spaces().one(self.random),
            2 => self.around.spaces.one(self.random),
            _ => SELF,
        }
    }

    /// Memory is mapped, unmapped or given to a stock.
    pub(crate) fn memory(&mut self) -> Spec {
        let space = self.space();
        match self.random.below(8) {
            0..=3 => self.map(space),
            4..=6 => {
                let address = self.around.address(self.random);
                unmap(space, address, 1 + self.random.below(4))
            }
            _ => self.stock(space),
        }
    }

    pub(crate) fn map(&mut self, space: u64) -> Spec {
        let region = self.around.region(self.random);
        let address = self.around.address(self.random);
        self.map_at(space, region, address)
    }

    pub(crate) fn map_at(&mut self, space: u64, region: u64, address: u64) -> Spec {
        // The first Region is large; of the others most are one page.
        let small = region != self.around.regions.first && self.random.once_in(2);
        let (page, pages) =
            if small { (0, 1) } else { (self.loose_page(), 1 + self.random.below(4)) };
        let access = Rights::READ.0
            | self.random.pick(&[Rights::NONE.0, Rights::WRITE.0, Rights::WRITE.0])
            | self.random.pick(&[Rights::NONE.0, Rights::NONE.0, Rights::EXECUTE.0]);
        let words = [page, address, pages, access.into()];
        on_space(memory::MAP, space, region).words(&words)
    }

    pub(crate) fn stock(&mut self, space: u64) -> Spec {
        let page = self.loose_page();
        let words = [page, 1 + self.random.below(4)];
        on_space(memory::STOCK, space, self.around.regions.first).words(&words)
    }

    /// A page of the Region that no object is made of, mostly.
    fn loose_page(&mut self) -> u64 {
        if self.random.once_in(12) {
            return self.random.below(self.around.pages);
        }
        LOOSE_PAGES + self.random.below(self.around.pages.saturating_sub(LOOSE_PAGES))
    }

    /// An operation on a core, which the program has no capability for.
    pub(crate) fn core(&mut self) -> Spec {
        let subs = [core::SET_ROOT, core::DEADLINE, core::IDLE, core::KICK, core::SET_OPTIONS];
        let sub = self.random.pick(&subs);
        let (to, from) = (self.any_word(), self.around.thread(self.random));
        let words = [self.random.below(3), self.random.below(1000)];
        Spec::new(Call::Core, sub, 0).between(to, Word::Plain(from)).words(&words)
    }

    /// An access to a port.
    pub(crate) fn ports(&mut self) -> Spec {
        let to = Word::Plain(self.around.ranges.one(self.random));
        let sub = self.random.pick(&[ports::READ, ports::WRITE]);
        let width = self.random.pick(&[1, 2, 4, 3]);
        let words = [0x80 + self.random.below(20), width, self.random.number()];
        Spec::new(Call::Ports, sub, 0).between(to, Word::ZERO).words(&words)
    }
}

/// An operation on a thread without further arguments.
pub(crate) fn on_thread(sub: u8, target: u64) -> Spec {
    Spec::new(Call::Thread, sub, 0).between(Word::Plain(target), Word::ZERO)
}

pub(crate) fn destroy(slot: u64) -> Spec {
    Spec::new(Call::Object, object::DESTROY, 0).between(Word::Plain(slot), Word::ZERO)
}

pub(crate) fn unmap(space: u64, address: u64, pages: u64) -> Spec {
    on_space(memory::UNMAP, space, 0).words(&[address, pages])
}

fn on_slots(sub: u8, to: u64, from: u64) -> Spec {
    Spec::new(Call::Capability, sub, 0).between(Word::Plain(to), Word::Plain(from))
}

fn on_space(sub: u8, space: u64, region: u64) -> Spec {
    Spec::new(Call::Memory, sub, 0).between(Word::Plain(space), Word::Plain(region))
}
