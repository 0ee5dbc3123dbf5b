//! Why a system does not start: one line that says what, why, and what to do about it.

use cedo_lib::Status;
use cedo_lib::abi::read;
use cedo_lib::abi::system::NameBytes;
use core::fmt;

/// What went wrong while making what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What was being done, for "cannot ...".
    pub doing: &'static str,
    /// To what, by its name in the description.
    pub name: NameBytes,
    /// Why it failed.
    pub cause: Cause,
}

/// Why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The kernel refused.
    Kernel(Status),
    /// Archive or description are damaged.
    Damaged(read::Error),
    /// The program is none.
    Program(cedo_lib::elf::Error),
    /// The description names what is not there.
    Missing(&'static str),
    /// The boot archive lacks what it must have.
    Unpacked(&'static str),
    /// The machine has so many cores, and the description names more.
    Cores(u32),
    /// There is not enough memory.
    Memory,
    /// More than this server has room for.
    Room(&'static str),
}

impl Failure {
    /// A failure that concerns no named thing.
    pub const fn of_all(doing: &'static str, cause: Cause) -> Failure {
        Failure { doing, name: [0; _], cause }
    }
}

/// Turns what the kernel answered into a failure.
pub trait Refused<T> {
    /// Says what was being done to what.
    fn or_fail(self, doing: &'static str, name: NameBytes) -> Result<T, Failure>;
}

impl<T> Refused<T> for Result<T, Status> {
    fn or_fail(self, doing: &'static str, name: NameBytes) -> Result<T, Failure> {
        self.map_err(|status| Failure { doing, name, cause: Cause::Kernel(status) })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "cannot {}", self.doing)?;
        let name = cedo_lib::abi::system::text(&self.name);
        if !name.is_empty() {
            write!(formatter, " of {name}")?;
        }
        write!(formatter, ": ")?;
        self.cause.fmt(formatter)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Kernel(status) => {
                write!(formatter, "the kernel answers {status:?}; {}", remedy(*status))
            }
            Cause::Damaged(error) => write!(formatter, "{error}; pack the boot archive again"),
            Cause::Program(error) => write!(formatter, "{error}; build the program again"),
            Cause::Missing(what) => {
                write!(formatter, "there is no {what}; correct the description")
            }
            Cause::Unpacked(what) => {
                write!(formatter, "there is no {what}; pack the boot archive again")
            }
            Cause::Cores(there) => write!(
                formatter,
                "the machine has {there}; boot a larger one, or lower `cores` of the system"
            ),
            Cause::Memory => formatter.write_str(
                "memory is used up; give the machine at least the `ram` of the system, and raise that \
                 if it has as much",
            ),
            Cause::Room(what) => write!(formatter, "too many {what}; describe a smaller system"),
        }
    }
}

/// What a person can do about it. What stands in `` is a key of docs/system-description.md.
fn remedy(status: Status) -> &'static str {
    match status {
        Status::NoStock => "raise `stock_pages` of the space",
        Status::NoCapability => "raise `slots` of the space, or check what the entry names",
        Status::NoRight => "the entry asks for more `rights` or `access` than there are",
        Status::Occupied => "`at` of a memory or the `line` of an interrupt is given twice",
        Status::TooDeep => "the tree of each `scheduler` has too many levels",
        Status::Cycle => "the tree of each `scheduler` has a cycle",
        Status::WrongCore => "a thread and its `scheduler` need the same `core`",
        Status::BadAddress => "check `at` of the memories",
        Status::BadArgument => {
            "the machine has not all that is named: check `line`, `first`, `count` and `base`"
        }
        Status::FramesBusy => "two memories need the same frames: check `base` and `size`",
        _ => "check the description against the kernel's version",
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause, Failure};
    use cedo_lib::Status;
    use cedo_lib::abi::system::name;

    const REFERENCE: &str = include_str!("../../../docs/system-description.md");

    #[test]
    fn a_failure_names_what_why_and_what_to_do() {
        let cause = Cause::Kernel(Status::NoStock);
        let failure = Failure { doing: "map the stack", name: name("hello"), cause };
        let line = format!("{failure}");
        assert_eq!(
            line,
            "cannot map the stack of hello: the kernel answers NoStock; \
             raise `stock_pages` of the space"
        );
    }

    #[test]
    fn every_key_in_a_hint_is_one_of_the_reference() {
        let mut causes: Vec<_> = Status::ALL.into_iter().map(Cause::Kernel).collect();
        causes.extend([
            Cause::Memory,
            Cause::Cores(1),
            Cause::Missing("device memory at its `base`"),
        ]);
        let texts: Vec<_> = causes.iter().map(ToString::to_string).collect();
        let keys: Vec<_> =
            texts.iter().flat_map(|text| text.split('`').skip(1).step_by(2)).collect();
        assert!(keys.contains(&"slots") && keys.contains(&"ram"));
        for key in keys {
            assert!(REFERENCE.contains(&format!("\n| `{key}` |")), "`{key}` is no key");
        }
    }
}
