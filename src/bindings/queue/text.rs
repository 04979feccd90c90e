//! What is in a queue's messages: their encoding in the queue, and which messages an output makes.
//!
//! # Encoding
//! `messageEncoding` of host.json's `extensions.queues`: `base64` or `none`, as in the queue extension 5 of the WebJobs SDK (Azure/azure-sdk-for-net,
//! `QueueServiceClientProvider`). A message that is not Base64 although it should be is handed on as it is: version 4 of the extension did so,
//! version 5 moves it to the poison queue without asking the function. What is not UTF-8 is handed on as bytes; there the function fails unless it
//! has asked for bytes.
//!
//! # Outputs
//! After `FunctionBinding.ReadAsEnumerable` (Azure/azure-functions-host) and `QueueMessageOutConverter` (Python SDK): a text that is a JSON array is
//! one message an element, bytes are one message. Other than there, what is not taken apart stays as it was written, letter for letter: the host
//! indents objects, rewrites dates and numbers in them, and takes near-JSON such as `['a']` for JSON.

use crate::app::MessageEncoding;
use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;

/// A message's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Text.
    Text(String),
    /// Bytes; those of a received message are not UTF-8.
    Bytes(Vec<u8>),
}

/// Why a message can't be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// Bytes, and the encoding is `none`.
    #[error("a queue message holds bytes that are not UTF-8, but `messageEncoding` is none: return text, or set it to base64 in host.json")]
    NotText,
}

/// What the Python SDK makes of a `QueueMessage`. Exactly these two, so that it is not mistaken for a user's object.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SdkMessage {
    #[serde(rename = "id")]
    _id: Option<String>,
    body: String,
}

/// As lenient as .NET with the last letter, whose bits may not all be used.
const BASE64: GeneralPurpose = GeneralPurpose::new(&ALPHABET, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

// === impl MessageEncoding ===

impl MessageEncoding {
    /// A message as it is written into a queue.
    ///
    /// # Errors
    /// The encoding can't hold bytes, and these are no text.
    pub fn encode(self, body: Body) -> Result<String, EncodeError> {
        match (self, body) {
            (MessageEncoding::Base64, body) => Ok(BASE64.encode(body.as_bytes())),
            (MessageEncoding::None, Body::Text(text)) => Ok(text),
            (MessageEncoding::None, Body::Bytes(bytes)) => String::from_utf8(bytes).map_err(|_| EncodeError::NotText),
        }
    }

    /// A message as it was read out of a queue. One that is not of the encoding is its text.
    #[must_use]
    pub fn decode(self, message: String) -> Body {
        match self {
            MessageEncoding::None => Body::Text(message),
            // .NET takes no notice of white space.
            MessageEncoding::Base64 => match BASE64.decode(message.split_ascii_whitespace().collect::<String>()) {
                Ok(bytes) => Body::of_bytes(bytes),
                Err(_) => Body::Text(message),
            },
        }
    }
}

// === impl Body ===

impl Body {
    /// Text if it is UTF-8.
    #[must_use]
    pub fn of_bytes(bytes: Vec<u8>) -> Body {
        match String::from_utf8(bytes) {
            Ok(text) => Body::Text(text),
            Err(error) => Body::Bytes(error.into_bytes()),
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Body::Text(text) => text.as_bytes(),
            Body::Bytes(bytes) => bytes,
        }
    }
}

/// The messages of a text that a function gave out: a JSON array's elements (of texts what they hold, of others their JSON), else the text.
#[must_use]
pub fn of_text(text: String) -> Vec<Body> {
    match elements(&text) {
        Some(elements) => elements.into_iter().map(|element| Body::Text(content(element))).collect(),
        None => vec![Body::Text(text)],
    }
}

/// The messages of a JSON text that the SDK made: as those of a text, but a `QueueMessage` is its body, alone or in an array.
#[must_use]
pub fn of_json(json: String) -> Vec<Body> {
    let message = |text: &str| match serde_json::from_str::<SdkMessage>(text) {
        Ok(message) => Body::Text(message.body),
        Err(_) => Body::Text(content(text)),
    };
    elements(&json).map_or_else(|| vec![message(&json)], |elements| elements.into_iter().map(message).collect())
}

/// A JSON string's text; anything else as it is written.
fn content(json: &str) -> String {
    serde_json::from_str(json).unwrap_or_else(|_| json.to_owned())
}

/// The elements of a JSON array, as they are written.
fn elements(json: &str) -> Option<Vec<&str>> {
    let inside = json.trim().strip_prefix('[')?.strip_suffix(']')?;
    serde_json::from_str::<IgnoredAny>(json).ok()?;
    let mut elements = Vec::new();
    let (mut depth, mut in_text, mut escaped, mut start) = (0_usize, false, false, 0);
    // It is JSON: what is left to find are the commas between elements.
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                elements.extend(inside.get(start..at).map(str::trim));
                start = at + 1;
            }
            _ => {}
        }
    }
    elements.extend(inside.get(start..).map(str::trim).filter(|last| !last.is_empty()));
    Some(elements)
}

#[cfg(test)]
mod tests;
