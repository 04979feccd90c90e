"""What WASI lacks, treated as missing here too, each test in a process of its own."""

import os
import pathlib
import ssl
import subprocess
import sys
import textwrap

import pytest

from snapfunc_worker.absent import certificate

WORKER = pathlib.Path(__file__).resolve().parent.parent / "worker"
EVERYTHING = str(pathlib.Path(__file__).resolve().parent / "certificates" / "everything.pem")
"""A certificate with all that `getpeercert()` tells of."""


def run(code: str, force: bool = True, folder: pathlib.Path | None = None) -> str:
    """What a program prints that first installs the stand-ins."""
    program = f"from snapfunc_worker import absent\nabsent.install(force={force})\n{textwrap.dedent(code)}"
    environment = {**os.environ, "PYTHONPATH": str(WORKER), "PYTHONWARNINGS": "error::DeprecationWarning:__main__"}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, cwd=folder, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def fails(code: str, force: bool = True, folder: pathlib.Path | None = None) -> str:
    """The class and message of what a program raises."""
    indented = textwrap.indent(textwrap.dedent(code), "    ")
    return run(f"try:\n{indented}\nexcept BaseException as error:\n    print(type(error).__name__, error, sep=': ')", force, folder)


# === nothing is touched where it exists ===


def test_where_everything_exists_nothing_changes():
    assert (
        run(
            """
            import concurrent.futures, ctypes, multiprocessing, os, ssl, subprocess, sys, threading
            thread = threading.Thread(target=print, args=("thread",))
            thread.start(), thread.join()
            assert ctypes.sizeof(ctypes.c_int) and "stand-in" not in ssl.OPENSSL_VERSION and hasattr(os, "fork")
            assert subprocess.run([sys.executable, "-c", ""]).returncode == 0
            with concurrent.futures.ThreadPoolExecutor() as pool:
                assert pool.submit(threading.current_thread).result() is not threading.main_thread()
            try:
                import never_heard_of
            except ModuleNotFoundError as error:
                print(error)
            """,
            force=False,
        )
        == "thread\nNo module named 'never_heard_of'"
    )


def test_install_twice_is_once():
    assert run(
        "absent.install(force=True); import sys; print(sum('_Finder' in repr(f) for f in sys.meta_path), sys.meta_path[-1])"
    ).startswith("1 ")


# === ssl ===


