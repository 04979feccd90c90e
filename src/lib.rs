//! snapfunc runs Azure Functions Python apps, unchanged, inside WebAssembly.
//!
//! A request flows through the modules in one direction: [`cli`] reads the command line, [`app`] reads what is on disk, [`host`] listens and
//! dispatches, [`bindings`] turn events into data and data into effects, [`sandbox`] runs the user's code; [`storage`] keeps what functions read and write.
//! [`wall`] stands around the whole process. [`packages`] has what an app needs installed before. `docs/architecture.md` follows one request from socket to socket.

#![deny(missing_docs, unsafe_code)]

pub mod app;
pub mod bindings;
pub mod cli;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod host;
pub mod packages;
pub mod sandbox;
pub mod storage;
pub mod wall;
