//! The blob trigger: which blobs it is for.

pub mod pattern;
