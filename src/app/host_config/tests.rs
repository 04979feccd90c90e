//! Defaults, overrides, and what errors say.

use proptest::prelude::*;

use super::*;
use crate::app::RetryStrategy;

fn read(text: &str, settings: &[(&str, &str)]) -> Result<HostConfig, String> {
    let document = Document::parse(FILE, text.as_bytes()).unwrap();
    HostConfig::read(Some(document), settings.iter().copied()).map(|read| read.config).map_err(|error| error.to_string())
}

fn with(fields: &str) -> Result<HostConfig, String> {
    read(&format!("{{\"version\": \"2.0\",\n{fields}}}"), &[])
}

fn overridden(settings: &[(&str, &str)]) -> Result<HostConfig, String> {
    read("{\"version\": \"2.0\", \"functions\": [\"a\", \"b\"], \"extensions\": {\"http\": {\"routePrefix\": \"x\"}}}", settings)
}

#[test]
fn no_file_means_defaults() {
    let config = HostConfig::read(None, std::iter::empty()).unwrap().config;
    assert_eq!(config.function_timeout, Some(Duration::from_secs(1800)));
    assert_eq!((config.functions, config.retry), (None, None));
    assert_eq!(config.http, HttpOptions::default());
    assert_eq!(config.http.route_prefix, "api");
    assert_eq!(config.snapfunc, SnapfuncOptions::default());
    assert_eq!(config.log_levels.level("Function.x"), LogLevel::Information);
}

#[test]
fn the_version_is_2() {
    assert_eq!(read("{}", &[]).unwrap_err(), "host.json:1: `version` is missing: add `\"version\": \"2.0\"`");
    assert_eq!(read("{\n\"version\": \"1.0\"}", &[]).unwrap_err(), "host.json:2: `version` must be \"2.0\", not \"1.0\"");
    assert_eq!(read("{\"Version\": 2.0}", &[]).unwrap_err(), "host.json:1: `Version` must be \"2.0\", not 2.0");
    assert_eq!(read("[]", &[]).unwrap_err(), "host.json:1: `(root)` must be an object `{…}`, not a list");
    assert!(read("{}", &[("AzureFunctionsJobHost__version", "2.0")]).is_ok());
}

#[test]
fn reads_all_fields() {
    let config = with(
        r#"
        "functions": ["hello"], "functionTimeout": "00:00:02", "retry": {"strategy": "fixedDelay", "maxRetryCount": 2, "delayInterval": "00:00:03"}, "unknown": {"a": 1},
        "logging": {"logLevel": {"default": "warning", "Function": "Debug", "Function.hello": "NONE"}},
        "extensions": {"queues": {"batchSize": 8}, "http": {"routePrefix": "/v1/", "maxOutstandingRequests": -1, "maxConcurrentRequests": "7",
            "dynamicThrottlesEnabled": true, "hsts": {"isEnabled": true, "maxAge": "10"}, "customHeaders": {"X-Content-Type-Options": "nosniff"}}},
        "snapfunc": {"memoryMb": 256, "tmpMb": 0, "isolation": "Invocation", "maxInstances": 3, "warmInstances": 2, "storageMb": 3, "preloadPackages": false, "passEnv": ["MY_*"],
            "logs": {"maxRecordKb": 2, "MaxKbPerSecond": 3}, "http": {"maxConnections": 5}}"#,
    )
    .unwrap();
    assert_eq!(config.functions, Some(vec!["hello".to_owned()]));
    assert_eq!(config.function_timeout, Some(Duration::from_secs(2)));
    let strategy = RetryStrategy::FixedDelay { delay: Duration::from_secs(3) };
    assert_eq!(config.retry, Some(RetryPolicy { strategy, max_retry_count: Some(2) }));
    assert_eq!(config.extension("Queues"), json!({"batchSize": 8}).as_object());
    assert_eq!(
        (config.http.route_prefix.as_str(), config.http.max_outstanding_requests, config.http.max_concurrent_requests),
        ("v1", None, Some(7))
    );
    assert!(config.http.dynamic_throttles_enabled);
    let hsts = config.http.hsts.unwrap();
    assert_eq!((hsts.max_age.as_secs(), hsts.include_sub_domains, hsts.preload, hsts.excluded_hosts.len()), (864_000, false, false, 3));
    assert_eq!(config.http.custom_headers, [("X-Content-Type-Options".to_owned(), "nosniff".to_owned())]);
    assert_eq!(
        config.snapfunc,
        SnapfuncOptions {
            memory_mb: 256,
            tmp_mb: 0,
            isolation: Isolation::Invocation,
            max_instances: Some(3),
            message_lease_seconds: None,
            storage_mb: 3,
            preload_packages: false,
            warm_instances: 2,
            logs: LogLimits { record_bytes: 2048, bytes_a_second: Some(3072) },
            clients: ClientLimits { connections: 5, ..ClientLimits::default() },
            outbound: Vec::new(),
            pass_env: vec!["MY_*".to_owned()]
        }
    );
    let levels = config.log_levels;
    assert_eq!(levels.level("Host.Startup"), LogLevel::Warning);
    assert_eq!(levels.level("function.other.User"), LogLevel::Debug);
    assert_eq!(levels.level("Function.hello.User"), LogLevel::None);
    assert_eq!(levels.level("é"), LogLevel::Warning);
    assert_eq!(levels.asked_of_functions(), Some(LogLevel::Debug));
}

