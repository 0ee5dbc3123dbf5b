//! Message types of the servers.
#![no_std]
