//! A stand-in for `cryptography`, where it was left out of packages that import it and hardly ever use it: the clients of Azure Storage, which
//! can encrypt a blob or message before it is sent. It has the names that they import and no others, so that packages that can do without
//! `cryptography` find it missing.

use std::fs;
use std::io;
use std::path::Path;

const INIT: &str = r#""""Stands in for the package of this name, which is native code: every use of what is here raises NotImplementedError."""


def unusable(name):
    def refuse(*_args, **_options):
        raise NotImplementedError(f"{name} can't be used: the package cryptography is native code, which this Python can't load")

    return type(name, (), {"__new__": refuse, "__doc__": "Not usable."})
"#;

const MODULES: [(&str, &[&str]); 8] = [
    ("hazmat/__init__.py", &[]),
    ("hazmat/backends.py", &["default_backend"]),
    ("hazmat/primitives/__init__.py", &[]),
    ("hazmat/primitives/padding.py", &["PKCS7"]),
    ("hazmat/primitives/ciphers/__init__.py", &["Cipher"]),
    ("hazmat/primitives/ciphers/aead.py", &["AESGCM"]),
    ("hazmat/primitives/ciphers/algorithms.py", &["AES"]),
    ("hazmat/primitives/ciphers/modes.py", &["CBC"]),
];

/// Writes it into a folder of packages.
pub(super) fn write(site_packages: &Path) -> io::Result<()> {
    let package = site_packages.join("cryptography");
    fs::create_dir(&package)?;
    fs::write(package.join("__init__.py"), INIT)?;
    for (file, names) in MODULES {
        let file = package.join(file);
        fs::create_dir_all(file.parent().unwrap_or(&package))?;
        let definitions: String = names.iter().map(|name| format!("{name} = unusable(\"{name}\")\n")).collect();
        let text = if names.is_empty() { definitions } else { format!("from cryptography import unusable\n\n{definitions}") };
        fs::write(file, text)?;
    }
    Ok(())
}
