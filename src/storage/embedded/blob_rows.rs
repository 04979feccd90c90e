//! Blobs' rows in the database.

use super::body::Body;
use super::failure::Failure;
use super::times;
use crate::storage::{BlobName, BlobProperties, Condition, ListedBlob};
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::io;

/// How many blobs are listed at once, as Azure does.
const LISTED: usize = 5000;

/// Where a row has its body.
pub(super) enum Content {
    Inline(Bytes),
    File(String),
}

pub(super) fn check_container(db: &Connection, container: &str) -> Result<(), Failure> {
    let found = db.prepare_cached("SELECT 1 FROM containers WHERE name = ?")?.exists([container])?;
    if found { Ok(()) } else { Err(Failure::missing("container", container)) }
}

/// Puts a blob's row in its place. Gives the file of the one that was there.
pub(super) fn put(
    db: &Connection,
    name: &BlobName,
    properties: &BlobProperties,
    body: &Body,
    condition: &Condition,
) -> Result<Option<String>, Failure> {
    check_container(db, &name.container)?;
    let mut select = db.prepare_cached("SELECT etag, file FROM blobs WHERE container = ? AND name = ?")?;
    let place = [&name.container, &name.blob];
    let old = select.query_row(place, |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))).optional()?;
    match (condition, &old) {
        (Condition::IfAbsent, Some(_)) => return Err(Failure::conflict(format!("there is a blob {name} already"))),
        (Condition::IfMatch(_), None) => return Err(Failure::conflict(format!("the blob {name} is gone"))),
        (Condition::IfMatch(wanted), Some((etag, _))) if wanted != etag => {
            return Err(Failure::conflict(format!("the blob {name} was written by somebody else")));
        }
        _ => {}
    }
    let (inline, file) = match body {
        Body::Inline(bytes) => (Some(bytes.as_ref()), None),
        Body::File(draft) => (None, Some(draft.name())),
    };
    let modified = properties.last_modified.duration_since(std::time::UNIX_EPOCH).map_or(0, times::micros);
    let length = i64::try_from(properties.length).unwrap_or(i64::MAX);
    let metadata = serde_json::to_string(&properties.metadata).map_err(io::Error::from)?;
    let replace = "INSERT INTO blobs (container, name, length, etag, modified, content_type, metadata, file, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (container, name) DO UPDATE
        SET length = ?3, etag = ?4, modified = ?5, content_type = ?6, metadata = ?7, file = ?8, body = ?9";
    let values = params![name.container, name.blob, length, properties.etag, modified, properties.content_type, metadata, file, inline];
    db.prepare_cached(replace)?.execute(values)?;
    Ok(old.and_then(|(_, file)| file))
}

/// A blob without its body, which is not even looked at.
pub(super) fn properties(db: &Connection, name: &BlobName) -> Result<Option<BlobProperties>, rusqlite::Error> {
    let select = "SELECT length, etag, modified, content_type, metadata FROM blobs WHERE container = ? AND name = ?";
    db.prepare_cached(select)?.query_row([&name.container, &name.blob], of_row).optional()
}

/// A blob with its body, or its body's file.
pub(super) fn find(db: &Connection, name: &BlobName) -> Result<Option<(BlobProperties, Content)>, rusqlite::Error> {
    let select = "SELECT length, etag, modified, content_type, metadata, file, body FROM blobs WHERE container = ? AND name = ?";
    let found = |row: &Row<'_>| {
        let content = match row.get::<_, Option<String>>(5)? {
            Some(file) => Content::File(file),
            None => Content::Inline(row.get::<_, Vec<u8>>(6)?.into()),
        };
        Ok((of_row(row)?, content))
    };
    db.prepare_cached(select)?.query_row([&name.container, &name.blob], found).optional()
}

pub(super) fn list(db: &Connection, container: &str, prefix: &str, after: &str) -> Result<(Vec<ListedBlob>, Option<String>), Failure> {
    check_container(db, container)?;
    // What has a prefix stands together, from the prefix itself on.
    let select = "SELECT length, etag, modified, content_type, metadata, name FROM blobs
        WHERE container = ? AND name >= ? AND name > ? ORDER BY name";
    let mut select = db.prepare_cached(select)?;
    let mut rows = select.query([container, prefix, after])?;
    let mut listed: Vec<ListedBlob> = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(5)?;
        if !name.starts_with(prefix) {
            break;
        }
        if listed.len() == LISTED {
            let last = listed.last().map(|blob| blob.name.clone());
            return Ok((listed, last));
        }
        listed.push(ListedBlob { name, properties: of_row(row)? });
    }
    Ok((listed, None))
}

/// Of the first columns.
fn of_row(row: &Row<'_>) -> Result<BlobProperties, rusqlite::Error> {
    let metadata: String = row.get(4)?;
    Ok(BlobProperties {
        length: row.get::<_, i64>(0)?.unsigned_abs(),
        etag: row.get(1)?,
        last_modified: times::system(row.get(2)?),
        content_type: row.get(3)?,
        metadata: serde_json::from_str(&metadata)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, Box::new(error)))?,
    })
}
