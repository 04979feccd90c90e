//! The timer trigger, on both stores.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::store::{Store, on_both_stores, wait_for};
use common::{App, Host};
use serde_json::json;
use std::fs;

on_both_stores!(two_hosts_run_a_timer_once, a_missed_run_is_made_up_for, every_second_without_overlap);

fn timer(fields: &serde_json::Value, code: &str) -> App {
    let mut binding = json!({"type": "timerTrigger", "name": "timer", "direction": "in"});
    binding.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    App::new().function(
        "tick",
        &json!([binding]).to_string(),
        &format!("import azure.functions as func\n\ndef main(timer: func.TimerRequest):\n    {code}\n"),
    )
}

fn count(host: &Host, text: &str) -> usize {
    host.lines().iter().filter(|line| line.contains(text)).count()
}

fn every_second_without_overlap(store: Store) {
    let app = timer(&json!({"schedule": "* * * * * *"}), "import time; print('begin'); time.sleep(1.3); print('end', timer.past_due)");
    let host = store.start(&app);
    wait_for("three runs", || (count(&host, "end False") >= 3).then_some(()));
    let lines: Vec<_> = host.lines().into_iter().filter(|line| line.starts_with("begin") || line.starts_with("end")).collect();
    assert!(lines.chunks(2).all(|pair| pair[0] == "begin" && pair.get(1).is_none_or(|end| end.starts_with("end"))), "{lines:?}");
}

fn two_hosts_run_a_timer_once(store: Store) {
    let app = timer(&json!({"schedule": "*/2 * * * * *"}), "import time; print('tick', int(time.time()))");
    let (mut first, second) = (store.start(&app), store.start(&app));
    let ticks = |host: &Host| host.lines().into_iter().filter(|line| line.starts_with("tick ")).collect::<Vec<_>>();
    wait_for("runs", || (ticks(&first).len() + ticks(&second).len() >= 3).then_some(()));
    let mut all = [ticks(&first), ticks(&second)].concat();
    let number = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), number, "a time was run twice");
    // When the one that has the timer is stopped, the other goes on.
    let before = ticks(&second).len();
    first.signal("TERM");
    first.wait();
    wait_for("the other host to go on", || (ticks(&second).len() > before).then_some(()));
}

fn a_missed_run_is_made_up_for(store: Store) {
    let app = timer(&json!({"schedule": "0 0 0 1 1 *"}), "print('run', timer.past_due, bool(timer.schedule_status))");
    let mut host = store.start(&app);
    let id = wait_for("the status", || {
        store.blobs(&app, "azure-webjobs-hosts/timers/").into_iter().find(|name| name.ends_with("/status") && name.contains(&host_id(&app)))
    });
    host.signal("TERM");
    host.wait();
    assert_eq!(count(&host, "run "), 0);
    let path = format!("azure-webjobs-hosts/{id}");
    let mut status: serde_json::Value = serde_json::from_slice(&store.get(&app, &path)).unwrap();
    status["Next"] = json!("2020-01-01T00:00:00+00:00");
    store.put(&app, &path, status.to_string().as_bytes());
    let host = store.start(&app);
    host.wait_for_line("run True True");
}

/// As the program makes it of the app's place.
fn host_id(app: &App) -> String {
    let place = fs::canonicalize(app.path()).unwrap();
    blake3::hash(place.as_os_str().as_encoded_bytes()).to_hex()[..32].to_owned()
}