def test_ssl_imports_and_contexts_are_configured():
    run(
        """
        import ssl
        assert ssl.OPENSSL_VERSION.startswith("OpenSSL ") and "stand-in" in ssl.OPENSSL_VERSION
        assert ssl.OPENSSL_VERSION_INFO >= (1, 1, 1) and ssl.HAS_SNI and ssl.HAS_ALPN and ssl.HAS_TLSv1_3 and not ssl.HAS_SSLv3
        context = ssl.create_default_context()
        assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname is True
        assert context.protocol is ssl.PROTOCOL_TLS_CLIENT and context.minimum_version is ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_TLSv1 | ssl.OP_NO_COMPRESSION
        assert ssl.Options.OP_NO_TLSv1 in context.options
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        assert ssl.VerifyFlags.VERIFY_X509_STRICT in context.verify_flags
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        assert context.minimum_version is ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols(["h2", "http/1.1"])
        context.set_ciphers("ECDHE+AESGCM")
        context.load_default_certs()
        context.load_verify_locations(cadata="-----BEGIN CERTIFICATE-----\\nAA==\\n-----END CERTIFICATE-----")
        assert context.cert_store_stats()["x509_ca"] == 1
        context.keylog_filename = None
        context.post_handshake_auth = True
        context.hostname_checks_common_name = False
        assert context.hostname_checks_common_name is False
        for ciphers in ("DEFAULT:!aNULL", "AES256-SHA,ECDHE-RSA-AES128-GCM-SHA256", "DEFAULT@SECLEVEL=1"):
            context.set_ciphers(ciphers)
        assert {cipher["protocol"] for cipher in context.get_ciphers()} == {"TLSv1.2", "TLSv1.3"} and context.get_ca_certs() == []
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.check_hostname = True
        assert context.verify_mode is ssl.CERT_REQUIRED
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        assert server.verify_mode is ssl.CERT_NONE and not server.check_hostname
        server.set_servername_callback(None)
        ssl._create_unverified_context(), ssl._create_default_https_context()
        assert ssl.Purpose.CLIENT_AUTH.nid == 130 and ssl.get_default_verify_paths().openssl_cafile_env == "SSL_CERT_FILE"
        assert len(ssl.RAND_bytes(8)) == 8 and ssl.RAND_status() and ssl.RAND_add(b"", 0) is None
        assert ssl.AlertDescription.ALERT_DESCRIPTION_UNKNOWN_CA == 48
        """
    )


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("context.verify_mode = ssl.CERT_NONE", "ValueError: Cannot set verify_mode to CERT_NONE when check_hostname is enabled."),
        ("context.load_verify_locations()", "TypeError: cafile, capath and cadata cannot be all omitted"),
        ("context.load_verify_locations('/nowhere')", "FileNotFoundError: "),
        ("context.load_verify_locations(cadata='x')", "SSLError: no certificate or crl found"),
        ("context.load_cert_chain('/nowhere')", "FileNotFoundError: "),
        (f"context.load_cert_chain({EVERYTHING!r}, '/nowhere')", "FileNotFoundError: "),
        (f"context.load_cert_chain({EVERYTHING!r})", "SSLError: [SSL] PEM lib"),
        (f"context.load_cert_chain({os.devnull!r})", "SSLError: [SSL] PEM lib"),
        ("context.set_ciphers('RC4-SHA:!DEFAULT')", "SSLError: ('No cipher can be selected.',)"),
        ("context.set_ciphers('')", "SSLError: ('No cipher can be selected.',)"),
        ("ssl.SSLContext(99)", "ValueError: invalid or unsupported protocol version 99"),
        ("ssl._txt2obj('1.2.3')", "ValueError: unknown object"),
    ],
)
def test_ssl_contexts_refuse_what_real_ones_do(code, error):
    assert fails(f"import ssl\ncontext = ssl.create_default_context()\n{code}").startswith(error)


def test_tls_connections_fail_with_the_reason():
    assert fails(
        """
        import socket, ssl
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="a")
        """
    ).startswith("SSLError: there is no TLS here: ")
    assert (
        run(
            """
            import http.client, socket, ssl, urllib.request
            server = socket.create_server(("localhost", 0))
            address = server.getsockname()
            plain = socket.create_connection(address)
            for attempt in (
                lambda: ssl.create_default_context().wrap_socket(plain, server_hostname="localhost"),
                lambda: http.client.HTTPSConnection(*address).request("GET", "/"),
                lambda: urllib.request.urlopen(f"https://{address[0]}:{address[1]}/"),
            ):
                try:
                    attempt()
                except OSError as error:
                    cause = getattr(error, "reason", error)
                    print("there is no TLS here" in str(error), isinstance(error, ssl.SSLError) or isinstance(cause, ssl.SSLError))
            """
        )
        == "True True\n" * 2 + "True True"
    )


FAKE_HOST = """
import ssl
from snapfunc_worker.absent import connection, tls

asked, answers, sent = [], [], []

class Session:
    def receive(self, data):
        asked.append(data)
        answer = answers.pop(0) if answers else (b"", b"", False, False)
        if isinstance(answer, Exception):
            raise answer
        return answer
    def send(self, data): return b"<" + data + b">"
    def close(self): return b"end"
    def about(self): return "TLSv1.3", "TLS_AES_128_GCM_SHA256", None, [ssl.PEM_cert_to_DER_cert(open(PEM).read())]

class Wire:
    def __init__(self, *arrives): self.arrives, self.full = list(arrives), 0
    def read(self): return self.arrives.pop(0)
    def write(self, data):
        if self.full:
            self.full -= 1
            raise ssl.SSLWantWriteError(3, "full")
        sent.append(data)
        return len(data)

settings = []
def opener(wanted):
    settings.append(wanted)
    return Session()
tls.opener = opener

def connect(context, *arrives):
    context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="a")
    return connection.Connection(context, Session(), Wire(*arrives), "a", None, context._distrust())

context = ssl.create_default_context()
""".replace("PEM)", f"{EVERYTHING!r})")
"""A host that does what a test says."""


