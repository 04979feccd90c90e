//! Signatures of requests with an account's key: "Authorize with Shared Key" in the documentation of Azure Storage's REST protocol.

use super::call::Call;
use crate::storage::connection_string::Service;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use std::fmt::Write as _;

/// The headers that the signature of blobs and queues covers by their place. The length is between the second and the third.
const PLACES: [&str; 10] = [
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

/// Signs requests. Its `Debug` has no key.
#[derive(Debug)]
pub(super) struct Signer {
    account: String,
    key: hmac::Key,
}

// === impl Signer ===

impl Signer {
    pub(super) fn new(account: &str, key: &[u8]) -> Signer {
        Signer { account: account.to_owned(), key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// The header `Authorization` of a call that has all other headers. `base` is what the endpoint has before the call's path.
    pub(super) fn authorization(&self, call: &Call, base: &str) -> String {
        let text = match call.service {
            Service::Blob | Service::Queue => long(&self.account, call, base),
            Service::Table => short(&self.account, call, base),
        };
        format!("SharedKey {}:{}", self.account, STANDARD.encode(hmac::sign(&self.key, text.as_bytes())))
    }
}

/// What is signed for blobs and queues.
fn long(account: &str, call: &Call, base: &str) -> String {
    let mut text = call.method.to_string();
    for (index, name) in PLACES.iter().enumerate() {
        if index == 2 {
            text.push('\n');
            // No body is signed as no length, not as 0.
            if !call.body.is_empty() {
                let _ = write!(text, "{}", call.body.len());
            }
        }
        let _ = write!(text, "\n{}", header(call, name));
    }
    text.push('\n');
    let mut own: Vec<_> = call.headers.iter().filter(|(name, _)| name.starts_with("x-ms-")).collect();
    own.sort_by_key(|(name, _)| weight(name));
    for (name, value) in own {
        let _ = writeln!(text, "{name}:{}", value.trim());
    }
    let _ = write!(text, "/{account}{base}{}", call.path);
    let mut query: Vec<_> = call.query.iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    query.sort();
    for (name, value) in query {
        let _ = write!(text, "\n{name}:{value}");
    }
    text
}

/// What is signed for tables.
fn short(account: &str, call: &Call, base: &str) -> String {
    let mut text = call.method.to_string();
    for name in ["content-md5", "content-type", "x-ms-date"] {
        let _ = write!(text, "\n{}", header(call, name));
    }
    let _ = write!(text, "\n/{account}{base}{}", call.path);
    if let Some((_, value)) = call.query.iter().find(|(name, _)| *name == "comp") {
        let _ = write!(text, "?comp={value}");
    }
    text
}

fn header<'c>(call: &'c Call, wanted: &str) -> &'c str {
    call.headers.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str())
}

/// The service sorts headers as .NET does in English: underscores are before digits, hyphens count last. That matters for names of metadata.
fn weight(name: &str) -> (String, &str) {
    (name.chars().filter(|letter| *letter != '-').map(|letter| if letter == '_' { '!' } else { letter }).collect(), name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    fn signer() -> Signer {
        Signer::new("myaccount", b"an account's key")
    }

    #[test]
    fn a_container_is_signed_as_documented() {
        let call = Call::new(Service::Blob, Method::GET, "/mycontainer")
            .query("restype", "container")
            .query("comp", "metadata")
            .query("timeout", 20)
            .header("x-ms-version", "2015-02-21")
            .header("x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT");
        let wanted = "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n\
            /myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20";
        assert_eq!(long("myaccount", &call, ""), wanted);
        assert_eq!(signer().authorization(&call, ""), "SharedKey myaccount:sxQ1e2uYXjW+5s8u4gJZRROn1ft9oAn/yZuZBckzKyo=");
    }

    #[test]
    fn a_written_blob_is_signed() {
        let call = Call::new(Service::Blob, Method::PUT, "/c/a%20b")
            .header("Content-Type", "text/plain")
            .header("If-None-Match", "*")
            .header("x-ms-meta-a1", "  one ")
            .header("x-ms-meta-a_b", "two")
            .header("x-ms-blob-type", "BlockBlob")
            .body("hello");
        let wanted = "PUT\n\n\n5\n\ntext/plain\n\n\n\n*\n\n\nx-ms-blob-type:BlockBlob\nx-ms-meta-a_b:two\nx-ms-meta-a1:one\n\
            /devstoreaccount1/devstoreaccount1/c/a%20b";
        assert_eq!(long("devstoreaccount1", &call, "/devstoreaccount1"), wanted);
    }

    #[test]
    fn tables_have_a_shorter_text() {
        let call = Call::new(Service::Table, Method::POST, "/Tables")
            .query("$top", 1)
            .header("Content-Type", "application/json")
            .header("x-ms-date", "Sun, 11 Oct 2009 19:52:39 GMT")
            .body("{}");
        let wanted = "POST\n\napplication/json\nSun, 11 Oct 2009 19:52:39 GMT\n/myaccount/Tables";
        assert_eq!(short("myaccount", &call, ""), wanted);
        assert_eq!(signer().authorization(&call, ""), "SharedKey myaccount:62PA7krc0yex5eVdFfMUjSmvIhLdpxZAbNFDTrajJ+M=");
        assert_eq!(short("myaccount", &call.query("comp", "acl"), ""), format!("{wanted}?comp=acl"));
    }

    #[test]
    fn keys_are_not_shown() {
        assert!(!format!("{:?}", signer()).contains("key'") && !format!("{:?}", signer()).contains("97, 110"));
    }
}
