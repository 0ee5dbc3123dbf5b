//! Copying, deriving, dropping; ports.

use crate::{FREE, Server};
use cedo_abi::call::object::SPACE_FRAMES;
use cedo_abi::call::{Call, capability, ports};
use cedo_abi::info::slot;
use cedo_abi::name::{ANY, SELF};
use cedo_abi::{Kind, Rights, Status};
use cedo_arch_host::{Setup, image};

const ALL: u64 = Rights::ALL.0 as u64;
const THREAD: u64 = slot::THREAD as u64;
const PORTS: u64 = slot::PORTS as u64;

#[test]
fn rights_only_shrink() {
    let mut server = Server::boot();
    let send = u64::from(Rights::SEND.0);
    let make = [SELF, send, 7];
    assert_eq!(server.capability(capability::MAKE_GATE, THREAD, FREE, &make), Status::Ok);
    assert_eq!(server.capability(capability::COPY, FREE, FREE + 1, &[SELF, ALL]), Status::Ok);
    let again = [SELF, ALL, 8];
    let made = server.capability(capability::MAKE_GATE, FREE, FREE + 2, &again);
    assert_eq!(made, Status::Ok);
    for slot in [FREE, FREE + 1, FREE + 2] {
        assert_eq!(server.identify(slot).1[..3], [Kind::Gate as u64, send, 7]);
    }
    let weak = [SELF, u64::from(Rights::STATE.0)];
    assert_eq!(server.capability(capability::COPY, THREAD, FREE + 3, &weak), Status::Ok);
    let made = server.capability(capability::MAKE_GATE, FREE + 3, FREE + 4, &make);
    assert_eq!(made, Status::NoRight);
    let made = server.capability(capability::MAKE_GATE, SELF, FREE + 4, &again);
    assert_eq!(made, Status::Ok);
    let gate = u64::from(Rights::SEND.or(Rights::CALL).or(Rights::DONATE).or(Rights::HANDOVER).0);
    assert_eq!(server.identify(FREE + 4).1[..3], [Kind::Gate as u64, gate, 8]);
    let wrong = server.capability(capability::MAKE_GATE, PORTS, FREE + 5, &make);
    assert_eq!(wrong, Status::WrongKind);
}

#[test]
fn a_range_divides_inside_itself() {
    let mut server = Server::boot();
    let (region, pages) = (server.region, server.pages);
    let first = server.identify(region).1[2];
    let part = [SELF, ALL, 2, 3];
    assert_eq!(server.capability(capability::DIVIDE, region, FREE, &part), Status::Ok);
    assert_eq!(server.identify(FREE).1[2..4], [first + 2, 3]);
    let part = [SELF, ALL, 1, 2];
    assert_eq!(server.capability(capability::DIVIDE, FREE, FREE + 1, &part), Status::Ok);
    assert_eq!(server.identify(FREE + 1).1[2..4], [first + 3, 2]);
    let bad =
        [(0, pages + 1), (pages, 1), (0, 0), (u64::MAX, 1), (1, u64::MAX), (u64::MAX, u64::MAX)];
    for (first, count) in bad {
        let part = [SELF, ALL, first, count];
        let status = server.capability(capability::DIVIDE, region, FREE + 2, &part);
        assert_eq!(status, Status::BadArgument);
    }
    let part = [SELF, ALL, 0x70, 2];
    assert_eq!(server.capability(capability::DIVIDE, PORTS, FREE + 2, &part), Status::Ok);
    assert_eq!(server.identify(FREE + 2).1[2..4], [0x70, 2]);
    let part = [SELF, ALL, 0, 1];
    let status = server.capability(capability::DIVIDE, THREAD, FREE + 3, &part);
    assert_eq!(status, Status::WrongKind);
}

