//! A kernel of one thread per core, just large enough to use every method of the machine.
//!
//! Thread `n` lives in frame `n` of RAM; all share one page table, which follows the threads.

use std::sync::atomic::{AtomicU64, Ordering};

use cedo_abi::MAX_CORES;
use cedo_machine::{
    Access, Context, CoreNumber, Fault, Frame, Interrupt, Line, Machine, Next, PageFormat,
    Platform, Power, Request, Trigger, Upcalls, UserAddress,
};

use crate::memory::with_context;
use crate::{HostContext, HostMachine, HostPages, Roles};

/// What the operation word says.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub enum Operation {
    /// Result = `to` + 1.
    Echo,
    /// Posts `from` to core `to`.
    Post,
    /// Halts this core.
    Halt,
    /// Deadline in word 0.
    Deadline,
    /// Powers off with code `to`.
    Off,
    /// Maps page `to` to frame `from`; `tag` = 1: writable.
    Map,
    /// Unmaps page `to`; `tag` = 1: flushes it, 2: flushes everything.
    Unmap,
    /// Waits for another core.
    Spin,
    /// Writes word 0 to port `to`, then reads the port.
    Port,
    /// Routes line `to`, of level if `tag` = 1.
    Route,
    /// Unmasks line `to`.
    Unmask,
    /// Masks line `to`.
    Mask,
    /// Writes an exclamation mark.
    Write,
    /// Makes a context current that is in no frame.
    Stray,
    /// Activates frame `to`.
    Activate,
    /// The time in nanoseconds.
    Time,
    /// Takes the short cut: result = `tag` + 1, the rest comes back as it is.
    Short,
}

/// The registers of a call.
pub fn roles(operation: Operation, to: u64, from: u64, tag: u64) -> Roles {
    Roles { operation: operation as u64, to, from, tag, words: [from; 7] }
}

/// One value posted per core.
pub struct Mail(pub [AtomicU64; MAX_CORES]);

/// The kernel. The count of its entries goes to the frame table, so that it must be restored too.
pub struct Toy {
    machine: HostMachine,
    shared: &'static Mail,
    platform: &'static Platform,
    pub entries: u64,
}

impl Toy {
    /// Frame `index` of RAM; after the threads come four levels of page table.
    pub fn frame(platform: &Platform, index: u32) -> Frame {
        platform.memory[0].first.plus(index)
    }

    fn thread(&self) -> Frame {
        Toy::frame(self.platform, u32::from(self.machine.core().0))
    }

    fn change<R>(&mut self, change: impl FnOnce(&mut HostMachine, &mut HostContext) -> R) -> R {
        let frame = self.thread();
        with_context(self.platform.window, frame, |context| change(&mut self.machine, context))
    }

    fn resume(&mut self) -> Next {
        self.entries += 1;
        let entries = self.entries;
        self.platform.frame_table[self.thread().0 as usize].store(entries, Ordering::Relaxed);
        self.change(|machine, context| machine.set_current(context));
        Next::User
    }

    fn set_leaf(&mut self, page: u64, entry: u64) -> Option<UserAddress> {
        let address = HostPages::user_address(page, 4096)?;
        let memory = self.machine.memory();
        for level in (1..=HostPages::LEVELS).rev() {
            let table = Toy::frame(self.platform, MAX_CORES as u32 + 4 - level);
            let entry = if level == 1 { entry } else { HostPages::table(table.plus(1)) };
            memory.write(table, HostPages::index(address, level), entry);
        }
        Some(address)
    }

    fn unmap(&mut self, page: u64, flush: u64) {
        let Some(address) = self.set_leaf(page, 0) else { return };
        match flush {
            1 => self.machine.flush_page(address),
            2 => self.machine.flush_all(),
            _ => {}
        }
    }

    fn post(&mut self, to: u64, value: u64) {
        self.shared.0[to as usize].fetch_add(value, Ordering::SeqCst);
        self.machine.signal(CoreNumber(to as u8));
    }

