//! A cookie as a Set-Cookie header, in the form and order in which the Functions host writes it.

use crate::sandbox::api::Cookie;
use http::HeaderValue;
use http::header::InvalidHeaderValue;
use std::fmt::Write;
use std::time::{Duration, SystemTime};

/// The header's value. Fails where a part holds what a header can't, a line's end above all.
pub(super) fn header(cookie: &Cookie) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut text = format!("{}={}", cookie.name, cookie.value);
    // Writing to a String can't fail.
    if let Some(expires) = cookie.expires.and_then(date) {
        let _ = write!(text, "; expires={expires}");
    }
    if let Some(seconds) = cookie.max_age {
        let _ = write!(text, "; max-age={seconds}");
    }
    if let Some(domain) = &cookie.domain {
        let _ = write!(text, "; domain={domain}");
    }
    if let Some(path) = &cookie.path {
        let _ = write!(text, "; path={path}");
    }
    if cookie.secure {
        text.push_str("; secure");
    }
    if let Some(same_site) = &cookie.same_site {
        let _ = write!(text, "; samesite={}", same_site.to_ascii_lowercase());
    }
    if cookie.http_only {
        text.push_str("; httponly");
    }
    HeaderValue::from_bytes(text.as_bytes())
}

/// Seconds since 1970 as an HTTP date; nothing for times that such a date can't name.
fn date(seconds: i64) -> Option<String> {
    // httpdate ends with the year 9999.
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds < 253_402_300_800)?;
    Some(httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)))
}

/// A cookie of a name and a value alone.
#[cfg(test)]
pub(super) fn cookie(name: &str, value: &str) -> Cookie {
    Cookie {
        name: name.into(),
        value: value.into(),
        domain: None,
        path: None,
        expires: None,
        max_age: None,
        secure: false,
        http_only: false,
        same_site: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_in_order() {
        let cookie = Cookie {
            domain: Some("example.com".into()),
            path: Some("/".into()),
            expires: Some(1_484_229_488),
            max_age: Some(10_000_000),
            secure: true,
            http_only: true,
            ..cookie("foo3", "42")
        };
        let expected = "foo3=42; expires=Thu, 12 Jan 2017 13:58:08 GMT; max-age=10000000; domain=example.com; path=/; secure; httponly";
        assert_eq!(header(&cookie).unwrap(), expected);
    }

    #[test]
    fn empty_parts_stay_visible_and_absent_ones_do_not() {
        let empty = Cookie { domain: Some(String::new()), path: Some(String::new()), ..cookie("foo", "bar") };
        assert_eq!(header(&empty).unwrap(), "foo=bar; domain=; path=");
        assert_eq!(header(&cookie("foo", "bar")).unwrap(), "foo=bar");
    }

    #[test]
    fn line_ends_are_refused_and_absurd_dates_dropped() {
        assert!(header(&cookie("foo", "bar\r\nX-Injected: 1")).is_err());
        let absurd = Cookie { expires: Some(i64::MAX), ..cookie("a", "b") };
        assert_eq!(header(&absurd).unwrap(), "a=b");
    }
}
