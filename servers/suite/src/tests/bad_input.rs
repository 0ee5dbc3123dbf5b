//! Whatever a user passes, the answer is a defined status, and nothing else happens.

use super::messages;
use super::{Test, test};
use crate::cast::{SERVANTS, Who};
use crate::driver::{Driver, SPACE, UNKNOWN_CALL, unknown_sub};
use crate::op::Op;
use crate::verdict::{Verdict, equal, holds, status};
use cedo_lib::abi::Status;
use cedo_lib::abi::call::{Call, capability, core, ipc, memory, object, ports, thread};
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::name::{ANY, NOBODY, SELF};
use cedo_lib::abi::{Rights, Tag};
use cedo_lib::raw::probe::{BAD_ADDRESSES, USER_END};

pub const TESTS: &[Test] = &[
    test("an unknown call is a bad argument", unknown_call),
    test("an unknown sub-operation is a bad argument", unknown_sub_operation),
    test("unknown flags of a message are a bad argument", unknown_flags),
    test("more than 64 words are a bad argument", too_many_words),
    test("a typed item of no kind is refused", no_such_item),
    test("an empty slot or one out of range names no capability", no_capability),
    test("a word that can name nothing is refused", no_name),
    test("a message operation with neither phase is a bad argument", no_phase),
    test("every operation refuses a capability of another kind", wrong_kind),
    test("addresses that a user cannot have are bad addresses in map", map_addresses),
    test("addresses that a user cannot have are bad addresses in create", create_addresses),
    test("counts out of range are a bad argument", counts),
    test("a core that does not exist is refused", no_such_core),
    test("ports beyond the range are refused", ports_beyond),
    test("only a root scheduler may halt the core", idle_needs_root),
    test("random words are answered and harm nobody", random_words),
    test("after all this every servant still answers", all_answer),
];

const CALLS: [Call; 6] =
    [Call::Thread, Call::Object, Call::Capability, Call::Memory, Call::Core, Call::Ports];

fn unknown_call(_: &mut Driver) -> Verdict {
    for number in [8, 9, 0x7f, UNKNOWN_CALL, 0xff] {
        status("call", &Op::raw(number).to(Who::A.gate()).run(), Status::BadArgument)?;
    }
    Ok(())
}

fn unknown_sub_operation(driver: &mut Driver) -> Verdict {
    let slots =
        [Who::A.thread(), driver.frames, Who::A.gate(), SELF, driver.cores[0], driver.ports];
    for (call, slot) in CALLS.into_iter().zip(slots) {
        status("sub-operation", &unknown_sub(call).to(slot).run(), Status::BadArgument)?;
    }
    Ok(())
}

fn unknown_flags(_: &mut Driver) -> Verdict {
    for bit in 31..64 {
        let send = Op::send(Who::A.gate()).flags(ipc::SEND_ZERO | 1 << bit);
        status("send", &send.run(), Status::BadArgument)?;
    }
    Ok(())
}

fn too_many_words(_: &mut Driver) -> Verdict {
    for words in [65, 66, 100, 255] {
        let tag = Tag::new(1, 0).0 | words;
        let send = Op::send(Who::A.gate()).raw_tag(tag);
        status("send", &send.run(), Status::BadArgument)?;
        status("call", &Op::call(Who::A.gate()).raw_tag(tag).run(), Status::BadArgument)?;
    }
    Ok(())
}

fn no_such_item(_: &mut Driver) -> Verdict {
    let send = Op::send(Who::A.gate()).raw_tag(Tag::new(1, 0).0 | 1 << 8);
    let seen = send.run().status();
    holds("refused", seen == Status::BadArgument || seen == Status::Unsupported)
}

