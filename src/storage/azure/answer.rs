//! What a service answered, and which error that is.

use super::xml::Element;
use crate::storage::StorageError;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// What is repeated of a service's explanation.
const LONGEST_MESSAGE: usize = 200;
/// Letters of a service's word for an error.
const LONGEST_CODE: usize = 100;

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The service's word for the error: `BlobNotFound`. Empty where it gave none.
    pub(super) code: String,
}

/// What a call was about, from the outside in: `[("container", "a"), ("blob", "b")]`.
pub(super) type About<'a> = &'a [(&'static str, &'a str)];

// === impl Answer ===

impl Answer {
    pub(super) fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Answer {
        let mut answer = Answer { status, headers, body, code: String::new() };
        if !status.is_success() {
            let said = answer.header("x-ms-error-code").map(str::to_owned);
            answer.code = said.or_else(|| answer.explained().map(|(code, _)| code)).filter(|code| is_word(code)).unwrap_or_default();
        }
        answer
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A header that holds a time; the beginning of times where it is missing.
    pub(super) fn time(&self, name: &str) -> SystemTime {
        time(self.header(name).unwrap_or_default())
    }

    /// How long the service wants to be left alone: `Retry-After` in seconds.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }

    /// The status and the service's word.
    pub(super) fn summary(&self) -> String {
        format!("{} {}", self.status.as_u16(), self.code).trim_end().to_owned()
    }

    /// Whether something goes on that ends by itself: what was deleted is not gone yet.
    pub(super) fn is_being_deleted(&self) -> bool {
        self.status == StatusCode::CONFLICT && self.code.ends_with("BeingDeleted")
    }

    /// The answer where it is good, else its error.
    pub(super) fn good(self, about: About<'_>) -> Result<Answer, StorageError> {
        if self.status.is_success() { Ok(self) } else { Err(self.failure(about)) }
    }

    /// Whether the answer is good; not where something is missing.
    pub(super) fn good_or_missing(self, about: About<'_>) -> Result<Option<Answer>, StorageError> {
        if self.status == StatusCode::NOT_FOUND { Ok(None) } else { self.good(about).map(Some) }
    }

    /// The body as XML.
    pub(super) fn xml(&self) -> Result<Element, StorageError> {
        Element::parse(&self.body).map_err(|wrong| StorageError::Other(format!("its answer can't be read: {wrong}")))
    }

    /// Which error a bad answer is.
    pub(super) fn failure(&self, about: About<'_>) -> StorageError {
        let (kind, name) = about.last().copied().unwrap_or(("account", ""));
        match self.status {
            StatusCode::NOT_FOUND => {
                let outer = about.iter().copied().find(|(kind, _)| self.code.to_ascii_lowercase().starts_with(kind));
                let (kind, name) = outer.unwrap_or((kind, name));
                StorageError::Missing { kind, name: name.to_owned() }
            }
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => StorageError::Conflict(self.conflict(kind, name)),
            // Status 400: the message was received or updated by somebody else meanwhile.
            _ if self.code == "PopReceiptMismatch" => StorageError::Conflict(self.conflict(kind, name)),
            _ => StorageError::Other(match self.explained() {
                Some((_, message)) if !message.is_empty() => format!("{}: {message}", self.summary()),
                _ => self.summary(),
            }),
        }
    }

    fn conflict(&self, kind: &str, name: &str) -> String {
        let what = match self.code.as_str() {
            "PopReceiptMismatch" => "was received or changed by somebody else meanwhile",
            "ConditionNotMet" | "TargetConditionNotMet" => "is another version than the condition says",
            code if code.ends_with("AlreadyExists") => "is there already",
            _ => return format!("the {kind} {name:?} is in the way: {}", self.summary()),
        };
        format!("the {kind} {name:?} {what}")
    }

    /// The code and the first line of the message in a body: JSON from tables, XML from the others. Azure's messages describe the request in general words;
    /// only that of a wrong signature repeats it, and that one isn't told.
    fn explained(&self) -> Option<(String, String)> {
        let (code, message) = if self.body.first() == Some(&b'{') {
            let error = serde_json::from_slice::<Value>(&self.body).ok()?;
            let error = error.get("odata.error").or_else(|| error.get("error"))?;
            let message = error.pointer("/message/value").or_else(|| error.get("message")).and_then(Value::as_str);
            (error.get("code")?.as_str()?.to_owned(), message.unwrap_or_default().to_owned())
        } else {
            let error = Element::parse(&self.body).ok()?;
            // Newer versions of the queue service spell its elements in lower case in some errors.
            let text = |upper, lower| if error.child(upper).is_some() { error.text_of(upper) } else { error.text_of(lower) };
            (text("Code", "code").to_owned(), text("Message", "message").to_owned())
        };
        let line = message.lines().next().unwrap_or_default();
        Some((code, line.chars().filter(|letter| !letter.is_control()).take(LONGEST_MESSAGE).collect()))
    }
}

/// Whether it may be a service's word for an error. Anything may answer there, and the word is shown.
fn is_word(code: &str) -> bool {
    code.len() <= LONGEST_CODE && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A time as HTTP writes it; the beginning of times where it is none.
pub(super) fn time(text: &str) -> SystemTime {
    httpdate::parse_http_date(text.trim()).unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &'static str) -> Answer {
        Answer::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), Bytes::from(body))
    }

    #[test]
    fn bodies_name_errors() {
        let xml = answer(400, "<?xml version=\"1.0\"?><Error><Code>OutOfRange</Code><Message>Too far.\nRequestId:1</Message></Error>");
        assert_eq!(xml.failure(&[]).to_string(), "the storage failed: 400 OutOfRange: Too far.");
        let json = answer(400, r#"{"odata.error":{"code":"InvalidInput","message":{"lang":"en-US","value":"Wrong.\nTime:2"}}}"#);
        assert_eq!(json.failure(&[]).to_string(), "the storage failed: 400 InvalidInput: Wrong.");
        assert_eq!(answer(400, "what?").failure(&[]).to_string(), "the storage failed: 400");
    }

    #[test]
    fn what_is_no_word_for_an_error_is_not_repeated() {
        let forged = answer(400, "<Error><Code>A\nB</Code><Message>Too far.</Message></Error>");
        assert_eq!(forged.failure(&[]).to_string(), "the storage failed: 400: Too far.");
    }

    #[test]
    fn missing_things_are_named() {
        let about: About<'_> = &[("queue", "q"), ("message", "m")];
        let of = |code| answer(404, code).failure(about).to_string();
        assert_eq!(of("<Error><Code>QueueNotFound</Code></Error>"), "there is no queue \"q\"");
        assert_eq!(of("<Error><Code>MessageNotFound</Code></Error>"), "there is no message \"m\"");
        assert_eq!(of(""), "there is no message \"m\"");
    }
}
