//! Cores as the tests play them.

use cedo_floor::{Inbox, Mail};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What cores share.
pub struct Machine {
    cores: Vec<Core>,
    mails: Vec<Mail>,
}

/// A core from outside.
struct Core {
    inbox: Inbox,
    line: InterruptLine,
    /// How often it began to drain its inbox. Not checked, only counted.
    drains: AtomicUsize,
}

/// The line by which other cores interrupt this one. An interrupt that comes while they are masked
/// stays pending; two of them are one.
#[derive(Default)]
struct InterruptLine {
    state: Mutex<LineState>,
    raised: Condvar,
}

#[derive(Default)]
struct LineState {
    pending: bool,
    /// How often it was raised.
    count: usize,
}

/// What a core finds in its inbox, and acts upon before it looks for more.
pub trait Taker {
    /// Bits of kicks.
    fn kicked(&mut self, bits: u64) {
        panic!("kicked with {bits:#x}");
    }

    /// A mail.
    fn received(&mut self, number: u32);
}

impl<F: FnMut(u32)> Taker for F {
    fn received(&mut self, number: u32) {
        self(number);
    }
}

impl Machine {
    /// `cores` cores and the mails 1 to `mails`.
    pub fn new(cores: usize, mails: usize) -> Machine {
        let core = |_| Core {
            inbox: Inbox::new(),
            line: InterruptLine::default(),
            drains: AtomicUsize::new(0),
        };
        Machine {
            cores: (0..cores).map(core).collect(),
            mails: (0..=mails).map(|_| Mail::default()).collect(),
        }
    }

    /// A mail, which the caller may touch.
    pub fn mail(&self, number: u32) -> &Mail {
        &self.mails[number as usize]
    }

    /// Posts a mail to a core, as the kernel does.
    pub fn post(&self, core: usize, number: u32) {
        let Core { inbox, line, .. } = &self.cores[core];
        let frame = NonZeroU32::new(number).expect("mails count from 1");
        if inbox.post(frame, |frame| self.mail(frame.get())) {
            line.raise();
        }
    }

    /// Kicks a core, as the kernel does.
    pub fn kick(&self, core: usize, bits: u64) {
        let Core { inbox, line, .. } = &self.cores[core];
        if inbox.kick(bits) {
            line.raise();
        }
    }

    /// Halts until the core is interrupted, then drains its inbox: at most `limit` mails.
    pub fn halt(&self, core: usize, limit: usize, taker: impl Taker) {
        self.cores[core].line.wait();
        self.drain(core, limit, taker);
    }

    /// The same where the core runs user code: nothing happens if no interrupt is pending.
    pub fn run_user(&self, core: usize, limit: usize, taker: impl Taker) {
        if self.cores[core].line.take() {
            self.drain(core, limit, taker);
        }
    }

    /// What the kernel does with a signal (`Kernel::drain`).
    fn drain(&self, core: usize, limit: usize, mut taker: impl Taker) {
        let Core { inbox, line, drains } = &self.cores[core];
        drains.fetch_add(1, Ordering::Relaxed);
        inbox.open();
        let kicks = inbox.take_kicks();
        if kicks != 0 {
            taker.kicked(kicks);
        }
        for _ in 0..limit {
            let Some(frame) = inbox.take(|frame| self.mail(frame.get())) else { break };
            taker.received(frame.get());
        }
        if inbox.close() {
            line.raise();
            // A poster is in the middle of posting: it must go on some time.
            thread::yield_now();
        }
    }

    /// Everybody is done: nothing was left behind, and nobody was interrupted for nothing.
    pub fn check_end(&self) {
        for Core { inbox, line, drains } in &self.cores {
            assert!(inbox.is_empty(), "something was left behind");
            let interrupts = line.state.lock().expect("not poisoned").count;
            let drains = drains.load(Ordering::Relaxed);
            assert!(interrupts <= drains + 1, "{interrupts} interrupts for {drains} drains");
        }
    }
}

impl InterruptLine {
    fn raise(&self) {
        let mut state = self.state.lock().expect("not poisoned");
        state.pending = true;
        state.count += 1;
        self.raised.notify_one();
    }

    fn wait(&self) {
        let mut state = self.state.lock().expect("not poisoned");
        while !state.pending {
            state = self.raised.wait(state).expect("not poisoned");
        }
        state.pending = false;
    }

    fn take(&self) -> bool {
        core::mem::take(&mut self.state.lock().expect("not poisoned").pending)
    }
}
