//! What is known of packages with native code: tables, and nothing else. Names are normalised.

/// Works without its native parts: they only make it faster, and it looks whether they are there.
pub(super) const FAST_PARTS: [&str; 15] = [
    "aiohttp",
    "bitarray",
    "charset-normalizer",
    "coverage",
    "frozenlist",
    "markupsafe",
    "msgpack",
    "multidict",
    "propcache",
    "pyyaml",
    "simplejson",
    "sqlalchemy",
    "tornado",
    "websockets",
    "wrapt",
];

/// Versions that are chosen where requirements.txt leaves the choice, and why.
pub(super) const LIMITS: [(&str, &str, &str); 3] = [
    ("fastapi", "<0.119", "later versions need pydantic 2, which is native code, on Python 3.14"),
    ("jsonschema", "<4.18", "later versions need native code"),
    ("pydantic", "<2", "pydantic 2 is native code"),
];

/// Is not installed for these packages (none: for any), as they can be imported without; and what that means.
pub(super) const LEFT_OUT: [(&str, &[&str], &str); 7] = [
    ("cryptography", &STORAGE, "client-side encryption can't be used"),
    ("greenlet", &["sqlalchemy"], "SQLAlchemy's asyncio extension can't be used"),
    ("httptools", &[], "there is no server in an app"),
    ("orjson", &["fastapi"], "ORJSONResponse can't be used"),
    ("ujson", &["fastapi", "starlette"], "UJSONResponse can't be used"),
    ("uvloop", &[], "the event loop is the guest's"),
    ("watchfiles", &[], "an app can't watch files"),
];

/// They import `cryptography` for client-side encryption alone; see `stand_in`.
pub(super) const STORAGE: [&str; 3] = ["azure-storage-blob", "azure-storage-file-share", "azure-storage-queue"];

/// What to do in place of packages that need native code.
const INSTEAD: [(&str, &str); 32] = [
    ("argon2-cffi-bindings", "use hashlib.pbkdf2_hmac"),
    ("asyncpg", "use pg8000"),
    ("bcrypt", "use hashlib.pbkdf2_hmac"),
    ("brotli", "use gzip or zlib of the standard library"),
    ("cffi", "the package that needs it calls native libraries"),
    (
        "cryptography",
        "there is no pure replacement; hashlib, hmac and secrets of the standard library have hashes, signatures and random tokens",
    ),
    ("gevent", "use asyncio"),
    ("greenlet", "use asyncio"),
    ("grpcio", "call the service's REST interface"),
    ("httptools", "take it out: there is no server in an app"),
    ("lxml", "use xml.etree of the standard library, or beautifulsoup4 with html.parser"),
    ("mysqlclient", "use pymysql"),
    ("numpy", "use lists, array and statistics of the standard library"),
    ("orjson", "use json of the standard library"),
    ("pandas", "use csv, json and statistics of the standard library"),
    ("pillow", "there is no pure replacement"),
    ("psutil", "take it out: there are no other processes in the sandbox"),
    ("psycopg", "use pg8000"),
    ("psycopg2", "use pg8000"),
    ("psycopg2-binary", "use pg8000"),
    ("pycryptodome", "hashlib, hmac and secrets of the standard library have hashes, signatures and random tokens"),
    ("pydantic-core", "use `pydantic<2`, with FastAPI `fastapi<0.119` beside it"),
    ("pymssql", "use python-tds"),
    ("pyodbc", "use python-tds for SQL Server"),
    ("python-rapidjson", "use json of the standard library"),
    ("regex", "use re of the standard library"),
    ("rpds-py", "use `jsonschema<4.18`"),
    ("ruamel-yaml-clib", "use `ruamel.yaml>=0.19`, or pyyaml"),
    ("scipy", "use math and statistics of the standard library"),
    ("ujson", "use json of the standard library"),
    ("uvloop", "take it out: the event loop is the guest's"),
    ("watchfiles", "take it out: an app can't watch files"),
];

/// What to do in place of a package, if anybody knows.
pub(super) fn instead(package: &str) -> Option<&'static str> {
    INSTEAD.iter().find(|(name, _)| *name == package).map(|(_, instead)| *instead)
}

/// What it means that a package was left out.
pub(super) fn without(package: &str) -> &'static str {
    LEFT_OUT.iter().find(|(name, ..)| *name == package).map_or("", |(.., without)| without)
}

#[cfg(test)]
mod tests {
    use super::super::requirements::normalised;
    use super::*;

    #[test]
    fn names_are_normalised_and_in_order() {
        let limits = LIMITS.map(|(name, ..)| name);
        let left_out = LEFT_OUT.map(|(name, ..)| name);
        let instead = INSTEAD.map(|(name, _)| name);
        for names in [&FAST_PARTS[..], &limits, &left_out, &STORAGE, &instead] {
            assert!(names.is_sorted(), "{names:?}");
            assert!(names.iter().all(|name| normalised(name) == *name), "{names:?}");
        }
    }
}
