//! host.json: what its keys do, beyond those that the tests of their features have.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::store::{Store, wait_for};
use common::{App, HTTP};

const OK: &str = "def main(req):\n    return 'ok'\n";

#[test]
fn keys_without_a_use_here_are_passed_over() {
    let fields = r#"
        "aggregator": {"batchSize": 1000, "flushTimeout": "00:00:30"},
        "concurrency": {"dynamicConcurrencyEnabled": true, "snapshotPersistenceEnabled": true},
        "customHandler": {"enableForwardingHttpRequest": false},
        "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.0.0, 5.0.0)"},
        "extensions": {
            "cosmosDB": {"connectionMode": "Gateway"}, "durableTask": {"hubName": "MyTaskHub"}, "eventHubs": {"maxEventBatchSize": 100},
            "sendGrid": {"from": "someone@example.com"}, "serviceBus": {"prefetchCount": 0},
            "http": {"dynamicThrottlesEnabled": true}
        },
        "healthMonitor": {"enabled": true, "healthCheckInterval": "00:00:10", "healthCheckWindow": "00:02:00", "healthCheckThreshold": 6, "counterThreshold": 0.80},
        "id": "9f4ea53c5136457d883d685e57164f08",
        "logging": {
            "fileLoggingMode": "debugOnly", "console": {"isEnabled": false, "DisableColors": true},
            "applicationInsights": {"enableDependencyTracking": true, "samplingSettings": {"isEnabled": true, "maxTelemetryItemsPerSecond": 20}}
        },
        "managedDependency": {"enabled": true},
        "singleton": {"lockPeriod": "00:00:15", "listenerLockPeriod": "00:01:00"},
        "telemetryMode": "OpenTelemetry",
        "watchDirectories": ["Shared"],
        "watchFiles": ["myFile.txt"]"#;
    let host = App::with(OK).host_json(fields).start();
    assert_eq!(host.get("/api/f").text(), "ok");
    assert!(!host.printed().contains("host.json"), "{}", host.printed());
    let shown = host.get("/admin/host/config").json();
    assert_eq!(shown["extensionBundle"]["version"], "[4.0.0, 5.0.0)");
}

#[test]
fn its_retry_policy_is_that_of_functions_without_one() {
    let code = "def main(timer, context):\n    retry = context.retry_context\n    print(context.function_name, retry.retry_count, 'of', retry.max_retry_count)\n    raise ValueError('again')\n";
    let timer = r#"{"bindings": [{"type": "timerTrigger", "name": "timer", "schedule": "0 0 0 1 1 *", "runOnStartup": true}]"#;
    let own = format!("{timer}, \"retry\": {{\"strategy\": \"fixedDelay\", \"maxRetryCount\": 1, \"delayInterval\": \"00:00:00\"}}}}");
    let app = App::new()
        .host_json(r#""retry": {"strategy": "exponentialBackoff", "maxRetryCount": 2, "minimumInterval": "00:00:00.1", "maximumInterval": "00:00:01"}"#)
        .file("first/function.json", format!("{timer}}}"))
        .file("first/__init__.py", code)
        .file("second/function.json", own)
        .file("second/__init__.py", code)
        .function("http", HTTP, OK);
    let host = app.start();
    for line in ["first 0 of 2", "first 1 of 2", "first 2 of 2", "second 0 of 1", "second 1 of 1"] {
        host.wait_for_line(line);
    }
    assert!(!host.printed().contains("has a retry policy"), "{}", host.printed());
}

#[test]
fn settings_without_a_use_here_are_the_functions_all_the_same() {
    let settings = r#"{"Values": {
        "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=none", "PYTHON_ISOLATE_WORKER_DEPENDENCIES": "1",
        "FUNCTIONS_WORKER_SHARED_MEMORY_DATA_TRANSFER_ENABLED": "1", "AzureWebJobsFeatureFlags": "EnableWorkerIndexing", "WEBSITE_RUN_FROM_PACKAGE": "1"
    }}"#;
    let code = "import os\n\ndef main(req):\n    return ' '.join(os.environ[name] for name in req.params['names'].split(','))\n";
    let host = App::with(code).file("local.settings.json", settings).start();
    let names = "APPLICATIONINSIGHTS_CONNECTION_STRING,PYTHON_ISOLATE_WORKER_DEPENDENCIES,FUNCTIONS_WORKER_SHARED_MEMORY_DATA_TRANSFER_ENABLED,AzureWebJobsFeatureFlags";
    assert_eq!(host.get(&format!("/api/f?names={names}")).text(), "InstrumentationKey=none 1 1 EnableWorkerIndexing");
}

#[test]
fn it_sets_how_blobs_are_worked_on() {
    let code = "import time\n\ndef main(blob):\n    print('begins', blob.name)\n    time.sleep(0.05)\n    print('ends', blob.name)\n    raise ValueError('no')\n";
    let app = App::new().host_json(r#""extensions": {"blobs": {"maxDegreeOfParallelism": 1, "poisonBlobThreshold": 2}}"#).function(
        "f",
        r#"[{"type": "blobTrigger", "name": "blob", "path": "box/{name}"}]"#,
        code,
    );
    for name in ["box/a", "box/b", "box/c"] {
        Store::Embedded.put(&app, name, b"x");
    }
    let host = app.start();
    let poisoned = || host.lines().iter().filter(|line| line.contains("it failed 2 times")).count();
    wait_for("all to be given up", || (poisoned() == 3).then_some(()));
    let lines: Vec<_> = host.lines().into_iter().filter(|line| line.starts_with("begins ") || line.starts_with("ends ")).collect();
    assert_eq!(lines.len(), 12, "{lines:?}");
    assert!(lines.chunks(2).all(|pair| pair[0].replace("begins", "ends") == pair[1]), "two at a time: {lines:?}");
}

#[test]
fn settings_stand_over_it() {
    let environment = [("AzureFunctionsJobHost__extensions__http__routePrefix", "v1"), ("AzureFunctionsJobHost__functions__0", "f")];
    let host = App::with(OK).function("other", HTTP, OK).host_json("\"functions\": [\"other\"]").start_with(&[], &environment);
    assert_eq!((host.get("/v1/f").status, host.get("/api/f").status, host.get("/v1/other").status), (200, 404, 404));
}
