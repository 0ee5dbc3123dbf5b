//! What a thread knows about itself.

use crate::UtcbPage;
use cedo_abi::layout::INIT_UTCB;

/// The current thread: its UTCB page, and the environment init gave it. There is one per thread.
#[derive(Debug)]
pub struct ThisThread {
    utcb: UtcbPage,
    environment: &'static [u8],
}

impl ThisThread {
    /// The page shared with the kernel.
    pub fn utcb(&self) -> &UtcbPage {
        &self.utcb
    }

    /// The same, to fill in long messages and register state.
    pub fn utcb_mut(&mut self) -> &mut UtcbPage {
        &mut self.utcb
    }

    /// The environment in its packed form (`cedo_abi::read::environment`); empty where there is
    /// none, as in the first server.
    pub fn environment(&self) -> &'static [u8] {
        self.environment
    }

    /// True for the first thread of the first server.
    pub fn is_first(&self) -> bool {
        self.utcb.address() == INIT_UTCB
    }

    #[cfg(target_os = "none")]
    pub(crate) const fn new(utcb: UtcbPage, environment: &'static [u8]) -> ThisThread {
        ThisThread { utcb, environment }
    }

    /// A thread with this environment for tests on the host.
    #[cfg(not(target_os = "none"))]
    pub fn for_tests(environment: &'static [u8]) -> ThisThread {
        ThisThread { utcb: UtcbPage::for_tests(), environment }
    }
}
