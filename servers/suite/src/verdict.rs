//! What a test says, and how it is shown.

use crate::op::Out;
use cedo_lib::abi::{Label, Status};
use core::fmt;

/// Why a test failed.
#[derive(Debug)]
pub struct Failure {
    what: &'static str,
    got: Shown,
    wanted: Shown,
}

impl Failure {
    /// Something is not there.
    pub const fn missing(what: &'static str) -> Failure {
        Failure { what, got: Shown::Number(0), wanted: Shown::Number(1) }
    }
}

/// What a test came to.
pub type Verdict = Result<(), Failure>;

/// A value in a line for a person.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    Number(u64),
    Status(Status),
    Label(Option<Label>),
}

impl fmt::Debug for Shown {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shown::Number(number) => write!(to, "{number:#x}"),
            Shown::Status(status) => write!(to, "{status:?}"),
            Shown::Label(Some(label)) => write!(to, "{label:?}"),
            Shown::Label(None) => write!(to, "no kernel message"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}: got {:?}, wanted {:?}", self.what, self.got, self.wanted)
    }
}

impl From<u64> for Shown {
    fn from(number: u64) -> Shown {
        Shown::Number(number)
    }
}

impl From<usize> for Shown {
    fn from(number: usize) -> Shown {
        Shown::Number(number as u64)
    }
}

impl From<u32> for Shown {
    fn from(number: u32) -> Shown {
        Shown::Number(number.into())
    }
}

impl From<bool> for Shown {
    fn from(value: bool) -> Shown {
        Shown::Number(value.into())
    }
}

impl From<Status> for Shown {
    fn from(status: Status) -> Shown {
        Shown::Status(status)
    }
}

impl From<Option<Label>> for Shown {
    fn from(label: Option<Label>) -> Shown {
        Shown::Label(label)
    }
}

/// Both are the same.
pub fn equal<T: Into<Shown>>(what: &'static str, got: T, wanted: T) -> Verdict {
    let (got, wanted) = (got.into(), wanted.into());
    if got == wanted { Ok(()) } else { Err(Failure { what, got, wanted }) }
}

/// Something holds.
pub fn holds(what: &'static str, condition: bool) -> Verdict {
    equal(what, condition, true)
}

/// A call had this status.
pub fn status(what: &'static str, out: &Out, wanted: Status) -> Verdict {
    equal(what, out.status(), wanted)
}

/// Something does not hold.
pub fn failure(what: &'static str) -> Failure {
    Failure { what, got: Shown::Number(0), wanted: Shown::Number(1) }
}

/// A call was done; its result, to go on with.
pub fn done(what: &'static str, out: Out) -> Result<Out, Failure> {
    status(what, &out, Status::Ok).map(|()| out)
}

/// A message of the kernel with this label arrived.
pub fn label(what: &'static str, out: &Out, wanted: Label) -> Verdict {
    equal(what, out.tag.kernel_label(), Some(wanted))
}
