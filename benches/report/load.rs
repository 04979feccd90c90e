//! A load generator: so many connections, each with one request after the other. It runs as a process of its own, so that its CPU time is not the server's.

use super::report::{Result, quantile};
use serde::{Deserialize, Serialize};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What it saw.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) requests: usize,
    pub(crate) seconds: f64,
    /// Of failed connections, and of answers that are not 200.
    pub(crate) errors: usize,
    pub(crate) median_ms: f64,
    pub p99_ms: f64,
}

/// What it is to do: in an environment variable, as cargo has arguments of its own for benchmarks.
#[derive(Debug, Serialize, Deserialize)]
struct Task {
    port: u16,
    path: String,
    connections: usize,
    /// Seconds; nothing means one request a connection.
    seconds: Option<f64>,
}

const TASK: &str = "SNAPFUNC_BENCH_LOAD";

/// Does what the environment asks for, if it does, and says whether it did.
pub(crate) fn ran_as_generator() -> Result<bool> {
    let Ok(task) = std::env::var(TASK) else { return Ok(false) };
    let task: Task = serde_json::from_str(&task)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!("{}", serde_json::to_string(&runtime.block_on(task.run()))?);
    Ok(true)
}

/// Runs it beside: `seconds` long, or one request a connection.
pub(crate) fn load(port: u16, path: &str, connections: usize, seconds: Option<f64>) -> Result<Seen> {
    let task = Task { port, path: path.to_owned(), connections, seconds };
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.env(TASK, serde_json::to_string(&task)?).stderr(Stdio::inherit()).output()?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

// === impl Task ===

impl Task {
    async fn run(self) -> Seen {
        let began = Instant::now();
        let end = self.seconds.map(|seconds| began + Duration::from_secs_f64(seconds));
        let request = format!("GET {} HTTP/1.1\r\nHost: localhost:{}\r\nAccept: */*\r\n\r\n", self.path, self.port);
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..self.connections {
            let (request, port) = (request.clone(), self.port);
            tasks.spawn(async move { connection(port, request.as_bytes(), end).await });
        }
        let (mut samples, mut errors) = (Vec::new(), 0);
        while let Some(ended) = tasks.join_next().await {
            let Ok((mut own, failed)) = ended else { continue };
            samples.append(&mut own);
            errors += failed;
        }
        let seconds = began.elapsed().as_secs_f64();
        Seen { requests: samples.len(), seconds, errors, median_ms: quantile(&samples, 0.5), p99_ms: quantile(&samples, 0.99) }
    }
}

/// Milliseconds of each request, and how many failed.
async fn connection(port: u16, request: &[u8], end: Option<Instant>) -> (Vec<f64>, usize) {
    let mut samples = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let began = Instant::now();
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else { return (samples, 1) };
    let _ = stream.set_nodelay(true);
    let mut sent = began;
    loop {
        if !matches!(exchange(&mut stream, request, &mut buffer).await, Some(200)) {
            return (samples, 1);
        }
        samples.push(sent.elapsed().as_secs_f64() * 1e3);
        sent = Instant::now();
        if end.is_none_or(|end| sent > end) {
            return (samples, 0);
        }
    }
}

/// One request and its answer, which has a length or is chunked; its status.
async fn exchange(stream: &mut TcpStream, request: &[u8], buffer: &mut [u8]) -> Option<u16> {
    stream.write_all(request).await.ok()?;
    let mut filled = 0;
    loop {
        let read = stream.read(buffer.get_mut(filled..)?).await.ok().filter(|read| *read > 0)?;
        filled += read;
        let answer = buffer.get(..filled)?;
        let Some(head_end) = memchr::memmem::find(answer, b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(answer.get(..head_end)?).ok()?.to_ascii_lowercase();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        let whole = match length {
            Some(length) => filled >= head_end + 4 + length,
            None => answer.ends_with(b"0\r\n\r\n"),
        };
        if whole {
            return Some(status);
        }
    }
}
