//! The Python that packages are installed for.

use super::requirements::normalised;
use std::sync::LazyLock;

/// Its version, as pip wants it.
pub(super) const PYTHON: &str = "3.14";

/// What its environment markers are (PEP 508): what `platform` and `sys` tell in the guest.
pub(super) const MARKERS: [(&str, &str); 11] = [
    ("implementation_name", "cpython"),
    ("implementation_version", "3.14.0"),
    ("os_name", "posix"),
    ("platform_machine", "wasm32"),
    ("platform_python_implementation", "CPython"),
    ("platform_release", "0.0.0"),
    ("platform_system", "wasi"),
    ("platform_version", "0.0.0"),
    ("python_full_version", "3.14.0"),
    ("python_version", PYTHON),
    ("sys_platform", "wasi"),
];

/// The SDK of Azure Functions. The worker is built with the guest's, so that is the one that functions get.
pub(super) const SDK: &str = "azure-functions";

/// What is never installed, as it is here already: the SDK, and Microsoft's worker, whose place this host takes.
pub(super) const PROVIDED: [&str; 2] = [SDK, "azure-functions-worker"];

/// What the guest brings along, as its build has it.
pub(super) const BROUGHT_ALONG: &str = include_str!("../../wasm-python/requirements-guest.txt");

static VERSIONS: LazyLock<Vec<(String, &str)>> = LazyLock::new(|| {
    let pins =
        BROUGHT_ALONG.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().next()?.split_once("=="));
    pins.map(|(name, version)| (normalised(name), version)).collect()
});

/// The version of a package that the guest brings along. The name is normalised.
pub(super) fn version(name: &str) -> Option<&'static str> {
    VERSIONS.iter().find(|(known, _)| known == name).map(|(_, version)| *version)
}
