//! What becomes a setting, what wins, and that nothing shows a value.

use proptest::prelude::*;

use super::*;
use crate::app::json::Document;

fn local(text: &str) -> Result<LocalSettings, String> {
    LocalSettings::read(Some(Document::parse(FILE, text.as_bytes()).unwrap())).map_err(|error| error.to_string())
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn environment(of: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    of.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

#[test]
fn reads_local_settings() {
    let text = r#"{"isEncrypted": false, // comment
        "Values": {"A": "text", "N": 1.50, "B": true, "Z": null},
        "ConnectionStrings": {"S": "one", "P": {"ConnectionString": "two", "ProviderName": "System.Data.SqlClient"}},
        "Host": {"LocalHttpPort": 7072, "CORS": "https://a.example, http://b:80,", "CORSCredentials": true}}"#;
    let settings = local(text).unwrap();
    let values = [("A", "text"), ("N", "1.50"), ("B", "true"), ("ConnectionStrings:S", "one"), ("ConnectionStrings:P", "two")];
    assert_eq!(settings.values, pairs(&values));
    let cors = vec!["https://a.example".to_owned(), "http://b:80".to_owned()];
    assert_eq!(settings.host, LocalHost { port: Some(7072), cors, cors_credentials: true });
    assert!(LocalSettings::read(None).unwrap().values.is_empty());
    assert!(local("{}").unwrap().values.is_empty());
}

#[test]
fn errors_name_line_and_field_but_no_value() {
    let cases = [
        ("{\n\"Values\": {\n\"A\": {\"b\": \"secret\"}}}", "local.settings.json:3: `Values.A` must be a text, not an object"),
        ("{\"ConnectionStrings\": {\n\"A\": [\"secret\"]}}", "local.settings.json:2: `ConnectionStrings.A` must be a text, not a list"),
        ("{\"Values\": \"secret\"}", "local.settings.json:1: `Values` must be an object `{…}`"),
        ("{\"Host\": {\n\"LocalHttpPort\": 70710}}", "local.settings.json:2: `Host.LocalHttpPort` must be a whole number from 1 to 65535"),
        (
            "{\"Values\": {\"A=B\": \"secret\"}}",
            "local.settings.json:1: `Values.A=B` can't be an environment variable: give it a name, and one without `=`",
        ),
        (
            "{\"Values\": {\"A\": \"secret\\u0000\"}}",
            "local.settings.json:1: `Values.A` can't be an environment variable: it holds a NUL character",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(local(text).err().unwrap(), message);
    }
    assert!(local("{\"IsEncrypted\": true, \"Values\": {}}").err().unwrap().contains("func settings decrypt"));
}

#[test]
fn the_environment_wins_where_the_app_may_see_it() {
    let values = pairs(&[("GREETING", "file"), ("Path", "mine"), ("ONLY", "file"), ("FUNCTIONS_X", "file")]);
    let environment = environment(&[
        ("GREETING", "env"),
        ("PATH", "/bin"),
        ("HOME", "/root"),
        ("functions_x", "lower"),
        ("FUNCTIONS_X", "env"),
        ("AzureWebJobs.hello.Disabled", "1"),
        ("AzureFunctionsJobHost:logging:x", "y"),
        ("MY_URL", "u"),
    ]);
    let settings = Settings::collect(&values, &environment, &["my_*"]);
    let expected = [
        ("AzureFunctionsJobHost:logging:x", "y"),
        ("AzureWebJobs.hello.Disabled", "1"),
        ("FUNCTIONS_X", "env"),
        ("GREETING", "env"),
        ("MY_URL", "u"),
        ("ONLY", "file"),
        ("Path", "mine"),
        ("functions_x", "lower"),
    ];
    assert_eq!(settings.iter().collect::<Vec<_>>(), expected);
    assert_eq!((settings.get("only"), settings.get("Functions_X"), settings.get("none")), (Some("file"), Some("env"), None));
    assert!(settings.is_true("azurewebjobs.HELLO.disabled"));
    assert_eq!(Settings::collect(&[], &environment, &["*"]).iter().count(), environment.len());
}

#[cfg(unix)]
#[test]
fn what_is_not_utf_8_stays_out() {
    use std::os::unix::ffi::OsStringExt;
    let bad = OsString::from_vec(vec![b'A', 0xff]);
    let settings = Settings::collect(&[], &[(bad.clone(), "x".into()), ("A".into(), bad)], &["*"]);
    assert_eq!(settings, Settings::default());
}

#[test]
fn debug_shows_no_values() {
    let settings: Settings = pairs(&[("A", "secret")]).into_iter().collect();
    assert_eq!(format!("{settings:?}"), "{\"A\"}");
    let options = crate::app::ReadOptions::new(environment(&[("A", "secret")]));
    assert!(!format!("{options:?}").contains("secret"));
}

#[test]
fn the_runtime_is_python() {
    let check = |runtime: &str| Settings::from_iter(pairs(&[("FUNCTIONS_WORKER_RUNTIME", runtime)])).check_runtime();
    assert_eq!((check("Python"), check(""), Settings::default().check_runtime()), (Ok(()), Ok(()), Ok(())));
    assert_eq!(check("node"), Err(SettingsError::Runtime));
}

/// Patterns by their definition; slow.
fn matches(pattern: &[char], name: &[char]) -> bool {
    match (pattern, name) {
        ([], name) => name.is_empty(),
        (['*', pattern @ ..], name) => (0..=name.len()).any(|skipped| matches(pattern, &name[skipped..])),
        ([first, pattern @ ..], [c, name @ ..]) => first == c && matches(pattern, name),
        _ => false,
    }
}

proptest! {
    #[test]
    fn patterns_are_what_they_should_be(pattern in "[ab*é]{0,8}", name in "[abé]{0,10}") {
        let (p, n): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
        prop_assert_eq!(NamePattern::new(&pattern).matches(&name), matches(&p, &n));
        prop_assert_eq!(NamePattern::new(&pattern.to_uppercase()).matches(&name), matches(&p, &n));
    }

    #[test]
    fn any_pattern_and_name_never_panic(pattern: String, name: String) {
        NamePattern::new(&pattern).matches(&name);
        prop_assert!(NamePattern::new("*").matches(&name));
    }
}
