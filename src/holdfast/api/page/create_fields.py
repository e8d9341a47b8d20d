"""The fields of the forms: what each reads out of an Application, and how it writes it back.

A form never rewrites an Application: a field whose text is what was read leaves the tree alone, so
that whatever a person wrote as YAML, and no field shows, stays as it is. Where the tree holds what
a field cannot show, the field is locked (`read` gives None) and only YAML can change it.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from holdfast.api.page.create_codecs import (
    COUNTS,
    LINES,
    ON,
    PAIRS,
    SWITCH,
    TEXT,
    YAML_LIST,
    Codec,
    FieldError,
)
from holdfast.domain.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER, RESOURCES_FINALIZER
from holdfast.domain.manifest import JSON, Tree

_SERVER, _NAME = "server:", "name:"
IN_CLUSTER = f"{_SERVER}{IN_CLUSTER_SERVER}"


class FormField(Protocol):
    """One field of a form.

    Attributes:
        name: In the form.
        place: Where in the tree it is, for errors that name a place.
    """

    @property
    def name(self) -> str:
        """Of the field."""
        ...

    @property
    def place(self) -> tuple[str, ...]:
        """Of its value."""
        ...

    def read(self, tree: Tree) -> str | None:
        """Return its text; None when the tree holds what it cannot show."""
        ...

    def write(self, tree: Tree, typed: str) -> None:
        """Put a text into a tree.

        Raises:
            FieldError: it cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Field:
    """A field that is one place of the tree."""

    name: str
    place: tuple[str, ...]
    codec: Codec

    def read(self, tree: Tree) -> str | None:
        """Return its text."""
        node: JSON = tree
        for part in self.place[:-1]:
            node = node.get(part)
            if node is None:
                return ""
            if not isinstance(node, dict):
                return None
        value = node.get(self.place[-1])
        return "" if value is None else self.codec.show(value)

    def write(self, tree: Tree, typed: str) -> None:
        """Put a text into a tree; an empty one removes the place, and blocks left empty."""
        put(tree, self.place, self.codec.parse(typed.strip()) if typed.strip() else None)


def put(tree: Tree, place: Sequence[str], value: JSON) -> None:
    """Set a place of a tree, or remove it (None) with the blocks that it leaves empty."""
    if value is not None:
        for part in place[:-1]:
            if tree.get(part) is None:
                tree[part] = {}
            tree = tree[part]
        tree[place[-1]] = value
        return
    above = []
    for part in place[:-1]:
        above.append((tree, part))
        tree = tree.get(part) or {}
    tree.pop(place[-1], None)
    for parent, part in reversed(above):
        if parent.get(part) == {} and part not in _KEPT:
            del parent[part]


def _below(tree: Tree, *path: str) -> Tree | None:
    """Return a block of a tree, `{}` where there is none, None where something else stands."""
    for part in path:
        found = tree.get(part)
        if found is None:
            return {}
        if not isinstance(found, dict):
            return None
        tree = found
    return tree


_KEPT = frozenset({"metadata", "spec", "source", "destination"})


@dataclass(frozen=True, slots=True)
class AutomatedField:
    """`syncPolicy.automated`: on unless absent or `enabled: false`; turned off its rest stays."""

    name: str = "automated"
    place: tuple[str, ...] = ("spec", "syncPolicy", "automated")

    def read(self, tree: Tree) -> str | None:
        """Return `on` or `""`."""
        policy = _below(tree, "spec", "syncPolicy")
        found = _below(tree, *self.place)
        if policy is None or found is None:
            return None
        is_absent = policy.get("automated") is None
        return "" if is_absent or found.get("enabled") is False else ON

    def write(self, tree: Tree, typed: str) -> None:
        """Turn it."""
        found = _below(tree, *self.place) or {}
        rest = {name: value for name, value in found.items() if name != "enabled"}
        if typed:
            put(tree, self.place, rest)
        else:
            put(tree, self.place, {**rest, "enabled": False} if rest else None)


