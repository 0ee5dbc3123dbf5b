//! Operations on a thread: the rule of `thread_rule` against the kernel on two simulated cores.

use crate::operation::{Step, Timeout, Winner};
use crate::pair::Pair;
use crate::system::{GATES, Plan, THREADS};
use crate::thread_fields::{COOKIE, ELSEWHERE, Fields};
use crate::thread_rule::{self, After, Cell, Named, Operation, Outcome, Target, Waiter};
use cedo_abi::call::{Call, capability, ipc, object, operation, thread};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::name::SELF;
use cedo_abi::utcb::Utcb;
use cedo_abi::{Rights, Status, state};
use cedo_arch_host::Roles;
use cedo_core::kernel::Protocol;
use cedo_core::object::thread::State;
use cedo_core::object::unusual::NEW;
use cedo_floor::FrameKind;
use cedo_machine::{Context, CoreNumber, Upcalls};
use std::mem::offset_of;

/// Threads of the system: roots of the cores, invoker, the thread, its partner, who waits for it; its
/// child comes before that.
const ROOT: u8 = 0;
const INVOKER: u8 = 1;
const TARGET: u8 = 2;
const PARTNER: u8 = 3;
const OTHER_ROOT: u8 = 4;
const WAITER: u8 = 6;
/// Slots of the invoker's for what is made for one cell, and one where nothing is.
const WEAK: u64 = 130;
const WEAK_SCHEDULER: u64 = 131;
const EMPTY: u64 = 140;
/// Address of the UTCB of thread 0; the others follow.
const UTCBS: u64 = 0x4000_0000;

/// The kernel in the state that a cell begins in.
struct Run {
    pair: Pair,
    cell: Cell,
}

fn plan(cell: &Cell, protocol: Protocol) -> Plan {
    let (home, root) = if cell.here { (0, ROOT) } else { (1, OTHER_ROOT) };
    let (partner, partner_root) =
        if cell.partner_far == cell.here { (1, OTHER_ROOT) } else { (0, ROOT) };
    let above_child = if cell.target == Target::Scheduler { TARGET } else { root };
    let waiter_far = cell.waiter.is_some_and(|(_, far)| far);
    let (waiter, waiter_root) = if waiter_far == cell.here { (1, OTHER_ROOT) } else { (0, ROOT) };
    let parent = [ROOT, ROOT, root, partner_root, OTHER_ROOT, above_child, waiter_root];
    let line = (cell.target == Target::Handler).then_some(usize::from(TARGET));
    let parent = parent.map(usize::from);
    Plan {
        homes: vec![0, 0, home, partner, 1, home, waiter],
        lines: line.into_iter().collect(),
        started: [INVOKER, TARGET, PARTNER, WAITER].map(usize::from).to_vec(),
        protocol,
        ..Plan::new(&["R", "invoker", "thread", "partner", "Q", "child", "waiter"], &parent)
    }
}

impl Run {
    fn begin(cell: &Cell, protocol: Protocol) -> Run {
        let mut run = Run { pair: Pair::build(&plan(cell, protocol)), cell: *cell };
        let receive = Step::Receive(Winner::Oneself, Timeout::Never);
        match cell.target {
            Target::Ready => {}
            Target::Runs => run.pair.until_runs(TARGET),
            Target::Waits => run.pair.does(TARGET, receive),
            Target::WaitsForPartner => {
                run.pair.does(TARGET, Step::ReceiveFrom(PARTNER, Timeout::Never));
            }
            Target::Queued => run.pair.does(TARGET, Step::Call(PARTNER)),
            Target::AwaitsReply => {
                run.pair.does(PARTNER, receive);
                run.pair.does(TARGET, Step::Call(PARTNER));
                if cell.partner_far {
                    run.pair.pump();
                    run.pair.until_runs(PARTNER);
                    run.pair.repeat(PARTNER);
                }
            }
            Target::New | Target::Suspended | Target::Scheduler | Target::Handler => {
                let suspend = (operation(Call::Thread, thread::SUSPEND, 0), THREADS + 2, 0);
                assert_eq!(run.call(suspend, &[]).0, Status::Ok);
                let home = run.home();
                let id = run.pair.system.ids[usize::from(TARGET)];
                run.pair
                    .system
                    .world
                    .kernel_mut(home)
                    .thread(id)
                    .unusual
                    .set(NEW, cell.target == Target::New);
            }
        }
        run.pair.pump();
        if let Some((how, _)) = cell.waiter {
            run.pair.does(
                WAITER,
                match how {
                    Waiter::Sends => Step::Send(TARGET, Winner::Oneself, Timeout::Never),
                    Waiter::Calls => Step::Call(TARGET),
                    Waiter::Receives => Step::ReceiveFrom(TARGET, Timeout::Never),
                },
            );
            run.pair.pump();
        }
        run.pair.until_runs(INVOKER);
        run
    }

