//! Threads that must not notice anything: every one counts its rounds on the board, and says there
//! what it found broken.
//!
//! | file | contents |
//! |---|---|
//! | `client` | calls a server of its own core and one of the next, and checks what comes back |
//! | `server` | answers victims, and whoever else has a gate |
//! | `steady` | watches its memory and registers, without rest |
//! | `periodic` | sleeps and wakes |

mod client;
mod periodic;
mod server;
mod steady;

pub use client::run as client;
pub use periodic::run as periodic;
pub use server::{failed_by_partner, lender, server};
pub use steady::run as steady;
