//! Functions and clients that mean harm, against the real program.

#![allow(clippy::unwrap_used)] // a test fails by panicking

#[path = "../common/mod.rs"]
mod common;

mod clients;
mod functions;
mod http2;
mod loading;
mod network;
