//! Saved user state by role.

use crate::UserAddress;
use cedo_abi::REGISTER_WORDS;
use cedo_abi::state::{Cause, FLOATING_POINT_WORDS};
use cedo_abi::utcb::StateArea;

/// The user registers of one thread while it is not running, named by their roles in a call
/// (`cedo_abi::call`).
///
/// A context lives at the start of its thread's frame. The entry code saves into the context last
/// passed to [`crate::Machine::set_current`] and resumes from it.
pub trait Context: Copy + 'static {
    /// Words of the general group that this machine has (`cedo_abi::state`).
    const GENERAL_WORDS: usize;

    /// A context that starts at `instruction` with `stack` and message word 0 = `argument`.
    fn new(instruction: UserAddress, stack: u64, argument: u64) -> Self;

    /// The operation word.
    fn operation(&self) -> u64;
    /// The word in the role `to`.
    fn to(&self) -> u64;
    /// The word in the role `from`.
    fn from(&self) -> u64;
    /// The word in the role `tag`.
    fn tag(&self) -> u64;
    /// The message words that travel in registers.
    fn words(&self) -> [u64; REGISTER_WORDS];

    /// Sets the result word alone.
    fn set_result(&mut self, result: u64);
    /// Sets badge, token and tag of a message that arrived.
    fn set_message(&mut self, badge: u64, token: u64, tag: u64);
    /// Sets all message words that travel in registers.
    fn set_words(&mut self, words: &[u64; REGISTER_WORDS]);

    /// The thread's next step is the call it has just made, once more, with this operation word.
    fn repeat(&mut self, operation: u64);
    /// Takes [`repeat`](Self::repeat) back: the call is over.
    fn skip(&mut self);

    /// True if the thread made a call, its state has not been changed since, and it goes on with what
    /// it keeps across a call and nothing else: the short way back will do
    /// ([`crate::Upcalls::short_cut`]).
    fn is_plain(&self) -> bool;

    /// The instruction pointer.
    fn instruction(&self) -> u64;
    /// The stack pointer.
    fn stack(&self) -> u64;

    /// Copies the groups in `mask` out, but for floating point, and names all of them in the area.
    fn save_state(&self, mask: u64, area: &mut StateArea);
    /// False if the instruction pointer or a base is one a user cannot have, or a group unknown.
    fn may_have(area: &StateArea) -> bool;
    /// Installs the groups that `area.mask` names, but for floating point, after sanitising them.
    /// False, and nothing changed, unless [`may_have`](Self::may_have). Afterwards the context resumes
    /// with every register restored, not by the short return path.
    fn install_state(&mut self, area: &StateArea) -> bool;
    /// The floating-point group, after [`crate::Machine::save_floating`].
    fn floating(&self) -> [u64; FLOATING_POINT_WORDS];
    /// Installs the floating-point group after sanitising it, after
    /// [`crate::Machine::save_floating`].
    fn install_floating(&mut self, words: &[u64; FLOATING_POINT_WORDS]);
}

/// A synchronous exception of user code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fault {
    /// What happened.
    pub cause: Cause,
    /// The address that faulted, or 0.
    pub address: u64,
    /// The processor's error code or exception number.
    pub code: u64,
}
