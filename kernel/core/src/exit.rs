//! Switching to what runs next. Only the short cut of calls ([`crate::ipc::short_cut`]) changes context and page
//! table besides.

use crate::kernel::{Kernel, Protocol};
use cedo_machine::{Machine, Next};

impl<M: Machine> Kernel<M> {
    /// Obeys [`crate::kernel::Local::current`].
    #[inline]
    pub fn leave(&mut self) -> Next {
        if self.local.protocol == Protocol::Chain {
            self.chain_tell_root();
        }
        if cfg!(debug_assertions) {
            self.assert_invariants();
        }
        let Some(next) = self.local.current else {
            self.objects.set_current(None);
            return Next::Halt;
        };
        if !self.objects.is_current(next) {
            let thread = self.objects.enter(next);
            self.machine.set_current(&mut thread.context);
            if thread.page_table != self.local.page_table {
                self.local.page_table = thread.page_table;
                self.machine.activate(thread.page_table);
            }
        }
        Next::User
    }
}
