//! Flattens the guest: from a component of many core modules, linked when it is instantiated, to one core module without data, and the memory that it
//! begins with.
//!
//! Instances of the result are cheap to make and to copy: there is nothing to link, nothing to initialise, and all that changes while code runs is the
//! linear memory. [`run`] does it: `component` takes the guest apart, `rename` gives all that the modules share one name, Binaryen merges and optimises
//! them, `invariants` checks what the sandbox relies on, `strip` takes the data out, `order` puts first what is called often, `turns` makes the code
//! interruptible, `world` makes a component of it again.

mod component;
pub(crate) mod cycles;
pub(crate) mod invariants;
pub(crate) mod order;
mod rename;
pub(crate) mod strip;
pub(crate) mod turns;
mod world;

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FlattenError {
    /// The guest is not built as this code expects.
    #[error("the guest can't be flattened: {0}")]
    Shape(String),
    /// The result could not be copied safely.
    #[error("the flattened guest can't be cloned: {0}")]
    Invariant(String),
    /// It is no WebAssembly.
    #[error("the guest can't be read: {0}")]
    Read(#[from] wasmparser::BinaryReaderError),
    /// A module can't be written again.
    #[error("a module of the guest can't be written: {0}")]
    Write(String),
    /// The component can't be made.
    #[error("the flattened guest is no component: {0:#}")]
    Component(anyhow::Error),
    /// A file can't be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A tool of Binaryen failed.
    #[error("{0} failed:\n{1}")]
    Tool(&'static str, String),
}

/// The flattened guest.
#[derive(Debug)]
pub(crate) struct Flattened {
    /// A component of one core module without data.
    pub(crate) component: Vec<u8>,
    /// What the module's memory holds at the start.
    pub(crate) image: Vec<u8>,
}

/// Flattens a component. `tools` holds Binaryen's programs, `scratch` is a folder for what lies between.
pub(crate) fn run(component: &[u8], tools: &Path, scratch: &Path) -> Result<Flattened, FlattenError> {
    let parts = component::Parts::read(component)?;
    let mut merge = Vec::new();
    for (instance, module) in parts.instances() {
        let file = scratch.join(format!("{instance}.wasm"));
        fs::write(&file, rename::for_merging(&parts, instance, module)?)?;
        merge.extend([file.into_os_string(), rename::module_name(instance).into()]);
    }
    let (merged, optimised) = (scratch.join("merged.wasm"), scratch.join("optimised.wasm"));
    // `compact imports` are an encoding that wasmtime 48 does not know.
    const FEATURES: [&str; 2] = ["--all-features", "--disable-compact-imports"];
    tool(Command::new(tools.join("wasm-merge")).args(FEATURES).args(merge).args(["-g", "-o"]).arg(&merged), "wasm-merge")?;
    fs::write(&merged, rename::for_the_component(&parts, &fs::read(&merged)?)?)?;
    // The lowest addresses are the end of the stack, which nothing points to with more than it has: so additions to an address may become a load's offset.
    let optimise = ["-O3", "--low-memory-unused", "--strip-dwarf", "--strip-producers", "-g"];
    tool(Command::new(tools.join("wasm-opt")).args(FEATURES).args(optimise).arg(&merged).arg("-o").arg(&optimised), "wasm-opt")?;
    let optimised = fs::read(&optimised)?;
    invariants::check(&optimised)?;
    let (module, image) = strip::data(&optimised)?;
    let module = order::called_first(&module)?;
    let module = turns::insert(&module)?;
    Ok(Flattened { component: world::component_of(module, component)?, image })
}

fn tool(command: &mut Command, name: &'static str) -> Result<(), FlattenError> {
    let output = command.output().map_err(|error| FlattenError::Tool(name, format!("it can't be started: {error}")))?;
    if output.status.success() { Ok(()) } else { Err(FlattenError::Tool(name, String::from_utf8_lossy(&output.stderr).into_owned())) }
}
