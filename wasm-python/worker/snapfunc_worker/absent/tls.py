"""What `_ssl` would be without OpenSSL, for the real `ssl` on top of it: contexts remember what they are told.

Connections are the host's (see `connection`), and so is all that protects them.
"""

import base64
import os
from collections.abc import Callable
from typing import Any

from . import connection, tls_ciphers
from . import tls_numbers as numbers
from .tls_errors import (
    SSLCertVerificationError,
    SSLEOFError,
    SSLError,
    SSLSyscallError,
    SSLWantReadError,
    SSLWantWriteError,
    SSLZeroReturnError,
)

__all__ = ("SSLCertVerificationError", "SSLEOFError", "SSLSyscallError", "SSLWantReadError", "SSLWantWriteError", "SSLZeroReturnError")

_NOT_HERE = "there is no TLS here: this Python has no OpenSSL, and no host that does it instead"
_BEGIN = b"-----BEGIN CERTIFICATE-----"
_KEYS = (b"-----BEGIN PRIVATE KEY-----", b"-----BEGIN RSA PRIVATE KEY-----", b"-----BEGIN EC PRIVATE KEY-----")
_LOCKED_KEYS = (b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED")

_NO_ISSUER, _NO_CRL = (20, "unable to get local issuer certificate"), (3, "unable to get certificate CRL")
"""Why a certificate is not good enough: `X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY` and `X509_V_ERR_UNABLE_TO_GET_CRL`."""

opener: Callable[[connection.Settings], connection.Session] | None = None
"""Begins a connection's TLS on the host; set where there is one."""

_OBJECTS = (
    (129, "serverAuth", "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1"),
    (130, "clientAuth", "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2"),
)

_PROTOCOLS = {value for name, value in vars(numbers).items() if name.startswith("PROTOCOL_")}

_ONLY = {
    numbers.PROTOCOL_TLSv1: numbers.PROTO_TLSv1,
    numbers.PROTOCOL_TLSv1_1: numbers.PROTO_TLSv1_1,
    numbers.PROTOCOL_TLSv1_2: numbers.PROTO_TLSv1_2,
}
"""Protocols of one version."""

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

    __slots__ = (*_INITIAL, "_alpn", "_check_hostname", "_default_roots", "_identity", "_roots", "_verify_mode", "protocol")

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
            "_alpn": [],
            "_default_roots": False,
            "_identity": b"",
            "_roots": b"",
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
            self._add_roots(_read(cafile))
        if capath is not None:
            files = (os.path.join(os.fsdecode(capath), name) for name in sorted(os.listdir(capath)))
            self._roots += b"".join(content for content in map(_read, files) if _BEGIN in content)
        if isinstance(cadata, str):
            self._add_roots(cadata.encode("ascii"))
        elif cadata is not None:
            self._add_roots(_BEGIN + b"\n" + base64.encodebytes(bytes(cadata)) + b"-----END CERTIFICATE-----\n")

    def _add_roots(self, pem: bytes) -> None:
        if _BEGIN not in pem:
            raise SSLError(numbers.SSL_ERROR_SSL, "no certificate or crl found")
        self._roots += pem + b"\n"

    def set_default_verify_paths(self) -> None:
        self._default_roots = True

    def load_cert_chain(self, certfile: Any, keyfile: Any = None, password: Any = None) -> None:
        certificates = _read(certfile)
        key = certificates if keyfile is None else _read(keyfile)
        if any(mark in key for mark in _LOCKED_KEYS):
            raise SSLError(numbers.SSL_ERROR_SSL, "the private key has a password: a key without one is needed here")
        if _BEGIN not in certificates or not any(mark in key for mark in _KEYS):
            raise _fault("PEM lib")
        identity = certificates if keyfile is None else certificates + b"\n" + key
        self._try(identity)
        self._identity = identity

    def _try(self, identity: bytes) -> None:
        """Has the host look at certificates and their key, where there is one that would take any."""
        try:
            self._probe(b"")
        except connection.Failure:
            return
        try:
            self._probe(identity)
        except connection.Failure as failure:
            raise _fault(str(failure)) from None

    def _probe(self, identity: bytes) -> None:
        if opener is None:
            raise connection.Failure(_NOT_HERE)
        opener(connection.Settings(None, numbers.CERT_NONE, False, False, b"", identity, [], True, True))

    def load_dh_params(self, path: Any) -> None:
        os.stat(path)

    def _accept(self, *_args: Any) -> None:
        """What a connection would heed."""

    set_ecdh_curve = set_psk_client_callback = set_psk_server_callback = _accept

    def set_ciphers(self, ciphers: str, /) -> None:
        """A list that has any of the host's changes nothing: the host offers all of its own, and the server chooses."""
        if not tls_ciphers.has_any(ciphers):
            raise SSLError("No cipher can be selected.")

    def _set_alpn_protocols(self, wire: Any, /) -> None:
        """Names with their lengths before them."""
        left, names = bytes(wire), []
        while left:
            end = 1 + left[0]
            names.append(left[1:end].decode("latin-1"))
            left = left[end:]
        self._alpn = names

    def get_ciphers(self) -> list[dict[str, Any]]:
        return tls_ciphers.described()

    def get_ca_certs(self, binary_form: bool = False) -> list[Any]:
        return []

    def cert_store_stats(self) -> dict[str, int]:
        count = self._roots.count(_BEGIN)
        return {"x509": count, "crl": 0, "x509_ca": count}

    def session_stats(self) -> dict[str, int]:
        return {}

    def _wrap_socket(
        self, sock: Any, server_side: bool, server_hostname: str | None = None, *, owner: Any = None, session: Any = None
    ) -> connection.Connection:
        return self._connection(connection.SocketWire(sock), server_side, server_hostname, owner)

    def _wrap_bio(
        self, incoming: Any, outgoing: Any, server_side: bool, server_hostname: str | None = None, *, owner: Any = None, session: Any = None
    ) -> connection.Connection:
        return self._connection(connection.BufferWire(incoming, outgoing), server_side, server_hostname, owner)

    def _connection(self, wire: connection.Wire, server_side: bool, server_hostname: str | None, owner: Any) -> connection.Connection:
        if opener is None or server_side:
            error = SSLError(numbers.SSL_ERROR_SSL, "only clients have TLS here" if server_side else _NOT_HERE)
            error.reason = "NO_TLS_IN_THE_SANDBOX"
            raise error
        try:
            session = opener(self._settings(server_hostname))
        except connection.Failure as failure:
            raise SSLError(numbers.SSL_ERROR_SSL, str(failure)) from None
        return connection.Connection(self, session, wire, server_hostname, owner, self._distrust())

    def _distrust(self) -> tuple[int, str] | None:
        """Why no certificate can be good enough. The host would take its own roots where it is told none."""
        if self._verify_mode == numbers.CERT_NONE:
            return None
        if not self._roots and not self._default_roots:
            return _NO_ISSUER
        # There is no way to get lists of revoked certificates here, so none was loaded.
        return _NO_CRL if self.verify_flags & numbers.VERIFY_CRL_CHECK_LEAF else None

    def _settings(self, server_hostname: str | None) -> connection.Settings:
        lowest, highest = self._versions()
        return connection.Settings(
            server_name=server_hostname,
            verify_mode=self._verify_mode,
            check_hostname=self._check_hostname,
            default_roots=self._default_roots,
            roots=self._roots,
            identity=self._identity,
            protocols=self._alpn,
            tls12=lowest <= numbers.PROTO_TLSv1_2 <= highest and not self.options & numbers.OP_NO_TLSv1_2,
            tls13=lowest <= numbers.PROTO_TLSv1_3 <= highest and not self.options & numbers.OP_NO_TLSv1_3,
        )

    def _versions(self) -> tuple[int, int]:
        """The lowest and the highest that may be spoken."""
        if only := _ONLY.get(self.protocol):
            return only, only
        ends = {numbers.PROTO_MINIMUM_SUPPORTED: numbers.PROTO_TLSv1, numbers.PROTO_MAXIMUM_SUPPORTED: numbers.PROTO_TLSv1_3}
        return ends.get(self.minimum_version, self.minimum_version), ends.get(self.maximum_version, self.maximum_version)


def _fault(reason: str) -> SSLError:
    return SSLError(numbers.SSL_ERROR_SSL, f"[SSL] {reason}")


def _read(file: Any) -> bytes:
    with open(file, "rb") as opened:
        return opened.read()


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
