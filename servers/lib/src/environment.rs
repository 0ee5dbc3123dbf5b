//! What init gave this thread, looked up by the names of the system description.

use crate::capability::{Core, Gate, Irq, Ports, Region, Space, Thread};
use crate::processor::Protocol;
use cedo_abi::call::core::CHAIN;
use cedo_abi::info::feature;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::read::environment::Reader;
use cedo_abi::system::{self, EnvironmentChild, EnvironmentGrant, PARAMETERS, grant, thread_flag};
use cedo_rt::page::kernel_info;
use cedo_rt::{ThisThread, View};

/// The environment of a thread; empty for the first server.
#[derive(Clone, Copy, Debug)]
pub struct Environment {
    reader: Option<Reader<'static>>,
}

/// I/O ports that the thread may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PortRange {
    /// The capability.
    pub ports: Ports,
    /// First port.
    pub first: u16,
    /// Number of ports.
    pub count: u64,
}

/// Memory that the thread shares, or of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Memory {
    /// The capability.
    pub region: Region,
    /// Where it is mapped; nothing if only the capability was given.
    pub address: Option<u64>,
    /// Its pages.
    pub pages: u64,
}

impl Memory {
    /// Access to the mapped memory.
    pub fn view(&self) -> Option<View> {
        View::new(self.address?, usize::try_from(self.pages.checked_mul(PAGE_SIZE)?).ok()?)
    }
}

impl Environment {
    /// The environment of the current thread.
    pub fn of(this: &ThisThread) -> Environment {
        Environment { reader: Reader::new(this.environment()).ok() }
    }

    /// The gate called `name`.
    pub fn gate(&self, name: &str) -> Option<Gate> {
        self.slot(name, grant::GATE).map(Gate::at)
    }

    /// The thread capability called `name`.
    pub fn thread(&self, name: &str) -> Option<Thread> {
        self.slot(name, grant::THREAD).map(Thread::at)
    }

    /// The interrupt called `name`, bound to this thread.
    pub fn irq(&self, name: &str) -> Option<Irq> {
        self.slot(name, grant::IRQ).map(Irq::at)
    }

    /// The ports called `name`.
    pub fn ports(&self, name: &str) -> Option<PortRange> {
        let record = self.grant(name, grant::PORTS)?;
        let first = u16::try_from(record.address).ok()?;
        Some(PortRange { ports: Ports::at(record.slot), first, count: record.count })
    }

    /// The memory called `name`.
    pub fn memory(&self, name: &str) -> Option<Memory> {
        let record = self.grant(name, grant::MEMORY)?;
        let address = (record.address != 0).then_some(record.address);
        Some(Memory { region: Region::at(record.slot), address, pages: record.count })
    }

    /// The core capability called `name`.
    pub fn core(&self, name: &str) -> Option<Core> {
        self.slot(name, grant::CORE).map(Core::at)
    }

    /// The Space capability called `name`.
    pub fn space(&self, name: &str) -> Option<Space> {
        self.slot(name, grant::SPACE).map(Space::at)
    }

    /// The capability for the core that this thread lives on, whatever it is called. A root
    /// scheduler always has one.
    pub fn my_core(&self) -> Option<Core> {
        let mine = u64::from(self.core_number());
        let record =
            self.grants().find(|record| record.kind == grant::CORE && record.address == mine)?;
        Some(Core::at(record.slot))
    }

    /// All grants in order.
    pub fn grants(&self) -> impl Iterator<Item = EnvironmentGrant> + use<> {
        self.reader.into_iter().flat_map(|reader| reader.grants())
    }

    /// The children of a scheduler in order; a child's cookie is its position plus 1.
    pub fn children(&self) -> impl Iterator<Item = EnvironmentChild> + use<> {
        self.reader.into_iter().flat_map(|reader| reader.children())
    }

    /// Name of this thread; empty in the first server.
    pub fn name(&self) -> &str {
        self.reader.as_ref().map_or("", Reader::name)
    }

    /// Name of this thread's Space.
    pub fn space_name(&self) -> &str {
        self.fixed().map_or("", |fixed| system::text(&fixed.space))
    }

    /// Name of the system.
    pub fn system_name(&self) -> &str {
        self.fixed().map_or("", |fixed| system::text(&fixed.system))
    }

    /// Index of this thread in the system description.
    pub fn thread_index(&self) -> u32 {
        self.fixed().map_or(0, |fixed| fixed.thread)
    }

    /// Parameters of this thread, from the description.
    pub fn parameters(&self) -> [u64; PARAMETERS] {
        self.fixed().map_or([0; PARAMETERS], |fixed| fixed.parameters)
    }

    /// This thread's home core.
    pub fn core_number(&self) -> u32 {
        self.fixed().map_or(0, |fixed| fixed.core)
    }

    /// Cores of the system.
    pub fn cores(&self) -> u32 {
        self.fixed().map_or(1, |fixed| fixed.cores)
    }

    /// The preemption protocol of this thread's core.
    pub fn protocol(&self) -> Protocol {
        let chain = self.fixed().is_some_and(|fixed| u64::from(fixed.protocol) == CHAIN);
        if chain { Protocol::Chain } else { Protocol::Direct }
    }

    /// True if this thread may read the cycle counter of its core, and the core has one besides the clock's
    /// counter ([`crate::raw::cycles`]).
    pub fn reads_cycles(&self) -> bool {
        let allowed = |fixed: &system::Environment| fixed.flags & thread_flag::CYCLE_COUNTER != 0;
        kernel_info().features & feature::CYCLE_COUNTER != 0 && self.fixed().is_some_and(allowed)
    }

    /// True if this thread is the root scheduler of its core.
    pub fn is_root(&self) -> bool {
        self.fixed().is_some_and(|fixed| fixed.flags & thread_flag::ROOT != 0)
    }

    /// First slot of this Space's table that init left empty.
    pub fn first_free_slot(&self) -> u32 {
        self.fixed().map_or(0, |fixed| fixed.first_free_slot)
    }

    fn fixed(&self) -> Option<&system::Environment> {
        self.reader.as_ref().map(Reader::environment)
    }

    fn grant(&self, name: &str, kind: u32) -> Option<EnvironmentGrant> {
        self.reader.as_ref()?.grant(name, kind)
    }

    fn slot(&self, name: &str, kind: u32) -> Option<u32> {
        self.grant(name, kind).map(|record| record.slot)
    }
}
