//! Several cores, and every order in which their posts and threads can come.
//!
//! | file | contents |
//! |---|---|
//! | [`scene`] | a machine whose threads have something to do each |
//! | [`orders`] | all orders in which a scene can play |
//! | [`closed`] | receives from one thread of another core |

mod closed;
mod orders;
mod scene;
