//! (being written)
pub(super) struct Tmp;
impl Tmp { pub(super) fn new(_: u64, _: usize) -> Self { Tmp } pub(super) fn clear(&mut self) {} }
pub(super) fn add_to_linker(_: &mut wasmtime::component::Linker<super::state::State>) -> wasmtime::Result<()> { Ok(()) }
