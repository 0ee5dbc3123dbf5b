//! What a machine calls back.

use crate::{CoreNumber, Fault, Line, Machine, Platform};

/// The kernel, as entry code sees it: one value per core.
///
/// The entry code has saved the user registers into the current context before any call, and obeys
/// the [`Next`] it gets.
pub trait Upcalls: Sized + 'static {
    /// The machine this kernel runs on.
    type Machine: Machine;
    /// What all cores share.
    type Shared: Sync + 'static;

    /// Called once, on core 0, before the other cores call anything. An error is one line for a
    /// person: what is wrong and what to do.
    fn share(platform: &Platform) -> Result<Self::Shared, &'static str>;
    /// Called once on each core; afterwards this value gets all the calls below.
    fn new(
        machine: Self::Machine,
        shared: &'static Self::Shared,
        platform: &'static Platform,
    ) -> Self;
    /// What the core does first: core 0 starts the first server, the others halt. An error is one
    /// line for a person.
    fn first(&mut self) -> Result<Next, &'static str>;

    /// User code made a call, whose words are still in registers. The entry code has saved what a
    /// thread keeps across a call (instruction and stack pointer, flags, preserved registers) and the
    /// four words of `request` into the current context, and no message words.
    ///
    /// False: nothing has happened. The entry code saves the message words too and calls
    /// [`system_call`](Self::system_call). True: the current context, which is another one now, goes on
    /// by the short way back: with the message words that are in the registers, and all else that a call
    /// returns or keeps from its context.
    fn short_cut(&mut self, request: &Request) -> bool;
    /// User code made a call; all its registers are in the current context.
    fn system_call(&mut self) -> Next;
    /// User code, or the halted core, was interrupted.
    fn interrupt(&mut self, source: Interrupt) -> Next;
    /// User code made an exception.
    fn fault(&mut self, fault: Fault) -> Next;

    /// The machine, for what it settles with user code itself: the kernel hears nothing of it.
    fn machine(&mut self) -> &mut Self::Machine;

    /// For a panic: which core this is, and the frame number of the current thread.
    fn who(&self) -> (CoreNumber, u32);
}

/// The words of a call but for the message words, as user code wrote them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request {
    /// The operation word.
    pub operation: u64,
    /// The word in the role `to`.
    pub to: u64,
    /// The word in the role `from`.
    pub from: u64,
    /// The word in the role `tag`.
    pub tag: u64,
}

/// Where an interrupt came from. The machine has acknowledged it to the controller.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Interrupt {
    /// The core's deadline.
    Timer,
    /// A device.
    Line(Line),
    /// [`Machine::signal`] by another core.
    Signal,
}

/// What the entry code does next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Next {
    /// Resume the current context.
    User,
    /// Halt with interrupts enabled until one comes; there is no current context.
    Halt,
}
