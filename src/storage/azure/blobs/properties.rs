//! What headers say of a blob, and the headers of a blob that is written.

use crate::storage::azure::answer::Answer;
use crate::storage::azure::call::Call;
use crate::storage::{BlobProperties, Condition, StorageError, WriteBlob};

/// What is before a name of metadata.
const METADATA: &str = "x-ms-meta-";
/// What blobs hold where nobody says it, as in Azure.
pub(super) const BYTES: &str = "application/octet-stream";

/// Of an answer whose headers describe a blob. Where it brings a part, the length is still that of the whole.
pub(super) fn of(answer: &Answer) -> BlobProperties {
    let whole = answer.header("content-range").and_then(|range| range.rsplit_once('/')).map(|(_, length)| length);
    let length = whole.or_else(|| answer.header("content-length")).and_then(|length| length.trim().parse().ok());
    let metadata = answer.headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix(METADATA)?;
        Some((name.to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
    });
    let mut metadata: Vec<_> = metadata.collect();
    metadata.sort();
    BlobProperties {
        length: length.unwrap_or_default(),
        etag: quoted(answer.header("etag").unwrap_or_default()),
        last_modified: answer.time("last-modified"),
        content_type: answer.header("content-type").unwrap_or(BYTES).to_owned(),
        metadata,
    }
}

/// Of a blob that was written.
pub(super) fn written(answer: &Answer, length: u64, how: &WriteBlob) -> BlobProperties {
    let mut metadata: Vec<_> = how.metadata.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    metadata.sort();
    BlobProperties {
        length,
        etag: quoted(answer.header("etag").unwrap_or_default()),
        last_modified: answer.time("last-modified"),
        content_type: how.content_type.clone().unwrap_or_else(|| BYTES.to_owned()),
        metadata,
    }
}

/// Adds what a blob is to be, and when.
pub(super) fn describe(mut call: Call, how: &WriteBlob) -> Result<Call, StorageError> {
    call = call.header("x-ms-blob-content-type", how.content_type.as_deref().unwrap_or(BYTES));
    for (name, value) in &how.metadata {
        let letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) || !name.chars().all(letter) {
            let rule = "it takes letters, digits and underscores, no digit first";
            return Err(StorageError::Name { kind: "metadata", name: name.clone(), rule });
        }
        if !value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return Err(StorageError::Other(format!("the metadata {name:?} holds other than ASCII characters, which HTTP headers can't")));
        }
        call = call.header(&format!("{METADATA}{name}"), value);
    }
    Ok(match &how.condition {
        Condition::Always => call,
        Condition::IfAbsent => call.header("if-none-match", "*"),
        Condition::IfMatch(etag) => call.header("if-match", etag),
    })
}

/// Lists have ETags without the quotes that headers have.
pub(super) fn quoted(etag: &str) -> String {
    if etag.starts_with('"') || etag.is_empty() { etag.to_owned() } else { format!("\"{etag}\"") }
}
