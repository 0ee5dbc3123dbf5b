//! Hostile programs against the kernel on the target, their victims, and who watches both.
//!
//! One program, four Spaces. Root schedulers, victims and the supervisor are threads of the system
//! description (`systems/fuzz-*.toml`) and trust the kernel alone. The fourth Space is the supervisor's
//! work: it is made for an *episode*, holds a copy of this very program, and its threads make the
//! calls of `cedo-fuzz`, whatever becomes of them. After each episode all of it is taken back.
//!
//! ```text
//!   supervisor --makes, watches, takes back--> enemies (confined Space, all cores)
//!       |   \--> handlers (one per core): faults of enemies       |
//!       |                                                         | calls without mercy
//!   board (a page): rounds, what was found broken                 v
//!       ^------------------------------------------ victims: clients, servers, lenders,
//!       ^------------------------------------------          steady, periodic; roots
//! ```
//!
//! | file | contents |
//! |---|---|
//! | `supervisor` | episodes: make, watch, inspect, take back, sweep |
//! | `enemy` | a thread that does harm |
//! | `handler` | lets enemies start again after a fault |
//! | `victims` | threads that must not notice anything |
//! | `root` | the trusted scheduler of a core |
//! | `board` | who got how far, and what was found broken |
//! | `places`, `order` | slots and addresses of the confined Space; what enemies are told |
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

mod board;
mod enemy;
mod handler;
mod order;
mod places;
mod root;
mod supervisor;
mod victims;

use cedo_lib::{Environment, ThisThread};

cedo_lib::program!(start);

/// What a thread does, by its name without the number of its core.
type Role = (&'static str, fn(ThisThread));

/// All of them.
const ROLES: [Role; 8] = [
    ("root", root::run),
    ("supervisor", supervisor::run),
    ("handler", handler::run),
    ("server", victims::server),
    ("lender", victims::lender),
    ("client", victims::client),
    ("steady", victims::steady),
    ("periodic", victims::periodic),
];

fn start(this: ThisThread) {
    let environment = Environment::of(&this);
    let name = environment.name().trim_end_matches(|letter: char| letter.is_ascii_digit());
    if let Some((_, role)) = ROLES.iter().find(|(known, _)| *known == name) {
        role(this);
    }
}
