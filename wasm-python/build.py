#!/usr/bin/env python3
"""Builds the guest: `dist/worker.wasm` (CPython with the worker and the SDK, one component) and `dist/rootfs/` (what is mounted beside it).

    python3 build.py            # builds what is missing or out of date
    python3 build.py --force    # builds all

Every input is pinned by hash or is in this repository. `dist/inputs` holds the digest of all inputs of the last build. Needs Python 3.10 or
later with venv and pip, and PyPI; nothing else.
"""

import argparse
import contextlib
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator

HERE = pathlib.Path(__file__).resolve().parent
CONTRACT = HERE.parent / "host-api.wit"
DIST = HERE / "dist"
WORLD = "function-app"
GUEST_PYTHON = "3.14"
# Any platform would do: only pure Python is kept.
WHEEL_PLATFORM = "manylinux2014_x86_64"


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds the guest into wasm-python/dist.")
    parser.add_argument("--force", action="store_true", help="build even if nothing changed")
    arguments = parser.parse_args()
    DIST.mkdir(exist_ok=True)
    with only_one_at_a_time():
        digest = inputs_digest()
        stamp = DIST / "inputs"
        if not arguments.force and stamp.exists() and stamp.read_text() == digest and (DIST / "worker.wasm").exists():
            return
        stamp.unlink(missing_ok=True)
        build()
        stamp.write_text(digest)


def build() -> None:
    environment = tools()
    with tempfile.TemporaryDirectory() as scratch:
        staging = pathlib.Path(scratch) / "0"
        staging.mkdir()
        say("installing the SDK for the guest")
        packages = staging / "packages"
        install_guest_packages(environment, packages)
        shutil.copytree(HERE / "worker", packages, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        say("exporting and compiling the guest's standard library")
        shutil.copy(HERE / "build_steps" / "export_stdlib.py", staging / "export_stdlib.py")
        componentize(environment, "export_stdlib", staging, pathlib.Path(scratch) / "unused.wasm")
        say("building the guest's component")
        # The first folder of the path is `/0` in the guest, at build time and in every traceback: the host mounts it there again.
        componentize(environment, "snapfunc_worker.wit", packages, DIST / "worker.wasm")
        rootfs = DIST / "rootfs"
        shutil.rmtree(rootfs, ignore_errors=True)
        shutil.move(staging / "python", rootfs / "python")
        shutil.move(packages, rootfs / "packages")
    say(f"built {DIST / 'worker.wasm'} ({(DIST / 'worker.wasm').stat().st_size >> 20} MiB)")


def tools() -> pathlib.Path:
    """A virtual environment with componentize-py; made again when its requirements change."""
    folder = DIST / "tools"
    wanted = digest_of([HERE / "requirements-build.txt"])
    marker = folder / "made-for"
    if not marker.exists() or marker.read_text() != wanted:
        say("installing componentize-py")
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        pip(folder, "install", "--require-hashes", "--only-binary=:all:", "-r", str(HERE / "requirements-build.txt"))
        marker.write_text(wanted)
    return folder


def install_guest_packages(environment: pathlib.Path, target: pathlib.Path) -> None:
    pip(
        environment, "install", "--require-hashes", "--no-deps", "--no-compile", "--only-binary=:all:", "--target", str(target),
        "--implementation", "cp", "--python-version", GUEST_PYTHON, "--ignore-requires-python", "--platform", WHEEL_PLATFORM,
        "-r", str(HERE / "requirements-guest.txt"),
    )  # fmt: skip
    for compiled in [*target.rglob("*.so"), *target.rglob("*.c")]:
        compiled.unlink()
    shutil.rmtree(target / "bin", ignore_errors=True)


def componentize(environment: pathlib.Path, module: str, path: pathlib.Path, output: pathlib.Path) -> None:
    command = [str(environment / "bin" / "componentize-py"), "-d", str(CONTRACT), "-w", WORLD, "componentize", module]
    run([*command, "-p", str(path), "-o", str(output)])


def pip(environment: pathlib.Path, *arguments: str) -> None:
    run([str(environment / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments])


def run(command: list[str]) -> None:
    """Runs a command; what it prints is shown only if it fails."""
    # A VIRTUAL_ENV of whoever builds would be searched for modules by componentize-py.
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\nthe guest's build failed: {' '.join(command[:3])} … exited with {done.returncode}")


def inputs_digest() -> str:
    sources = [path for folder in ("worker", "build_steps") for path in sorted((HERE / folder).rglob("*.py"))]
    return digest_of([CONTRACT, HERE / "build.py", HERE / "requirements-build.txt", HERE / "requirements-guest.txt", *sources])


def digest_of(files: list[pathlib.Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(HERE.parent)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


@contextlib.contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Two builds started at once (an editor's and a shell's) take turns."""
    with (DIST / "lock").open("w") as lock:
        try:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        except ImportError:
            pass  # not on Unix: builds are not guarded
        yield


def say(text: str) -> None:
    print(f"guest: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
