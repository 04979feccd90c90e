//! Builds the guest (if it is out of date) and packs it for the binary: the component and the folders mounted beside it, compressed.

use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::{env, io};

const INPUTS: &[&str] = &[
    "host-api.wit",
    "wasm-python/build.py",
    "wasm-python/build_steps",
    "wasm-python/requirements-build.txt",
    "wasm-python/requirements-guest.txt",
    "wasm-python/worker",
    "wasm-python/dist/inputs",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=PYTHON");
    for input in INPUTS {
        println!("cargo::rerun-if-changed={input}");
    }
    build_guest()?;
    let out = env::var("OUT_DIR")?;
    let component = fs::read("wasm-python/dist/worker.wasm")?;
    let rootfs = pack(Path::new("wasm-python/dist/rootfs"))?;
    let mut digest = blake3::Hasher::new();
    digest.update(&component).update(&rootfs);
    println!("cargo::rustc-env=SNAPFUNC_BASE_DIGEST={}", digest.finalize().to_hex());
    fs::write(format!("{out}/worker.wasm.zst"), compress(&component)?)?;
    fs::write(format!("{out}/rootfs.tar.zst"), compress(&rootfs)?)?;
    Ok(())
}

/// Does nothing where the guest is up to date.
fn build_guest() -> Result<(), Box<dyn Error>> {
    let python = env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let status = Command::new(&python).arg("wasm-python/build.py").status().map_err(|error| {
        format!("{python} can't be started ({error}): building the guest needs Python 3.10 or later; PYTHON names another one")
    })?;
    if !status.success() {
        return Err("the guest could not be built: see what wasm-python/build.py printed".into());
    }
    Ok(())
}

/// A tar of a folder that is the same for the same content: sorted, without owners and times.
fn pack(folder: &Path) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    archive.mode(tar::HeaderMode::Deterministic);
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        let mut entries = fs::read_dir(&current)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).map_err(io::Error::other)?;
                archive.append_file(name, &mut File::open(&path)?)?;
            }
        }
    }
    archive.into_inner()
}

fn compress(data: &[u8]) -> io::Result<Vec<u8>> {
    zstd::encode_all(data, 12)
}
