//! The kernel on the simulated machine, compiled once for all tests of the kernel core.
//!
//! The kernel is generic code: whoever names `Kernel<HostMachine>` compiles a kernel. Ten test programs
//! would compile ten. Here it stands behind functions that are not generic, so they link to one.
//!
//! It is no other kernel and adds nothing: each upcall goes on to the kernel's own, whose data are to
//! be seen through [`Deref`].
//!
//! | item | contents |
//! |---|---|
//! | [`Simulated`] | the kernel of one core |
//! | [`Simulation`] | a machine of such cores |
#![forbid(unsafe_code)]

use cedo_arch_host::{HostMachine, World};
use cedo_core::Kernel;
use cedo_core::invariants::Broken;
use cedo_core::kernel::Shared;
use cedo_machine::{CoreNumber, Fault, Interrupt, Next, Platform, Request, Upcalls};
use std::ops::{Deref, DerefMut};

/// A machine with a kernel on each core.
pub type Simulation = World<Simulated>;

/// The kernel of one core.
pub struct Simulated(Kernel<HostMachine>);

impl Simulated {
    /// What must hold between two entries ([`cedo_core::invariants`]).
    pub fn check_invariants(&self) -> Result<(), Broken> {
        self.0.check_invariants()
    }
}

impl Deref for Simulated {
    type Target = Kernel<HostMachine>;

    fn deref(&self) -> &Kernel<HostMachine> {
        &self.0
    }
}

impl DerefMut for Simulated {
    fn deref_mut(&mut self) -> &mut Kernel<HostMachine> {
        &mut self.0
    }
}

impl Upcalls for Simulated {
    type Machine = HostMachine;
    type Shared = Shared;

    fn share(platform: &Platform) -> Result<Shared, &'static str> {
        Kernel::<HostMachine>::share(platform)
    }

    fn new(
        machine: HostMachine,
        shared: &'static Shared,
        platform: &'static Platform,
    ) -> Simulated {
        Simulated(Kernel::new(machine, shared, platform))
    }

    fn first(&mut self) -> Result<Next, &'static str> {
        self.0.first()
    }

    fn short_cut(&mut self, request: &Request) -> bool {
        self.0.short_cut(request)
    }

    fn system_call(&mut self) -> Next {
        self.0.system_call()
    }

    fn interrupt(&mut self, source: Interrupt) -> Next {
        self.0.interrupt(source)
    }

    fn fault(&mut self, fault: Fault) -> Next {
        self.0.fault(fault)
    }

    fn machine(&mut self) -> &mut HostMachine {
        self.0.machine()
    }

    fn who(&self) -> (CoreNumber, u32) {
        self.0.who()
    }
}