def test_what_is_unsent_goes_out_before_an_answer_is_waited_for():
    run(
        FAKE_HOST
        + """
one = connect(context, b"answer")
one.do_handshake()
one._wire.full = 1
assert one.write(b"question") == 8 and not sent
answers.append((b"plain", b"", False, False))
one._wire.read = lambda: sent.append("read") or b"answer"
assert one.read(10) == b"plain" and sent == [b"<question>", "read"], sent
"""
    )


def test_an_end_that_an_error_made_is_no_end():
    run(
        FAKE_HOST
        + """
one = connect(context, b"data and what is wrong", b"more")
one.do_handshake()
answers[:] = [(b"plain", b"alert", False, True), connection.Failure("cannot decrypt")]
assert one.read(10) == b"plain" and sent == [b"alert"]
try:
    one.read(10)
except ssl.SSLError as error:
    assert "cannot decrypt" in str(error)
else:
    raise AssertionError("it looks like the end")
two = connect(context, b"close")
two.do_handshake()
answers[:] = [(b"", b"", False, True)]
assert two.read(10) == b"" and two.read(10) == b""
"""
    )


def test_contexts_that_trust_nobody_trust_nobody():
    run(
        FAKE_HOST
        + """
def refused(context):
    try:
        connect(context).do_handshake()
    except ssl.SSLCertVerificationError as error:
        return error.verify_code, error.verify_message
empty = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
assert refused(empty) == (20, "unable to get local issuer certificate") and not asked
empty.check_hostname = False
assert refused(empty)[0] == 20
empty.verify_mode = ssl.CERT_NONE
assert refused(empty) is None
assert refused(context) is None
context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
assert refused(context) == (3, "unable to get certificate CRL")
"""
    )


def test_versions_are_those_that_the_context_has():
    run(
        FAKE_HOST
        + """
import warnings
warnings.simplefilter("ignore")
def versions(protocol=ssl.PROTOCOL_TLS_CLIENT, **attributes):
    context = ssl.SSLContext(protocol)
    for name, value in attributes.items():
        setattr(context, name, value)
    connect(context)
    return settings[-1].tls12, settings[-1].tls13
v = ssl.TLSVersion
assert versions() == (True, True)
assert versions(ssl.PROTOCOL_TLSv1_2) == (True, False) and versions(ssl.PROTOCOL_TLSv1) == (False, False)
assert versions(maximum_version=v.TLSv1_2) == (True, False) and versions(minimum_version=v.TLSv1_3) == (False, True)
assert versions(minimum_version=v.MAXIMUM_SUPPORTED) == (False, True) and versions(minimum_version=v.MINIMUM_SUPPORTED) == (True, True)
assert versions(minimum_version=v.MINIMUM_SUPPORTED, maximum_version=v.TLSv1_1) == (False, False)
assert versions(options=ssl.OP_NO_TLSv1_3) == (True, False)
"""
    )


def test_a_client_s_certificate_is_looked_at_when_it_is_loaded():
    run(
        FAKE_HOST
        + f"""
import os, tempfile
folder = tempfile.mkdtemp()
def key(text):
    path = os.path.join(folder, "key.pem")
    open(path, "w").write(text)
    return path
def refused(path):
    try:
        context.load_cert_chain({EVERYTHING!r}, path)
    except ssl.SSLError as error:
        return str(error)
plain = key("-----BEGIN PRIVATE KEY-----\\n")
assert refused(plain) is None and context._identity.endswith(b"PRIVATE KEY-----\\n")
def strict(wanted):
    if wanted.identity:
        raise connection.Failure("keys may not be consistent")
    return Session()
tls.opener = strict
assert "keys may not be consistent" in refused(plain)
def nowhere(wanted):
    raise connection.Failure("no connections are allowed")
tls.opener = nowhere
assert refused(plain) is None, "that has nothing to do with it"
assert "has a password" in refused(key("-----BEGIN ENCRYPTED PRIVATE KEY-----\\n"))
"""
    )


