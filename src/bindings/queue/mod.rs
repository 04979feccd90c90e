//! The queue trigger and the queue output: what is in a message.

pub mod text;
