"""What `hashlib` has from OpenSSL alone: `pbkdf2_hmac` is done in Python, the rest says why it is missing."""

import hashlib
from typing import Any, NoReturn

_WITHOUT_OPENSSL = {
    "scrypt": "hashlib.scrypt needs OpenSSL, which this Python, compiled to WebAssembly, does not have: use hashlib.pbkdf2_hmac, "
    "or for Werkzeug's passwords generate_password_hash(password, method='pbkdf2')",
}
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


def pbkdf2_hmac(hash_name: str, password: Any, salt: Any, iterations: int, dklen: int | None = None) -> bytes:
    """PBKDF2 (RFC 8018, 5.2) with HMAC, for CPython's own function: about 400,000 iterations a second, of SHA-256."""
    inner, outer = hashlib.new(hash_name), hashlib.new(hash_name)
    size = inner.digest_size
    length = size if dklen is None else dklen
    if iterations < 1:
        raise ValueError("iteration value must be greater than 0.")
    if length < 1:
        raise ValueError("key length must be greater than 0.")
    key, salt = bytes(memoryview(password)), bytes(memoryview(salt))
    if len(key) > inner.block_size:
        key = hashlib.new(hash_name, key).digest()
    key = key.ljust(inner.block_size, b"\0")
    inner.update(key.translate(_INNER))
    outer.update(key.translate(_OUTER))
    blocks = (_block(inner, outer, salt + number.to_bytes(4), iterations) for number in range(1, -(-length // size) + 1))
    return b"".join(blocks)[:length]


def _block(inner: Any, outer: Any, message: bytes, iterations: int) -> bytes:
    """The HMACs of a chain, all in one by exclusive or. The keyed hashes are copied, not made again."""
    copy_inner, copy_outer, to_int = inner.copy, outer.copy, int.from_bytes
    found = 0
    for _ in range(iterations):
        hashed = copy_inner()
        hashed.update(message)
        signed = copy_outer()
        signed.update(hashed.digest())
        message = signed.digest()
        found ^= to_int(message)
    return found.to_bytes(len(message))


def _explain_missing(name: str) -> NoReturn:
    """The `__getattr__` of `hashlib`: libraries ask it with hasattr."""
    reason = _WITHOUT_OPENSSL.get(name, f"module 'hashlib' has no attribute {name!r}")
    raise AttributeError(reason, name=name, obj=hashlib)


def install(force: bool = False) -> None:
    """Adds what is missing."""
    if force:
        for name in ("pbkdf2_hmac", "scrypt"):
            vars(hashlib).pop(name, None)
    if not hasattr(hashlib, "pbkdf2_hmac"):
        hashlib.pbkdf2_hmac = pbkdf2_hmac  # type: ignore[assignment]
        hashlib.__getattr__ = _explain_missing  # type: ignore[attr-defined]
