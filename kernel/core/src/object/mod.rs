//! What lives in frames.
//!
//! | file | contents |
//! |---|---|
//! | [`capability`] | capability tables |
//! | [`slot`], [`stamp`] | what several cores do with a slot at once |
//! | [`origin`] | what a capability or mapping was made by means of |
//! | [`source`] | making something by means of a capability |
//! | [`made`] | what an object was made by means of |
//! | [`irq`], [`space`], [`thread`] | objects |
//! | [`unusual`] | what keeps a thread from the short cut |

pub mod capability;
pub mod irq;
pub mod made;
pub mod origin;
pub mod slot;
pub mod source;
pub mod space;
pub mod stamp;
pub mod thread;
pub mod unusual;

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
