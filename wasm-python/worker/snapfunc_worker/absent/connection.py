"""A TLS connection as `_ssl` has it: what comes from the server goes to the host, and what the host makes of it goes to the server.

The host does the cryptography and checks the certificate (see `tls` in host-api.wit). The library's `ssl` builds its `SSLSocket` and
`SSLObject` on this.
"""

import socket
from typing import Any, NamedTuple, NoReturn, Protocol

from . import certificate
from . import tls_numbers as numbers
from .tls_errors import SSLCertVerificationError, SSLEOFError, SSLError, SSLWantReadError, SSLWantWriteError

_PIECE = 1 << 16


class Settings(NamedTuple):
    """What a context wants of a connection."""

    server_name: str | None
    verify_mode: int
    check_hostname: bool
    default_roots: bool
    roots: bytes
    identity: bytes
    protocols: list[str]
    tls12: bool
    tls13: bool


class Failure(Exception):
    """What the host says is wrong, and what the server should still get."""

    def __init__(self, message: str, certificate: bool = False, reply: bytes = b"") -> None:
        super().__init__(message)
        self.certificate = certificate
        self.reply = reply


class Session(Protocol):
    """The host's side."""

    def receive(self, data: bytes) -> tuple[bytes, bytes, bool, bool]:
        """What it says, what the server must get, whether the handshake goes on, and whether the server has ended."""

    def send(self, data: bytes) -> bytes: ...

    def close(self) -> bytes: ...

    def about(self) -> tuple[str | None, str, str | None, list[bytes]]:
        """The version, the cipher, the protocol, and the server's certificates."""


class Wire(Protocol):
    """The way to the server."""

    def read(self) -> bytes:
        """What has come; nothing at the end."""

    def write(self, data: bytes) -> int: ...


class SocketWire:
    """A connected socket. `ssl.SSLSocket` is one itself, so its own `recv` and `send` are passed by."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def read(self) -> bytes:
        try:
            return socket.socket.recv(self.sock, _PIECE)
        except BlockingIOError:
            raise SSLWantReadError(numbers.SSL_ERROR_WANT_READ, "The operation did not complete (read)") from None

    def write(self, data: bytes) -> int:
        try:
            return socket.socket.send(self.sock, data)
        except BlockingIOError:
            raise SSLWantWriteError(numbers.SSL_ERROR_WANT_WRITE, "The operation did not complete (write)") from None


class BufferWire:
    """Two buffers, which somebody else empties and fills: asyncio."""

    def __init__(self, incoming: Any, outgoing: Any) -> None:
        self.incoming = incoming
        self.outgoing = outgoing

    def read(self) -> bytes:
        data: bytes = self.incoming.read(_PIECE)
        if not data and not self.incoming.eof:
            raise SSLWantReadError(numbers.SSL_ERROR_WANT_READ, "The operation did not complete (read)")
        return data

    def write(self, data: bytes) -> int:
        return self.outgoing.write(data)  # type: ignore[no-any-return]


class Connection:
    """`_ssl._SSLSocket`: the client's end."""

    session = None
    session_reused = False
    server_side = False

    def __init__(
        self, context: Any, session: Session, wire: Wire, server_hostname: str | None, owner: Any, distrust: tuple[int, str] | None = None
    ) -> None:
        """`distrust` is why no server's certificate can be good enough for the context: OpenSSL's number, and its words."""
        self.context = context
        self.server_hostname = server_hostname
        self.owner = owner
        self._distrust = distrust
        self._host = session
        self._wire = wire
        self._plain = bytearray()
        self._unsent = b""
        self._handshaking = True
        self._begun = False
        self._closed = False

    def do_handshake(self) -> None:
        if self._distrust:
            raise _unverified(*self._distrust)
        if not self._begun:
            self._begun = True
            self._take(b"")
        self._flush()
        while self._handshaking:
            self._fill()
            self._flush()

    def read(self, size: int = 1024, buffer: Any = None) -> Any:
        if buffer is not None:
            view = memoryview(buffer).cast("B")
            size = min(size, len(view)) if size > 0 else len(view)
        if self._handshaking:
            self.do_handshake()
        while not self._plain and not self._closed and size:
            # The server may wait for what is still unsent.
            self._flush()
            self._fill()
        if not self._plain and size:
            # At the end: the host says if it is one that an error made.
            self._take(b"")
        self._flush()
        data = bytes(self._plain[:size])
        del self._plain[:size]
        if buffer is None:
            return data
        view[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        if self._handshaking:
            self.do_handshake()
        self._flush()
        piece = bytes(memoryview(data).cast("B")[:_PIECE])
        try:
            self._unsent += self._host.send(piece)
        except Failure as failure:
            self._fail(failure)
        try:
            self._flush()
        except SSLWantWriteError:
            pass  # it is on its way: what comes next goes after it
        return len(piece)

    def pending(self) -> int:
        return len(self._plain)

    def shutdown(self) -> Any:
        self._unsent += self._host.close()
        self._flush()
        return getattr(self._wire, "sock", None)

    def getpeercert(self, binary_form: bool = False) -> Any:
        """What it says, or the whole of it as DER. Where nobody checked it, nothing of what it says is told."""
        certificates = self._host.about()[3]
        if not certificates:
            return None
        if binary_form:
            return certificates[0]
        return certificate.decode(certificates[0]) if self.context.verify_mode else {}

    def get_unverified_chain(self) -> list[bytes]:
        return list(self._host.about()[3])

    get_verified_chain = get_unverified_chain

    def version(self) -> str | None:
        return self._host.about()[0]

    def cipher(self) -> tuple[str, str, int] | None:
        version, cipher, _, _ = self._host.about()
        return (cipher, version, 128 if "128" in cipher else 256) if cipher and version else None

    def shared_ciphers(self) -> None:
        return None

    def compression(self) -> None:
        return None

    def selected_alpn_protocol(self) -> str | None:
        return self._host.about()[2]

    def get_channel_binding(self, cb_type: str = "tls-unique") -> None:
        return None

    def verify_client_post_handshake(self) -> NoReturn:
        raise SSLError(numbers.SSL_ERROR_SSL, "no authentication after the handshake")

    def _fill(self) -> None:
        data = self._wire.read()
        if not data:
            raise SSLEOFError(numbers.SSL_ERROR_EOF, "EOF occurred in violation of protocol")
        self._take(data)

    def _take(self, data: bytes) -> None:
        try:
            plain, reply, self._handshaking, closed = self._host.receive(data)
        except Failure as failure:
            self._fail(failure)
        self._plain += plain
        self._unsent += reply
        self._closed = self._closed or closed

    def _flush(self) -> None:
        while self._unsent:
            self._unsent = self._unsent[self._wire.write(self._unsent) :]

    def _fail(self, failure: Failure) -> NoReturn:
        self._unsent += failure.reply
        try:
            self._flush()
        except OSError:
            pass  # the server won't hear why; the app does
        if not failure.certificate:
            raise SSLError(numbers.SSL_ERROR_SSL, str(failure))
        raise _unverified(1, str(failure))


def _unverified(code: int, message: str) -> SSLCertVerificationError:
    error = SSLCertVerificationError(numbers.SSL_ERROR_SSL, f"certificate verify failed: {message}")
    error.reason, error.library = "CERTIFICATE_VERIFY_FAILED", "SSL"
    error.verify_code, error.verify_message = code, message
    return error
