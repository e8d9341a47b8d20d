"""What differs between an Application's last sync and the cluster, for a person who asks.

Only objects that git declares; for each, the fields that a heal would put back and those that a
person added. What must stay as it is comes back as a refusal with its reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holdfast.adopting.changes import (
    added_by_people,
    find_changes,
    last_written,
    without_defaults,
)
from holdfast.adopting.edit_tree import Change, value_at, with_changes
from holdfast.adopting.patches import build_strategic
from holdfast.controller.requests.managed import ManagedObjects
from holdfast.diffing.compare import owners_of
from holdfast.diffing.ignore import IgnoredPaths, ignored_paths, without_ignored
from holdfast.domain.adoption import Declared, Refusal
from holdfast.domain.application import Application
from holdfast.domain.errors import ClusterError
from holdfast.domain.hooks import is_hook
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.ports import ClusterWriter
from holdfast.planning.times import find_time
from holdfast.schema.defaults import with_defaults
from holdfast.schema.projection import MISSING
from holdfast.schema.types import find_type

MASK = "++++++++"


@dataclass(frozen=True, slots=True)
class Drifted:
    """An object with what can be taken into git."""

    declared: Declared
    live: Manifest
    changes: tuple[Change, ...]

    @property
    def key(self) -> ResourceKey:
        """Which object."""
        return self.declared.target.key


@dataclass(frozen=True, slots=True)
class Moved:
    """What git said of some objects at the last sync, and where it has gone since.

    Attributes:
        before: Targets as they were; an object that is new in git has none.
        keys: The objects that git has changed.
        revisions: From and to, for people.
        date: When the later one was committed, RFC 3339.
    """

    before: Mapping[ResourceKey, Manifest]
    keys: frozenset[ResourceKey]
    revisions: str
    date: str


@dataclass(frozen=True, slots=True)
class DriftFinder:
    """Compares declared objects with live ones, by the server's own prediction of a heal."""

    writer: ClusterWriter
    managed: ManagedObjects

    async def find(
        self, app: Application, declared: Declared, moved: Moved | None
    ) -> tuple[Drifted | None, list[Refusal]]:
        """Return what can be adopted of one object, and what cannot.

        Args:
            app: The Application, for its ignore rules.
            declared: The object.
            moved: How git has moved since the last sync, if it has.
        """
        target = declared.target
        if is_hook(target) or not target.name:
            return None, []
        live = await self.managed.find_live(target.key, target.gvk)
        if live is None:
            reason = "it was deleted; whoever wants that removes it from git by hand"
            return None, [Refusal(target.key, (), reason, {})]
        try:
            predicted = await self.writer.dry_run(target)
        except ClusterError as error:
            reason = f"the cluster refuses what git declares ({error.code}: {error.message})"
            return None, [refuse(target, (), reason)]
        changes = find_changes(target, live, predicted)
        changes = _without_defaults(target, changes)
        changes, ignored = _split_ignored(app, target, live, changes)
        refused = []
        if ignored:
            refused.append(refuse(target, ignored, "`ignoreDifferences` leaves these fields alone"))
        if changes and _is_secret(target):
            reason = "it is a Secret; values of Secrets are never written into git"
            return None, [*refused, refuse(target, changes, reason)]
        changes, older = _split_moved(target, live, changes, moved)
        if older and moved is not None:
            reason = (
                f"git has changed it since the last sync ({moved.revisions}), later than somebody"
                " did in the cluster: sync that first"
            )
            refused.append(refuse(target, older, reason))
        return (Drifted(declared, live, changes) if changes else None), refused

    async def left(self, app: Application, target: Manifest, live: Manifest) -> tuple[Change, ...]:
        """Return what would still differ if git declared `target`."""
        predicted = await self.writer.dry_run(target)
        changes = _without_defaults(target, find_changes(target, live, predicted))
        return _split_ignored(app, target, live, changes)[0]


def refuse_unrendered(live: Manifest, reason: str) -> Refusal | None:
    """Return the refusal for an object whose source cannot be rendered here, by what is live."""
    rows = added_by_people(live)
    changes = [Change(path, MISSING, value) for path, value in rows]
    return refuse(live, changes, reason) if changes else None


def refuse(manifest: Manifest, changes: Sequence[Change], reason: str) -> Refusal:
    """Return a refusal, with the change as a patch for a person to use."""
    places = tuple(change.place for change in changes)
    shown = list(changes)
    if _is_secret(manifest):
        shown = [Change(c.path, c.before, c.after if c.after is MISSING else MASK) for c in changes]
    patch: Tree = {}
    if shown:
        patch = build_strategic(manifest, shown, merges_lists=True) or {}
    return Refusal(manifest.key, places, reason, patch)


def _split_moved(
    target: Manifest, live: Manifest, changes: tuple[Change, ...], moved: Moved | None
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """Return the changes that are drift, and those that git has overtaken.

    A field that git did not touch has drifted. One that is still what git said before is no
    drift: the cluster is behind git. Else the later of the two has the say.
    """
    if moved is None or target.key not in moved.keys:
        return changes, ()
    known = moved.before.get(target.key)
    before = known.tree if known is not None else {}
    drift: list[Change] = []
    older: list[Change] = []
    for change in changes:
        then, now = value_at(before, change.path), value_at(target.tree, change.path)
        if then == now:
            drift.append(change)
        elif change.after != then:
            written = find_time(last_written(live, change.path))
            committed = find_time(moved.date)
            is_later = written is not None and committed is not None and written >= committed
            (drift if is_later else older).append(change)
    return tuple(drift), tuple(older)


def _is_secret(manifest: Manifest) -> bool:
    return manifest.kind == "Secret" and manifest.group == ""


def _without_defaults(target: Manifest, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    kind = find_type(target.gvk)
    if kind is None or not changes:
        return changes
    return without_defaults(target, changes, lambda tree: with_defaults(tree, kind))


def _split_ignored(
    app: Application, target: Manifest, live: Manifest, changes: tuple[Change, ...]
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """Return the changes that count and those that an ignore rule leaves out."""
    ignored = ignored_paths(target, app.ignore_rules)
    if not ignored:
        return changes, ()
    out = tuple(change for change in changes if _is_ignored(change, ignored, target, live))
    return tuple(change for change in changes if change not in out), out


def _is_ignored(change: Change, ignored: IgnoredPaths, target: Manifest, live: Manifest) -> bool:
    if ignored.managers and set(owners_of(live, change.path)) & set(ignored.managers):
        return True
    # A rule covers the change when, without what it covers, both sides say the same there.
    one = without_ignored(target, ignored)
    other = without_ignored(Manifest(with_changes(target.tree, [change])), ignored)
    return bool(value_at(one.tree, change.path) == value_at(other.tree, change.path))
