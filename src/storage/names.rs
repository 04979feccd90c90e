//! Which names Azure Storage allows. Every implementation checks them before it does anything.

use super::StorageError;

/// In characters.
const LONGEST_BLOB: usize = 1024;
/// In UTF-16: Azure's 1 KiB.
const LONGEST_KEY: usize = 512;

/// Checks a container's name.
///
/// # Errors
/// [`StorageError::Name`] with what is allowed.
pub fn container(name: &str) -> Result<(), StorageError> {
    let rule = "it takes 3 to 63 lower-case letters, digits and single hyphens between them, or $root, $web or $logs";
    check("container", name, rule, ["$root", "$web", "$logs"].contains(&name) || is_label(name))
}

/// Checks a queue's name.
///
/// # Errors
/// [`StorageError::Name`] with what is allowed.
pub fn queue(name: &str) -> Result<(), StorageError> {
    check("queue", name, "it takes 3 to 63 lower-case letters, digits and single hyphens between them", is_label(name))
}

/// Checks the name of a blob in a container.
///
/// # Errors
/// [`StorageError::Name`] with what is allowed.
pub fn blob(name: &str) -> Result<(), StorageError> {
    check("blob", name, "it takes 1 to 1024 characters", (1..=LONGEST_BLOB).contains(&name.chars().count()))
}

/// Checks a table's name.
///
/// # Errors
/// [`StorageError::Name`] with what is allowed.
pub fn table(name: &str) -> Result<(), StorageError> {
    let fits = (3..=63).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !name.eq_ignore_ascii_case("tables");
    check("table", name, "it takes 3 to 63 letters and digits, a letter first, and isn't \"tables\"", fits)
}

/// Checks a partition key or a row key, which may be empty.
///
/// # Errors
/// [`StorageError::Name`] with what is allowed.
pub fn key(kind: &'static str, key: &str) -> Result<(), StorageError> {
    let fits = key.encode_utf16().count() <= LONGEST_KEY
        && !key.contains(|letter: char| letter.is_control() || matches!(letter, '/' | '\\' | '#' | '?'));
    check(kind, key, "it takes at most 512 characters without / \\ # ? and control characters", fits)
}

fn check(kind: &'static str, name: &str, rule: &'static str, fits: bool) -> Result<(), StorageError> {
    if fits { Ok(()) } else { Err(StorageError::Name { kind, name: name.to_owned(), rule }) }
}

fn is_label(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_and_queues_are_labels() {
        for good in ["abc", "a-b-c", "123", &"a".repeat(63)] {
            assert!(container(good).is_ok() && queue(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", "Abc", "a--b", "-abc", "abc-", "a_b", "a.b", "äbc", "../x", &"a".repeat(64)] {
            assert!(container(bad).is_err() && queue(bad).is_err(), "{bad}");
        }
        assert!(container("$root").is_ok() && container("$web").is_ok() && container("$other").is_err() && queue("$root").is_err());
    }

    #[test]
    fn tables_are_identifiers_without_underscores() {
        for good in ["abc", "A1b", &"x".repeat(63)] {
            assert!(table(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", "1ab", "a_b", "a-b", "Tables", "äbc", &"x".repeat(64)] {
            assert!(table(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn blobs_and_keys_have_limits() {
        assert!(blob("a/b c/ä?#").is_ok() && blob(&"ä".repeat(1024)).is_ok());
        assert!(blob("").is_err() && blob(&"a".repeat(1025)).is_err());
        assert!(key("row key", "").is_ok() && key("row key", "a b'ä").is_ok() && key("row key", &"ä".repeat(512)).is_ok());
        for bad in ["a/b", "a\\b", "a#b", "a?b", "a\nb", "a\u{85}b", &"a".repeat(513)] {
            assert!(key("row key", bad).is_err(), "{bad}");
        }
        let said = container("Bad").unwrap_err().to_string();
        assert!(said.starts_with("\"Bad\" is no name of a container: it takes 3 to 63"), "{said}");
    }
}
