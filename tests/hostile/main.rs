//! Functions and clients that mean harm, against the real program.

#[path = "../common/mod.rs"]
mod common;

mod clients;
mod functions;
