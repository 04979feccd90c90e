"""What `_ssl` would be without OpenSSL: the real `ssl` on top of it can be imported and contexts be configured; only a connection fails.

Nothing here protects anything.
"""

import os
from typing import Any, NoReturn

from . import tls_numbers as numbers

_NOT_HERE = (
    "TLS is not available inside the sandbox: this Python, compiled to WebAssembly, has no OpenSSL. "
    "Use a binding for the service, or reach it through a proxy that speaks TLS"
)

_OBJECTS = (
    (129, "serverAuth", "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1"),
    (130, "clientAuth", "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2"),
)

_PROTOCOLS = {value for name, value in vars(numbers).items() if name.startswith("PROTOCOL_")}

_INITIAL = {
    "_host_flags": numbers.HOSTFLAG_NO_PARTIAL_WILDCARDS,
    "_msg_callback": None,
    "keylog_filename": None,
    "maximum_version": numbers.PROTO_MAXIMUM_SUPPORTED,
    "minimum_version": numbers.PROTO_TLSv1_2,
    "num_tickets": 2,
    "options": numbers.OP_ALL
    | numbers.OP_NO_SSLv3
    | numbers.OP_CIPHER_SERVER_PREFERENCE
    | numbers.OP_NO_COMPRESSION
    | numbers.OP_ENABLE_MIDDLEBOX_COMPAT,
    "post_handshake_auth": False,
    "security_level": 2,
    "sni_callback": None,
    "verify_flags": numbers.VERIFY_X509_TRUSTED_FIRST,
}


class SSLError(OSError):
    """An error occurred in the SSL implementation."""

    __module__ = "ssl"
    library: str | None = None
    reason: str | None = None

    def __str__(self) -> str:
        return self.strerror if isinstance(self.strerror, str) else str(self.args)


def _kind(name: str, doc: str) -> type[SSLError]:
    return type(name, (SSLError,), {"__module__": "ssl", "__doc__": doc})


SSLZeroReturnError = _kind("SSLZeroReturnError", "SSL/TLS session closed cleanly.")
SSLWantReadError = _kind("SSLWantReadError", "Non-blocking SSL socket needs to read more data.")
SSLWantWriteError = _kind("SSLWantWriteError", "Non-blocking SSL socket needs to write more data.")
SSLSyscallError = _kind("SSLSyscallError", "System error when attempting SSL operation.")
SSLEOFError = _kind("SSLEOFError", "SSL/TLS connection terminated abruptly.")


class SSLCertVerificationError(SSLError, ValueError):
    """A certificate could not be verified."""

    __module__ = "ssl"
    verify_code: int
    verify_message: str


class SSLSession:
    """Only its name is needed: no connection, no session."""


class MemoryBIO:
    """The buffer between an SSL object and its transport. Works, since asyncio makes two before it asks for the connection."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._ended = False

    @property
    def pending(self) -> int:
        return len(self._held)

    @property
    def eof(self) -> bool:
        return self._ended and not self._held

    def read(self, size: int = -1) -> bytes:
        count = len(self._held) if size < 0 else size
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    def write(self, data: Any) -> int:
        if self._ended:
            raise SSLError("cannot write() after write_eof()")
        added = memoryview(data).cast("B")
        self._held += added
        return len(added)

    def write_eof(self) -> None:
        self._ended = True


class _SSLContext:
    """Remembers how it was configured. Its plain attributes are slots, for `ssl.SSLContext` sets them by way of their descriptors."""

    __slots__ = (*_INITIAL, "_check_hostname", "_verify_mode", "protocol")

    def __new__(cls, protocol: int, *_args: Any, **_options: Any) -> "_SSLContext":
        if protocol not in _PROTOCOLS:
            raise ValueError(f"invalid or unsupported protocol version {protocol}")
        self = super().__new__(cls)
        is_client = protocol == numbers.PROTOCOL_TLS_CLIENT
        initial = {
            **_INITIAL,
            "protocol": protocol,
            "_check_hostname": is_client,
            "_verify_mode": numbers.CERT_REQUIRED if is_client else numbers.CERT_NONE,
        }
        for name, value in initial.items():
            getattr(_SSLContext, name).__set__(self, value)
        return self

    @property
    def check_hostname(self) -> bool:
        return self._check_hostname

    @check_hostname.setter
    def check_hostname(self, value: Any) -> None:
        self._check_hostname = bool(value)
        if value and self._verify_mode == numbers.CERT_NONE:
            self._verify_mode = numbers.CERT_REQUIRED

    @property
    def verify_mode(self) -> int:
        return self._verify_mode

    @verify_mode.setter
    def verify_mode(self, value: int) -> None:
        if value not in (numbers.CERT_NONE, numbers.CERT_OPTIONAL, numbers.CERT_REQUIRED):
            raise ValueError("invalid value for verify_mode")
        if value == numbers.CERT_NONE and self._check_hostname:
            raise ValueError("Cannot set verify_mode to CERT_NONE when check_hostname is enabled.")
        self._verify_mode = int(value)

    def load_verify_locations(self, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
        if cafile is None and capath is None and cadata is None:
            raise TypeError("cafile, capath and cadata cannot be all omitted")
        if cafile is not None:
            os.stat(cafile)

    def load_cert_chain(self, certfile: Any, keyfile: Any = None, password: Any = None) -> None:
        for file in (certfile, keyfile):
            if file is not None:
                os.stat(file)

    def load_dh_params(self, path: Any) -> None:
        os.stat(path)

    def _accept(self, *_args: Any) -> None:
        """What a connection would heed."""

    set_default_verify_paths = set_ciphers = set_ecdh_curve = set_psk_client_callback = set_psk_server_callback = _accept
    _set_alpn_protocols = _accept

    def get_ciphers(self) -> list[dict[str, Any]]:
        return []

    def get_ca_certs(self, binary_form: bool = False) -> list[Any]:
        return []

    def cert_store_stats(self) -> dict[str, int]:
        return {"x509": 0, "crl": 0, "x509_ca": 0}

    def session_stats(self) -> dict[str, int]:
        return {}

    def _refuse(self, *_args: Any, **_options: Any) -> NoReturn:
        error = SSLError(numbers.SSL_ERROR_SSL, _NOT_HERE)
        error.reason = "NO_TLS_IN_THE_SANDBOX"
        raise error

    _wrap_socket = _wrap_bio = _refuse


def get_default_verify_paths() -> tuple[str, str, str, str]:
    return "SSL_CERT_FILE", "/etc/ssl/cert.pem", "SSL_CERT_DIR", "/etc/ssl/certs"


def txt2obj(txt: str, name: bool = False) -> tuple[int, str, str, str]:
    for entry in _OBJECTS:
        if txt == entry[3] or (name and txt in entry[1:3]):
            return entry
    raise ValueError("unknown object")


def nid2obj(nid: int, /) -> tuple[int, str, str, str]:
    for entry in _OBJECTS:
        if nid == entry[0]:
            return entry
    raise ValueError(f"unknown NID {nid}")


def RAND_bytes(n: int, /) -> bytes:  # noqa: N802 (the names of _ssl)
    return os.urandom(n)


def RAND_pseudo_bytes(n: int, /) -> tuple[bytes, bool]:  # noqa: N802
    return os.urandom(n), True


def RAND_add(string: Any, entropy: float, /) -> None:  # noqa: N802
    """The system's generator needs no help."""


def RAND_status() -> bool:  # noqa: N802
    return True
