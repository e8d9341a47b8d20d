"""What an unquoted YAML word means to Kubernetes' parser (YAML 1.1, dates excepted)."""

import base64
import math
import re
from functools import lru_cache
from typing import Any

_WORDS: dict[str, Any] = {"": None, "~": None}
for _word, _meaning in {
    "null": None,
    "y": True,
    "yes": True,
    "true": True,
    "on": True,
    "n": False,
    "no": False,
    "false": False,
    "off": False,
    ".nan": math.nan,
    ".inf": math.inf,
    "+.inf": math.inf,
    "-.inf": -math.inf,
}.items():
    # `yes`, `Yes` and `YES`, but not `yEs`; `.nan`, `.NaN` and `.NAN`.
    _WORDS |= {_word: _meaning, _word.capitalize(): _meaning, _word.upper(): _meaning}
_WORDS |= {".NaN": math.nan, ".Inf": math.inf, "+.Inf": math.inf, "-.Inf": -math.inf}

_FIRST = frozenset("0123456789+-.~yYnNtTfFoO")
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)"
    r"|(?P<dec>0|[1-9][0-9]*))\Z"
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_LIKE_A_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:\Z|[Tt\s])")
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z")
_BASES = (("hex", 16), ("bin", 2), ("oct", 8), ("dec", 10))
_INT64 = range(-(2**63), 2**63)


class ScalarError(ValueError):
    """A word that JSON cannot express, or that contradicts its tag."""


@lru_cache(maxsize=8192)
def plain_value(text: str) -> Any:
    """Return what an unquoted word means: None, a boolean, a number, or the text itself.

    Raises:
        ScalarError: Infinity or not-a-number, which JSON lacks.
    """
    if text and text[0] not in _FIRST:
        return text
    if text in _WORDS:
        meaning = _WORDS[text]
        if isinstance(meaning, float):
            raise ScalarError("infinity and not-a-number have no JSON form")
        return meaning
    if not text or text[0].isalpha():
        return text
    return _number(text)


def tagged_value(text: str, tag: str) -> Any:
    """Return the value of a scalar with an explicit tag; an unknown tag leaves the text.

    Raises:
        ScalarError: The text is not what the tag says.
    """
    kind = tag.removeprefix("tag:yaml.org,2002:")
    if kind == "binary":
        try:
            return base64.b64decode(text, validate=False).decode()
        except ValueError:
            raise ScalarError("not base64 of UTF-8 text") from None
    wanted = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}.get(kind)
    if kind == tag or wanted is None:
        return text
    value = plain_value(text)
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "bool"):  # type: ignore[arg-type]  # a tuple of types is one
        raise ScalarError(f"the value is not what its tag !!{kind} says")
    return value


def key_text(value: Any) -> str:
    """Return the JSON key for a YAML key: `on:` is the key `true`, `1:` the key `1`.

    Raises:
        ScalarError: The key is empty.
    """
    if isinstance(value, str):
        return value
    if value is None:
        raise ScalarError("a key is empty")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else f"{value:g}"


def needs_quotes(text: str) -> bool:
    """Whether some YAML reader would take the unquoted word for something else than this text."""
    try:
        if not isinstance(plain_value(text), str):
            return True
    except ScalarError:
        return True
    return text in {"<<", "="} or bool(_LIKE_A_DATE.match(text) or _BASE_60.match(text))


def whole_number(value: float) -> int | float:
    """Return a number as Go prints it in JSON: whole ones as integers, as far as int64 reaches."""
    return int(value) if value.is_integer() and int(value) in _INT64 else value


def integer_or_float(value: int) -> int | float:
    """Return an integer, or, beyond int64, the float that Kubernetes makes of it."""
    return value if value in _INT64 else float(value)


def _number(text: str) -> Any:
    digits = text.replace("_", "") if text[0] != "." else text
    match = _INTEGER.match(digits)
    if match is not None:
        for group, base in _BASES:
            if match[group] is not None:
                value = int(match[group], base)
                return integer_or_float(-value if match["sign"] == "-" else value)
    if _FLOAT.match(digits):
        number = float(digits)
        return whole_number(number) if math.isfinite(number) else text
    return text
