"""Ignore rules: which fields of which objects never count (controller.md §4.4 step 5).

JSON pointers and the jq paths that people write most (`.spec.replicas`,
`.spec.template.spec.containers[].image`, `… [] | select(.name == "web") | .image`) are understood
here, and all that `healing.ignore_entry` writes; a jq program that needs an interpreter is reported
by `unsupported_paths`, never guessed.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from holdfast.domain.application import IgnoreRule
from holdfast.domain.globs import matches_glob
from holdfast.domain.managers import HOLDFAST
from holdfast.domain.manifest import JSON, Manifest, Tree


@dataclass(frozen=True, slots=True)
class Wanted:
    """One condition of `select(…)`: a field, or with `""` the item itself, has this value.

    Attributes:
        default: What counts where the field is absent: `(.protocol // "TCP") == "TCP"`.
    """

    field: str
    value: JSON
    default: JSON = None

    def is_met(self, item: JSON) -> bool:
        """Whether an item of a list fulfils it."""
        found = item
        if self.field:
            found = item.get(self.field) if isinstance(item, dict) else None
        if found is None or found is False:
            found = self.default if self.default is not None else found
        return found == self.value and isinstance(found, bool) == isinstance(self.value, bool)


@dataclass(frozen=True, slots=True)
class Each:
    """Every item of a list, or of a list only those that fulfil some conditions."""

    wanted: tuple[Wanted, ...] = ()

    def is_meant(self, item: JSON) -> bool:
        """Whether it leads to this item."""
        return all(one.is_met(item) for one in self.wanted)


Step: TypeAlias = str | int | Each
Steps: TypeAlias = tuple[Step, ...]

_TEXT = r'"(?:[^"\\]|\\.)*"'
_VALUE = rf"(?:{_TEXT}|-?\d+(?:\.\d+)?|true|false)"
_FIELD = rf"(?:\.[A-Za-z_][\w-]*|\.\[\s*{_TEXT}\s*\]|\.{_TEXT}|\.)"
_CONDITION = rf"(?:{_FIELD}|\(\s*{_FIELD}\s*//\s*{_VALUE}\s*\))\s*==\s*{_VALUE}"
_JQ_CONDITION = re.compile(
    rf"\(?\s*(?P<field>{_FIELD})\s*(?://\s*(?P<default>{_VALUE})\s*\))?\s*"
    rf"==\s*(?P<value>{_VALUE})"
)
_JQ_TOKEN = re.compile(
    rf"""\s*(?:
      \|?\s*select\(\s*(?P<wanted>{_CONDITION}(?:\s+and\s+{_CONDITION})*)\s*\)
    | \.?\[\s*(?P<bracketed>{_TEXT})\s*\]
    | \.?(?P<quoted>{_TEXT})
    | \.(?P<name>[A-Za-z_][\w-]*)
    | \.?\[\s*(?P<index>\d+)\s*\]
    | \.?(?P<each>\[\s*\])
    | (?P<pipe>\|)
    | (?P<maybe>\?)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class IgnoredPaths:
    """What is ignored in one object.

    Attributes:
        paths: Paths into the tree, from JSON pointers and jq paths.
        managers: Field managers whose fields are ignored.
    """

    paths: tuple[Steps, ...] = ()
    managers: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is ignored."""
        return bool(self.paths or self.managers)


def ignored_paths(manifest: Manifest, rules: Iterable[IgnoreRule]) -> IgnoredPaths:
    """Return what the rules ignore in one object."""
    paths: list[Steps] = []
    managers: list[str] = []
    for rule in rules:
        if not _applies(rule, manifest):
            continue
        paths.extend(parse_pointer(pointer) for pointer in rule.json_pointers)
        paths.extend(steps for text in rule.jq_paths if (steps := find_jq_path(text)) is not None)
        managers.extend(rule.managers)
    return IgnoredPaths(tuple(paths), tuple(managers))


def unsupported_paths(rules: Iterable[IgnoreRule]) -> tuple[str, ...]:
    """Return the jq expressions that only an interpreter could run."""
    return tuple(text for rule in rules for text in rule.jq_paths if find_jq_path(text) is None)


def without_ignored(manifest: Manifest, ignored: IgnoredPaths) -> Manifest:
    """Return the manifest without the ignored paths; the same object when there are none.

    Our own entry in managedFields loses them as well: whether we own an ignored field is no
    matter for a comparison.
    """
    tree = manifest.tree
    for steps in ignored.paths:
        tree = _without_ownership(remove_path(tree, steps), steps)
    return manifest if tree is manifest.tree else Manifest(tree)


def _without_ownership(tree: Tree, steps: Steps) -> Tree:
    entries = (tree.get("metadata") or {}).get("managedFields")
    if not isinstance(entries, list):
        return tree
    for place, entry in enumerate(entries):
        if entry.get("manager") != HOLDFAST or entry.get("operation") != "Apply":
            continue
        fields = entry.get("fieldsV1")
        kept = _without_members(fields, steps) if isinstance(fields, dict) else fields
        if kept is not fields:
            changed = {**entry, "fieldsV1": kept}
            entries = [changed if at == place else item for at, item in enumerate(entries)]
    if entries is tree["metadata"]["managedFields"]:
        return tree
    return {**tree, "metadata": {**tree["metadata"], "managedFields": entries}}


def _without_members(fields: Tree, steps: Sequence[Step]) -> Tree:
    """Return a node of `fieldsV1` without the members at `steps`, and without emptied parents."""
    kept = dict(fields)
    for text in _members(fields, steps[0]):
        inner = _without_members(fields[text], steps[1:]) if steps[1:] else {}
        if inner is fields[text]:
            continue
        if inner:
            kept[text] = inner
        else:
            del kept[text]
    return fields if kept == fields else kept


def _members(fields: Tree, step: Step) -> list[str]:
    """Return the members of a node that a step leads to; none where only a place is known."""
    if isinstance(step, str) and f"f:{step}" in fields:
        return [f"f:{step}"]
    if not isinstance(step, Each):
        return []
    items = [text for text in fields if text.startswith("k:")]
    chosen = [text for text in items if step.is_meant(json.loads(text[2:]))]
    values = [text for text in fields if text.startswith("v:")]
    return chosen + [text for text in values if step.is_meant(json.loads(text[2:]))]


def remove_path(tree: JSON, steps: Sequence[Step]) -> JSON:
    """Return `tree` without what lies at `steps`; `tree` itself when there is nothing."""
    if not steps:
        return tree
    head, rest = steps[0], steps[1:]
    if isinstance(head, str) and isinstance(tree, dict):
        return _remove_field(tree, head, rest)
    if isinstance(tree, list):
        return _remove_items(tree, head, rest)
    return tree


def values_at(tree: JSON, steps: Sequence[Step]) -> list[tuple[tuple[str | int, ...], JSON]]:
    """Return the concrete places that `steps` reach in `tree`, with their values."""
    if not steps:
        return [((), tree)]
    found: list[tuple[tuple[str | int, ...], JSON]] = []
    for place, value in children_at(tree, steps[0]):
        found.extend(((place, *rest), inner) for rest, inner in values_at(value, steps[1:]))
    return found


@lru_cache(maxsize=1024)
def parse_pointer(pointer: str) -> Steps:
    """Return the steps of a JSON pointer (RFC 6901); digits are list indices where there is one."""
    parts = pointer.split("/")[1:]
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)


@lru_cache(maxsize=1024)
def find_jq_path(text: str) -> Steps | None:
    """Return the steps of a jq path expression, or None when it is more than a path."""
    steps: list[Step] = []
    position, text = 0, text.strip()
    while position < len(text):
        match = _JQ_TOKEN.match(text, position)
        if match is None or match.end() == position:
            return None
        position = match.end()
        try:
            step = _step_of(match)
        except ValueError:
            return None  # no text of JSON: jq's own `\(…)` inside
        if isinstance(step, Each) and step.wanted:
            if not steps or not isinstance(steps[-1], Each) or steps[-1].wanted:
                return None
            steps[-1] = step
        elif step is not None:
            steps.append(step)
    return tuple(steps) if steps else None


def _step_of(match: re.Match[str]) -> Step | None:
    """Return the step of a token, None for a token that is none.

    Raises:
        ValueError: a text in it is none of JSON.
    """
    groups = match.groupdict()
    if groups["wanted"]:
        return Each(tuple(_wanted(found) for found in _JQ_CONDITION.finditer(groups["wanted"])))
    if groups["name"]:
        return str(groups["name"])
    quoted = groups["bracketed"] or groups["quoted"]
    if quoted:
        return str(json.loads(quoted))
    if groups["index"]:
        return int(groups["index"])
    return Each() if groups["each"] else None


def _wanted(match: re.Match[str]) -> Wanted:
    field, default = match["field"].removeprefix("."), match["default"]
    if field.startswith("["):
        field = field[1:-1].strip()
    return Wanted(
        str(json.loads(field)) if field.startswith('"') else field,
        json.loads(match["value"]),
        json.loads(default) if default else None,
    )


def _applies(rule: IgnoreRule, manifest: Manifest) -> bool:
    return (
        matches_glob(rule.group, manifest.group)
        and matches_glob(rule.kind, manifest.kind)
        and rule.name in ("", manifest.name)
        and rule.namespace in ("", manifest.namespace)
    )


def _remove_field(tree: Tree, name: str, rest: Sequence[Step]) -> Tree:
    if name not in tree:
        return tree
    if not rest:
        return {key: value for key, value in tree.items() if key != name}
    inner = remove_path(tree[name], rest)
    return tree if inner is tree[name] else {**tree, name: inner}


def _remove_items(items: list[JSON], head: Step, rest: Sequence[Step]) -> list[JSON]:
    places = {place for place, _ in children_at(items, head)}
    if not places:
        return items
    if not rest:
        return [item for place, item in enumerate(items) if place not in places]
    changed = [
        remove_path(item, rest) if place in places else item for place, item in enumerate(items)
    ]
    same = all(one is other for one, other in zip(changed, items, strict=True))
    return items if same else changed


def children_at(tree: JSON, step: Step) -> list[tuple[str | int, JSON]]:
    """Return the places that one step leads to, with their values."""
    if isinstance(tree, dict):
        return [(step, tree[step])] if isinstance(step, str) and step in tree else []
    if not isinstance(tree, list):
        return []
    if isinstance(step, Each):
        return [(place, item) for place, item in enumerate(tree) if step.is_meant(item)]
    place = int(step) if isinstance(step, int) or step.isdigit() else -1
    return [(place, tree[place])] if 0 <= place < len(tree) else []
