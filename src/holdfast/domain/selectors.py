"""Label selectors, as `--selector` takes them: `env=prod,tier!=db,team in (a,b),!legacy`."""

import re
from collections.abc import Callable
from typing import TypeAlias

from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.domain.manifest import Manifest

Test: TypeAlias = Callable[[Manifest], bool]

_PART = re.compile(r"[^,(]+(?:\([^)]*\))?")
_SET = re.compile(r"^(?P<key>\S+)\s+(?P<word>in|notin)\s*\((?P<values>[^)]*)\)$")
_EQUAL = re.compile(r"^(?P<key>[^\s!=]+)\s*(?P<word>==|=|!=)\s*(?P<value>\S*)$")
_KEY = re.compile(r"^(?P<not>!?)(?P<key>[\w./-]+)$")


def parse_selector(text: str) -> Test:
    """Return a test for the selector; an empty one lets everything through.

    Raises:
        ConfigurationError: HF3009, it does not parse.
    """
    tests = [_parse_part(part.strip()) for part in _PART.findall(text) if part.strip()]
    return lambda manifest: all(test(manifest) for test in tests)


def _parse_part(part: str) -> Test:
    if match := _SET.match(part):
        key, word = match["key"], match["word"]
        values = {value.strip() for value in match["values"].split(",")}
        if word == "in":
            return lambda manifest: manifest.label(key) in values
        return lambda manifest: manifest.label(key) not in values
    if match := _EQUAL.match(part):
        key, value = match["key"], match["value"]
        if match["word"] == "!=":
            return lambda manifest: manifest.label(key) != value
        return lambda manifest: manifest.label(key) == value
    if match := _KEY.match(part):
        key, is_not = match["key"], bool(match["not"])
        return lambda manifest: (manifest.label(key) is None) is is_not
    raise ConfigurationError(
        "HF3009",
        f"The label selector has a part that cannot be read: {part!r}.",
        hint="write for example --selector 'env=prod,tier!=db,team in (a,b)'",
        retry=Retry.NEVER,
    )
