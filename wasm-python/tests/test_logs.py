"""Records and printed lines on their way to the host."""

import contextlib
import io
import logging
import sys

from snapfunc_worker import logs
from snapfunc_worker.model import Level


@contextlib.contextmanager
def recording():
    """Not a fixture: pytest would put its own streams back before the test's body runs."""
    taken = []
    root, streams = logging.getLogger(), (sys.stdout, sys.stderr)
    handlers, level, logs._installed_level = list(root.handlers), root.level, None
    root.handlers.clear()  # pytest's own raises on records that do not format
    logs.install(lambda *record: taken.append(record))
    logs.set_level(Level.INFORMATION)
    try:
        yield taken
    finally:
        logs.begin(None)
        sys.stdout, sys.stderr = streams
        root.handlers[:] = handlers
        root.setLevel(level)


def test_records_have_level_logger_text_and_invocation():
    with recording() as records:
        logs.begin("id-1")
        logging.info("one %s", "arg")
        logging.getLogger("my.lib").critical("two")
        logging.debug("hidden")
        assert records == [(Level.INFORMATION, "root", "one arg", "id-1"), (Level.CRITICAL, "my.lib", "two", "id-1")]


def test_an_exception_is_logged_with_its_traceback():
    with recording() as records:
        try:
            raise ValueError("oops")
        except ValueError:
            logging.exception("failed")
        assert records[0][2].startswith("failed\nTraceback (most recent call last):")


def test_a_record_that_does_not_format_does_not_fail():
    with recording() as records:
        logging.info("%d", "not a number")
        assert "can't be formatted" in records[0][2]


def test_debug_records_cross_when_asked_for():
    with recording() as records:
        logs.set_level(Level.TRACE)
        logging.debug("shown")
        assert [record[2] for record in records] == ["shown"]


def test_the_apps_own_level_stays():
    with recording() as records:
        logging.getLogger().setLevel(logging.ERROR)
        logs.set_level(Level.INFORMATION)
        logging.info("hidden")
        assert records == []


def test_print_crosses_line_by_line_and_the_rest_at_the_end():
    with recording() as records:
        print("one")
        print("two\nthree", end="")
        print("to stderr", file=sys.stderr)
        sys.stdout.buffer.write(b"\xff raw")
        logs.end()
        assert [(record[1], record[2]) for record in records] == [
            ("stdout", "one"),
            ("stdout", "two"),
            ("stderr", "to stderr"),
            ("stdout", "three\\xff raw"),
        ]


def test_text_that_utf_8_cant_carry_is_written_with_escapes():
    with recording() as records:
        logging.getLogger("caf\u00e9 \udcff").warning("\u2603 \ud800")
        assert [(name, text) for _, name, text, _ in records] == [("caf\u00e9 \\udcff", "\u2603 \\ud800")]


def test_a_closed_stream_is_no_error():
    with recording() as records:
        sys.stdout.close()
        logs.end()
        assert records == []


def test_bytes_of_any_kind_cross_and_each_stream_has_its_own_rest():
    with recording() as records:
        sys.stdout.buffer.write(memoryview(b"one\ntwo"))
        sys.stderr.write("three")
        sys.stdout.buffer.write(bytearray(b" and"))
        sys.stdout.write(" a half\nmore\n\nlast")
        logs.end()
        logs.end()
        assert [(record[1], record[2]) for record in records] == [
            ("stdout", "one"),
            ("stdout", "two and a half\nmore\n"),
            ("stdout", "last"),
            ("stderr", "three"),
        ]


def test_what_the_app_has_put_in_a_streams_place_is_flushed():
    with recording() as records:
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(sys.stdout.buffer), encoding="utf-8")  # type: ignore[type-var]
        sys.stdout.write("kept back")
        assert records == []
        logs.end()
        assert [record[2] for record in records] == ["kept back"]


def test_text_that_a_stream_was_told_to_keep_back_crosses_in_the_end():
    with recording() as records:
        sys.stdout.reconfigure(write_through=False)
        sys.stdout.write("kept back")
        assert records == []
        logs.end()
        assert [record[2] for record in records] == ["kept back"]
        assert sys.stdout.buffer.raw is sys.stdout.buffer
