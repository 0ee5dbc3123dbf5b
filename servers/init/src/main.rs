//! The first server: makes the system that the packed description names, hands out the rights, and
//! hears of everybody's faults afterwards.
//!
//! It is no pager, no name server and no parent: once the threads run it does nothing but print
//! what faulted. It never gives a right that the description does not name.
//!
//! ```text
//! boot information, archive -> Spaces with programs -> threads with stacks -> grants
//!    -> environments -> schedulers, fault handlers -> roots -> start -> faults
//! ```
//!
//! | file | contents |
//! |---|---|
//! | `boot` | what the kernel and the archive offer |
//! | `failure` | why a system does not start, in one line |
//! | `frames` | hands out memory |
//! | `window` | where this server sees the frames it fills |
//! | `system` | what is made, by index of the description |
//! | `spaces` | Spaces and their programs |
//! | `threads` | threads, stacks, UTCBs |
//! | `grants` | capabilities and shared memory |
//! | `environments` | what each thread is told |
//! | `tree` | schedulers, fault handlers, roots; starts everything |
//! | `faults` | reports faults |
//! | `printer` | whole lines for people |
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

mod boot;
mod environments;
mod failure;
mod faults;
mod frames;
mod grants;
mod printer;
mod spaces;
mod system;
mod threads;
mod tree;
mod window;

use cedo_lib::abi::info::slot;
use cedo_lib::{Core, ThisThread};
use failure::Failure;
use printer::Printer;
use system::System;

cedo_lib::program!(start);

/// Exit code of an emulator when the system cannot be started. The kernel's own are 2 and 3.
const CANNOT_START: u8 = 4;

fn start(mut this: ThisThread) {
    let core = Core::at(slot::CORE_0);
    match make(&this, core) {
        Ok((system, mut printer)) => faults::serve(&mut this, &system, &mut printer),
        Err(failure) => {
            Printer::new(None, core).line(this.utcb_mut(), format_args!("cannot start: {failure}"));
            core.power_off(CANNOT_START);
        }
    }
}

/// Makes everything, in the order in which one thing needs the other.
fn make(this: &ThisThread, core: Core) -> Result<(System, Printer), Failure> {
    let mut system = System::new(boot::Boot::read(this)?)?;
    spaces::make(&mut system)?;
    threads::make(&mut system)?;
    grants::make(&mut system)?;
    environments::make(&mut system)?;
    let printer = faults::printer(&mut system, core)?;
    tree::make(&mut system)?;
    Ok((system, printer))
}
