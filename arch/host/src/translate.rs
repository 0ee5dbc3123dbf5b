//! Loads and stores of user code, with a translation cache that can go stale.
//!
//! Each core caches what it has translated until the kernel flushes it or changes the page table,
//! as a real one may. A kernel that forgets a flush lets user code reach a frame that it no longer
//! has: [`World::stale`] finds that.

use cedo_abi::state::Cause;
use cedo_machine::{Access, CoreNumber, Fault, Frame, PageFormat, Upcalls, UserAddress};

use crate::board::Board;
use crate::{HostMachine, HostPages, World};

/// What user code wants with an address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Want {
    /// Read a word.
    Read,
    /// Write a word.
    Write,
    /// Fetch an instruction.
    Execute,
}

/// Where a page leads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Translation {
    /// The frame.
    pub frame: Frame,
    /// What the mapping allows.
    pub access: Access,
}

impl Translation {
    fn allows(self, want: Want) -> bool {
        match want {
            Want::Read => true,
            Want::Write => self.access.write,
            Want::Execute => self.access.execute,
        }
    }
}

impl<K: Upcalls<Machine = HostMachine>> World<K> {
    /// User code on `core` reads the 8 bytes at an address. The fault is not raised yet.
    pub fn load(&mut self, core: CoreNumber, address: u64) -> Result<u64, Fault> {
        let Translation { frame, .. } = self.translate_word(core, address, Want::Read)?;
        let memory = &self.board.memory;
        let nothing = u64::MAX;
        Ok(if memory.contains(frame) { memory.read(frame, word(address)) } else { nothing })
    }

    /// User code on `core` writes the 8 bytes at an address. The fault is not raised yet.
    pub fn store(&mut self, core: CoreNumber, address: u64, value: u64) -> Result<(), Fault> {
        let Translation { frame, .. } = self.translate_word(core, address, Want::Write)?;
        if self.board.memory.contains(frame) {
            self.board.memory.write(frame, word(address), value);
        }
        Ok(())
    }

    /// Translates an address as user code on `core` would.
    pub fn translate(
        &mut self,
        core: CoreNumber,
        address: u64,
        want: Want,
    ) -> Result<Translation, Fault> {
        translate(&self.board, core, address, want)
    }

    /// What a core cached of a page while `root` was its active page table.
    pub fn remember(&mut self, core: CoreNumber, root: Frame, page: u64) {
        assert!(self.board.keeps_translations, "a machine that forgets");
        let translation = walk(&self.board, root, page).expect("the page is mapped");
        let cached = &mut self.board.state.borrow_mut().cores[core.index()].translations;
        cached.insert((root, page), translation);
    }

    /// Translations that `core` still caches though the page table they are from no longer has them.
    pub fn stale(&self, core: CoreNumber) -> Vec<(u64, Translation)> {
        stale(&self.board, core)
    }

    fn translate_word(
        &mut self,
        core: CoreNumber,
        address: u64,
        want: Want,
    ) -> Result<Translation, Fault> {
        if !address.is_multiple_of(8) {
            return Err(Fault { cause: Cause::Alignment, address, code: 0 });
        }
        translate(&self.board, core, address, want)
    }
}

/// Index of an address' word in its frame.
fn word(address: u64) -> usize {
    (address % 4096 / 8) as usize
}

/// Translates as this core does: from its cache, else from the active page table.
fn translate(
    board: &Board,
    core: CoreNumber,
    address: u64,
    want: Want,
) -> Result<Translation, Fault> {
    let page = address & !0xfff;
    let fault = Fault { cause: cause(want), address, code: 0 };
    let root = board.state.borrow().cores[core.index()].root.ok_or(fault)?;
    let key = (root, page);
    let cached = board.state.borrow().cores[core.index()].translations.get(&key).copied();
    if let Some(translation) = cached.filter(|translation| translation.allows(want)) {
        return Ok(translation);
    }
    let found = walk(board, root, page).filter(|translation| translation.allows(want));
    let translations = &mut board.state.borrow_mut().cores[core.index()].translations;
    match found {
        Some(translation) => {
            translations.insert(key, translation);
            Ok(translation)
        }
        None => {
            translations.remove(&key);
            Err(fault)
        }
    }
}

/// The cached translations of a core that their page tables no longer contain.
fn stale(board: &Board, core: CoreNumber) -> Vec<(u64, Translation)> {
    let cached = board.state.borrow().cores[core.index()].translations.clone();
    let differs = |(root, page), cached: Translation| walk(board, root, page) != Some(cached);
    let stale = cached.into_iter().filter(|(key, cached)| differs(*key, *cached));
    stale.map(|((_, page), cached)| (page, cached)).collect()
}

/// What a page table says about a page. One that is no page table any more says nothing that makes
/// sense.
fn walk(board: &Board, root: Frame, page: u64) -> Option<Translation> {
    let address = HostPages::user_address(page, 4096)?;
    let mut table = root;
    for level in (2..=HostPages::LEVELS).rev() {
        table = HostPages::frame(entry(board, table, address, level)?)?;
    }
    let leaf = entry(board, table, address, 1)?;
    HostPages::frame(leaf).map(|frame| Translation { frame, access: HostPages::access(leaf) })
}

fn entry(board: &Board, table: Frame, address: UserAddress, level: u32) -> Option<u64> {
    let exists = board.memory.contains(table);
    assert!(exists || board.keeps_translations, "a page table outside memory: {table:?}");
    exists.then(|| board.memory.read(table, HostPages::index(address, level)))
}

fn cause(want: Want) -> Cause {
    match want {
        Want::Read => Cause::ReadFault,
        Want::Write => Cause::WriteFault,
        Want::Execute => Cause::ExecuteFault,
    }
}
