//! A case of the search, for a walk.

use crate::program::Programs;
use crate::system::Plan;

/// A system and what its threads do.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: &'static str,
    pub plan: Plan,
    pub programs: Programs,
    /// The search's.
    pub limit: usize,
}
