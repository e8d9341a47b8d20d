"""Values of fields as people may see them: what is a secret, or is named like one, is masked.

What looks like a credential (an environment variable `DB_PASSWORD`, a URL with a password) is
masked as well, as far as a name can tell. Tokens that stand in place of a secret are masked, too,
since equal tokens would tell equal values.

Masking takes a time that grows with the text, and nobody reads a megabyte. So the beginning of a
value alone is looked at; what is cut off lies behind what is shown.
"""

import json
import re
from typing import Any

from holdfast.kit.redact import redact

SECRET = "(secret)"  # noqa: S105 - what stands in place of one
LONGEST_VALUE = 2000
LONGEST_TEXT = 2000
_MARGIN = 500
_DEEPEST = 8
_TOKEN = re.compile(r"hmac-sha256:[0-9a-f]{64}")
_NAME = re.compile(
    r"(?i)(pass(word|wd)?|secret|token|api_?-?key|private_?-?key|credential)s?([^a-zA-Z0-9]|$)"
)
_NAMED = re.compile(r'env\[name="(?P<env>[^"]+)"\]\.value$|^(?:data|binaryData)\b(?P<key>.+)$')


def shown_value(path: str, value: Any, *, is_secret: bool, longest: int = LONGEST_VALUE) -> Any:
    """Return a JSON value as it may be shown; a long one as text, cut.

    Args:
        path: Where it stands, in human form; its last name may tell that it is secret.
        value: Any JSON.
        is_secret: Whether it is known to be secret.
        longest: Characters that are kept of the value as JSON.
    """
    named = _NAMED.search(path)
    name = (named["env"] or named["key"]) if named else ""
    is_secret = is_secret or bool(name and _NAME.search(name))
    kept = _mask(_beginning(value, longest), longest, is_secret=is_secret)
    text = json.dumps(kept, ensure_ascii=False)
    return kept if len(text) <= longest else f"{text[:longest]}… ({len(text)} chars)"


def shown_text(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return a message without credentials, cut."""
    text = _redact(text, longest)
    return text if len(text) <= longest else text[:longest] + "…"


def _redact(text: str, longest: int) -> str:
    looked_at = 2 * longest + _MARGIN
    if len(text) <= looked_at:
        return redact(text)
    # The end is left out: the cut may have parted a secret from what tells that it is one.
    return redact(text[:looked_at])[:-_MARGIN] + "…"


def _beginning(value: Any, longest: int) -> Any:
    """Return a value without what would not be shown; long texts are cut by `_redact`."""
    room = [2 * longest]  # characters, about; shared by all that is inside

    def begin(item: Any, depth: int) -> Any:
        if not isinstance(item, list | dict):
            room[0] -= len(item) if isinstance(item, str) else 1
            return item
        if depth == _DEEPEST:
            return "…"
        kept: dict[Any, Any] = {}
        for key, inner in item.items() if isinstance(item, dict) else enumerate(item):
            if room[0] <= 0:
                kept["…"] = "…"
                break
            room[0] -= 4 + len(str(key))
            kept[key] = begin(inner, depth + 1)
        return kept if isinstance(item, dict) else list(kept.values())

    return begin(value, 0)


def _mask(value: Any, longest: int, *, is_secret: bool = False) -> Any:
    if isinstance(value, str):
        return SECRET if is_secret or _TOKEN.search(value) else _redact(value, longest)
    if isinstance(value, list):
        return [_mask(item, longest, is_secret=is_secret) for item in value]
    if isinstance(value, dict):
        name = str(value.get("name") or "")
        by_name = bool(_NAME.search(name))
        return {
            key: _mask(item, longest, is_secret=is_secret or (key == "value" and by_name))
            for key, item in value.items()
        }
    return None if is_secret and value is None else SECRET if is_secret else value
