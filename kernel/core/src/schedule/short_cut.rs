//! A timer decision of a root, and of any scheduler, in its usual form: what one function can do that has
//! both threads in hand.
//!
//! ```text
//! preemption   the deadline passes while a child of the root runs  -> the root, which waits, hears of both
//! dispatch     a scheduler grants its time to a child that waits   -> the child's leaf runs
//!              for just that
//! ```
//!
//! As in [`crate::ipc::short_cut`], each function looks, and either does all of it or nothing: then the
//! general path does it, and comes to the same (`kernel/core/tests/short_cut`). Direct mode only.
//!
//! | what the general path does | why it is not here |
//! |---|---|
//! | common ancestors, frozen branches | the two are scheduler and child, and the child has granted nothing |
//! | a choice among messages | nothing else is pending |
//! | *stuck* | nobody here is stopped |

use crate::kernel::{Kernel, Protocol};
use crate::list::{Delivered, Records};
use crate::object::thread::{Record, Recorded, State};
use crate::schedule::record::GRANT_STEP;
use cedo_abi::call::{Call, ipc, operation};
use cedo_abi::{Label, Token, name};
use cedo_machine::{Context, Frame, Machine};

/// The operation word of a dispatch.
const DISPATCH: u64 = operation(Call::Ipc, 0, ipc::SEND | ipc::RECEIVE);
/// What may be said besides. Where to stop on the way down does not matter: the way has one step.
const BESIDES: u64 = ipc::DEADLINE | ipc::RESCHEDULE;

impl<M: Machine> Kernel<M> {
    /// The deadline has passed. True if the root has the processor and the message.
    #[inline(always)]
    pub fn short_preemption(&mut self) -> bool {
        let Some(root) = self.local.root else { return false };
        let Some(current) = self.objects.current() else { return false };
        let Some(pair) = current.with(root.frame()) else { return false };
        let (child, above) = (&pair.me.thread, &pair.partner.thread);
        let id = child.id;
        let direct = self.local.protocol == Protocol::Direct;
        if !direct || self.local.kicks != 0 || self.local.grantee != Some(id) {
            return false;
        }
        if above.state != State::Open || above.scheduler.granted != Some(id) {
            return false;
        }
        if !above.unusual.is_duty_alone() || above.has_pending() {
            return false;
        }
        if above.scheduler.untold.is_some() || above.branch.scheduler != root {
            return false;
        }
        if child.branch.scheduler != root || child.record.how != Record::None {
            return false;
        }
        if child.scheduler.stuck_at.is_some() {
            return false;
        }
        // ---- point of no return ----
        let (child, above) = (pair.me.thread, pair.partner.thread);
        child.state = State::Ready;
        child.leaf = id;
        above.scheduler.granted = None;
        above.scheduler.ready += 1;
        // One for the interrupt, one for the record.
        above.scheduler.event += 2;
        let link = above.scheduler.delivered.push(id);
        child.record = Recorded {
            how: Record::Delivered,
            why: Label::Preempted,
            by: None,
            sequence: child.record.sequence.wrapping_add(GRANT_STEP),
            queued: above.scheduler.event,
            link,
        };
        self.follow::<Delivered>(id, link);
        self.charge();
        self.run(root);
        self.tell_timer(root, id);
        true
    }

    /// The current thread has made a call. True if it was a dispatch and its child's leaf runs.
    #[inline(always)]
    pub fn short_dispatch(&mut self) -> bool {
        let Some(current) = self.objects.current() else { return false };
        let me = current.thread();
        let operation = me.context.operation();
        if operation & !BESIDES != DISPATCH || me.context.from() != name::ANY {
            return false;
        }
        let Some(token) = Token::of_word(me.context.to()) else { return false };
        let (id, words) = (me.id, me.context.words());
        let is_root = self.local.root == Some(id);
        let sets_deadline = operation & ipc::DEADLINE != 0;
        if self.local.protocol != Protocol::Direct || sets_deadline && !is_root {
            return false;
        }
        if !me.unusual.is_duty_alone() || me.account != id || self.local.grantee != Some(id) {
            return false;
        }
        if !me.scheduler.has_seen(words[0]) || me.has_pending() || self.local.has_pending(id) {
            return false;
        }
        if me.scheduler.stuck_at.is_some() {
            return false;
        }
        let Some(pair) = current.with(Frame(token.frame())) else { return false };
        let child = &pair.partner.thread;
        if child.record.how != Record::Delivered || child.record.sequence != token.sequence() {
            return false;
        }
        if child.branch.scheduler != id || child.scheduler.granted.is_some() {
            return false;
        }
        // ---- point of no return ----
        let (me, child) = (pair.me.thread, pair.partner.thread);
        let (account, leaf) = (child.id, child.leaf);
        me.epoch = me.epoch.wrapping_add(1);
        me.state = State::Open;
        me.scheduler.granted = Some(account);
        let link = child.record.withdraw_from(account, &mut me.scheduler);
        self.close::<Records>(link);
        self.charge();
        if sets_deadline {
            self.set_deadline(words[1]);
        }
        self.run(leaf);
        true
    }
}
