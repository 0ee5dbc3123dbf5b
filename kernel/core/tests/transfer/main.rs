//! Typed items through the real kernel on the simulated machine
//! (docs/decisions/0004-typed-items.md).
//!
//! | file | contents |
//! |---|---|
//! | [`stage`] | builds roots, users with Spaces of their own, and pagers |
//! | [`play`] | who does what next; a call is made again as long as the kernel wants |
//! | [`message`] | operations with strings, and what they come to |
//! | [`ways`] | every operation that sends, every one that receives, either party first |
//! | [`model`] | what comes of items and windows, byte by byte |
//! | [`lengths`] | every length in every operation |
//! | [`faults`] | pages that are missing |
//! | [`interrupts`] | what comes between two steps |
//! | [`ends`] | transfers that end in the middle |
//! | [`cores`] | messages between two cores |
//! | [`forwards`] | calls that are passed on |
//! | [`roots`] | root schedulers |
//! | [`chaos`] | random programs |
//! | [`pieces`] | strings in pieces, several strings, what does not fit |
//! | [`gifts`] | memory and capabilities |
//! | [`gift_rule`] | who hears what of them |
//! | [`gift_scene`] | what there is to give, and who has what |
//! | [`string_rule`], [`strings`] | the same for strings; all rules as a page: `cargo xtask table` |

mod chaos;
mod cores;
mod ends;
mod faults;
mod forwards;
mod gift_rule;
mod gift_scene;
mod gifts;
mod interrupts;
mod lengths;
mod message;
mod model;
mod pieces;
mod play;
mod roots;
mod stage;
mod string_rule;
mod strings;
mod ways;
