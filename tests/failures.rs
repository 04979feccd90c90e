//! What functions do wrong while they run: the client gets 500, the console says why, and the host goes on.

mod common;

use common::{App, EVAL, Host};

const OK: &str = "result = 1";

fn fails(host: &Host, code: &str) -> Vec<String> {
    let mark = host.mark();
    let answer = host.post("/api/f", code);
    assert_eq!((answer.status, answer.text()), (500, ""), "{code}");
    assert_eq!(host.eval(OK), 1, "after {code}");
    host.lines_until(mark, "(Failed, ")
}

#[test]
fn an_exception_is_told_in_three_parts() {
    let host = App::with(EVAL).start();
    let lines = fails(&host, "def deeper():\n    return 1 / 0\ndeeper()");
    let start = lines.iter().position(|line| line == "Result: Failure").unwrap();
    assert_eq!(lines[start + 1], "Exception: ZeroDivisionError: division by zero");
    assert!(lines[start + 2].starts_with("Stack: "), "{lines:?}");
    assert!(lines[start + 2..].iter().any(|line| line.contains("in deeper")), "{lines:?}");
    assert!(lines[start + 2..].iter().any(|line| line.contains("/home/site/wwwroot/f/__init__.py\", line 9, in main")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("Executed 'Functions.f' (Failed, Id=")), "{lines:?}");
}

/// It has ended when its answer is there, not when its code has.
#[test]
fn a_response_that_can_not_be_sent_is_a_failure() {
    let code = "import azure.functions as func\n\ndef main(req):\n    return func.HttpResponse('x', **eval(req.get_body()))\n";
    let host = App::with(code).start();
    for (wrong, told) in [
        ("{'headers': {'X A': '1'}}", "function f: the response's header name \"X A\" holds characters"),
        ("{'status_code': 101}", "function f: the response's status code 101 is none that a server may answer with"),
    ] {
        let mark = host.mark();
        let answer = host.post("/api/f", wrong);
        assert_eq!((answer.status, answer.text()), (500, ""), "{wrong}");
        let lines = host.lines_until(mark, "Executed 'Functions.f' (Failed, Id=");
        assert_eq!(lines[0], "Result: Failure");
        assert!(lines[1].starts_with(&format!("Exception: ValueError: {told}")), "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains("Succeeded")), "{lines:?}");
    }
}

#[test]
fn what_would_end_python_ends_only_the_invocation() {
    let host = App::with(EVAL).start();
    assert!(fails(&host, "import sys; sys.exit(3)").iter().any(|line| line == "Exception: SystemExit: 3"));
    assert!(fails(&host, "raise KeyboardInterrupt").iter().any(|line| line.starts_with("Exception: KeyboardInterrupt")));
    assert!(fails(&host, "def f(): f()\nf()").iter().any(|line| line.starts_with("Exception: RecursionError")));
    for deadly in ["import os; os._exit(3)", "import os; os.abort()"] {
        assert!(fails(&host, deadly).iter().any(|line| line.starts_with("Exception: InterpreterDied: ")), "{deadly}");
    }
    fails(&host, "import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()");
}

#[test]
fn an_exception_that_can_not_be_told_ends_only_the_invocation() {
    let host = App::with(EVAL).host_json(r#""snapfunc": {"maxInstances": 1}"#).start();
    host.eval("state['kept'] = 1");
    let class = "class Odd(Exception):\n    def __str__(self):";
    for (code, told) in [
        (format!("{class} raise KeyboardInterrupt\nraise Odd"), "Exception: Odd: (its message can't be printed)"),
        (format!("{class} raise SystemExit\nraise Odd"), "Exception: Odd: (its message can't be printed)"),
        (format!("class Text(str):\n    def encode(self, *how): return 7\n{class} return Text('text')\nraise Odd"), "Exception: Odd: text"),
        (
            "class Meta(type):\n    __name__ = property(lambda self: 7)\nclass Odd(Exception, metaclass=Meta): pass\nraise Odd('text')"
                .to_owned(),
            "Exception: Odd: text",
        ),
        (
            "class Odd(Exception):\n    def with_traceback(self, frames): raise SystemExit\nraise Odd('text')".to_owned(),
            "Exception: Odd: text",
        ),
    ] {
        assert!(fails(&host, &code).iter().any(|line| line == told), "{code}: {}", host.printed());
    }
    assert_eq!(host.eval("result = state['kept']"), 1, "the instance lives on");
}

#[test]
fn a_function_that_never_ends_is_stopped_at_its_timeout() {
    let host = App::with(EVAL).host_json(r#""functionTimeout": "00:00:02", "snapfunc": {"maxInstances": 1}"#).start();
    for endless in ["while True: pass", "import time; time.sleep(1e6)", "import asyncio; asyncio.run(asyncio.sleep(1e6))"] {
        let lines = fails(&host, endless);
        assert!(lines.iter().any(|line| line == "Exception: FunctionTimeoutException: it ran longer than 2 seconds"), "{lines:?}");
    }
}

#[test]
fn memory_is_limited_by_the_app_and_by_the_flag() {
    let used = "x = bytearray(120 << 20); result = len(x) >> 20";
    let bomb = "x = []\nwhile True: x.append(bytearray(1 << 20))";
    let app = App::with(EVAL).host_json(r#""snapfunc": {"memoryMb": 128}"#);
    let host = app.start();
    let lines = fails(&host, bomb);
    assert!(lines.iter().any(|line| line.starts_with("Exception: MemoryError")), "{lines:?}");
    fails(&host, used);
    let roomy = app.start_with(&["--memory-mb", "256"], &[]);
    assert_eq!(roomy.eval(used), 120);
    fails(&roomy, bomb);
}

/// As on Azure. Half of it, without a line that tells of it, would be up to whoever asks.
#[test]
fn what_has_begun_ends_though_its_client_has_left() {
    let host = App::with(EVAL).start();
    let code = "import logging, time; logging.info('begun'); time.sleep(.5); logging.info('at the end')";
    let request = format!("POST /api/f HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{code}", code.len());
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", host.port)).unwrap();
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    host.wait_for_line("begun");
    drop(stream);
    host.wait_for_line("at the end");
    host.wait_for_line("Executed 'Functions.f' (Succeeded");
}

#[test]
fn a_client_that_leaves_does_not_disturb() {
    let host = App::with(EVAL).start();
    for _ in 0..20 {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", host.port)).unwrap();
        std::io::Write::write_all(&mut stream, b"POST /api/f HTTP/1.1\r\nHost: h\r\nContent-Length: 27\r\n\r\nimport time; time.sleep(.2)")
            .unwrap();
    }
    assert_eq!(host.eval(OK), 1);
}
