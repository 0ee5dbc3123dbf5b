//! Inputs that nobody would write, from a seed.
//!
//! | file | contents |
//! |---|---|
//! | here | the command |
//! | [`readers`] | the readers of untrusted files, on the host |

pub mod readers;

use crate::workspace::Workspace;
use anyhow::Result;
use clap::Subcommand;

/// Feed inputs that nobody would write to what must cope with them.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Readers(readers::Arguments),
}

/// The command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    match &arguments.what {
        What::Readers(arguments) => readers::main(&workspace, arguments),
    }
}
