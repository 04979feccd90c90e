//! Builds the guest (if it is out of date), flattens it, and packs it for the binary: code, memory image, and the folders mounted beside it, compressed.

mod flatten;
mod guest;

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::Path;

const INPUTS: &[&str] = &[
    "build",
    "host-api.wit",
    "wasm-python/binaryen",
    "wasm-python/build.py",
    "wasm-python/build_steps",
    "wasm-python/requirements-build.txt",
    "wasm-python/requirements-guest.txt",
    "wasm-python/worker",
    "wasm-python/dist/inputs",
    "wasm-python/dist/flat/inputs",
    FINISHING,
];

/// What the host makes of the image before anything uses it: snapshots are kept as what differs from that.
const FINISHING: &str = "src/sandbox/immortal.rs";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=PYTHON");
    for input in INPUTS {
        println!("cargo::rerun-if-changed={input}");
    }
    guest::build()?;
    let flat = guest::flattened()?;
    let out = env::var("OUT_DIR")?;
    let rootfs = pack(Path::new("wasm-python/dist/rootfs"))?;
    let mut digest = blake3::Hasher::new();
    digest.update(&flat.component).update(&flat.image).update(&rootfs).update(&fs::read(FINISHING)?);
    println!("cargo::rustc-env=SNAPFUNC_BASE_DIGEST={}", digest.finalize().to_hex());
    fs::write(format!("{out}/base.wasm.zst"), compress(&flat.component)?)?;
    fs::write(format!("{out}/base.img.zst"), compress(&flat.image)?)?;
    fs::write(format!("{out}/rootfs.tar.zst"), compress(&rootfs)?)?;
    Ok(())
}

/// A tar of a folder that is the same for the same content: sorted, without owners and times.
fn pack(folder: &Path) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    archive.mode(tar::HeaderMode::Deterministic);
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for path in sorted(&current)? {
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).map_err(io::Error::other)?;
                archive.append_file(name, &mut File::open(&path)?)?;
            }
        }
    }
    archive.into_inner()
}

/// What a folder holds, in order.
fn sorted(folder: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn compress(data: &[u8]) -> io::Result<Vec<u8>> {
    zstd::encode_all(data, 12)
}
