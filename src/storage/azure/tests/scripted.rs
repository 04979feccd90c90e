//! A service that says what a test wants.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it does with a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    /// Status, headers (each with its line's end), body.
    Answer(u16, &'static str, &'static str),
    /// Begins an answer and breaks off.
    BreakOff,
    /// Closes without a word.
    Close,
}

/// It listens on a port of the loopback interface as long as the test's runtime lives.
#[derive(Debug)]
pub(super) struct Scripted {
    /// Scheme, host and port.
    pub(super) origin: String,
    requests: Arc<Mutex<Vec<String>>>,
}

// === impl Scripted ===

impl Scripted {
    /// Does one after the other, and closes whatever comes then.
    pub(super) async fn new(acts: impl IntoIterator<Item = Act>) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, mut acts) = (requests.clone(), acts.into_iter().collect::<VecDeque<_>>());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = request(&mut stream).await;
                seen.lock().unwrap().push(request);
                answer(&mut stream, acts.pop_front().unwrap_or(Act::Close)).await;
            }
        });
        Scripted { origin, requests }
    }

    /// The requests so far: method and target.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Takes one request to its end.
async fn request(stream: &mut TcpStream) -> String {
    let (mut taken, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut piece).await.unwrap_or(0);
        taken.extend_from_slice(&piece[..count]);
        // The first byte of TLS.
        if taken.first() == Some(&22) {
            return String::new();
        }
        let text = String::from_utf8_lossy(&taken);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if count == 0 || body.len() >= length.unwrap_or(0) {
            return head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
        }
    }
}

async fn answer(stream: &mut TcpStream, act: Act) {
    let text = match act {
        Act::Answer(status, headers, body) => {
            format!("HTTP/1.1 {status} x\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        }
        Act::BreakOff => "HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\nbegin".to_owned(),
        Act::Close => String::new(),
    };
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}