fn no_capability(driver: &mut Driver) -> Verdict {
    for slot in [driver.slot(3), 0x10_0000, 0xffff_0000, 0xffff_ffe0] {
        status("send", &Op::send(slot).tag(1, 0).run(), Status::NoCapability)?;
        status("call", &Op::call(slot).tag(1, 0).run(), Status::NoCapability)?;
        let receive = Op::receive(slot).flags(ipc::RECEIVE_ZERO);
        status("receive", &receive.run(), Status::NoCapability)?;
        for call in CALLS {
            let op = Op::new(call, 0, 0).to(slot).word(1, 1).word(3, Rights::READ.0.into());
            status("operation", &op.run(), Status::NoCapability)?;
        }
    }
    Ok(())
}

fn no_name(_: &mut Driver) -> Verdict {
    for word in [0xffff_fff5, 0xffff_ffff, 1 << 32, 1 << 40, i64::MAX as u64] {
        let seen = Op::send(word).tag(1, 0).run().status();
        holds("refused", seen == Status::BadArgument || seen == Status::NoCapability)?;
    }
    for word in [ANY, NOBODY] {
        let seen = Op::send(word).tag(1, 0).run().status();
        holds("no partner to send to", !seen.is_done())?;
    }
    Ok(())
}

fn no_phase(_: &mut Driver) -> Verdict {
    let nothing = Op::new(Call::Ipc, 0, 0).to(Who::A.gate());
    status("neither", &nothing.run(), Status::BadArgument)?;
    let half = Op::new(Call::Ipc, 0, ipc::RECEIVE | ipc::CALL).to(Who::A.gate());
    status("a call without a send", &half.run(), Status::BadArgument)
}

fn wrong_kind(driver: &mut Driver) -> Verdict {
    let (gate, region) = (Who::A.gate(), driver.frames);
    let map = Op::memory(memory::MAP, SELF, region).word(1, driver.area()).word(2, 1);
    let map = map.word(3, Rights::READ.0.into());
    let ops = [
        Op::send(region).tag(1, 0),
        Op::call(Who::A.thread()).tag(1, 0),
        Op::receive(region).flags(ipc::RECEIVE_ZERO),
        Op::thread(thread::SUSPEND, gate),
        Op::thread(thread::SET_SCHEDULER, Who::A.thread()).from(gate),
        Op::thread(thread::SET_HANDLER, Who::A.thread()).from(region),
        Op::object(object::CREATE_SPACE, gate, driver.slot(0), 0).word(1, SPACE),
        map.to(gate).from(region),
        map.to(SELF).from(gate),
        Op::capability(capability::DIVIDE, gate, driver.slot(0), SELF).word(3, 1),
        Op::capability(capability::MAKE_GATE, region, driver.slot(0), SELF),
        Op::core(core::KICK, gate).word(0, 1),
        Op::new(Call::Ports, ports::READ, 0).to(gate).word(0, 0x40).word(1, 1),
    ];
    for op in ops {
        status("operation", &op.run(), Status::WrongKind)?;
    }
    Ok(())
}

fn map_addresses(driver: &mut Driver) -> Verdict {
    let map = Op::memory(memory::MAP, SELF, driver.frames).word(0, driver.frame(0)).word(2, 1);
    let map = map.word(3, Rights::READ.0.into());
    for address in BAD_ADDRESSES {
        status("map", &map.word(1, address).run(), Status::BadAddress)?;
    }
    for offset in [1, 8, 0x800, 0xfff] {
        let out = map.word(1, driver.area() + offset).run();
        status("map off a page", &out, Status::BadAddress)?;
    }
    let across = map.word(1, USER_END - PAGE_SIZE).word(2, 4);
    status("map across the end", &across.run(), Status::BadAddress)
}

fn create_addresses(driver: &mut Driver) -> Verdict {
    let create = Op::object(object::CREATE_THREAD, driver.frames, driver.slot(0), driver.frame(0));
    let create = create.word(1, SELF).word(2, 0).word(3, driver.area()).word(4, 0x1000);
    for address in BAD_ADDRESSES {
        status("UTCB", &create.word(3, address).run(), Status::BadAddress)?;
    }
    for offset in [8, 0x800] {
        let out = create.word(3, driver.area() + offset).run();
        status("UTCB off a page", &out, Status::BadAddress)?;
    }
    for address in [BAD_ADDRESSES[0], BAD_ADDRESSES[1], BAD_ADDRESSES[2]] {
        status("instruction", &create.word(4, address).run(), Status::BadAddress)?;
    }
    Ok(())
}

