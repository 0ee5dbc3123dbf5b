//! What debug builds assert on every exit (DESIGN.md section 12). The exhaustive search asks the same
//! questions in every state.

use crate::kernel::{Kernel, Protocol};
use crate::object::thread::{Record, State};
use crate::object::unusual::{FAULTED, LATCHED, LEAVING, REPEATING, SCHEDULES};
use cedo_floor::ThreadId;
use cedo_machine::Machine;

/// A broken invariant: what it says, and about whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken {
    /// One sentence.
    pub what: &'static str,
    /// The thread.
    pub who: Option<ThreadId>,
}

type Checked = Result<(), Broken>;

fn holds(condition: bool, what: &'static str, who: ThreadId) -> Checked {
    if condition { Ok(()) } else { Err(Broken { what, who: Some(who) }) }
}

impl<M: Machine> Kernel<M> {
    /// Panics if an invariant is broken.
    pub fn assert_invariants(&self) {
        if let Err(broken) = self.check_invariants() {
            let who = broken.who.map_or(0, |id| id.number().get());
            panic!("invariant: {} (thread at frame {who:#x})", broken.what);
        }
    }

    /// Checks this core's scheduling tree and current thread.
    pub fn check_invariants(&self) -> Result<(), Broken> {
        let Some(root) = self.local.root else { return Ok(()) };
        if let Some(current) = self.local.current {
            let thread = self.look(current);
            holds(thread.state == State::Running, "the current thread is running", current)?;
            holds(
                Some(thread.account) == self.local.grantee,
                "the current thread works for the grantee",
                current,
            )?;
            holds(
                !thread.unusual.has(LATCHED),
                "a running thread has completed its receive",
                current,
            )?;
        }
        holds(self.look(root).state != State::Ready, "a root that could run runs", root)?;
        self.check_stack(root)?;
        self.check_subtree(root, 0)
    }

    fn check_stack(&self, root: ThreadId) -> Checked {
        let mut at = root;
        while let Some(next) = self.look(at).scheduler.granted {
            holds(self.look(at).state == State::Open, "who granted its time waits", at)?;
            at = next;
        }
        let ends_at_grantee = self.local.protocol == Protocol::Chain
            || self.local.current.is_none()
            || Some(at) == self.local.grantee;
        holds(ends_at_grantee, "the grants lead to the grantee", at)
    }

    fn check_subtree(&self, id: ThreadId, depth: usize) -> Checked {
        holds(depth <= cedo_abi::MAX_DEPTH, "the tree is at most eight levels deep", id)?;
        self.check_thread(id)?;
        let mut ready = 0;
        let mut at = self.look(id).branch.children.first;
        while let Some(child) = at {
            let thread = self.look(child);
            holds(thread.branch.scheduler == id, "a child knows its scheduler", child)?;
            if matches!(thread.record.how, Record::Queued | Record::Delivered) {
                ready += 1;
            }
            self.check_subtree(child, depth + 1)?;
            at = thread.branch.sibling.next;
        }
        holds(ready == self.look(id).scheduler.ready, "a scheduler's ready children count", id)
    }

    fn check_thread(&self, id: ThreadId) -> Checked {
        let thread = self.look(id);
        let home = self.mail(id).home.get();
        holds(home == u32::from(self.core().0), "a mail knows the home of its thread", id)?;
        let leaves = thread.unusual.has(LEAVING) && thread.state != State::Suspended;
        holds(!leaves, "only a stopped thread is about to leave", id)?;
        let running = thread.state == State::Running;
        holds(running == (self.local.current == Some(id)), "one thread runs", id)?;
        let waits = thread.state == State::Open;
        let duties = self.is_root(id) || thread.is_scheduler();
        let notes = [thread.repeat.is_some(), thread.in_fault.is_some(), duties];
        let unusual = &thread.unusual;
        let noted = notes == [unusual.has(REPEATING), unusual.has(FAULTED), unusual.has(SCHEDULES)];
        holds(noted, "what keeps a thread from the short cut is noted", id)?;
        holds(
            unusual.has(SCHEDULES) || thread.scheduler.granted.is_none(),
            "who has granted its time is a scheduler",
            id,
        )?;
        holds(
            waits || thread.scheduler.granted.is_none(),
            "only a waiting scheduler has granted its time",
            id,
        )?;
        holds(!waits || thread.account == id, "a waiting thread is on its own account", id)?;
        if self.is_receptive(id) && thread.scheduler.granted.is_none() {
            holds(!self.has_news(id), "a waiting thread has nothing pending", id)?;
        }
        if matches!(thread.state, State::Ready | State::Running) {
            let account = self.look(thread.account);
            holds(account.leaf == id, "an account has one leaf", id)?;
        }
        self.check_recorded(id)?;
        self.check_owed(id)?;
        self.check_closed(id)
    }

    /// An account that could run is in exactly one place.
    fn check_recorded(&self, id: ThreadId) -> Checked {
        let thread = self.look(id);
        let leaf = self.look(thread.leaf);
        let works = leaf.account == id;
        let runs = works && leaf.state == State::Running;
        let frozen = self.is_frozen(id);
        let on_stack = thread.scheduler.granted.is_some() && !frozen;
        let ready = works && leaf.state == State::Ready || frozen;
        let mut places = usize::from(self.is_recorded(id));
        places += usize::from(self.giver(id).is_some_and(|giver| self.is_frozen(giver)));
        if runs || on_stack {
            return holds(!self.is_recorded(id), "a running account is not recorded", id);
        }
        if ready {
            let root_is_off = self.is_root(id);
            return holds(places == 1 || root_is_off, "a ready account is in one place", id);
        }
        holds(!self.is_recorded(id), "what cannot run is not recorded ready", id)
    }

    /// Whoever receives from one thread only is in that thread's list.
    fn check_closed(&self, id: ThreadId) -> Checked {
        let mut at = self.look(id).closed.first;
        while let Some(receiver) = at {
            let mail = self.mail(receiver);
            let listed = mail.awaits.get() == id.number().get();
            let waits = !self.objects.is_here(receiver)
                || matches!(self.look(receiver).state, State::Closed(peer) if peer.thread == id);
            holds(listed && waits, "a closed receiver is in its partner's list", receiver)?;
            at = ThreadId::from_number(mail.next.get());
        }
        Ok(())
    }

    /// Each caller that awaits a reply is in the list of who owes it.
    fn check_owed(&self, id: ThreadId) -> Checked {
        let mut at = self.look(id).owed.first;
        while let Some(client) = at {
            let mail = self.mail(client);
            holds(
                mail.owed_by.get() == id.number().get(),
                "a reply is owed by its server",
                client,
            )?;
            if self.objects.is_here(client) {
                let awaits = self.look(client).state == State::Reply(id);
                holds(awaits, "a client awaits its server", client)?;
            }
            at = ThreadId::from_number(mail.next.get());
        }
        Ok(())
    }
}
