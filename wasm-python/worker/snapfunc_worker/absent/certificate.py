"""What a certificate says, as `getpeercert()` gives it: X.509 (RFC 5280) in DER, taken apart. It was checked before, by the host."""

from collections.abc import Iterator
from typing import Any, NamedTuple

_UTC_TIME = 0x17
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_ENCODINGS = {0x1E: "utf-16-be", 0x1C: "utf-32-be", 0x0C: "utf-8"}
"""Of kinds of strings; the others are Latin-1 as far as OpenSSL is concerned."""

_SAN, _CRL_POINTS, _AUTHORITY_ACCESS = "2.5.29.17", "2.5.29.31", "1.3.6.1.5.5.7.1.1"
_OCSP, _CA_ISSUERS = "1.3.6.1.5.5.7.48.1", "1.3.6.1.5.5.7.48.2"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_NAMES = {
    "0.9.2342.19200300.100.1.1": "userId",
    "0.9.2342.19200300.100.1.25": "domainComponent",
    "1.2.840.113549.1.9.1": "emailAddress",
    "1.2.840.113549.1.9.2": "unstructuredName",
    "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionLocalityName",
    "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionStateOrProvinceName",
    "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionCountryName",
    "2.5.4.3": "commonName",
    "2.5.4.4": "surname",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "countryName",
    "2.5.4.7": "localityName",
    "2.5.4.8": "stateOrProvinceName",
    "2.5.4.9": "streetAddress",
    "2.5.4.10": "organizationName",
    "2.5.4.11": "organizationalUnitName",
    "2.5.4.12": "title",
    "2.5.4.13": "description",
    "2.5.4.15": "businessCategory",
    "2.5.4.17": "postalCode",
    "2.5.4.42": "givenName",
    "2.5.4.43": "initials",
    "2.5.4.46": "dnQualifier",
    "2.5.4.65": "pseudonym",
    "2.5.4.97": "organizationIdentifier",
}
"""The names that OpenSSL has for parts of a subject. Others are told by their numbers."""


class _Element(NamedTuple):
    tag: int
    content: bytes


def decode(der: bytes) -> dict[str, Any]:
    """The dictionary. Raises `ValueError` for what is no certificate."""
    try:
        return _certificate(der)
    except (IndexError, RuntimeError, StopIteration, ValueError):
        raise ValueError("that is no certificate") from None


def _certificate(der: bytes) -> dict[str, Any]:
    fields = list(_parts(_first(_first(der).content).content))
    version = 1
    if fields[0].tag == _VERSION:
        version += _first(fields.pop(0).content).content[-1]
    serial, _, issuer, validity, subject = fields[:5]
    not_before, not_after = _parts(validity.content)
    number = serial.content.hex().upper()
    told: dict[str, Any] = {
        "subject": _name(subject.content),
        "issuer": _name(issuer.content),
        "version": version,
        # A leading zero is only there to tell it from a negative number.
        "serialNumber": number[2:] if number.startswith("00") and len(number) > 2 else number,
        "notBefore": _time(not_before),
        "notAfter": _time(not_after),
    }
    extensions = {oid: value for field in fields[5:] if field.tag == _EXTENSIONS for oid, value in _extensions(field.content)}
    if _SAN in extensions:
        told["subjectAltName"] = tuple(_general_name(part) for part in _parts(_first(extensions[_SAN]).content))
    if _AUTHORITY_ACCESS in extensions:
        access = list(_access(extensions[_AUTHORITY_ACCESS]))
        for name, method in (("OCSP", _OCSP), ("caIssuers", _CA_ISSUERS)):
            if uris := tuple(uri for known, uri in access if known == method):
                told[name] = uris
    if _CRL_POINTS in extensions and (uris := tuple(_crl_points(extensions[_CRL_POINTS]))):
        told["crlDistributionPoints"] = uris
    return told


def _parts(content: bytes) -> Iterator[_Element]:
    """The elements that stand one after the other."""
    start = 0
    while start < len(content):
        tag, length = content[start], content[start + 1]
        start += 2
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(content[start : start + count])
            start += count
        if start + length > len(content):
            raise IndexError
        yield _Element(tag, content[start : start + length])
        start += length


def _first(content: bytes) -> _Element:
    return next(_parts(content))


def _oid(content: bytes) -> str:
    numbers, number = [], 0
    for byte in content:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    top = min(numbers[0] // 40, 2)
    return ".".join(map(str, (top, numbers[0] - 40 * top, *numbers[1:])))


def _text(element: _Element) -> str:
    return element.content.decode(_ENCODINGS.get(element.tag, "latin-1"))


def _name(content: bytes) -> tuple[tuple[tuple[str, str], ...], ...]:
    """A distinguished name: sets of types and values."""
    return tuple(tuple(_attribute(attribute.content) for attribute in _parts(relative.content)) for relative in _parts(content))


def _attribute(content: bytes) -> tuple[str, str]:
    kind, value = _parts(content)
    oid = _oid(kind.content)
    return _NAMES.get(oid, oid), _text(value)


def _time(element: _Element) -> str:
    """As OpenSSL prints it: `Jan  5 09:34:43 2018 GMT`."""
    digits = element.content.decode("ascii").removesuffix("Z")
    if element.tag == _UTC_TIME:
        # RFC 5280, 4.1.2.5.1.
        digits = ("19" if digits >= "50" else "20") + digits
    year, month, day = digits[:4], _MONTHS[int(digits[4:6]) - 1], int(digits[6:8])
    return f"{month} {day:2d} {digits[8:10]}:{digits[10:12]}:{digits[12:14]} {year} GMT"


def _extensions(content: bytes) -> Iterator[tuple[str, bytes]]:
    for extension in _parts(_first(content).content):
        parts = list(_parts(extension.content))
        yield _oid(parts[0].content), parts[-1].content


def _general_name(element: _Element) -> tuple[str, Any]:
    match element.tag & 0x1F:
        case 0:
            return "othername", "<unsupported>"
        case 1:
            return "email", element.content.decode("latin-1")
        case 2:
            return "DNS", element.content.decode("latin-1")
        case 4:
            return "DirName", _name(_first(element.content).content)
        case 6:
            return "URI", element.content.decode("latin-1")
        case 7:
            return "IP Address", _address(element.content)
        case 8:
            return "Registered ID", _oid(element.content)
        case _:
            return "other", "<unsupported>"


def _address(content: bytes) -> str:
    if len(content) == 4:
        return ".".join(map(str, content))
    if len(content) == 16:
        return ":".join(f"{int.from_bytes(content[at : at + 2]):X}" for at in range(0, 16, 2))
    return "<invalid>"


def _access(content: bytes) -> Iterator[tuple[str, str]]:
    """Of authority information access: methods and URIs."""
    for description in _parts(_first(content).content):
        method, location = _parts(description.content)
        if location.tag & 0x1F == 6:
            yield _oid(method.content), location.content.decode("latin-1")


def _crl_points(content: bytes) -> Iterator[str]:
    for point in _parts(_first(content).content):
        for field in _parts(point.content):
            # distributionPoint [0], and in it fullName [0].
            for full in _parts(field.content) if field.tag & 0x1F == 0 else ():
                for name in _parts(full.content) if full.tag & 0x1F == 0 else ():
                    if name.tag & 0x1F == 6:
                        yield name.content.decode("latin-1")
