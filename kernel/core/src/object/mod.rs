//! What lives in frames.

pub mod capability;
pub mod irq;
pub mod slot;
pub mod space;
pub mod thread;

use cedo_floor::Types;
use cedo_machine::Machine;
use core::marker::PhantomData;

/// The kernel's object types, for the floor.
pub struct KernelTypes<M: Machine>(PhantomData<M>);

impl<M: Machine> Types for KernelTypes<M> {
    type Thread = thread::Thread<M::Context>;
    type Irq = irq::Irq;
    type Space = space::Space;
}