fn counts(driver: &mut Driver) -> Verdict {
    let space = Op::object(object::CREATE_SPACE, driver.frames, driver.slot(0), driver.frame(0));
    for frames in [0, 1, SPACE - 1, object::MAX_TABLE_FRAMES + SPACE, u64::MAX] {
        status("frames", &space.word(1, frames).run(), Status::BadArgument)?;
    }
    let unmap = Op::memory(memory::UNMAP, SELF, 0).word(0, driver.area());
    status("pages", &unmap.word(1, 0).run(), Status::BadArgument)?;
    let write = Op::core(core::WRITE, driver.cores[0]);
    for bytes in [49, 1 << 20, u64::MAX] {
        status("bytes", &write.word(0, bytes).run(), Status::BadArgument)?;
    }
    Ok(())
}

fn no_such_core(driver: &mut Driver) -> Verdict {
    let create = Op::object(object::CREATE_THREAD, driver.frames, driver.slot(0), driver.frame(0));
    let create = create.word(1, SELF).word(3, driver.area()).word(4, 0x1000);
    for number in [8, 99, 1 << 32, u64::MAX] {
        status("create", &create.word(2, number).run(), Status::BadArgument)?;
    }
    Ok(())
}

fn ports_beyond(driver: &mut Driver) -> Verdict {
    let read = Op::new(Call::Ports, ports::READ, 0).to(driver.ports);
    for port in [0x7f, 0x84, 0x3f8, 0xffff, 0x1_0080, u64::MAX] {
        let seen = read.word(0, port).word(1, 1).run().status();
        holds("port", seen == Status::BadArgument || seen == Status::NoRight)?;
    }
    let across = read.word(0, 0x83).word(1, 4).run().status();
    holds("across the end", across == Status::BadArgument || across == Status::NoRight)?;
    for bytes in [0, 3, 5, 8, u64::MAX] {
        status("bytes", &read.word(0, 0x80).word(1, bytes).run(), Status::BadArgument)?;
    }
    Ok(())
}

fn idle_needs_root(driver: &mut Driver) -> Verdict {
    let seen = Op::core(core::IDLE, driver.cores[0]).run().status();
    holds("refused", !seen.is_done())
}

/// Words that are special somewhere, mixed at random. Operations that would by right change
/// something (with a capability that exists) are left out by using empty slots only.
fn random_words(driver: &mut Driver) -> Verdict {
    let special = [0, 1, SELF, NOBODY, u64::MAX, 1 << 63, 1 << 47, PAGE_SIZE, 0xffff_fff5, 7, 63];
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut dice = |limit: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % limit
    };
    for _ in 0..20_000 {
        let mut op = Op::raw((2 + dice(12)) | (dice(10) << 8) | (dice(1 << 12) << 16));
        op.to = driver.slot(dice(4)) + 0x1000 * dice(2);
        op.from = driver.slot(dice(4));
        for word in &mut op.words {
            *word = special[dice(special.len() as u64) as usize];
        }
        let out = op.run();
        equal("bits of the result that are no status", out.result >> 8 & 0xff, 0)?;
        holds("nothing is done with empty slots", !changed_something(&op, &out.status()))?;
    }
    Ok(())
}

/// A call on an empty slot that claims to have worked; emptying an empty slot may.
fn changed_something(op: &Op, seen: &Status) -> bool {
    let byte = op.operation as u8;
    let drops = byte == Call::Capability as u8
        && matches!((op.operation >> 8) as u8, capability::DROP | capability::IDENTIFY);
    seen.is_done() && !drops
}

fn all_answer(driver: &mut Driver) -> Verdict {
    for who in SERVANTS {
        messages::echo(driver, who, 9)?;
    }
    Ok(())
}
