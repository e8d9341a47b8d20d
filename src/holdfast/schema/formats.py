"""Say whether a text has a `format` of a CRD schema; formats that the server ignores always fit."""

from __future__ import annotations

import base64
import ipaddress
import re
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

_HEX = "[0-9a-fA-F]"
_NAME = re.compile(
    r"[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)*\.?"
)
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+")
_DURATION = re.compile(r"[+-]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h|d|w))+|0|\d+ ?(\w+)")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ]\d\d:\d\d:\d\d([.,]\d+)?([Zz]|[+-]\d\d:?\d\d)?")


def has_format(text: str, form: str) -> bool:
    """Return True when `text` has the format, or when nobody checks that format."""
    check = _CHECKS.get(form)
    return check is None or check(text)


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _is_date(text: str) -> bool:
    try:
        return len(text) == len("2026-01-01") and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    found = _TIME.fullmatch(text)
    return found is not None and _is_date(found.group(1))


def _is_byte(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def _is_address(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            return ipaddress.ip_address(text).version == version
        except ValueError:
            return False

    return check


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def _is_uri(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme) or text.startswith("/")


_CHECKS: dict[str, Callable[[str], bool]] = {
    "date": _is_date,
    "date-time": _is_time,
    "datetime": _is_time,
    "byte": _is_byte,
    "uuid": _matches(f"{_HEX}{{8}}-?{_HEX}{{4}}-?{_HEX}{{4}}-?{_HEX}{{4}}-?{_HEX}{{12}}"),
    "uuid4": _matches(f"{_HEX}{{8}}-?{_HEX}{{4}}-?4{_HEX}{{3}}-?[89abAB]{_HEX}{{3}}-?{_HEX}{{12}}"),
    "ipv4": _is_address(4),
    "ipv6": _is_address(6),
    "cidr": _is_network,
    "mac": _matches(f"({_HEX}{{2}}[:-]){{5}}{_HEX}{{2}}"),
    "hostname": lambda text: len(text) <= 255 and _NAME.fullmatch(text) is not None,  # RFC 1034
    "email": lambda text: _EMAIL.fullmatch(text) is not None,
    "uri": _is_uri,
    "duration": lambda text: _DURATION.fullmatch(text) is not None,
    "hexcolor": _matches(f"#?({_HEX}{{3}}|{_HEX}{{6}})"),
    "rgbcolor": _matches(r"rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)"),
    "creditcard": _matches(r"[0-9 -]{13,23}"),
    "isbn10": _matches(r"[0-9-]{9,12}[0-9X]"),
    "isbn13": _matches(r"[0-9-]{13,17}"),
    "ssn": _matches(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
}
