"""A tree with changes made: what a file, or an object, should say."""

from collections.abc import Iterable
from dataclasses import dataclass

from holdfast.domain.manifest import JSON, Tree
from holdfast.schema.field_path import (
    KEY_DEFAULTS,
    FieldName,
    ListKey,
    Path,
    PathElement,
    SetValue,
    find_position,
    human_form,
)
from holdfast.schema.projection import MISSING


@dataclass(frozen=True, slots=True)
class Change:
    """A field and what it is in the cluster.

    Attributes:
        path: Where.
        before: What git makes of it, `MISSING` when it declares nothing.
        after: The live value, `MISSING` when the field is gone.
    """

    path: Path
    before: JSON
    after: JSON

    @property
    def place(self) -> str:
        """The path for people."""
        return human_form(self.path)


def value_at(tree: JSON, path: Path) -> JSON:
    """Return what stands at a path, `MISSING` when nothing does."""
    here = tree
    for element in path:
        if isinstance(element, FieldName):
            if not isinstance(here, dict) or element.name not in here:
                return MISSING
            here = here[element.name]
            continue
        place = find_position(here, element) if isinstance(here, list) else None
        if place is None:
            return MISSING
        here = here[place]
    return here


def with_changes(tree: Tree, changes: Iterable[Change]) -> Tree:
    """Return a tree with the live values in it; the given tree stays as it is."""
    result: JSON = tree
    for change in changes:
        result = with_value(result, change.path, change.after)
    made: Tree = result if isinstance(result, dict) else tree
    return made


def with_value(tree: JSON, path: Path, value: JSON) -> JSON:
    """Return a tree with a value at a path; `MISSING` takes it away, and what it leaves empty."""
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(head, FieldName):
        return _with_field(tree if isinstance(tree, dict) else {}, head.name, rest, value)
    return _with_item(tree if isinstance(tree, list) else [], head, rest, value)


def _with_field(tree: Tree, name: str, rest: Path, value: JSON) -> Tree:
    if value is MISSING and name not in tree:
        return tree
    inner = value if not rest else with_value(tree.get(name), rest, value)
    if value is MISSING and (not rest or inner in ({}, []) or inner is None):
        return {key: kept for key, kept in tree.items() if key != name}
    return {**tree, name: inner}


def _with_item(items: list[JSON], element: PathElement, rest: Path, value: JSON) -> list[JSON]:
    place = find_position(items, element)
    if value is MISSING and place is None:
        return items
    if value is MISSING and not rest:
        return items[:place] + items[(place or 0) + 1 :] if place is not None else items
    if place is not None:
        changed = with_value(items[place], rest, value) if rest else value
        return [changed if number == place else item for number, item in enumerate(items)]
    return [*items, with_value(_new_item(element), rest, value) if rest else value]


def _new_item(element: PathElement) -> JSON:
    match element:
        case ListKey(fields):
            return {name: given for name, given in fields if KEY_DEFAULTS.get(name) != given}
        case SetValue(given):
            return given
        case _:
            return {}
