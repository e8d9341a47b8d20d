"""What to send where ignore rules hold, so that leaving a field out never resets it (apply.md A4).

An apply removes what its manager owned and sends no more: a Deployment whose `replicas` we own
falls to one when an ignore rule makes us leave them out. So an ignored field

    is not ours in the live object       is left out: whoever owns it keeps it
    is ours, or inside an atomic value   is sent as it is live, with the live resourceVersion

A field that another manager changes is not ours any more from then on, and left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from holdfast.diffing.ignore import IgnoredPaths, Steps, children_at
from holdfast.domain.managers import HOLDFAST
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.schema.field_path import FieldName, Path, decode_element, find_position
from holdfast.schema.field_set import FieldSet
from holdfast.schema.projection import leaf_paths, owned_entry


@dataclass(frozen=True, slots=True)
class Kept:
    """What to send.

    Attributes:
        manifest: The declared object with the ignored fields left out or as they are live.
        has_live_values: Whether live values are in it: then it must not be sent to an object that
            has moved on since.
    """

    manifest: Manifest
    has_live_values: bool = False


def keep_ignored(declared: Manifest, live: Manifest, ignored: IgnoredPaths) -> Kept:
    """Return what to apply to `live`."""
    if not ignored:
        return Kept(declared)
    entry = owned_entry(live.tree, HOLDFAST, api_version=live.api_version)
    ours = FieldSet.parse((entry or {}).get("fieldsV1") or {})
    anybody = ours
    for other in live.managed_fields:
        if other.get("apiVersion") == live.api_version:
            anybody = anybody | FieldSet.parse(other.get("fieldsV1") or {})
    tree: JSON = declared.tree
    grafting = _Grafting()
    for steps in ignored.paths:
        grafted = grafting.graft(tree, live.tree, _Owners(ours, anybody), steps)
        tree = tree if grafted is _LEFT_OUT else grafted
    for manager in ignored.managers:
        for path in leaf_paths(fields_of_manager(live, manager)):
            tree = without_path(tree, path)
    if tree is declared.tree or not isinstance(tree, dict):
        return Kept(declared)
    return Kept(Manifest(tree), grafting.has_taken)


def fields_of_manager(live: Manifest, manager: str) -> FieldSet:
    """Return what a manager owns in an object, whatever its operation; status aside."""
    found = FieldSet({})
    for entry in live.managed_fields:
        if entry.get("manager") == manager and entry.get("subresource") != "status":
            found = found | FieldSet.parse(entry.get("fieldsV1") or {})
    return found


@dataclass(frozen=True, slots=True)
class _Owners:
    """The nodes of one place in our field set and in everybody's; None where they own nothing."""

    ours: FieldSet | None
    anybody: FieldSet | None
    is_atomic: bool = False

    @property
    def must_send(self) -> bool:
        return self.is_atomic or self.ours is not None

    def below(self, name: str) -> "_Owners":
        return self._at(lambda node: node.children.get(f"f:{name}"))

    def item(self, value: JSON) -> "_Owners":
        return self._at(lambda node: _find_item(node, value))

    def _at(self, find: Callable[[FieldSet], FieldSet | None]) -> "_Owners":
        # A leaf with steps still to go is one value for the server.
        is_leaf = self.anybody is not None and not self.anybody.children
        if self.is_atomic or is_leaf:
            return _Owners(None, None, is_atomic=True)
        return _Owners(
            find(self.ours) if self.ours is not None else None,
            find(self.anybody) if self.anybody is not None else None,
        )


class _Grafting:
    """Puts live values into a declared tree, or leaves places out of it."""

    def __init__(self) -> None:
        self.has_taken = False

    def graft(self, declared: JSON, live: JSON, owners: _Owners, steps: Steps) -> JSON:
        """Return `declared` with what lies at `steps` as it is live, or left out."""
        if not steps:
            if not owners.must_send or live is _LEFT_OUT:
                return _LEFT_OUT
            self.has_taken = True
            return live
        if live is _LEFT_OUT:
            return declared  # what it lies in is new: only git knows the value
        if isinstance(declared, dict) and isinstance(steps[0], str):
            return self._graft_field(declared, live, owners, steps)
        if isinstance(declared, list):
            return self._graft_items(declared, live, owners, steps)
        return declared

    def _graft_field(self, declared: Tree, live: JSON, owners: _Owners, steps: Steps) -> JSON:
        name = str(steps[0])
        if name not in declared:
            return declared
        inside = live.get(name, _LEFT_OUT) if isinstance(live, dict) else _LEFT_OUT
        value = self.graft(declared[name], inside, owners.below(name), steps[1:])
        if value is _LEFT_OUT:
            return {key: kept for key, kept in declared.items() if key != name}
        return declared if value is declared[name] else {**declared, name: value}

    def _graft_items(self, declared: list[JSON], live: JSON, owners: _Owners, steps: Steps) -> JSON:
        chosen = {place for place, _ in children_at(declared, steps[0])}
        result = []
        for place, item in enumerate(declared):
            if place not in chosen:
                result.append(item)
                continue
            inside = _counterpart(item, place, live, owners.anybody)
            value = self.graft(item, inside, owners.item(item), steps[1:])
            if value is not _LEFT_OUT:
                result.append(value)
        return result


class _LeftOut:
    """Stands for a place that is left out, or that is not live."""


_LEFT_OUT: Final = _LeftOut()


def _find_item(node: FieldSet, value: JSON) -> FieldSet | None:
    for text, child in node.children.items():
        if text[:2] in ("k:", "v:") and find_position([value], decode_element(text)) == 0:
            return child
    return None


def _counterpart(item: JSON, place: int, live: JSON, anybody: FieldSet | None) -> JSON:
    """Return the live item that a declared item stands for."""
    if not isinstance(live, list):
        return _LEFT_OUT
    for text in anybody.children if anybody is not None else ():
        element = decode_element(text)
        if text[:2] == "k:" and find_position([item], element) == 0:
            at = find_position(live, element)
            return _LEFT_OUT if at is None else live[at]
    return live[place] if place < len(live) else _LEFT_OUT


def without_path(tree: JSON, path: Path) -> JSON:
    """Return the tree without one path of managedFields; list items stay, only fields go."""
    head, rest = path[0], path[1:]
    if isinstance(head, FieldName):
        if not isinstance(tree, dict) or head.name not in tree:
            return tree
        if not rest:
            return {key: value for key, value in tree.items() if key != head.name}
        inner = without_path(tree[head.name], rest)
        return tree if inner is tree[head.name] else {**tree, head.name: inner}
    if not isinstance(tree, list) or not rest:
        return tree
    place = find_position(tree, head)
    if place is None:
        return tree
    inner = without_path(tree[place], rest)
    return [inner if at == place else item for at, item in enumerate(tree)]
