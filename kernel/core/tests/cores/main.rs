//! Several cores, and every order in which their posts and threads can come.
//!
//! | file | contents |
//! |---|---|
//! | [`scene`] | a machine whose threads have something to do each |
//! | [`orders`] | all orders in which a scene can play |
//! | [`closed`] | receives from one thread of another core |
//! | [`sends`] | sends with timeout zero |
//! | [`ends`] | abort, suspend and destroy of a thread whose mail is on another core |
//! | [`same`] | the table of who waits for what, with partners here and there |
//! | [`migrate`] | a thread moves to another core while it is wanted |
//! | [`migrate_ends`] | the same, and others stop, start, abort, destroy or move it meanwhile |
//! | [`steps`] | what stops or ends with more waiters and children than one entry handles |

mod closed;
mod ends;
mod migrate;
mod migrate_ends;
mod orders;
mod same;
mod scene;
mod sends;
mod steps;
