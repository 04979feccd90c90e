"""The ciphers that connections have: the host's, all of them, whatever a context asks for. They are of today's strength."""

from typing import Any

_CIPHERS = (
    ("TLS_AES_256_GCM_SHA384", "TLSv1.3", 256),
    ("TLS_AES_128_GCM_SHA256", "TLSv1.3", 128),
    ("TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3", 256),
    ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2", 256),
    ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2", 128),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLSv1.2", 256),
    ("ECDHE-RSA-AES256-GCM-SHA384", "TLSv1.2", 256),
    ("ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2", 128),
    ("ECDHE-RSA-CHACHA20-POLY1305", "TLSv1.2", 256),
)
"""Those of rustls, by OpenSSL's names. Lists are about those of TLS 1.2: the ones of 1.3 are always there."""

_OF_ALL = {"ALL", "COMPLEMENTOFDEFAULT", "DEFAULT", "HIGH", "TLSv1.2"}
_OF_SOME = set("AES AES128 AES256 AESGCM CHACHA20 ECDH ECDHE ECDSA EECDH SHA256 SHA384 aECDSA aRSA kECDHE kEECDH".split())
"""Words of OpenSSL's lists that take in all or some of these."""


def described() -> list[dict[str, Any]]:
    """As `SSLContext.get_ciphers` has them."""
    return [
        {"name": name, "protocol": protocol, "strength_bits": bits, "alg_bits": bits, "aead": True} for name, protocol, bits in _CIPHERS
    ]


def has_any(listed: str) -> bool:
    """Whether a list as OpenSSL takes it (`openssl-ciphers(1)`) has any of them."""
    known = _OF_ALL | {name for name, protocol, _ in _CIPHERS if protocol == "TLSv1.2"}
    items = [item.lstrip("+").partition("@")[0] for item in listed.replace(",", ":").replace(" ", ":").split(":")]
    return any(item in known or all(word in _OF_SOME for word in item.split("+")) for item in items if item and item[0] not in "!-")
