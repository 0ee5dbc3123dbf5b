//! Calls and inputs that nobody would write, from a seed.
//!
//! | file | contents |
//! |---|---|
//! | here | the command |
//! | [`hostile`] | hostile programs against the kernel, on emulated machines or on the simulated one |
//! | [`readers`] | the readers of untrusted files, on the host |

pub mod hostile;
pub mod readers;

use crate::workspace::Workspace;
use anyhow::Result;
use clap::Subcommand;

/// Let hostile programs make random system calls, and see that nobody is harmed; or feed inputs that
/// nobody would write to what must cope with them.
///
/// Victims check that they are undisturbed, a supervisor that all frames come back and no capability
/// is gained. A failure prints its seed and episode, and is made as small as it can be.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(flatten)]
    hostile: hostile::Options,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    Readers(readers::Arguments),
}

/// The command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    match &arguments.what {
        None => hostile::main(&workspace, &arguments.hostile),
        Some(What::Readers(arguments)) => readers::main(&workspace, arguments),
    }
}