    fn perform(&mut self, operation: u64, call: &HostContext) -> u64 {
        let (to, from, tag) = (call.to(), call.from(), call.tag());
        let line = Line(to as u32);
        let is = |wanted: Operation| operation == wanted as u64;
        if is(Operation::Echo) {
            return to + 1;
        } else if is(Operation::Post) {
            self.post(to, from);
        } else if is(Operation::Deadline) {
            self.machine.set_deadline(Some(call.words()[0]));
        } else if is(Operation::Off) {
            self.machine.power(Power::Off(to as u8));
        } else if is(Operation::Map) {
            let access = Access { write: tag == 1, execute: false, device: false };
            self.set_leaf(to, HostPages::leaf(Frame(from as u32), access, true));
        } else if is(Operation::Unmap) {
            self.unmap(to, tag);
        } else if is(Operation::Spin) {
            loop {
                HostMachine::relax();
            }
        } else if is(Operation::Port) {
            let written = self.machine.port_write(to as u16, tag as u8, call.words()[0] as u32);
            let read = self.machine.port_read(to as u16, 4);
            assert_eq!(written, read.is_some());
            return read.map_or(0, u64::from);
        } else if is(Operation::Route) {
            let trigger = if tag == 1 { Trigger::Level } else { Trigger::Edge };
            return u64::from(self.machine.route_line(line, trigger));
        } else if is(Operation::Unmask) {
            self.machine.unmask_line(line);
        } else if is(Operation::Mask) {
            self.machine.mask_line(line);
        } else if is(Operation::Write) {
            self.machine.console(b"!");
        } else if is(Operation::Stray) {
            let mut stray = *call;
            self.machine.set_current(&mut stray);
        } else if is(Operation::Activate) {
            self.machine.activate(Frame(to as u32));
        } else if is(Operation::Time) {
            let now = self.machine.now();
            return self.machine.nanoseconds(now);
        }
        0
    }
}

impl Upcalls for Toy {
    type Machine = HostMachine;
    type Shared = Mail;

    fn share(platform: &Platform) -> Result<Mail, &'static str> {
        if platform.memory.is_empty() {
            return Err("no memory");
        }
        Ok(Mail([const { AtomicU64::new(0) }; MAX_CORES]))
    }

    fn new(machine: HostMachine, shared: &'static Mail, platform: &'static Platform) -> Toy {
        Toy { machine, shared, platform, entries: 0 }
    }

    fn first(&mut self) -> Result<Next, &'static str> {
        if self.platform.archive.is_some() && self.machine.core().0 == 0 {
            return Err("this kernel has no use for an archive");
        }
        let root = Toy::frame(self.platform, MAX_CORES as u32);
        let memory = self.machine.memory();
        for index in (0..512).filter(|index| HostPages::is_kernel_entry(*index)) {
            memory.write(root, index, memory.read(self.platform.kernel_root, index));
        }
        self.machine.activate(root);
        let start = HostPages::user_address(0x20_0000, 1).ok_or("no user address")?;
        let core = u64::from(self.machine.core().0);
        self.change(|_, context| *context = HostContext::new(start, 0x10_0000, core));
        Ok(self.resume())
    }

    fn short_cut(&mut self, request: &Request) -> bool {
        let is_short = request.operation == Operation::Short as u64;
        if is_short {
            self.change(|_, context| context.set_result(request.tag + 1));
            self.resume();
        }
        is_short
    }

    fn system_call(&mut self) -> Next {
        let call = self.change(|_, context| *context);
        if call.operation() == Operation::Halt as u64 {
            return Next::Halt;
        }
        let result = self.perform(call.operation(), &call);
        self.change(|_, context| context.set_result(result));
        self.resume()
    }

    /// Word 0 adds up the mail, word 1 counts timer interrupts, word 2 is the last line + 1.
    fn interrupt(&mut self, source: Interrupt) -> Next {
        let core = self.machine.core().index();
        let mail = self.shared.0[core].swap(0, Ordering::SeqCst);
        self.change(|_, context| {
            let mut words = context.words();
            words[0] += mail;
            words[1] += u64::from(source == Interrupt::Timer);
            if let Interrupt::Line(line) = source {
                words[2] = u64::from(line.0) + 1;
            }
            context.set_words(&words);
        });
        self.resume()
    }

    fn fault(&mut self, fault: Fault) -> Next {
        self.change(|_, context| context.set_message(fault.address, fault.cause as u64, 0));
        self.resume()
    }

    fn machine(&mut self) -> &mut HostMachine {
        &mut self.machine
    }

    fn who(&self) -> (CoreNumber, u32) {
        (self.machine.core(), self.thread().0)
    }
}
