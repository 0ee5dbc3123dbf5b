//! The loop that drives a [`Policy`](crate::policy::Policy) as the root scheduler of a core, or below another scheduler.
//!
//! ```text
//!        +--> hear messages -> policy.ready / policy.blocked
//!        |                 |
//!        |                 v
//!        |          policy.choose(now)
//!        |           /             \
//!        |   a child: dispatch   none: idle (root), wait (nested)
//!        +----------<-------------<
//! ```
//!
//! The loop keeps what a policy need not know: reply tokens, cookies, event numbers, deadlines, the
//! differences between root and nested and between the protocols.
//!
//! - A child is *ready* exactly while the loop has a token for it. Dispatching consumes the token;
//!   a message about the child brings the next one.
//! - A dispatch or idle that comes back NEWS consumed nothing: the child is ready as before, and
//!   there is a message to hear first. STALE says that the child stopped being ready meanwhile.
//! - In chain mode a second message may follow a preemption; it is taken by a receive with timeout
//!   zero. In direct mode one message carries both children.
//! - A root owns its core's deadline and sets it in its dispatch. It also lets callers sleep
//!   ([`SLEEP_UNTIL`]). A nested scheduler owns no timer: its decisions last until it is entered.
//! - A child that waits for a lock ([`crate::lock`]) is ready for the policy while the holder can run,
//!   and when it is chosen the holder is dispatched.
//!
//! | file | contents |
//! |---|---|
//! | `engine` | the loop |
//! | `book` | tokens by child |
//! | `sleepers` | callers that sleep |
//! | [`lending`] | children that wait for locks, and lend their turns to who holds them |
//! | `locks` | what children ask for their locks |

mod book;
mod engine;
pub mod lending;
mod locks;
mod sleepers;

pub use engine::{Scheduler, run};
pub use lending::{DEADLOCK, HOLDER_STOPPED, JOIN, LATE, LEVEL, LOOK, RELEASE, WAIT};
pub use sleepers::{DONE, FULL, REFUSED, SLEEP_UNTIL, sleep_until};
