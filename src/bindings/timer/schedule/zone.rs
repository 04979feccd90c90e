//! The time zone that an app's timers run in.
//!
//! `TZ` is what .NET reads on Linux, `WEBSITE_TIME_ZONE` is Azure's own setting. Both take IANA names here (`Europe/Berlin`) and Windows names
//! (`W. Europe Standard Time`), in any case; `TZ` may begin with a colon, as POSIX has it. Rules like `CET-1CEST` are refused, as .NET does not know
//! them and half of the people who write `UTC+2` mean the opposite of what POSIX makes of it.

use super::windows;
use jiff::tz::{TimeZone, db};
use thiserror::Error;

/// The settings that name a time zone; the first one that is set counts.
pub const SETTINGS: [&str; 2] = ["TZ", "WEBSITE_TIME_ZONE"];

/// Why there is no such time zone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ZoneError {
    /// Neither an IANA name nor a Windows name.
    #[error("{setting} is `{name}`, which is no time zone: write a name like `Europe/Berlin` or `W. Europe Standard Time`")]
    Unknown {
        /// The setting that names it.
        setting: &'static str,
        /// As it is written.
        name: String,
    },
    /// The machine knows no time zones.
    #[error("{setting} is `{name}`, but this machine has no time zone database: install the package `tzdata`, or unset {setting}")]
    NoDatabase {
        /// The setting that names it.
        setting: &'static str,
        /// As it is written.
        name: String,
    },
}

/// The time zone of the settings. Where none names one: the machine's, as with .NET's local time, which is UTC if the machine does not say.
///
/// # Errors
/// A setting names no time zone. The sentence shows its value, which is no secret.
pub fn from_settings<'a>(setting: impl Fn(&str) -> Option<&'a str>) -> Result<TimeZone, ZoneError> {
    for name in SETTINGS {
        if let Some(value) = setting(name).map(str::trim).filter(|value| !value.is_empty()) {
            return named(name, value);
        }
    }
    Ok(TimeZone::try_system().unwrap_or(TimeZone::UTC))
}

fn named(setting: &'static str, name: &str) -> Result<TimeZone, ZoneError> {
    let bare = name.strip_prefix(':').unwrap_or(name);
    let iana = windows::iana_name(bare).unwrap_or(bare);
    // UTC is known everywhere.
    if ["UTC", "Etc/UTC"].iter().any(|utc| iana.eq_ignore_ascii_case(utc)) {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(iana).map_err(|_| {
        let name = name.to_owned();
        if db().is_definitively_empty() { ZoneError::NoDatabase { setting, name } } else { ZoneError::Unknown { setting, name } }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(pairs: &[(&str, &'static str)]) -> Result<TimeZone, ZoneError> {
        from_settings(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value))
    }

    fn name(pairs: &[(&str, &'static str)]) -> Option<String> {
        zone(pairs).unwrap().iana_name().map(str::to_owned)
    }

    #[test]
    fn iana_and_windows_names_in_any_case() {
        for text in ["Europe/Berlin", "europe/berlin", ":Europe/Berlin", "W. Europe Standard Time", " w. europe standard time "] {
            assert_eq!(name(&[("TZ", text)]).as_deref(), Some("Europe/Berlin"), "{text}");
        }
        assert_eq!(name(&[("WEBSITE_TIME_ZONE", "Eastern Standard Time")]).as_deref(), Some("America/New_York"));
        assert_eq!(name(&[("WEBSITE_TIME_ZONE", "UTC+12")]).as_deref(), Some("Etc/GMT-12"));
        assert_eq!(zone(&[("TZ", "utc")]).unwrap(), TimeZone::UTC);
    }

    #[test]
    fn tz_comes_first_and_blank_counts_as_unset() {
        let second = ("WEBSITE_TIME_ZONE", "Asia/Tokyo");
        assert_eq!(name(&[("TZ", "Europe/Paris"), second]).as_deref(), Some("Europe/Paris"));
        assert_eq!(name(&[("TZ", " "), second]).as_deref(), Some("Asia/Tokyo"));
        assert!(zone(&[]).is_ok());
    }

    #[test]
    fn unknown_names_are_said() {
        for text in ["Berlin", "UTC+2", "CET-1CEST,M3.5.0,M10.5.0/3", "../../etc/passwd"] {
            let error = zone(&[("WEBSITE_TIME_ZONE", text)]).unwrap_err();
            assert_eq!(error, ZoneError::Unknown { setting: "WEBSITE_TIME_ZONE", name: text.to_owned() });
        }
        let error = zone(&[("TZ", "Berlin")]).unwrap_err().to_string();
        assert_eq!(error, "TZ is `Berlin`, which is no time zone: write a name like `Europe/Berlin` or `W. Europe Standard Time`");
    }

    #[test]
    fn every_windows_name_has_a_zone() {
        for (windows_name, iana) in windows::ZONES {
            assert!(TimeZone::get(iana).is_ok(), "{windows_name}: {iana}");
            assert_eq!(windows::iana_name(&windows_name.to_uppercase()), Some(iana));
        }
    }
}
