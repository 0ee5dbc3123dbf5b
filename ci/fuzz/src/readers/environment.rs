//! What a thread is told about itself.

use cedo_abi::read::Record;
use cedo_abi::read::environment::{Reader, begin, length};
use cedo_abi::system::{Environment, EnvironmentChild, EnvironmentGrant, NameBytes, grant, name};
use cedo_abi::write::{Full, Sink};

/// Valid files.
pub fn files() -> Vec<Vec<u8>> {
    let fixed = |grants, children| Environment {
        magic: 0,
        length: 0,
        system: name("sample"),
        space: name("work"),
        name: name("first"),
        thread: 2,
        core: 1,
        cores: 2,
        flags: 1,
        grants,
        children,
        protocol: 0,
        first_free_slot: 40,
        parameters: [1, 2, 3, 4],
    };
    let grant = |text: &str, slot| EnvironmentGrant {
        name: name(text),
        slot,
        kind: grant::GATE,
        address: 0,
        count: 7,
    };
    let child =
        |name: NameBytes| EnvironmentChild { name, cookie: 1, flags: 2, parameters: [5; 4] };
    let grants = [grant("console", 33), grant("uart", 34)];
    let children = [child(name("leaf"))];
    vec![write(&fixed(2, 1), &grants, &children), write(&fixed(0, 0), &[], &[])]
}

/// What is read and written again is the same bytes.
pub fn check(bytes: &[u8]) -> bool {
    let Ok(reader) = Reader::new(bytes) else { return false };
    let grants: Vec<_> = reader.grants().iter().collect();
    let children: Vec<_> = reader.children().iter().collect();
    assert!(!reader.name().is_empty());
    for grant in &grants {
        let text = cedo_abi::read::name(&grant.name).expect("a checked name");
        assert!(reader.grant(text, grant.kind).is_some());
    }
    let again = write(reader.environment(), &grants, &children);
    assert_eq!(Some(again.as_slice()), bytes.get(..again.len()), "it is written otherwise");
    true
}

fn write(
    environment: &Environment,
    grants: &[EnvironmentGrant],
    children: &[EnvironmentChild],
) -> Vec<u8> {
    let mut bytes = vec![0; length(grants.len(), children.len())];
    let mut sink = Sink::new(&mut bytes);
    let put = begin(environment, &mut sink)
        .and_then(|()| put_all(grants, &mut sink))
        .and_then(|()| put_all(children, &mut sink));
    assert_eq!(put, Ok(()), "the length is too small");
    assert_eq!(sink.used(), bytes.len());
    bytes
}

fn put_all<R: Record>(records: &[R], sink: &mut Sink<'_>) -> Result<(), Full> {
    records.iter().try_for_each(|record| sink.record(record))
}
