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
    Program(crate::elf::Error),
    /// There is no such thing.
    Missing(&'static str),
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
            Cause::Memory => formatter.write_str("memory is used up; give the machine more"),
            Cause::Room(what) => write!(formatter, "too many {what}; describe a smaller system"),
        }
    }
}

/// What a person can do about it.
fn remedy(status: Status) -> &'static str {
    match status {
        Status::NoStock => "raise stock_pages of the space",
        Status::NoCapability => "raise table_frames of the space, or check the grant",
        Status::NoRight => "the grant asks for more rights than there are",
        Status::Occupied => "an address or an interrupt line is given twice",
        Status::TooDeep => "the tree of schedulers is too deep",
        Status::Cycle => "the tree of schedulers has a cycle",
        Status::WrongCore => "a scheduler and its child need the same core",
        Status::BadAddress => "check the addresses in the description",
        Status::FramesBusy => "two grants need the same memory",
        _ => "check the description against the kernel's version",
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause, Failure};
    use cedo_lib::Status;
    use cedo_lib::abi::system::name;

    #[test]
    fn a_failure_names_what_why_and_what_to_do() {
        let cause = Cause::Kernel(Status::NoStock);
        let failure = Failure { doing: "map the stack", name: name("hello"), cause };
        let line = format!("{failure}");
        assert_eq!(
            line,
            "cannot map the stack of hello: the kernel answers NoStock; \
             raise stock_pages of the space"
        );
    }
}
