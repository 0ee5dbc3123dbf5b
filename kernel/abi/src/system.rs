//! The packed system description.