    /// The core of the thread, as long as it is not moved.
    fn home(&self) -> CoreNumber {
        CoreNumber(u8::from(!self.cell.here))
    }

    /// A call of the invoker, which may take the cores some posts; status and words.
    fn call(
        &mut self,
        (operation, to, from): (u64, u64, u64),
        words: &[u64],
    ) -> (Status, [u64; 7]) {
        self.pair.until_runs(INVOKER);
        let mut all = [0; 7];
        all[..words.len()].copy_from_slice(words);
        let id = self.pair.system.ids[usize::from(INVOKER)];
        let kernel = self.pair.system.kernel();
        kernel.thread(id).context.set_roles(&Roles { operation, to, from, tag: 0, words: all });
        kernel.system_call();
        self.pair.pump();
        let context = self.pair.state.threads[usize::from(INVOKER)].context;
        (context.status(), context.words())
    }

    /// Makes the call of the cell.
    fn act(&mut self) -> Status {
        let Cell { operation: what, named, here, .. } = self.cell;
        let own_root = THREADS + u64::from(if here { ROOT } else { OTHER_ROOT });
        let other_root = THREADS + u64::from(if here { OTHER_ROOT } else { ROOT });
        let is_state =
            matches!(what, Operation::Read | Operation::Write | Operation::WriteElsewhere);
        let right = if is_state { Rights::STATE } else { Rights::CONTROL };
        let target = THREADS + u64::from(TARGET);
        let to = match named {
            Named::Rightly | Named::WithoutAdopt => target,
            Named::WithoutRight => self.weakened(target, WEAK, right),
            Named::ByGate => GATES + u64::from(TARGET),
            Named::ByNothing => EMPTY,
            Named::Oneself => THREADS + u64::from(INVOKER),
        };
        let mut scheduler = match what {
            Operation::SetSchedulerElsewhere | Operation::Migrate => other_root,
            _ => own_root,
        };
        if named == Named::WithoutAdopt {
            scheduler = self.weakened(scheduler, WEAK_SCHEDULER, Rights::ADOPT);
        }
        let epoch = self.pair.state.threads[usize::from(TARGET)].epoch;
        let call = |sub| operation(Call::Thread, sub, 0);
        let (operation, from, word) = match what {
            Operation::Read => (call(thread::READ), 0, state::GENERAL),
            Operation::Write | Operation::WriteElsewhere => {
                self.write_reply(what == Operation::WriteElsewhere);
                (call(thread::WRITE), 0, 0)
            }
            Operation::Suspend => (call(thread::SUSPEND), 0, 0),
            Operation::Resume => (call(thread::RESUME), 0, 0),
            Operation::ResumePartnerWins => (call(thread::RESUME) | ipc::WINNER_SEND, 0, 0),
            Operation::Abort => (call(thread::ABORT), 0, epoch),
            Operation::AbortOld => (call(thread::ABORT), 0, epoch.wrapping_sub(1)),
            Operation::SetScheduler | Operation::SetSchedulerElsewhere => {
                (call(thread::SET_SCHEDULER), scheduler, COOKIE)
            }
            Operation::SetHandler => (call(thread::SET_HANDLER), GATES + u64::from(ROOT), 0),
            Operation::SetForeign => (call(thread::SET_FOREIGN), 0, 1),
            Operation::Migrate | Operation::MigrateNowhere => {
                (call(thread::MIGRATE), scheduler, COOKIE)
            }
            Operation::Destroy => (operation(Call::Object, object::DESTROY, 0), 0, 0),
        };
        for _ in 0..20 {
            let (status, words) = self.call((operation, to, from), &[word]);
            if what != Operation::Destroy || status != Status::Ok || words[0] == 0 {
                return status;
            }
        }
        panic!("never gone");
    }

