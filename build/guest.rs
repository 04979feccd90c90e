//! Has the guest built by `wasm-python/build.py` and flattened, and keeps the results in `wasm-python/dist` until their inputs change.

use crate::flatten::{self, Flattened};
use crate::sorted;
use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

const DIST: &str = "wasm-python/dist";
/// What is installed to flatten: its package.json and lock.
const BINARYEN: &str = "wasm-python/binaryen";

/// Builds the guest's component. Does nothing where it is up to date.
pub(crate) fn build() -> Result<(), Box<dyn Error>> {
    let python = env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let status = Command::new(&python).arg("wasm-python/build.py").status().map_err(|error| {
        format!("{python} can't be started ({error}): building the guest needs Python 3.10 or later; PYTHON names another one")
    })?;
    if !status.success() {
        return Err("the guest could not be built: see what wasm-python/build.py printed".into());
    }
    Ok(())
}

/// The guest as one module and its memory, flattened anew only where something changed.
pub(crate) fn flattened() -> Result<Flattened, Box<dyn Error>> {
    // Builds of several profiles may run at once: they take turns.
    let lock = File::create(format!("{DIST}/lock"))?;
    lock.lock()?;
    let component = fs::read(format!("{DIST}/worker.wasm"))?;
    let digest = digest(&component)?;
    let flat = Path::new(DIST).join("flat");
    let (module, image, inputs) = (flat.join("base.wasm"), flat.join("base.img"), flat.join("inputs"));
    if fs::read_to_string(&inputs).is_ok_and(|made_of| made_of == digest) {
        return Ok(Flattened { component: fs::read(module)?, image: fs::read(image)? });
    }
    fs::create_dir_all(&flat)?;
    let tools = install_binaryen()?;
    let scratch = Path::new(DIST).join("flattening");
    fs::create_dir_all(&scratch)?;
    let flattened = flatten::run(&component, &tools, &scratch)?;
    fs::remove_dir_all(&scratch)?;
    // An interrupted build must not leave new files beside the old inputs.
    let _ = fs::remove_file(&inputs);
    fs::write(module, &flattened.component)?;
    fs::write(image, &flattened.image)?;
    fs::write(inputs, digest)?;
    Ok(flattened)
}

fn digest(component: &[u8]) -> Result<String, Box<dyn Error>> {
    let mut digest = blake3::Hasher::new();
    digest.update(component);
    for folder in ["build/flatten", BINARYEN] {
        for path in sorted(Path::new(folder))? {
            digest.update(&fs::read(path)?);
        }
    }
    Ok(digest.finalize().to_hex().to_string())
}

/// Installs Binaryen from npm, pinned by its lock, unless it is there. Gives the folder of its programs.
fn install_binaryen() -> Result<std::path::PathBuf, Box<dyn Error>> {
    let folder = Path::new(DIST).join("binaryen");
    let lock = "package-lock.json";
    let wanted = fs::read(Path::new(BINARYEN).join(lock))?;
    let marker = folder.join("installed");
    if !fs::read(&marker).is_ok_and(|installed| installed == wanted) {
        fs::create_dir_all(&folder)?;
        for file in ["package.json", lock] {
            fs::copy(Path::new(BINARYEN).join(file), folder.join(file))?;
        }
        let output = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&folder)
            .output()
            .map_err(|error| format!("npm can't be started ({error}): flattening the guest needs Node.js with npm"))?;
        if !output.status.success() {
            return Err(format!("Binaryen could not be installed:\n{}", String::from_utf8_lossy(&output.stderr)).into());
        }
        fs::write(marker, wanted)?;
    }
    Ok(fs::canonicalize(folder)?.join("node_modules/.bin"))
}