def test_a_server_s_certificate_is_told_as_openssl_does():
    real = ssl._ssl._test_decode_cert(EVERYTHING)
    der = ssl.PEM_cert_to_DER_cert(pathlib.Path(EVERYTHING).read_text())
    assert certificate.decode(der) == real and list(certificate.decode(der)) == list(real)
    assert {"subjectAltName", "OCSP", "caIssuers", "crlDistributionPoints"} <= set(real)
    run(
        FAKE_HOST
        + """
one = connect(context)
assert one.getpeercert()["subjectAltName"][0] == ("DNS", "example.org") and len(one.getpeercert(True)) > 500
assert connect(ssl._create_unverified_context()).getpeercert() == {}
"""
    )


@pytest.mark.parametrize("keep", [0, 1, 4, 40, 200, 400, 600])
def test_half_a_certificate_is_none(keep):
    der = ssl.PEM_cert_to_DER_cert(pathlib.Path(EVERYTHING).read_text())
    for broken in (der[:keep], der[:keep] + b"\xff" * (len(der) - keep), bytes(keep)):
        with pytest.raises(ValueError, match="that is no certificate"):
            certificate.decode(broken)


def test_asyncio_reports_tls_connections_too():
    assert fails(
        """
        from snapfunc_worker import loop
        import asyncio
        loop.install()
        async def main():
            server = await asyncio.start_server(lambda reader, writer: writer.close(), "localhost", 0)
            await asyncio.open_connection("localhost", server.sockets[0].getsockname()[1], ssl=True)
        loop.run(main())
        """
    ).startswith("SSLError: there is no TLS here: ")


def test_ssl_errors_are_the_usual_family():
    run(
        """
        import ssl
        assert issubclass(ssl.SSLError, OSError) and issubclass(ssl.CertificateError, ValueError)
        assert str(ssl.SSLError(1, "text")) == "text" and ssl.SSLError(1, "text").errno == 1 and ssl.SSLWantReadError.__module__ == "ssl"
        bio = ssl.MemoryBIO()
        assert bio.write(b"abc") == 3 and bio.pending == 3 and bio.read(1) == b"a" and not bio.eof
        bio.write_eof()
        assert not bio.eof and bio.read() == b"bc" and bio.eof and bio.read() == b""
        try:
            bio.write(b"x")
        except ssl.SSLError as error:
            assert "write_eof" in str(error)
        """
    )


# === ctypes ===


def test_ctypes_can_be_imported_and_asked():
    run(
        """
        import ctypes, ctypes.util, ctypes.wintypes, importlib.util
        from ctypes import util
        assert util.find_library("c") is None and importlib.util.find_spec("ctypes") is not None
        assert not hasattr(ctypes, "windll") and not hasattr(ctypes, "__all__") and getattr(ctypes, "WinDLL", None) is None
        """
    )


@pytest.mark.parametrize("code", ["import ctypes; ctypes.c_int", "from ctypes import CDLL", "import ctypes.wintypes as w; w.DWORD"])
def test_ctypes_says_why_when_it_is_used(code):
    raised = fails(code)
    assert raised.startswith("ImportError: ctypes.") and "can't be used: ctypes calls native libraries" in raised


# === threads and processes ===


def test_threads_say_what_to_use_instead():
    for code in ("threading.Thread(target=print, daemon=True).start()", "threading.Timer(1, print).start()"):
        assert fails(f"import threading\n{code}").startswith("RuntimeError: can't start new thread: ")
    run(
        """
        import threading
        lock, event, local = threading.RLock(), threading.Event(), threading.local()
        with lock:
            event.set()
        assert event.wait() and not threading.Event().wait(0.01)
        """
    )


@pytest.mark.parametrize("waits", ["threading.Event().wait()", "queue.Queue().get()", "threading.Barrier(2).wait()", "condition.wait()"])
def test_who_would_wait_for_ever_is_told(waits):
    code = f"import queue, threading\ncondition = threading.Condition()\ncondition.acquire()\n{waits}"
    assert fails(code).startswith("RuntimeError: this would wait for ever: ")
    assert fails("import threading; threading.Condition().wait(1)") == "RuntimeError: cannot wait on un-acquired lock"