@dataclass(frozen=True, slots=True)
class PolicySwitch:
    """Prune or self-heal: kept while automatic sync is off, where they have no effect."""

    name: str
    key: str

    @property
    def place(self) -> tuple[str, ...]:
        """Where it is."""
        return ("spec", "syncPolicy", "automated", self.key)

    def read(self, tree: Tree) -> str | None:
        """Return `on` or `""`."""
        return Field(self.name, self.place, SWITCH).read(tree)

    def write(self, tree: Tree, typed: str) -> None:
        """Turn it; while automatic sync is absent the block says that it is off."""
        if typed and not AutomatedField().read(tree):
            put(tree, (*self.place[:-1], "enabled"), False)
        put(tree, self.place, bool(typed))


@dataclass(frozen=True, slots=True)
class OptionField:
    """One of `syncPolicy.syncOptions`; the others stay, in their order."""

    option: str
    label: str = field(compare=False, default="")
    words: str = field(compare=False, default="")
    place: tuple[str, ...] = ("spec", "syncPolicy", "syncOptions")

    @property
    def name(self) -> str:
        """In the form."""
        return f"option-{self.option.partition('=')[0]}"

    def read(self, tree: Tree) -> str | None:
        """Return `on` or `""`."""
        policy = _below(tree, "spec", "syncPolicy")
        found = [] if policy is None else policy.get("syncOptions")
        if policy is None or not isinstance(found, list | None):
            return None
        return ON if self.option in (found or ()) else ""

    def write(self, tree: Tree, typed: str) -> None:
        """Add or remove it, and whatever else is said of the same option."""
        found = (_below(tree, "spec", "syncPolicy") or {}).get("syncOptions") or []
        option = self.option.partition("=")[0]
        rest = [item for item in found if str(item).partition("=")[0] != option]
        put(tree, self.place, ([*rest, self.option] if typed else rest) or None)


@dataclass(frozen=True, slots=True)
class DestinationField:
    """`destination.server` or `.name`, as `server:URL` or `name:NAME`."""

    name: str = "cluster"
    place: tuple[str, ...] = ("spec", "destination", "server")

    def read(self, tree: Tree) -> str | None:
        """Return the choice."""
        found = _below(tree, "spec", "destination")
        if found is None:
            return None
        server, name = found.get("server") or "", found.get("name") or ""
        if (server and name) or not isinstance(server, str) or not isinstance(name, str):
            return None
        if name == IN_CLUSTER_NAME or server.rstrip("/") == IN_CLUSTER_SERVER:
            return IN_CLUSTER
        return f"{_NAME}{name}" if name else f"{_SERVER}{server}" if server else ""

    def write(self, tree: Tree, typed: str) -> None:
        """Put one of the two in the place of both."""
        spec = ("spec", "destination")
        is_name = typed.startswith(_NAME)
        value = typed.removeprefix(_NAME if is_name else _SERVER)
        put(tree, (*spec, "name"), value if is_name and value else None)
        put(tree, (*spec, "server"), value if not is_name and value else None)


@dataclass(frozen=True, slots=True)
class CascadeField:
    """The finalizer that deletes the objects with the Application."""

    name: str = "cascade"
    place: tuple[str, ...] = ("metadata", "finalizers")

    def read(self, tree: Tree) -> str | None:
        """Return `on` or `""`."""
        found = (_below(tree, "metadata") or {}).get("finalizers")
        if found is None:
            return ""
        if not isinstance(found, list):
            return None
        return ON if any(_is_ours(item) for item in found) else ""

    def write(self, tree: Tree, typed: str) -> None:
        """Add or remove it; finalizers of others stay."""
        found = (_below(tree, "metadata") or {}).get("finalizers") or []
        rest = [item for item in found if not _is_ours(item)]
        put(tree, self.place, ([*rest, RESOURCES_FINALIZER] if typed else rest) or None)


def _is_ours(finalizer: JSON) -> bool:
    return isinstance(finalizer, str) and finalizer.partition("/")[0] == RESOURCES_FINALIZER


