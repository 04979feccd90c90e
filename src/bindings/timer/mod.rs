//! The timer trigger: when it runs.

pub mod schedule;