def test_threads_run_when_they_are_started():
    printed = run(
        """
        import asyncio, contextvars, threading
        var = contextvars.ContextVar("var", default=0)
        var.set(1)
        seen = []

        async def loop_of_its_own():
            return "looped"

        def work(n, more):
            seen.append((n, more, threading.current_thread().name, var.get(), asyncio.run(loop_of_its_own())))
            var.set(2)
            threading.Thread(target=seen.append, args=("inner",)).start()

        async def main():
            thread = threading.Thread(target=work, args=(1,), kwargs={"more": 2}, name="own")
            assert not thread.is_alive() and thread.ident is None
            thread.start()
            assert thread.ident == threading.get_ident() and not thread.is_alive()
            thread.join(), thread.join(1)
            assert threading.current_thread() is threading.main_thread() and threading.active_count() == 1
            try:
                thread.start()
            except RuntimeError as error:
                assert "only be started once" in str(error)

        asyncio.run(main())
        assert seen == [(1, 2, "own", 0, "looped"), "inner"] and var.get() == 1, seen

        class Own(threading.Thread):
            def run(self):
                seen.append(threading.current_thread() is self)

        own = Own()
        own.start()
        assert seen[-1] is True
        hooked = []
        threading.excepthook = lambda args: hooked.append((args.exc_type, args.thread.name))
        failing = threading.Thread(target=int, args=("x",), name="failing")
        failing.start(), failing.join()
        assert hooked == [(ValueError, "failing")], hooked
        print("done")
        """
    )
    assert printed == "done"


def test_thread_pools_run_in_place():
    run(
        """
        import concurrent.futures, contextvars, threading
        var = contextvars.ContextVar("var", default=0)
        started = []
        with concurrent.futures.ThreadPoolExecutor(2, initializer=started.append, initargs=(1,)) as pool:
            futures = [pool.submit(pow, n, 2) for n in range(4)]
            assert [f.result() for f in concurrent.futures.as_completed(futures)] and futures[3].result() == 9
            assert list(pool.map(str, range(3))) == ["0", "1", "2"]
            assert pool.submit(threading.get_ident).result() == threading.get_ident()
            assert pool.submit(lambda: pool.submit(int, "7").result()).result() == 7, "work may give work"
            assert pool.submit(var.set, 5).result() and var.get() == 0
            assert isinstance(pool.submit(int, "x").exception(), ValueError)
            assert isinstance(pool.submit(exit).exception(), SystemExit)
            called = []
            pool.submit(int).add_done_callback(called.append)
            assert called and started == [1]
        try:
            pool.submit(int)
        except RuntimeError as error:
            assert "after shutdown" in str(error)
        """
    )


def test_thread_pools_with_a_broken_initializer():
    run(
        """
        import concurrent.futures, logging
        from concurrent.futures.thread import BrokenThreadPool
        logging.disable()
        pool = concurrent.futures.ThreadPoolExecutor(initializer=int, initargs=("x",))
        for _ in range(2):
            try:
                pool.submit(int)
            except BrokenThreadPool:
                print("broken")
        """
    )


@pytest.mark.parametrize(
    "code",
    [
        "from concurrent.futures import ProcessPoolExecutor; ProcessPoolExecutor()",
        "import multiprocessing; multiprocessing.Process(target=print).start()",
        "import multiprocessing; multiprocessing.Pool(2)",
        "import multiprocessing; multiprocessing.get_context().Queue()",
        "from multiprocessing import Queue; Queue()",
        "import subprocess; subprocess.run(['ls'])",
        "import subprocess; subprocess.check_output('ls', shell=True)",
        "import subprocess; subprocess.Popen('ls')",
        "import os; os.system('ls')",
        "import os; os.popen('ls')",
        "import os; os.execv('/bin/ls', ['ls'])",
    ],
)
def test_processes_say_that_there_are_none(code):
    raised = fails(f"import errno\ntry:\n    {code}\nexcept OSError as error:\n    assert error.errno == errno.ENOTSUP\n    raise")
    assert raised.startswith("OSError: ") and "no process can be started" in raised


def test_local_time_is_not_to_be_set_with_the_reason():
    assert run("import time; print(hasattr(time, 'tzset'), time.thread_time() >= 0, time.thread_time_ns() >= 0)") == "False True True"
    assert fails("import time; time.tzset()").startswith("AttributeError: module 'time' has no attribute 'tzset': local time is UTC")
    assert fails("import time; time.nonsense").endswith("module 'time' has no attribute 'nonsense'")