#[test]
fn it_runs_on_startup_and_by_hand_where_asked_to() {
    let app = timer(&json!({"schedule": "%WHEN%", "runOnStartup": true}), "print('run', timer.past_due, *sorted(timer.schedule_status))");
    let host = app.file("local.settings.json", r#"{"Values": {"WHEN": "0 0 0 1 1 *"}}"#).start();
    host.wait_for_line("run False Last LastUpdated Next");
    let mark = host.mark();
    assert_eq!(host.post("/admin/functions/tick", "{}").status, 202);
    host.lines_until(mark, "run False Last LastUpdated Next");
}

#[test]
fn one_that_is_not_monitored_has_no_status() {
    let code = "print('run', timer.past_due, *sorted(timer.schedule_status))";
    let host = timer(&json!({"schedule": "0 0 0 1 1 *", "runOnStartup": true, "useMonitor": false}), code).start();
    assert_eq!(host.wait_for_line("run False").trim_end(), "run False");
}

#[test]
fn retries_come_as_the_policy_says() {
    let code = "import azure.functions as func\n\ndef main(timer: func.TimerRequest, context: func.Context):\n    retry = context.retry_context\n    \
                print('attempt', retry.retry_count, 'of', retry.max_retry_count)\n    if retry.retry_count < 2:\n        raise ValueError('again')\n";
    let definition = json!({
        "bindings": [{"type": "timerTrigger", "name": "timer", "schedule": "0 0 0 1 1 *", "runOnStartup": true}],
        "retry": {"strategy": "fixedDelay", "maxRetryCount": 3, "delayInterval": "00:00:01"},
    });
    let app = App::new().file("tick/function.json", definition.to_string()).file("tick/__init__.py", code);
    let host = app.start();
    for number in 0..3 {
        host.wait_for_line(&format!("attempt {number} of 3"));
    }
    assert_eq!(count(&host, "attempt"), 3);
}

#[test]
fn a_back_off_of_decorators_needs_no_intervals() {
    let code = "import azure.functions as func\n\napp = func.FunctionApp()\n\n@app.timer_trigger(schedule='0 0 0 1 1 *', arg_name='timer', run_on_startup=True)\n\
                @app.retry(strategy='exponential_backoff', max_retry_count='2')\ndef tick(timer, context):\n    print('attempt', context.retry_context.retry_count)\n    \
                raise ValueError('again')\n";
    let host = App::new().file("function_app.py", code).start();
    for number in 0..3 {
        host.wait_for_line(&format!("attempt {number}"));
    }
}

/// Microsoft's own test of its worker wants the three of them within 5 seconds: 1, 1.8 and 2 are the least that the SDK may wait.
#[test]
fn a_back_off_waits_no_longer_than_it_must() {
    let code = "import azure.functions as func\n\napp = func.FunctionApp()\n\n@app.timer_trigger(schedule='0 0 0 1 1 *', arg_name='timer', run_on_startup=True)\n\
                @app.retry(strategy='exponential_backoff', max_retry_count='3', minimum_interval='00:00:01', maximum_interval='00:00:02')\n\
                def tick(timer, context):\n    import time\n    print('attempt', context.retry_context.retry_count, time.time())\n    raise ValueError('again')\n";
    let host = App::new().file("function_app.py", code).start();
    let times: Vec<f64> =
        (0..4).map(|number| host.wait_for_line(&format!("attempt {number} ")).rsplit(' ').next().unwrap().parse().unwrap()).collect();
    let waits: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits.iter().zip([1.0, 1.8, 2.0]).all(|(wait, least)| (least..least + 0.5).contains(wait)), "{waits:?}");
}

#[test]
fn a_storage_that_is_not_there_does_not_stop_a_timer() {
    let app = timer(&json!({"schedule": "* * * * * *"}), "print('ran')");
    let nowhere = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=AAAA;BlobEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:1/a;TableEndpoint=http://127.0.0.1:1/a";
    let host = app.start_with(&[], &[("AzureWebJobsStorage", nowhere)]);
    host.wait_for_line("can't be reached");
    wait_for("two runs", || (count(&host, "ran") >= 2).then_some(()));
}

#[test]
fn a_wrong_connection_of_the_app_is_told() {
    let host = timer(&json!({"schedule": "0 0 0 1 1 *"}), "pass").start_with(&[], &[("AzureWebJobsStorage", "no connection")]);
    host.wait_for_line(
        "`timer.type` is timerTrigger, which needs the app's storage: its connection names the setting AzureWebJobsStorage, which is no connection string",
    );
}

#[test]
fn wrong_schedules_are_said_with_their_place() {
    let host = timer(&json!({"schedule": "0 0 25 * * *"}), "pass").start();
    host.wait_for_line("tick/function.json:1: `timer.schedule`");
}