OPTIONS = (
    OptionField("CreateNamespace=true", "Create the namespace", "when it is not there"),
    OptionField("PruneLast=true", "Prune last", "after everything else is healthy"),
    OptionField("ApplyOutOfSyncOnly=true", "Only what differs", "objects in sync stay untouched"),
    OptionField("RespectIgnoreDifferences=true", "Keep ignored fields", "as the cluster has them"),
    OptionField("FailOnSharedResource=true", "Fail on shared objects",
                "that another application has"),
    OptionField("Validate=false", "Skip validation", "let the server drop what it does not know"),
)  # fmt: skip

KUSTOMIZE: tuple[Field, ...] = (
    Field("prefix", ("kustomize", "namePrefix"), TEXT),
    Field("suffix", ("kustomize", "nameSuffix"), TEXT),
    Field("images", ("kustomize", "images"), LINES),
    Field("replicas", ("kustomize", "replicas"), COUNTS),
    Field("labels", ("kustomize", "commonLabels"), PAIRS),
    Field("annotations", ("kustomize", "commonAnnotations"), PAIRS),
    Field("knamespace", ("kustomize", "namespace"), TEXT),
    Field("patches", ("kustomize", "patches"), YAML_LIST),
)
DIRECTORY: tuple[Field, ...] = (
    Field("recurse", ("directory", "recurse"), SWITCH),
    Field("include", ("directory", "include"), TEXT),
    Field("exclude", ("directory", "exclude"), TEXT),
)
_PLACE = (
    Field("repo", ("repoURL",), TEXT),
    Field("revision", ("targetRevision",), TEXT),
    Field("path", ("path",), TEXT),
)
PARAMETERS: tuple[FormField, ...] = (*KUSTOMIZE, *DIRECTORY)
"""Of one source: the tree is the source."""

SOURCE: tuple[FormField, ...] = tuple(
    Field(one.name, ("spec", "source", *one.place), one.codec)
    for one in (*_PLACE, *KUSTOMIZE, *DIRECTORY)
)
"""Of an Application with one source."""

REST: tuple[FormField, ...] = (
    Field("name", ("metadata", "name"), TEXT),
    Field("project", ("spec", "project"), TEXT),
    CascadeField(),
    DestinationField(),
    Field("namespace", ("spec", "destination", "namespace"), TEXT),
    AutomatedField(),
    PolicySwitch("prune", "prune"),
    PolicySwitch("selfheal", "selfHeal"),
    *OPTIONS,
)
"""Of every Application."""


def read_all(fields: Sequence[FormField], tree: Tree) -> tuple[dict[str, str], frozenset[str]]:
    """Return the texts of fields, and which of them are locked."""
    found = {one.name: one.read(tree) for one in fields}
    locked = frozenset(name for name, value in found.items() if value is None)
    return {name: value or "" for name, value in found.items()}, locked


def overlay(
    fields: Sequence[FormField], tree: Tree, typed: dict[str, str]
) -> tuple[Tree, dict[str, str]]:
    """Return a tree with what was typed in it, and what could not be read, by field.

    Args:
        fields: Which fields the form has.
        tree: What they were filled from; it is left as it is.
        typed: Texts by field; a field that is missing was not in the form.
    """
    changed, wrong = copy.deepcopy(tree), {}
    for one in fields:
        before = one.read(tree)
        if one.name not in typed or before is None or typed[one.name] == before:
            continue
        try:
            one.write(changed, typed[one.name])
        except FieldError as error:
            wrong[one.name] = str(error)
    return changed, wrong


def field_at(fields: Sequence[FormField], place: str) -> str:
    """Return the field that a place such as `spec.source.path` belongs to, `""` for none."""
    best, length = "", 0
    for one in fields:
        own = ".".join(one.place)
        is_near = place == own or place.startswith((f"{own}.", f"{own}["))
        if is_near and len(own) > length:
            best, length = one.name, len(own)
    return best
