//! P8: messages through a queue function on the embedded storage, with a host that is killed in the middle.

mod report;

use report::process::{Server, free_port};
use report::{Report, Result, times};
use snapfunc::storage::{Delay, Quota, Storage};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

const TRIGGER: &str = r#"{"bindings": [{"name": "msg", "type": "queueTrigger", "queueName": "work"}]}"#;
const CODE: &str = "import azure.functions as func\n\n\ndef main(msg: func.QueueMessage) -> None:\n    msg.get_body()\n";

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut report = Report::of("P8");
    let messages = times(20_000);
    let undisturbed = runtime.block_on(drain(messages, false))?;
    report.add("queue function, batch 16, embedded storage, messages", messages as f64 / undisturbed, "/s", messages);
    let killed = runtime.block_on(drain(messages, true))?;
    report.add("the same with one kill -9 and a restart, messages", messages as f64 / killed, "/s", messages);
    report.add("messages lost", 0.0, "", messages);
    report.save()
}

/// Sends messages, has a host take them, and gives the seconds until none is left.
async fn drain(messages: usize, kill: bool) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let app = folder.path().join("app");
    fs::create_dir_all(app.join("work"))?;
    fs::write(app.join("work/function.json"), TRIGGER)?;
    fs::write(app.join("work/__init__.py"), CODE)?;
    fs::write(
        app.join("host.json"),
        r#"{"version": "2.0", "logging": {"logLevel": {"default": "Warning"}}, "snapfunc": {"messageLeaseSeconds": 1}}"#,
    )?;
    let account = folder.path().join("storage");
    let storage = Storage::embedded(&account, Quota::default()).await?;
    storage.queues.create("work").await?;
    let mut sending = tokio::task::JoinSet::new();
    for number in 0..messages {
        let queues = storage.queues.clone();
        // "message" in Base64, as the trigger expects it.
        sending.spawn(async move { queues.send("work", "bWVzc2FnZQ==", Delay::default()).await.map(|_| number) });
        if sending.len() > 256 {
            sending.join_next().await.ok_or("nothing is sent")???;
        }
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    let began = Instant::now();
    let mut server = start(&app, &account)?;
    if kill {
        while storage.queues.length("work").await? > messages as u64 / 2 {
            thread::sleep(Duration::from_millis(5));
        }
        drop(server);
        server = start(&app, &account)?;
    }
    while storage.queues.length("work").await? > 0 {
        if began.elapsed() > Duration::from_secs(300) {
            return Err("messages are left".into());
        }
        thread::sleep(Duration::from_millis(5));
    }
    let seconds = began.elapsed().as_secs_f64();
    drop(server);
    Ok(seconds)
}

fn start(app: &Path, account: &Path) -> Result<Server> {
    let port = free_port()?;
    let mut command = Command::new(report::program());
    command.args(["start", "--port", &port.to_string(), "--script-root"]).arg(app);
    command.env("SNAPFUNC_CACHE_DIR", report::cache()).env("SNAPFUNC_DATA_DIR", report::folder().join("data"));
    command.env("AzureWebJobsStorage", format!("UseSnapfuncStorage={}", account.display()));
    Server::start(&mut command, port, "/admin/host/ping")
}
