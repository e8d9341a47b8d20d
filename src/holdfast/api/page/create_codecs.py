"""How values of an Application stand in a form as text, and are read from it again.

One entry a line for lists and maps, YAML for what is deeper. What cannot be shown without losing
something is not shown (`show` gives None).
"""

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.domain.manifest import JSON, Tree
from holdfast.kit import yamlio

ON = "on"
_LIMITS = yamlio.YamlLimits(size_bytes=64 * 1024, depth=40, nodes=5000)


class FieldError(ValueError):
    """What was typed cannot be read; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How a value is shown as text, and read from it; `""` stands for an absent value."""

    show: Callable[[JSON], str | None]
    parse: Callable[[str], JSON]


def numbered_lines(typed: str) -> list[tuple[int, str]]:
    """Return what stands on the lines of a text, with their numbers."""
    numbered = enumerate(typed.splitlines(), start=1)
    return [(number, line.strip()) for number, line in numbered if line.strip()]


def _show_text(value: JSON) -> str | None:
    return value if isinstance(value, str) and "\n" not in value else None


def _show_switch(value: JSON) -> str | None:
    return (ON if value else "") if isinstance(value, bool) else None


def _show_lines(value: JSON) -> str | None:
    is_plain = isinstance(value, list) and all(
        isinstance(item, str) and item.strip() == item and item and "\n" not in item
        for item in value
    )
    return "\n".join(value) if is_plain else None


def _parse_lines(typed: str) -> list[str]:
    return [line for _, line in numbered_lines(typed)]


def _show_pairs(value: JSON) -> str | None:
    is_plain = isinstance(value, dict) and all(
        isinstance(one, str) and "\n" not in one and one.strip() == one for one in value.values()
    )
    return "\n".join(f"{name}={one}" for name, one in value.items()) if is_plain else None


def _parse_pairs(typed: str) -> Tree:
    found: Tree = {}
    for number, line in numbered_lines(typed):
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise FieldError(f"Line {number}: write NAME=VALUE.")
        found[name.strip()] = value.strip()
    return found


def _show_counts(value: JSON) -> str | None:
    is_plain = isinstance(value, list) and all(
        isinstance(item, dict)
        and set(item) == {"name", "count"}
        and isinstance(item["count"], int)
        and isinstance(item["name"], str)
        for item in value
    )
    return "\n".join(f"{item['name']}={item['count']}" for item in value) if is_plain else None


def _parse_counts(typed: str) -> list[Tree]:
    found = []
    for number, line in numbered_lines(typed):
        name, equals, count = (part.strip() for part in line.partition("="))
        if not equals or not name or not count.isdecimal() or len(count) > 6:
            raise FieldError(f"Line {number}: write NAME=NUMBER, for example web=3.")
        found.append({"name": name, "count": int(count)})
    return found


def _show_yaml(value: JSON) -> str | None:
    return yamlio.dump(value).strip() if isinstance(value, list) else None


def _parse_yaml_list(typed: str) -> JSON:
    try:
        found = yamlio.load_one(typed, _LIMITS)
    except yamlio.YamlError as error:
        raise FieldError(f"Line {error.line}: {error.reason}.") from error
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise FieldError("A YAML list of patches, each begins with “- ”.")
    return found


TEXT = Codec(_show_text, str)
SWITCH = Codec(_show_switch, lambda typed: True)
LINES = Codec(_show_lines, _parse_lines)
PAIRS = Codec(_show_pairs, _parse_pairs)
COUNTS = Codec(_show_counts, _parse_counts)
YAML_LIST = Codec(_show_yaml, _parse_yaml_list)
