//! Floating-point registers: the processor may have them when the kernel is asked for them.

use crate::CORE;
use crate::family::{BOTH, Family, place};
use cedo_abi::Status;
use cedo_abi::call::{Call, ipc, thread};
use cedo_abi::layout::INIT_UTCB;
use cedo_abi::name::{ANY, MY_SCHEDULER};
use cedo_abi::state::{FLOATING_POINT, GENERAL};
use cedo_abi::utcb::{StateArea, Utcb};
use std::mem::offset_of;

/// The child that uses its register, and one that has another value in it.
const CHILD: u64 = 0;
const OTHER: u64 = 1;

/// The root reads groups of the child's registers; the floating-point one.
fn read(family: &mut Family, groups: u64) -> u64 {
    let read = family.server.call(Call::Thread, thread::READ, (place(CHILD), 0), &[groups]);
    assert_eq!(read.0, Status::Ok);
    assert_eq!(load(family, offset_of!(Utcb, received)), groups);
    load(family, offset_of!(Utcb, received_floating))
}

fn load(family: &mut Family, offset: usize) -> u64 {
    family.server.world.load(CORE, INIT_UTCB + offset as u64).expect("the root's UTCB")
}

/// The root gives the child this register.
fn write(family: &mut Family, value: u64) {
    let reply = offset_of!(Utcb, reply) + offset_of!(StateArea, mask);
    for (offset, word) in [(reply, FLOATING_POINT), (offset_of!(Utcb, reply_floating), value)] {
        family.server.world.store(CORE, INIT_UTCB + offset as u64, word).expect("the root's UTCB");
    }
    let written = family.server.call(Call::Thread, thread::WRITE, (place(CHILD), 0), &[]);
    assert_eq!(written.0, Status::Ok);
}

/// A child runs, puts a value into its register and calls the root, which hears it; what was there before.
fn exchange(family: &mut Family, child: u64, value: u64) -> u64 {
    assert_eq!(family.dispatch(child), family.frame(child));
    let before = family.server.world.exchange_floating(CORE, value).expect("it runs");
    family.ipc(BOTH | ipc::CALL, MY_SCHEDULER, ANY);
    assert_eq!(family.running(), family.root);
    family.hear();
    before
}

#[test]
fn what_the_processor_holds_is_read_and_what_is_written_is_what_it_gets() {
    for other_runs in [false, true] {
        let mut family = Family::new(2);
        assert_eq!(exchange(&mut family, CHILD, 77), 0, "a new thread has nothing in it");
        assert_eq!(family.server.world.floating_owner(CORE), Some(family.frame(CHILD)));
        if other_runs {
            assert_eq!(exchange(&mut family, OTHER, 99), 0, "and sees nothing of another's");
        }
        assert_eq!(read(&mut family, FLOATING_POINT), 77);
        write(&mut family, 88);
        assert_eq!(
            read(&mut family, GENERAL),
            77,
            "it is not asked for: nothing was written there"
        );
        assert_eq!(read(&mut family, GENERAL | FLOATING_POINT), 88);
        assert_eq!(exchange(&mut family, CHILD, 5), 88);
        assert_eq!(exchange(&mut family, OTHER, 6), if other_runs { 99 } else { 0 });
    }
}
