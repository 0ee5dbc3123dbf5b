//! Environments of threads.

extern crate std;

use std::vec::Vec;

use super::mangle;
use crate::read::Error;
use crate::read::environment::{Reader, begin, length};
use crate::system::{Environment, EnvironmentChild, EnvironmentGrant, grant, name};
use crate::write::{Full, Sink};

fn put(space: &mut [u8]) -> Result<usize, Full> {
    let environment = Environment {
        magic: 0,
        length: 0,
        system: name("test"),
        space: name("schedulers"),
        name: name("rr0"),
        thread: 3,
        core: 1,
        cores: 2,
        flags: 8,
        grants: 2,
        children: 1,
        protocol: 0,
        first_free_slot: 17,
        parameters: [5, 6, 7, 8],
    };
    let core =
        EnvironmentGrant { name: name("core"), slot: 15, kind: grant::CORE, address: 1, count: 0 };
    let gate = EnvironmentGrant { name: name("core"), slot: 16, kind: grant::GATE, ..core };
    let child =
        EnvironmentChild { name: name("worker"), cookie: 1, flags: 2, parameters: [9, 10, 11, 12] };
    let mut sink = Sink::new(space);
    begin(&environment, &mut sink)?;
    sink.record(&core)?;
    sink.record(&gate)?;
    sink.record(&child)?;
    Ok(sink.used())
}

fn environment() -> Vec<u8> {
    let mut bytes = std::vec![0; length(2, 1)];
    assert_eq!(put(&mut bytes), Ok(bytes.len()));
    bytes
}

#[test]
fn an_environment_comes_back() {
    let bytes = environment();
    let reader = Reader::new(&bytes).unwrap();
    assert_eq!((reader.name(), reader.environment().first_free_slot), ("rr0", 17));
    assert_eq!(reader.environment().parameters, [5, 6, 7, 8]);
    assert_eq!(reader.grant("core", grant::GATE).unwrap().slot, 16);
    assert_eq!(reader.grant("core", grant::CORE).unwrap().slot, 15);
    assert!(reader.grant("core", grant::IRQ).is_none());
    assert!(reader.grant("console", grant::GATE).is_none());
    let child = reader.children().get(0).unwrap();
    assert_eq!((child.cookie, child.parameters), (1, [9, 10, 11, 12]));
}

#[test]
fn too_little_space_is_an_error_at_every_length() {
    let mut bytes = environment();
    for length in 0..bytes.len() {
        assert_eq!(put(&mut bytes[..length]), Err(Full));
    }
}

#[test]
fn a_truncated_or_mangled_environment_never_panics() {
    let bytes = environment();
    for length in 0..bytes.len() {
        assert_eq!(Reader::new(&bytes[..length]).err(), Some(Error::Truncated));
    }
    mangle(&bytes, |mangled| {
        let Ok(reader) = Reader::new(mangled) else { return };
        assert_eq!(reader.grants().iter().count(), reader.environment().grants as usize);
        assert_eq!(reader.children().iter().count(), reader.environment().children as usize);
        let _ = reader.grant("core", grant::CORE);
    });
}
