"""The exceptions of `_ssl`."""


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
