//! The upcalls of the machine: why the kernel was entered.

use crate::kernel::{Kernel, Local, Protocol, Shared};
use crate::start;
use cedo_floor::Objects;
use cedo_machine::{
    CoreNumber, Fault, Interrupt, Machine, Next, Platform, Request, Ticks, Upcalls,
};

/// See [`Local::losers_per_entry`]; tests make it smaller.
const LOSERS_PER_ENTRY: u32 = 8;

impl<M: Machine> Upcalls for Kernel<M> {
    type Machine = M;
    type Shared = Shared;

    fn share(platform: &Platform) -> Result<Shared, &'static str> {
        start::share(platform)
    }

    fn new(machine: M, shared: &'static Shared, platform: &'static Platform) -> Kernel<M> {
        let core = machine.core();
        let objects = Objects::new(&shared.claims, platform.window, shared.table, core)
            .expect("a core starts its kernel once");
        let local = Local {
            current: None,
            grantee: None,
            root: None,
            protocol: Protocol::Direct,
            options: 0,
            run_woken: false,
            timer_pending: false,
            kicks: 0,
            listeners: 0,
            losers_per_entry: LOSERS_PER_ENTRY,
            charged: Ticks(0),
            lines: [None; crate::kernel::MAX_LINES],
            page_table: platform.kernel_root,
            caller: None,
            operation: 0,
            has_sent: false,
            repeated: None,
        };
        Kernel { machine, objects, shared, platform, local }
    }

    fn first(&mut self) -> Result<Next, &'static str> {
        if self.core() == CoreNumber(0) {
            self.start_first_server(self.platform)?;
            if let Some(root) = self.local.root {
                self.run(root);
            }
        }
        Ok(self.leave())
    }

    #[inline(always)]
    fn short_cut(&mut self, request: &Request) -> bool {
        self.take_short_cut(request)
    }

    fn system_call(&mut self) -> Next {
        if let Some(caller) = self.local.current {
            self.call(caller);
            self.local.end_call();
        }
        self.leave()
    }

    fn interrupt(&mut self, source: Interrupt) -> Next {
        match source {
            Interrupt::Timer => self.timer_interrupt(),
            Interrupt::Line(line) => self.line_interrupt(line),
            Interrupt::Signal => self.drain(),
        }
        self.leave()
    }

    fn fault(&mut self, fault: Fault) -> Next {
        if let Some(faulter) = self.local.current {
            self.faulted(faulter, fault);
        }
        self.leave()
    }

    fn machine(&mut self) -> &mut M {
        &mut self.machine
    }

    fn who(&self) -> (CoreNumber, u32) {
        (self.core(), self.local.current.map_or(0, |id| id.number().get()))
    }
}
