//! `async def` functions and event loops, in both programming models.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::store::wait_for;
use common::{App, HTTP, Host};

const FUNCTIONS: &str = r#"
import asyncio
import contextvars
import logging
import sys

logger = logging.getLogger("own-logger")
worker_logger = logging.getLogger("azure_functions_worker")
number = contextvars.ContextVar("number", default=0)


async def say(delay, what):
    await asyncio.sleep(delay)
    what()


def log_caught():
    try:
        raise KeyError("caught")
    except KeyError:
        logging.exception("logged by a task", exc_info=sys.exc_info())


async def tasks(req):
    loop = asyncio.get_event_loop()
    made = [
        loop.create_task(say(0.01, lambda: print("printed by a task"))),
        loop.create_task(say(0.02, lambda: logging.warning("a warning of the root logger"))),
        loop.create_task(say(0.03, log_caught)),
        loop.create_task(say(0.04, lambda: logger.info("info of an own logger"))),
        loop.create_task(say(0.05, lambda: worker_logger.info("info of the worker's logger"))),
    ]
    future = loop.create_future()
    loop.call_soon_threadsafe(future.set_result, "the future's result")
    await asyncio.wait([*made, future])
    logging.info(future.result())
    return "waited"


async def nested(req):
    await asyncio.sleep(0.01)
    await asyncio.ensure_future(say(0, lambda: logger.error("from a nested task")))
    return "nested"


async def count(to):
    for number_ in range(to):
        await asyncio.sleep(0)
    return f"{number.get()}/{to}"


async def contexts(req):
    loop = asyncio.get_running_loop()
    context = contextvars.copy_context()
    context.run(number.set, 7)
    with_context = loop.create_task(count(5), context=context)
    without = loop.create_task(count(10))
    return " ".join(await asyncio.gather(with_context, without))


def own_selector_loop(req):
    loop = asyncio.SelectorEventLoop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(say(0, lambda: logger.info("from an own loop")))
    loop.close()
    return "own loop"


def own_new_loop(req):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(asyncio.wait_for(count(3), 5))
    finally:
        loop.close()


async def in_a_thread(req):
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, lambda: "executed")


async def fails(req):
    await asyncio.sleep(0)
    raise UnprintableError("foo")


class UnprintableError(Exception):
    def __str__(self):
        raise RuntimeError("no text")
"#;

const NAMES: [&str; 7] = ["tasks", "nested", "contexts", "own_selector_loop", "own_new_loop", "in_a_thread", "fails"];

/// The same functions in both models.
fn hosts() -> [Host; 2] {
    let v1 = NAMES.iter().fold(App::new().file("code.py", FUNCTIONS), |app, name| {
        let json = format!("{{\"scriptFile\": \"../code.py\", \"entryPoint\": \"{name}\", \"bindings\": {HTTP}}}");
        app.file(&format!("{name}/function.json"), json)
    });
    let register = NAMES.iter().fold(String::new(), |code, name| code + &format!("app.route()({name})\n"));
    let v2 = App::new().file(
        "function_app.py",
        format!(
            "{FUNCTIONS}\nimport azure.functions as func\napp = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n{register}"
        ),
    );
    [v1.start(), v2.start()]
}

#[test]
fn functions_use_the_running_loop_and_loops_of_their_own() {
    for host in hosts() {
        // Twice: what the first leaves must not disturb the second. And one after the other, as loops of their own end in between.
        for _ in 0..2 {
            for (name, text) in [
                ("tasks", "waited"),
                ("own_selector_loop", "own loop"),
                ("nested", "nested"),
                ("contexts", "7/5 0/10"),
                ("own_new_loop", "0/3"),
                ("in_a_thread", "executed"),
            ] {
                // With a slash at the end, as clients may have it.
                let answer = host.get(&format!("/api/{name}/"));
                assert_eq!((answer.status, answer.text()), (200, text), "{name}\n{}", host.printed());
            }
        }
    }
}

#[test]
fn what_tasks_log_is_shown_before_the_response() {
    for host in hosts() {
        let mark = host.mark();
        assert_eq!(host.get("/api/tasks").status, 200);
        let lines = host.lines_since(mark);
        for line in [
            "printed by a task",
            "a warning of the root logger",
            "logged by a task",
            "info of an own logger",
            "info of the worker's logger",
            "the future's result",
        ] {
            assert_eq!(lines.iter().filter(|logged| *logged == line).count(), 1, "{line}: {lines:#?}");
        }
        host.get("/api/own_selector_loop");
        host.wait_for_line("from an own loop");
    }
}

#[test]
fn an_exception_without_a_text_is_told_by_its_class() {
    for host in hosts() {
        assert_eq!(host.get("/api/fails").status, 500);
        host.wait_for_line("Exception: UnprintableError: ");
        assert_eq!(host.get("/api/nested").status, 200);
    }
}

#[test]
fn a_task_that_is_left_behind_goes_on_at_later_invocations() {
    let code = "import asyncio\n\nasync def later():\n    await asyncio.sleep(0.01)\n    print('went on')\n\nasync def main(req):\n    \
                if 'leave' in req.params:\n        asyncio.create_task(later())\n    return 'ok'\n";
    let host = App::with(code).start();
    assert_eq!(host.get("/api/f?leave=1").text(), "ok");
    assert!(!host.printed().contains("went on"));
    wait_for("the task", || {
        assert_eq!(host.get("/api/f").text(), "ok");
        host.lines().iter().any(|line| line == "went on").then_some(())
    });
}
