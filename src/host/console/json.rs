//! Records for programs: one JSON object a line.
//!
//! | field | it is |
//! |---|---|
//! | `time` | RFC 3339, UTC, milliseconds |
//! | `level` | a name of host.json's `logging.logLevel` |
//! | `category` | as there: `Function.NAME.User` for what a function logs |
//! | `function`, `invocationId` | where there is one |
//! | `logger` | of what a function logs: its logger's name in Python, or `stdout`, `stderr` |
//! | `message` | the text, line breaks included |
//! | `exception` | of a failure: `type`, `message`, `stack` |
//! | `durationMs` | of an invocation's end |

use super::printable::printable_json;
use super::record::{Content, Record};
use super::text;
use crate::sandbox::api::Failure;
use jiff::Timestamp;
use serde::Serialize;
use std::borrow::Cow;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    time: String,
    level: &'static str,
    category: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invocation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logger: Option<&'a str>,
    message: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<Exception<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<f64>,
}

#[derive(Serialize)]
struct Exception<'a> {
    r#type: &'a str,
    message: &'a str,
    stack: &'a str,
}

/// A record's line, with its end. What stands for itself is a line for each of its own that is not empty.
pub(super) fn json(record: &Record<'_>, now: Timestamp) -> String {
    match record.content {
        Content::Plain(text) => {
            text.lines().map(str::trim).filter(|text| !text.is_empty()).map(|text| line(record, now, text.into())).collect()
        }
        Content::Logged { text, .. } | Content::Host(text) => line(record, now, text.into()),
        Content::Failed(Failure { kind, message, .. }) => line(record, now, format!("{kind}: {message}").into()),
        Content::Executed { succeeded, took } => line(record, now, text::end(record, succeeded, took).into()),
    }
}

fn line(record: &Record<'_>, now: Timestamp, message: Cow<'_, str>) -> String {
    let line = Line {
        time: format!("{now:.3}"),
        level: record.level.name(),
        category: record.category,
        function: record.function,
        invocation_id: record.invocation_id,
        logger: match record.content {
            Content::Logged { logger, .. } => Some(logger),
            _ => None,
        },
        message,
        exception: match record.content {
            Content::Failed(Failure { kind, message, stack }) => Some(Exception { r#type: kind, message, stack }),
            _ => None,
        },
        duration_ms: match record.content {
            Content::Executed { took, .. } => Some((took.as_secs_f64() * 10_000.0).round() / 10.0),
            _ => None,
        },
    };
    // Texts and numbers: there is nothing in it that could fail.
    let mut json = printable_json(serde_json::to_string(&line).unwrap_or_default());
    json.push('\n');
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::LogLevel;
    use std::time::Duration;

    fn shown(level: LogLevel, category: &str, invocation_id: Option<&str>, content: Content<'_>) -> String {
        json(&Record { level, category, function: invocation_id.map(|_| "f"), invocation_id, content }, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn each_kind_has_its_form() {
        let logged = Content::Logged { text: "a\n\"b\"\x1b\u{9b}", logger: "own" };
        assert_eq!(
            shown(LogLevel::Warning, "Function.f.User", Some("7"), logged),
            "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"Warning\",\"category\":\"Function.f.User\",\"function\":\"f\",\
             \"invocationId\":\"7\",\"logger\":\"own\",\"message\":\"a\\n\\\"b\\\"\\u001b\\u009b\"}\n"
        );
        assert_eq!(
            shown(LogLevel::Information, "Host.Startup", None, Content::Plain("\nFunctions:\n\n\tf: [GET]\n")),
            "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"Information\",\"category\":\"Host.Startup\",\"message\":\"Functions:\"}\n\
             {\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"Information\",\"category\":\"Host.Startup\",\"message\":\"f: [GET]\"}\n"
        );
        let failure = Failure { kind: "E".into(), message: "m".into(), stack: "s\nt".into() };
        assert_eq!(
            shown(LogLevel::Error, "Function.f", Some("7"), Content::Failed(&failure)),
            "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"Error\",\"category\":\"Function.f\",\"function\":\"f\",\"invocationId\":\"7\",\
             \"message\":\"E: m\",\"exception\":{\"type\":\"E\",\"message\":\"m\",\"stack\":\"s\\nt\"}}\n"
        );
        let executed = Content::Executed { succeeded: false, took: Duration::from_micros(1234) };
        assert_eq!(
            shown(LogLevel::Error, "Function.f", Some("7"), executed),
            "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"Error\",\"category\":\"Function.f\",\"function\":\"f\",\"invocationId\":\"7\",\
             \"message\":\"Executed 'Functions.f' (Failed, Id=7, Duration=1.2 ms)\",\"durationMs\":1.2}\n"
        );
    }
}
