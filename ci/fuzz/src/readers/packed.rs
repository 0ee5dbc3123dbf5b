//! The packed system description.

use crate::samples;
use cedo_abi::read::system::Reader;
use xtask::system::Description;

/// Valid files.
pub fn files() -> Vec<Vec<u8>> {
    vec![samples::description().pack()]
}

/// Indices point at records that exist; what is packed again reads back equal.
pub fn check(bytes: &[u8]) -> bool {
    let Ok(reader) = Reader::new(bytes) else { return false };
    let (spaces, threads) = (reader.spaces().len(), reader.threads().len());
    let mut children = 0;
    for (index, thread) in (0_u32..).zip(reader.threads()) {
        assert!((thread.space as usize) < spaces && (thread.scheduler as usize) < threads);
        assert!((thread.core as usize) < reader.cores().len());
        assert_eq!(reader.grants_of(&thread).len(), thread.grants as usize);
        let below: Vec<u32> = reader.children_of(index).collect();
        assert!(below.iter().all(|child| (*child as usize) < threads && *child != index));
        children += below.len();
    }
    assert_eq!(children + reader.cores().len(), threads, "a thread has no scheduler");
    assert!(reader.cores().iter().all(|core| (core.root as usize) < threads));
    let description = Description::unpack(bytes, 0).expect("what the reader accepts");
    let packed = description.pack();
    assert_eq!(Description::unpack(&packed, 0).as_ref(), Ok(&description));
    true
}