#[test]
fn the_level_of_what_functions_log_can_be_set_apart() {
    let levels = with(r#""logging": {"logLevel": {"default": "Error", "Function.g": "Debug"}}"#).unwrap().log_levels;
    let levels = levels.with_user_default(LogLevel::Information);
    for (category, level) in [
        ("Function.f.User", LogLevel::Information),
        ("function.F.user", LogLevel::Information),
        ("Host.Function", LogLevel::Information),
        ("Function.g.User", LogLevel::Debug),
        ("Function.f", LogLevel::Error),
        ("Host.General", LogLevel::Error),
    ] {
        assert_eq!(levels.level(category), level, "{category}");
    }
    // A level for everything asks functions for nothing.
    let default = with(r#""logging": {"logLevel": {"default": "Trace"}}"#).unwrap().log_levels;
    assert_eq!(default.asked_of_functions(), None);
    assert_eq!(default.with_user_default(LogLevel::Debug).asked_of_functions(), Some(LogLevel::Debug));
}

#[test]
fn limits_of_clients() {
    let limits = |fields: &str| with(&format!("\"snapfunc\": {{\"http\": {fields}}}")).map(|config| config.snapfunc.clients);
    let seconds = Duration::from_secs;
    assert_eq!(
        limits(r#"{"maxConnections": 9, "headerTimeout": "00:00:02", "stallTimeout": "00:01:00", "maxBodiesMb": 3}"#),
        Ok(ClientLimits { connections: 9, header_timeout: seconds(2), stall_timeout: seconds(60), bodies_bytes: 3 << 20 })
    );
    assert_eq!(limits(r#"{"stallTimeout": null}"#), Ok(ClientLimits::default()));
    assert_eq!(
        limits(r#"{"headerTimeout": "00:00:00.5"}"#).unwrap_err(),
        "host.json:2: `snapfunc.http.headerTimeout` must be at least one second (`00:00:01`)"
    );
    assert_eq!(
        limits(r#"{"maxConnection": 1}"#).unwrap_err(),
        "host.json:2: `snapfunc.http.maxConnection` is not an option of snapfunc.http: there are maxConnections, headerTimeout, stallTimeout and maxBodiesMb"
    );
}

#[test]
fn limits_of_logs() {
    let limits = |fields: &str| with(&format!("\"snapfunc\": {{\"logs\": {fields}}}")).map(|config| config.snapfunc.logs);
    assert_eq!(limits("{}"), Ok(LogLimits { record_bytes: 262_144, bytes_a_second: Some(4_194_304) }));
    assert_eq!(limits("{\"maxKbPerSecond\": -1}").unwrap().bytes_a_second, None);
    assert_eq!(
        limits("{\"maxKbPerSecond\": 0}").unwrap_err(),
        "host.json:2: `snapfunc.logs.maxKbPerSecond` must be a whole number from 1 to 1048576, or -1 for no limit, not 0"
    );
    assert_eq!(
        limits("{\"maxRecordKb\": 0}").unwrap_err(),
        "host.json:2: `snapfunc.logs.maxRecordKb` must be a whole number from 1 to 16384, not 0"
    );
    assert_eq!(
        limits("{\"rate\": 1}").unwrap_err(),
        "host.json:2: `snapfunc.logs.rate` is not an option of snapfunc.logs: there are maxRecordKb and maxKbPerSecond"
    );
    assert_eq!(limits("1").unwrap_err(), "host.json:2: `snapfunc.logs` must be an object `{…}`, not 1");
}

#[test]
fn timeouts() {
    assert_eq!(with("\"functionTimeout\": \"-1\"").unwrap().function_timeout, None);
    assert_eq!(with("\"functionTimeout\": -1").unwrap().function_timeout, None);
    assert_eq!(with("\"functionTimeout\": \"1.00:00:00\"").unwrap().function_timeout, Some(Duration::from_secs(86_400)));
    assert_eq!(
        with("\"functionTimeout\": \"300\"").unwrap_err(),
        "host.json:2: `functionTimeout` must be a time span like `00:05:00` (hh:mm:ss) or `1.12:00:00` (d.hh:mm:ss), or `-1` for no limit"
    );
    for text in ["00:00:00", "-00:05:00", "00:00:00.9"] {
        assert!(with(&format!("\"functionTimeout\": \"{text}\"")).is_err(), "{text}");
    }
}

#[test]
fn errors_name_line_and_field() {
    let cases = [
        ("\"functions\": \"a\"", "host.json:2: `functions` must be a list `[…]`, not \"a\""),
        (
            "\"logging\": {\n\"logLevel\": {\n\"default\": \"Loud\"}}",
            "host.json:4: `logging.logLevel.default` must be one of Trace, Debug, Information, Warning, Error, Critical and None, not \"Loud\"",
        ),
        ("\"extensions\": []", "host.json:2: `extensions` must be an object `{…}`, not a list"),
        (
            "\"extensions\": {\"http\": {\n\"maxConcurrentRequests\": 0}}",
            "host.json:3: `extensions.http.maxConcurrentRequests` must be a whole number above 0, or -1 for no limit, not 0",
        ),
        (
            "\"snapfunc\": {\n\"memory\": 1}",
            "host.json:3: `snapfunc.memory` is not an option of snapfunc: there are memoryMb, tmpMb, isolation, maxInstances, warmInstances, messageLeaseSeconds, storageMb, preloadPackages, logs, http, outbound and passEnv",
        ),
        ("\"snapfunc\": {\"memoryMb\": 8}", "host.json:2: `snapfunc.memoryMb` must be a whole number from 64 to 4096, not 8"),
        (
            "\"extensions\": {\"http\": {\"customHeaders\": {\"a\": \"x\\ny\"}}}",
            "host.json:2: `extensions.http.customHeaders.a` must have no line breaks or other control characters",
        ),
    ];
    for (fields, message) in cases {
        assert_eq!(with(fields).unwrap_err(), message);
    }
}

#[test]
fn settings_stand_over_the_file() {
    let config = overridden(&[
        ("azurefunctionsjobhost__Extensions__HTTP__routeprefix", "v1"),
        ("AzureFunctionsJobHost:functions:1", "c"),
        ("AzureFunctionsJobHost__functions__10", "e"),
        ("AzureFunctionsJobHost__functions__9", "d"),
        ("AzureFunctionsJobHost__logging:logLevel__Function.hello", "Debug"),
        ("AzureFunctionsJobHost__extensions__queues__batchSize", "8"),
        ("AzureFunctionsJobHost__extensions__http__dynamicThrottlesEnabled", "True"),
        ("AzureFunctionsJobHost__snapfunc__passEnv__0", "MY_*"),
        ("Other__functions__0", "z"),
    ])
    .unwrap();
    assert_eq!(config.http.route_prefix, "v1");
    assert!(config.http.dynamic_throttles_enabled);
    assert_eq!(config.functions.as_deref(), Some(["a", "c", "d", "e"].map(str::to_owned).as_slice()));
    assert_eq!(config.log_levels.level("Function.hello.User"), LogLevel::Debug);
    assert_eq!(config.extension("queues"), json!({"batchSize": 8}).as_object());
    assert_eq!(config.snapfunc.pass_env, ["MY_*"]);
    assert_eq!(overridden(&[("AzureFunctionsJobHost__extensions__http__routePrefix", "")]).unwrap().http.route_prefix, "");
    assert_eq!(overridden(&[("AzureFunctionsJobHost__extensions__http__routePrefix", "1.0")]).unwrap().http.route_prefix, "1.0");
}

#[test]
fn errors_name_the_setting_and_never_its_value() {
    let error = overridden(&[("AzureFunctionsJobHost__snapfunc__memoryMb", "secret")]).unwrap_err();
    assert_eq!(error, "setting AzureFunctionsJobHost__snapfunc__memoryMb: `snapfunc.memoryMb` must be a whole number from 64 to 4096");
    let error = overridden(&[("AzureFunctionsJobHost__extensions", "secret")]).unwrap_err();
    assert_eq!(error, "setting AzureFunctionsJobHost__extensions: `extensions` must be an object `{…}`");
    let error = overridden(&[("AzureFunctionsJobHost__snapfunc__outbound__0", "ftp://user:secret@a")]).unwrap_err();
    assert!(
        error.starts_with("setting AzureFunctionsJobHost__snapfunc__outbound__0: `snapfunc.outbound[0]` must hold destinations"),
        "{error}"
    );
    assert!(error.ends_with(": the scheme must be https, http or tcp") && !error.contains("secret"), "{error}");
    let error = overridden(&[("AzureFunctionsJobHost__snapfunc__x__y", "secret")]).unwrap_err();
    assert!(error.starts_with("setting AzureFunctionsJobHost__snapfunc__x__y: `snapfunc.x` is not an option"), "{error}");
}

#[test]
fn settings_without_a_place_are_noticed() {
    let deep = format!("AzureFunctionsJobHost{}", "__a".repeat(50_000));
    let settings =
        [("AzureFunctionsJobHost__a____b", ""), (deep.as_str(), ""), ("AzureFunctionsJobHost__", ""), ("AzureFunctionsJobHostX", "")];
    let read = HostConfig::read(None, settings.into_iter()).unwrap();
    assert_eq!(read.notices.len(), 3);
    assert!(read.notices[0].contains("setting AzureFunctionsJobHost__a____b is ignored"));
    assert!(HostConfig::read(None, [("AzureFunctionsJobHosté", "")].into_iter()).unwrap().notices.is_empty());
}

/// A small tree whose leaves are whole numbers.
fn tree() -> impl Strategy<Value = Value> {
    let leaf = (0..1000_i64).prop_map(Value::from);
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::btree_map("[a-d][0-9]?", inner.clone(), 1..4).prop_map(|map| Value::Object(map.into_iter().collect())),
            prop::collection::vec(inner, 1..4).prop_map(Value::Array),
        ]
    })
}

fn leaves(value: &Value, name: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| leaves(value, &format!("{name}__{key}"), found)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, value)| leaves(value, &format!("{name}__{i}"), found)),
        leaf => found.push((name.to_owned(), leaf.to_string())),
    }
}

proptest! {
    #[test]
    fn a_tree_of_settings_gives_the_tree(tree in tree(), below in tree(), upper: bool) {
        let (wanted, below) = (json!({"root": tree}), json!({"ROOT": below}));
        let mut settings = Vec::new();
        leaves(&wanted, "AzureFunctionsJobHost", &mut settings);
        settings.reverse();
        let settings = || settings.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let merged = overrides::merge(json!({}), settings());
        prop_assert_eq!(&merged.value, &wanted);
        prop_assert_eq!(merged.overrides.len(), settings().count());

        // Over another tree, in whatever case: each setting's value is at the place that it is said to be at.
        let below = if upper { below } else { json!({}) };
        let merged = overrides::merge(below, settings());
        for found in merged.overrides {
            let place = found.path.iter().try_fold(&merged.value, |value, step| match step {
                crate::app::json::Step::Key(key) => value.get(key),
                crate::app::json::Step::Index(index) => value.get(index),
            });
            let text = settings().find(|(name, _)| *name == found.setting).unwrap().1;
            prop_assert_eq!(place.unwrap().to_string(), text);
        }
    }

    #[test]
    fn any_settings_never_panic(names in prop::collection::vec("(AzureFunctionsJobHost|azurefunctionsjobhost)(__|:)[a0:_é]{0,8}", 0..6), file in tree()) {
        let file = Document::parse(FILE, json!({"version": "2.0", "a": file}).to_string().as_bytes()).unwrap();
        let _ = HostConfig::read(Some(file), names.iter().map(|name| (name.as_str(), "1")));
    }
}
