//! (being written)
pub mod route;
