//! Lists of containers and blobs.

use super::container_call;
use super::properties::{BYTES, quoted};
use crate::storage::azure::Account;
use crate::storage::azure::answer::time;
use crate::storage::azure::call::Call;
use crate::storage::azure::xml::Element;
use crate::storage::connection_string::Service;
use crate::storage::{BlobProperties, ListedBlob, StorageError};
use http::Method;
use percent_encoding::percent_decode_str;

pub(super) async fn containers(account: &Account) -> Result<Vec<String>, StorageError> {
    let (mut names, mut marker) = (Vec::new(), None);
    loop {
        let call = Call::new(Service::Blob, Method::GET, "/")
            .query("comp", "list")
            .query("maxresults", account.sizes.page)
            .query_if("marker", marker);
        let list = account.client.send(call).await?.good(&[])?.xml()?;
        names.extend(
            list.child("Containers").into_iter().flat_map(|all| &all.children).map(|container| container.text_of("Name").to_owned()),
        );
        marker = next(&list);
        if marker.is_none() {
            names.sort();
            return Ok(names);
        }
    }
}

/// One page, and where to go on.
pub(super) async fn blobs(
    account: &Account,
    container: &str,
    prefix: &str,
    after: Option<String>,
) -> Result<(Vec<ListedBlob>, Option<String>), StorageError> {
    let call = container_call(Method::GET, container)
        .query("comp", "list")
        .query("include", "metadata")
        .query("maxresults", account.sizes.page)
        .query_if("prefix", Some(prefix).filter(|prefix| !prefix.is_empty()))
        .query_if("marker", after);
    let list = account.client.send(call).await?.good(&[("container", container)])?.xml()?;
    let blobs = list.child("Blobs").into_iter().flat_map(|all| &all.children).filter(|entry| entry.name == "Blob");
    Ok((blobs.map(listed).collect(), next(&list)))
}

fn next(list: &Element) -> Option<String> {
    Some(list.text_of("NextMarker").to_owned()).filter(|marker| !marker.is_empty())
}

fn listed(entry: &Element) -> ListedBlob {
    let name = entry.child("Name").map(|name| match name.is_encoded {
        true => percent_decode_str(&name.text).decode_utf8_lossy().into_owned(),
        false => name.text.clone(),
    });
    let properties = entry.child("Properties");
    let property = |name| properties.map_or("", |properties| properties.text_of(name));
    let metadata = entry.child("Metadata").into_iter().flat_map(|all| &all.children);
    // As headers have them, so that a blob is the same here and there.
    let mut metadata: Vec<_> = metadata.map(|each| (each.name.to_ascii_lowercase(), each.text.clone())).collect();
    metadata.sort();
    let content_type = Some(property("Content-Type")).filter(|content_type| !content_type.is_empty());
    ListedBlob {
        name: name.unwrap_or_default(),
        properties: BlobProperties {
            length: property("Content-Length").trim().parse().unwrap_or_default(),
            etag: quoted(property("Etag").trim()),
            last_modified: time(property("Last-Modified")),
            content_type: content_type.unwrap_or(BYTES).to_owned(),
            metadata,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read() {
        let entry = "<Blob><Name Encoded=\"true\">a%EF%BF%BE%20b</Name><Properties><Last-Modified>Fri, 26 Jun 2015 23:39:12 GMT</Last-Modified>\
            <Etag>0x8CBFF45D8A29A19</Etag><Content-Length>100</Content-Length><Content-Type>text/html</Content-Type></Properties>\
            <Metadata><Color>blue</Color><a>1</a></Metadata></Blob>";
        let blob = listed(&Element::parse(entry.as_bytes()).unwrap());
        assert_eq!(
            (blob.name.as_str(), blob.properties.length, blob.properties.etag.as_str()),
            ("a\u{fffe} b", 100, "\"0x8CBFF45D8A29A19\"")
        );
        let metadata: Vec<_> = blob.properties.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!((blob.properties.content_type.as_str(), metadata), ("text/html", vec![("a", "1"), ("color", "blue")]));
        assert_eq!(listed(&Element::parse(b"<Blob><Name>&lt; </Name></Blob>").unwrap()).name, "< ");
    }
}
