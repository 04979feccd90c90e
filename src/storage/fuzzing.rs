//! What must hold of what names a storage account, and of what is sent to one and comes from it.

#![allow(clippy::unwrap_used)] // A target fails by panicking.

use super::ConnectionString;
use super::connection_string::{Credential, Service};
use crate::fuzzing::{SECRET, sentence, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(crate) use super::azure::fuzzing::storage_answer;
pub(crate) use super::embedded::fuzzing::filter;

pub(crate) fn connection_string(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if !text.contains(SECRET) {
        let marked: Vec<String> = text.split(';').map(|part| format!("{part}{SECRET}")).collect();
        if let Err(error) = marked.join(";").parse::<ConnectionString>() {
            assert!(!format!("{error} {error:?}").contains(SECRET), "an error shows a value: {error}");
        }
    }
    let read = match text.parse::<ConnectionString>() {
        Ok(read) => read,
        Err(error) => {
            let error = error.to_string();
            sentence(&error);
            let values = text.split(';').filter_map(|part| part.split_once('=')).map(|(_, value)| value.trim());
            // None of its own words is as long and has a digit.
            let is_secret = |value: &&str| {
                value.len() > 20
                    && value.contains(|letter: char| letter.is_ascii_digit())
                    && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
            };
            assert!(values.filter(is_secret).all(|value| !error.contains(value)), "an error shows a value: {error}");
            return;
        }
    };
    let mut again = match &read.credential {
        Credential::Key { account, key } => format!("AccountName={account};AccountKey={}", STANDARD.encode(key)),
        Credential::Signature(signature) => {
            assert!(!signature.contains([';', '#', ' ']) && signature.contains("sig="));
            assert!(!format!("{:?}", read.credential).contains(signature.as_str()), "its debug text shows the signature");
            format!("SharedAccessSignature={signature}")
        }
    };
    for service in Service::ALL {
        let Some(endpoint) = read.endpoint(service) else { continue };
        let address = format!("{}{}", endpoint.origin, endpoint.path);
        assert!(address.starts_with("http://") || address.starts_with("https://"), "{address}");
        assert!(!address.contains(|letter: char| letter.is_control() || matches!(letter, ' ' | '?' | '#' | ';')), "{address}");
        assert!(!endpoint.origin.contains('@'), "{address}");
        assert!(!endpoint.path.ends_with('/'), "{address}");
        assert_eq!(endpoint.is_plain(), address.starts_with("http://"));
        again.push_str(&format!(";{}={address}", service.setting()));
    }
    assert_eq!(again.parse(), Ok(read), "{again}");
}