    /// A copy of a capability of the invoker's without a right; its slot.
    fn weakened(&mut self, from: u64, to: u64, lacks: Rights) -> u64 {
        let copy = operation(Call::Capability, capability::COPY, 0);
        let rights = u64::from(Rights::ALL.0 & !lacks.0);
        assert_eq!(self.call((copy, from, to), &[SELF, rights]).0, Status::Ok);
        to
    }

    /// Registers for the thread, in the invoker's UTCB.
    fn write_reply(&mut self, elsewhere: bool) {
        let at = self.pair.state.threads[usize::from(TARGET)].context.instruction();
        let instruction = if elsewhere { ELSEWHERE } else { at };
        let utcb = UTCBS + u64::from(INVOKER) * PAGE_SIZE + offset_of!(Utcb, reply) as u64;
        let place = utcb + 8 * (1 + state::INSTRUCTION as u64);
        self.pair.until_runs(INVOKER);
        let world = &mut self.pair.system.world;
        world.store(CoreNumber(0), utcb, state::GENERAL).expect("its UTCB");
        world.store(CoreNumber(0), place, instruction).expect("its UTCB");
    }

    /// What has become of the thread, which was in state `before`.
    fn after(&mut self, before: State) -> After {
        let id = self.pair.system.ids[usize::from(TARGET)];
        let entry = self.pair.system.kernel().objects.table().entry(id.frame());
        if entry.kind() != FrameKind::Thread {
            return After::Gone;
        }
        let state = self.pair.system.world.kernel(entry.home()).look(id).state;
        match state {
            State::Suspended if entry.home() != self.home() => After::Moved,
            _ if state == before => After::AsBefore,
            State::Ready => After::Ready,
            State::Running => After::Runs,
            State::Suspended => After::Suspended,
            other => panic!("the thread was {before:?} and is {other:?}"),
        }
    }

    /// What who waits for the thread has heard; nothing if it waits on.
    fn heard(&self) -> Option<Status> {
        let waiter = &self.pair.state.threads[usize::from(WAITER)];
        let waits = !matches!(waiter.state, State::Ready | State::Running);
        self.cell.waiter.filter(|_| !waits).map(|_| waiter.context.status())
    }

    /// What the thread is like now; nothing if it is gone.
    fn fields(&mut self) -> Option<Fields> {
        let id = self.pair.system.ids[usize::from(TARGET)];
        let entry = self.pair.system.kernel().objects.table().entry(id.frame());
        let lives = entry.kind() == FrameKind::Thread;
        lives.then(|| Fields::of(self.pair.system.world.kernel(entry.home()).look(id)))
    }
}

fn compare(protocol: Protocol) {
    let mut wrong = Vec::new();
    let cells = thread_rule::all();
    for cell in &cells {
        let mut run = Run::begin(cell, protocol);
        let home = run.home();
        let id = run.pair.system.ids[usize::from(TARGET)];
        let thread = run.pair.system.world.kernel(home).look(id);
        let (before, fields) = (thread.state, Fields::of(thread));
        let status = run.act();
        let found = Outcome { status, after: run.after(before) };
        if let Some(now) = run.fields()
            && cell.named != Named::Oneself
            && let Some(what) = now.wrong(&fields, cell.operation, status)
        {
            wrong.push(format!("{cell:?}\n  kernel {found:?}: {what}"));
        }
        let (heard, hears) = (run.heard(), cell.waiter_hears(protocol));
        if heard != hears {
            wrong.push(format!("{cell:?}\n  who waits hears {hears:?}, not {heard:?}"));
        }
        let expected = cell.outcome(protocol);
        if found != expected {
            wrong.push(format!("{cell:?}\n  rule   {expected:?}\n  kernel {found:?}"));
        }
    }
    println!("{protocol:?}: {} cells", cells.len());
    let first = wrong.iter().take(12).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {} cells differ:\n{first}", wrong.len(), cells.len());
}

#[test]
fn every_operation_on_a_thread_follows_the_rule_in_direct_mode() {
    compare(Protocol::Direct);
}

#[test]
fn every_operation_on_a_thread_follows_the_rule_in_chain_mode() {
    compare(Protocol::Chain);
}
