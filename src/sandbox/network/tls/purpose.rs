//! What a certificate is for (RFC 5280, 4.2.1.12), read from its DER: webpki looks at that only after an authority's certificate was refused as a server's.

/// The object identifier of the extension: `id-ce-extKeyUsage`.
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
/// That of the purpose: `id-kp-serverAuth`.
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
/// `extensions`, the last field of a certificate to be signed.
const EXTENSIONS: u8 = 0xa3;

/// Elements of DER, one after the other: tags and contents. It ends at what is none.
struct Elements<'a>(&'a [u8]);

/// Whether servers may use it: if it says that they may, or does not say what it is for. What can't be read is for nothing.
pub(super) fn is_for_servers(certificate: &[u8]) -> bool {
    let fields = Elements(certificate).content(SEQUENCE).and_then(|mut certificate| certificate.content(SEQUENCE));
    let Some(mut fields) = fields else { return false };
    let Some((_, extensions)) = fields.find(|(tag, _)| *tag == EXTENSIONS) else { return true };
    let Some(mut extensions) = Elements(extensions).content(SEQUENCE) else { return false };
    let usage = extensions.find_map(|(_, extension)| {
        let mut parts = Elements(extension);
        (parts.next()? == (OBJECT_IDENTIFIER, EXTENDED_KEY_USAGE)).then_some(parts)
    });
    usage.is_none_or(names_servers)
}

/// Whether the rest of an extension, which is its value and before that whether it is critical, has the purpose.
fn names_servers(mut parts: Elements<'_>) -> bool {
    let value = parts.find(|(tag, _)| *tag == OCTET_STRING);
    let purposes = value.and_then(|(_, value)| Elements(value).content(SEQUENCE));
    purposes.is_some_and(|mut purposes| purposes.any(|purpose| purpose == (OBJECT_IDENTIFIER, SERVER_AUTH)))
}

// === impl Elements ===

impl<'a> Elements<'a> {
    /// What the next element holds, if it has this tag.
    fn content(&mut self, tag: u8) -> Option<Elements<'a>> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| Elements(content))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, first, rest) = match self.0 {
            [tag, first, rest @ ..] => (*tag, usize::from(*first), rest),
            _ => return None,
        };
        // Of a length beyond 127 the first byte tells how many bytes it has. A certificate needs three at the most.
        let (length, rest) = match first {
            0..=0x7f => (first, rest),
            0x81..=0x83 => {
                let (length, rest) = rest.split_at_checked(first - 0x80)?;
                (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }
}