#[test]
fn slots_are_checked_on_both_sides() {
    let mut server = Server::boot();
    let copy = |server: &mut Server, from, to, space| {
        server.capability(capability::COPY, from, to, &[space, ALL])
    };
    assert_eq!(copy(&mut server, THREAD, PORTS, SELF), Status::Occupied);
    for bad in [512, 0xffff_ffef, SELF, ANY, u64::MAX] {
        assert_eq!(copy(&mut server, THREAD, bad, SELF), Status::NoCapability, "{bad:#x}");
        assert_eq!(copy(&mut server, bad, FREE, SELF), Status::NoCapability, "{bad:#x}");
        assert_eq!(server.identify(bad).0, Status::NoCapability);
        let drop = server.capability(capability::DROP, 0, bad, &[SELF]);
        assert_eq!(drop, Status::NoCapability);
    }
    assert_eq!(copy(&mut server, THREAD, FREE, THREAD), Status::WrongKind);
    assert_eq!(server.create_space(0, SPACE_FRAMES + 1, FREE), Status::Ok);
    assert_eq!(copy(&mut server, THREAD, 63, FREE), Status::Ok);
    assert_eq!(copy(&mut server, THREAD, 63, FREE), Status::Occupied);
    assert_eq!(copy(&mut server, THREAD, 64, FREE), Status::NoCapability);
    for _ in 0..2 {
        assert_eq!(server.capability(capability::DROP, 0, 63, &[FREE]), Status::Ok);
    }
    assert_eq!(copy(&mut server, THREAD, 63, FREE), Status::Ok);
    let weak = [SELF, u64::from(Rights::STATE.0)];
    assert_eq!(server.capability(capability::COPY, FREE, FREE + 1, &weak), Status::Ok);
    assert_eq!(copy(&mut server, THREAD, 1, FREE + 1), Status::NoRight);
}

#[test]
fn a_port_is_reached_only_inside_the_range() {
    let mut server = Server::boot();
    let part = [SELF, ALL, 0x70, 4];
    assert_eq!(server.capability(capability::DIVIDE, PORTS, FREE, &part), Status::Ok);
    let write = [0x72, 2, 0xabcd];
    assert_eq!(server.call(Call::Ports, ports::WRITE, (FREE, 0), &write).0, Status::Ok);
    assert_eq!(server.world.port(0x72), Some(0xabcd));
    let (status, words) = server.call(Call::Ports, ports::READ, (FREE, 0), &[0x72, 2]);
    assert_eq!((status, words[0]), (Status::Ok, 0xabcd));
    for (port, bytes) in [(0x6f, 1), (0x73, 2), (0x74, 1), (0x71, 4), (0x70, 3), (0x70, 0)] {
        for sub in [ports::READ, ports::WRITE] {
            let status = server.call(Call::Ports, sub, (FREE, 0), &[port, bytes, 0]).0;
            assert_eq!(status, Status::BadArgument, "{port:#x} {bytes}");
        }
    }
    for (port, bytes) in [(0x1_0000, 1), (0xffff, 2), (u64::MAX, 1), (0, u64::MAX)] {
        let status = server.call(Call::Ports, ports::READ, (PORTS, 0), &[port, bytes]).0;
        assert_eq!(status, Status::BadArgument, "{port:#x} {bytes}");
    }
    let read_only = [SELF, u64::from(Rights::READ.0)];
    assert_eq!(server.capability(capability::COPY, FREE, FREE + 1, &read_only), Status::Ok);
    let status = server.call(Call::Ports, ports::WRITE, (FREE + 1, 0), &write).0;
    assert_eq!(status, Status::NoRight);
}

#[test]
fn a_machine_without_ports_says_so() {
    let setup = Setup { ports: false, ..crate::setup(image::minimal(crate::CODE)) };
    let mut server = Server::boot_on(&setup);
    for sub in [ports::READ, ports::WRITE] {
        let status = server.call(Call::Ports, sub, (PORTS, 0), &[0x70, 1, 0]).0;
        assert_eq!(status, Status::Unsupported);
    }
}
