"""What packages of an app find: their own versions of what came along, hashes, and a way without threads."""

import hashlib
import sys
import types
import warnings

import pytest

from snapfunc_worker import loader, packages
from snapfunc_worker.absent import hashes
from test_absent import fails, run


@pytest.fixture
def imported_werkzeug():
    import werkzeug.datastructures

    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "werkzeug"}
    yield werkzeug.datastructures
    for name in [name for name in sys.modules if name.partition(".")[0] == "werkzeug"]:
        del sys.modules[name]
    sys.modules.update(before)


def test_an_apps_own_package_comes_before_the_one_that_came_along(app_folder, write, imported_werkzeug):
    write("packages/werkzeug/__init__.py", "__version__ = 'mine'\n")
    loader.set_up_packages([str(app_folder / "packages")])
    import werkzeug

    assert werkzeug.__version__ == "mine" and "werkzeug.datastructures" not in sys.modules
    import azure.functions as func

    assert isinstance(func.HttpResponse("x").headers, imported_werkzeug.Headers)


def test_what_came_along_stays_without_one_of_the_app(app_folder, write, imported_werkzeug):
    write("packages/other/__init__.py", "")
    loader.set_up_packages([str(app_folder / "packages")])
    assert sys.modules["werkzeug.datastructures"] is imported_werkzeug


def test_syntax_warnings_are_shown_for_the_apps_code_alone(app_folder, write, monkeypatch):
    shown = []
    monkeypatch.setattr(warnings, "showwarning", lambda *warning: shown.append(warning[2]))
    write("packages/theirs.py", "x = 1 is 1\n")
    write("mine.py", "x = 1 is 1\n")
    loader.set_up_packages([str(app_folder / "packages")])
    loader.set_up_root(str(app_folder), [str(app_folder / "packages")])
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        import mine  # noqa: F401
        import theirs  # noqa: F401
    assert shown == [str(app_folder / "mine.py")]


@pytest.mark.parametrize("name", ["sha1", "sha256", "sha512", "md5", "sha3_256"])
@pytest.mark.parametrize("password", [b"", b"secret", b"x" * 300])
@pytest.mark.parametrize("length", [None, 1, 20, 33, 200])
def test_pbkdf2_is_that_of_openssl(name, password, length):
    arguments = (name, password, bytearray(b"salt"), 3, length)
    assert hashes.pbkdf2_hmac(*arguments) == hashlib.pbkdf2_hmac(*arguments)


def test_pbkdf2_refuses_what_openssl_refuses():
    for arguments in [("sha256", b"", b"", 0), ("sha256", b"", b"", 1, 0), ("never", b"", b"", 1)]:
        with pytest.raises(ValueError):
            hashes.pbkdf2_hmac(*arguments)
    with pytest.raises(TypeError):
        hashes.pbkdf2_hmac("sha256", "text", b"", 1)


def test_scrypt_says_what_to_use():
    assert run("import hashlib; print(hasattr(hashlib, 'scrypt'), hashlib.pbkdf2_hmac('sha1', b'', b'', 1).hex()[:6])") == "False 1e437a"
    assert fails("import hashlib; hashlib.scrypt(b'')").startswith("AttributeError: hashlib.scrypt needs OpenSSL")
    assert fails("import hashlib; hashlib.other") == "AttributeError: module 'hashlib' has no attribute 'other'"


@pytest.mark.parametrize("code", ["", "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"])
def test_packages_beside_the_sdk_are_found_also_where_they_make_azure_a_package_with_code(tmp_path, monkeypatch, code):
    import azure

    monkeypatch.setattr(azure, "__path__", list(azure.__path__))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "azure" / "made_up").mkdir(parents=True)
    (tmp_path / "azure" / "__init__.py").write_text(code)
    (tmp_path / "azure" / "made_up" / "__init__.py").write_text("NAME = __name__\n")
    packages.join_namespaces([str(tmp_path)])
    from azure import functions, made_up

    assert (made_up.NAME, functions.__name__) == ("azure.made_up", "azure.functions")
    del sys.modules["azure.made_up"], azure.made_up


@pytest.fixture
def anyio(tmp_path):
    """The part of anyio that counts."""
    package = tmp_path / "anyio"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "to_thread.py").write_text("import threading\nasync def run_sync(func, *args):\n    threading.Thread(target=func).start()\n")
    (package / "lowlevel.py").write_text("async def checkpoint_if_cancelled():\n    print('checkpoint')\n")
    return tmp_path


RUNS_SYNC = """
    import sys; sys.path.insert(0, '.')
    from snapfunc_worker import loop
    from anyio.to_thread import run_sync
    import asyncio, threading
    def work(number):
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return number + 1
"""


def test_anyio_calls_in_place_of_a_thread(anyio):
    assert run(RUNS_SYNC + "    print(loop.run(run_sync(work, 2, cancellable=True)))", folder=anyio) == "checkpoint\n3"


def test_anyio_waits_for_a_limiter(anyio):
    code = """
    class Limiter:
        async def __aenter__(self): print('enter')
        async def __aexit__(self, *error): print('exit')
    print(loop.run(run_sync(work, 2, limiter=Limiter(), abandon_on_cancel=True)))
    """
    assert run(RUNS_SYNC + code, folder=anyio) == "checkpoint\nenter\nexit\n3"


def test_anyio_is_left_alone_where_there_are_threads(anyio):
    assert "checkpoint" not in run(RUNS_SYNC + "    print(loop.run(run_sync(lambda: None)))", force=False, folder=anyio)


@pytest.mark.parametrize(
    ("version", "works"), [("1.9.2", False), ("1.10.24", False), ("1.10.25", True), ("1.10.27", True), ("2.11.0", True)]
)
def test_versions_of_pydantic_that_need_an_older_python_are_refused(monkeypatch, version, works):
    from snapfunc_worker.absent import is_explained, third_party

    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    module = types.SimpleNamespace(VERSION=version)
    if works:
        third_party._refuse_old_pydantic(module)
        return
    with pytest.raises(
        ImportError, match=f"pydantic {version} can't be used on Python 3.14: have `pydantic>=1.10.25,<2` installed"
    ) as refused:
        third_party._refuse_old_pydantic(module)
    assert is_explained(refused.value)
