//! What the mover of typed items needs of the other party, which may live on another core: then it is
//! in that party's mail, lent for the wait.

use super::transfer::Side;
use crate::kernel::Kernel;
use crate::object::thread::GateTo;
use cedo_abi::Rights;
use cedo_floor::{SpaceId, ThreadId};
use cedo_machine::{Frame, Machine};

impl<M: Machine> Kernel<M> {
    /// Where the items and windows of `id` are, and its memory.
    pub(super) fn side(&self, id: ThreadId) -> Option<Side> {
        if self.objects.is_here(id) {
            let thread = self.look(id);
            return Some(Side { space: thread.space, utcb: thread.utcb });
        }
        let mail = self.mail(id);
        let space = SpaceId::from_number(mail.space.get())?;
        // This core reads its page table from now on: rounds come here too.
        self.space(space).enter_core(self.core());
        Some(Side { space, utcb: Frame(mail.utcb.get()) })
    }

    /// Who hears of faults of `id`.
    pub(super) fn handler_of(&self, id: ThreadId) -> Option<GateTo> {
        if self.objects.is_here(id) {
            return self.look(id).handler;
        }
        let mail = self.mail(id);
        Some(GateTo {
            thread: ThreadId::from_number(mail.handler.get())?,
            generation: mail.handler_generation.get(),
            badge: mail.handler_badge.get(),
            rights: Rights(mail.handler_rights.get() as u16),
        })
    }

    /// Writes into the mail of `id` what another core needs to move items on its behalf.
    pub(super) fn lend_space(&self, id: ThreadId) {
        let (thread, mail) = (self.look(id), self.mail(id));
        mail.space.set(thread.space.number().get());
        mail.handler.set(thread.handler.map_or(0, |gate| gate.thread.number().get()));
        if let Some(gate) = thread.handler {
            mail.handler_generation.set(gate.generation);
            mail.handler_rights.set(u32::from(gate.rights.0));
            mail.handler_badge.set(gate.badge);
        }
    }
}