def test_fork_stays_missing_with_the_reason():
    assert run("import os; print(hasattr(os, 'fork'), hasattr(os, 'nonsense'))") == "False False"
    assert fails("import os; os.fork()").startswith("AttributeError: module 'os' has no attribute 'fork': no process can be started")
    assert fails("import os; os.nonsense") == "AttributeError: module 'os' has no attribute 'nonsense'"


# === imports ===

HIDE = """
import importlib.machinery, sys
def hide(hidden):
    find = importlib.machinery.PathFinder.find_spec
    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            return None if name == hidden else find(name, path, target)
    sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = Finder
    for name in (hidden, hidden.lstrip("_")):
        sys.modules.pop(name, None)
"""


def test_missing_native_modules_of_the_library():
    assert fails(f"{HIDE}\nhide('_bz2')\nimport bz2") == (
        "ModuleNotFoundError: No module named '_bz2': bz2 needs native code that this Python, compiled to WebAssembly, does not have"
    )
    assert "No module named 'readline': readline needs native code" in fails(f"{HIDE}\nhide('readline')\nimport readline")


def test_probing_for_a_missing_module_finds_none():
    assert run(f"{HIDE}\nhide('readline')\nimport importlib.util\nprint(importlib.util.find_spec('readline'))") == "None"


def test_guards_work_and_the_error_is_marked():
    run(
        f"""{HIDE}
hide('_bz2')
try:
    import bz2
except ModuleNotFoundError as error:
    assert error.name == "_bz2" and absent.is_explained(error)
try:
    import never_heard_of
except ModuleNotFoundError as error:
    assert not absent.is_explained(error) and str(error) == "No module named 'never_heard_of'"
import tarfile, zipfile
"""
    )


def test_a_module_of_the_user_wins(tmp_path):
    (tmp_path / "readline.py").write_text("mine = True\n")
    assert run("import sys; sys.path.insert(0, '.'); import readline; print(readline.mine)", folder=tmp_path) == "True"


def test_compiled_parts_for_another_platform(tmp_path):
    package = tmp_path / "fast"
    package.mkdir()
    (package / "__init__.py").write_text("from fast import _core\n")
    (package / "_core.cpython-299-x86_64-linux-gnu.so").write_bytes(b"")
    (tmp_path / "alone.cp299-win_amd64.pyd").write_bytes(b"")
    code = "import sys; sys.path.insert(0, '.')\n"
    assert fails(code + "import fast._core", folder=tmp_path).startswith("ImportError: cannot import name '_core'")
    (package / "__init__.py").write_text("from ._core import x\n")
    assert fails(code + "import fast", folder=tmp_path) == (
        "ModuleNotFoundError: No module named 'fast._core': the package 'fast' has compiled parts for another platform "
        "(_core.cpython-299-x86_64-linux-gnu.so), which can't be loaded here"
    )
    assert "the package 'alone' has compiled parts for another platform (alone.cp299" in fails(code + "import alone", folder=tmp_path)


def test_compiled_parts_with_a_folder_of_stubs(tmp_path):
    (tmp_path / "fast" / "_core").mkdir(parents=True)
    (tmp_path / "fast" / "__init__.py").write_text("from ._core import x\n")
    (tmp_path / "fast" / "_core" / "__init__.pyi").touch()
    code = "import sys; sys.path.insert(0, '.')\n"
    assert fails(code + "import fast", folder=tmp_path).startswith("ImportError: cannot import name 'x'")
    (tmp_path / "fast" / "_core.cpython-299-x86_64-linux-gnu.so").write_bytes(b"")
    assert "the package 'fast' has compiled parts for another platform" in fails(code + "import fast", folder=tmp_path)


def test_compiled_parts_that_are_found_and_fail(tmp_path):
    (tmp_path / "found.so").write_bytes(b"not a library")
    assert fails("import sys; sys.path.insert(0, '.')\nimport found", folder=tmp_path) == (
        "ImportError: cannot import 'found': "
        "the package 'found' has compiled parts for another platform (found.so), which can't be loaded here"
    )
