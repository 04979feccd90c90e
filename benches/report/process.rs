//! Programs that are measured from outside: started, asked over HTTP, looked at in `/proc`.

use super::Result;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A running program. It and its children are killed when it is dropped.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) port: u16,
}

pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

// === impl Server ===

impl Server {
    /// Starts a command, and waits until a request to it is answered with 200.
    pub(crate) fn start(command: &mut Command, port: u16, path: &str) -> Result<Server> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut server = Server { child, port };
        let started = Instant::now();
        while !get(port, path).is_ok_and(|answer| answer.0 == 200) {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("{command:?} ended: {status}").into());
            }
            if started.elapsed() > Duration::from_secs(120) {
                return Err(format!("{command:?} does not answer").into());
            }
            thread::sleep(Duration::from_micros(500));
        }
        Ok(server)
    }

    /// The program and its children.
    fn processes(&self) -> Vec<u32> {
        let mut all = vec![self.child.id()];
        let mut next = 0;
        while let Some(process) = all.get(next).copied() {
            let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
            next += 1;
        }
        all
    }

    /// Seconds of CPU time that it has taken so far.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        self.processes().into_iter().map(|process| cpu_ticks(process) as f64 / 100.0).sum()
    }

    /// A line of `/proc/PID/status` in MiB: `VmHWM`.
    pub(crate) fn memory(&self, line: &str) -> f64 {
        let of = |process: u32| {
            let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
            let value =
                status.lines().find_map(|known| known.strip_prefix(line)?.strip_prefix(':'))?.trim().trim_end_matches(" kB").parse::<f64>();
            value.ok().map(|kib| kib / 1024.0)
        };
        self.processes().into_iter().filter_map(of).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for process in self.processes().into_iter().skip(1) {
            let _ = Command::new("kill").args(["-9", &process.to_string()]).stderr(Stdio::null()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system time.
fn cpu_ticks(process: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<_> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    [11, 12].iter().filter_map(|place| fields.get(*place)?.parse::<u64>().ok()).sum()
}

/// One request on a connection of its own: status and body.
pub(crate) fn get(port: u16, path: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("no HTTP answer")?;
    Ok((status, answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned()))
}

/// Private and shared memory of this process, in bytes, each shared page counted in parts (`Pss` in `/proc/self/smaps_rollup`).
pub(crate) fn own_pss() -> f64 {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(f64::NAN) * 1024.0
}
