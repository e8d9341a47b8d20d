"""Values of fields as people may see them: what is a secret, or is named like one, is masked.

What looks like a credential (an environment variable `DB_PASSWORD`, a URL with a password) is
masked as well, as far as a name can tell. Tokens that stand in place of a secret are masked, too,
since equal tokens would tell equal values.
"""

import json
import re
from typing import Any

from holdfast.kit.redact import redact

SECRET = "(secret)"  # noqa: S105 - what stands in place of one
LONGEST_VALUE = 2000
LONGEST_TEXT = 2000
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
    kept = _mask(value, is_secret=is_secret or bool(name and _NAME.search(name)))
    text = json.dumps(kept, ensure_ascii=False)
    return kept if len(text) <= longest else f"{text[:longest]}… ({len(text)} chars)"


def shown_text(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return a message without credentials, cut."""
    text = redact(text)
    return text if len(text) <= longest else text[:longest] + "…"


def _mask(value: Any, *, is_secret: bool = False) -> Any:
    if isinstance(value, str):
        return SECRET if is_secret or _TOKEN.search(value) else redact(value)
    if isinstance(value, list):
        return [_mask(item, is_secret=is_secret) for item in value]
    if isinstance(value, dict):
        name = str(value.get("name") or "")
        by_name = bool(_NAME.search(name))
        return {
            key: _mask(item, is_secret=is_secret or (key == "value" and by_name))
            for key, item in value.items()
        }
    return None if is_secret and value is None else SECRET if is_secret else value
