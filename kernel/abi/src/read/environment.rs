//! Reads and writes the environment of a thread (layout: [`crate::system::Environment`]).

use super::{Cursor, Error, Record, Table, name};
use crate::system::{ENVIRONMENT_MAGIC, Environment, EnvironmentChild, EnvironmentGrant};
use crate::write::{Full, Sink};

/// A complete environment.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    environment: Environment,
    grants: Table<'a, EnvironmentGrant>,
    children: Table<'a, EnvironmentChild>,
}

impl<'a> Reader<'a> {
    /// Checks lengths and names. Bytes behind the stated length are ignored.
    pub fn new(bytes: &'a [u8]) -> Result<Reader<'a>, Error> {
        let environment: Environment = Cursor::new(bytes).record()?;
        if environment.magic != ENVIRONMENT_MAGIC {
            return Err(Error::Magic);
        }
        let length = usize::try_from(environment.length).map_err(|_| Error::Length)?;
        let mut cursor = Cursor::new(bytes.get(..length).ok_or(Error::Truncated)?);
        let environment: Environment = cursor.record()?;
        let reader = Reader {
            grants: cursor.table(environment.grants)?,
            children: cursor.table(environment.children)?,
            environment,
        };
        if !cursor.rest().is_empty() {
            return Err(Error::Length);
        }
        reader.check()?;
        Ok(reader)
    }

    /// The fixed part.
    pub const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The thread's capabilities.
    pub const fn grants(&self) -> Table<'a, EnvironmentGrant> {
        self.grants
    }

    /// The children of a scheduler.
    pub const fn children(&self) -> Table<'a, EnvironmentChild> {
        self.children
    }

    /// The first grant called `wanted` of kind `kind` (a number of [`crate::system::grant`]).
    pub fn grant(&self, wanted: &str, kind: u32) -> Option<EnvironmentGrant> {
        self.grants.iter().find(|grant| grant.kind == kind && name(&grant.name) == Ok(wanted))
    }

    /// Name of this thread.
    pub fn name(&self) -> &str {
        name(&self.environment.name).unwrap_or("")
    }

    fn check(&self) -> Result<(), Error> {
        name(&self.environment.system)?;
        name(&self.environment.space)?;
        name(&self.environment.name)?;
        for grant in self.grants {
            name(&grant.name)?;
        }
        for child in self.children {
            name(&child.name)?;
        }
        Ok(())
    }
}

/// Bytes of an environment with so many grants and children.
pub const fn length(grants: usize, children: usize) -> usize {
    Environment::BYTES + grants * EnvironmentGrant::BYTES + children * EnvironmentChild::BYTES
}

/// Writes the fixed part of an environment; the caller then puts `environment.grants` grants and
/// `environment.children` children into the same sink. Magic and length are set here.
pub fn begin(environment: &Environment, to: &mut Sink<'_>) -> Result<(), Full> {
    let length = length(environment.grants as usize, environment.children as usize);
    to.record(&Environment { magic: ENVIRONMENT_MAGIC, length: length as u64, ..*environment })
}
