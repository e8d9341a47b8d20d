"""Read and write Kubernetes quantities: `500m`, `1Gi`, `1e3`.

In:  the text or number of a quantity field.
Out: its exact value in billionths, or the canonical text that the API server stores
     (`1000m` becomes `1`, `1024Mi` becomes `1Gi`, `0.5` becomes `500m`).

Three notations exist and a value keeps its own: decimal suffixes, binary suffixes, and an
exponent. Finer than a billionth is rounded away from zero; larger than 2^63-1 is cut to that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

_FORM = re.compile(r"([+-]?)([0-9]*)\.?([0-9]*)([a-zA-Z]*|[eE][+-]?[0-9]+)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {exponent: suffix for suffix, exponent in _BINARY.items()} | {0: ""}
_NANO = 10**9
_LARGEST = (2**63 - 1) * _NANO

WRONG_FORM = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)
"""What the API server says of a text that is no quantity."""


class Notation(StrEnum):
    """How a quantity is written."""

    DECIMAL = "decimal"
    BINARY = "binary"
    EXPONENT = "exponent"


@dataclass(frozen=True, slots=True, order=True)
class Quantity:
    """An exact amount in billionths and the notation it was written in; ordered by amount."""

    nanos: int
    notation: Notation = Notation.DECIMAL

    @property
    def canonical(self) -> str:
        """The text that the API server stores."""
        if self.nanos == 0:
            return "0"
        whole, rest = divmod(abs(self.nanos), _NANO)
        if self.notation is Notation.BINARY and whole >= 1024 and not rest:
            return _sign(self.nanos) + _binary_text(whole)
        return _sign(self.nanos) + _decimal_text(abs(self.nanos), self.notation)


@lru_cache(maxsize=8192)
def parse_quantity(value: str | float) -> Quantity:
    """Return the amount that a quantity field holds.

    Raises:
        ValueError: `value` is no quantity; the text is the API server's.
    """
    found = _FORM.fullmatch(str(value).strip())
    if found is None:
        raise ValueError(WRONG_FORM)
    sign, digits, fraction, suffix = found.groups()
    if not digits and not fraction:
        raise ValueError(WRONG_FORM)
    notation, shift, exponent = _scale_of(suffix)
    scaled = int(digits + fraction) * _NANO << shift
    power = exponent - len(fraction)
    # Away from zero, never down: a request of 0.1n is not "nothing".
    nanos = scaled * 10**power if power >= 0 else -(-scaled // 10**-power)
    if notation is Notation.BINARY and nanos < _NANO:
        notation = Notation.DECIMAL
    nanos = min(nanos, _LARGEST)
    return Quantity(-nanos if sign == "-" else nanos, notation)


def canonical_quantity(value: str | float) -> str:
    """Return the text that the API server stores for a quantity field.

    Raises:
        ValueError: `value` is no quantity.
    """
    return parse_quantity(value).canonical


def same_quantity(one: str | float, other: str | float) -> bool:
    """Return True when both are quantities of the same amount, whatever their notation."""
    try:
        return parse_quantity(one).nanos == parse_quantity(other).nanos
    except ValueError:
        return False


def _scale_of(suffix: str) -> tuple[Notation, int, int]:
    """Return notation, power of two and power of ten of a suffix."""
    if suffix in _BINARY:
        return Notation.BINARY, _BINARY[suffix], 0
    if suffix in _DECIMAL:
        return Notation.DECIMAL, 0, _DECIMAL[suffix]
    if suffix[:1] in ("e", "E") and suffix[1:]:
        try:
            exponent = int(suffix[1:])
        except ValueError:
            raise ValueError(WRONG_FORM) from None
        # Beyond these every amount is cut or rounded anyway; the bound keeps numbers small.
        return Notation.EXPONENT, 0, max(-100, min(100, exponent))
    raise ValueError(WRONG_FORM)


def _sign(nanos: int) -> str:
    return "-" if nanos < 0 else ""


def _binary_text(whole: int) -> str:
    power = 0
    while whole % 1024 == 0 and power < 60:
        whole //= 1024
        power += 10
    return f"{whole}{_BINARY_SUFFIX[power]}"


def _decimal_text(nanos: int, notation: Notation) -> str:
    exponent = -9
    while nanos % 1000 == 0 and exponent < 18:
        nanos //= 1000
        exponent += 3
    if notation is Notation.EXPONENT:
        return f"{nanos}e{exponent}" if exponent else str(nanos)
    return f"{nanos}{_DECIMAL_SUFFIX[exponent]}"
