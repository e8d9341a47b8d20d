"""Keeps count of who undoes us, for the heal lane (the rules: `healing.fights`)."""

from collections.abc import Collection
from dataclasses import dataclass

from holdfast.controller.state import NO_PATHS, ObjectState
from holdfast.diffing.compare import Comparison, FieldDifference, owners_of
from holdfast.diffing.ignore import without_ignored
from holdfast.domain.manifest import Manifest
from holdfast.domain.ports import Clock
from holdfast.healing.fights import Fight, describe, fights, note_heal, note_undos
from holdfast.healing.memory import HealPolicy
from holdfast.schema.field_path import Path
from holdfast.schema.field_set import FieldSet
from holdfast.schema.projection import MISSING, project


@dataclass(frozen=True, slots=True)
class Split:
    """A drift, divided into what may be healed and what backs off.

    Attributes:
        held: Rows whose field is fought over and backs off; a heal carries their live value.
        is_all: Whether nothing else differs.
        until_s: When the first of them may be put back.
    """

    held: tuple[FieldDifference, ...] = ()
    is_all: bool = False
    until_s: float = 0.0


WHOLE = Split()


class Fights:
    """Counts undos and says which fields back off."""

    def __init__(self, clock: Clock, policy: HealPolicy) -> None:
        """Keep the clock."""
        self._clock = clock
        self._policy = policy

    def note(self, state: ObjectState, live: Manifest, comparison: Comparison | None) -> bool:
        """Take note of what differs now; True when a fight has just become one.

        Only what did not differ when the object was last seen is a new undo: an object that is
        held keeps differing, and nobody undoes anybody.
        """
        rows = comparison.differences if comparison is not None else ()
        before = state.differing
        state.differing = frozenset(row.path for row in rows) or NO_PATHS
        if not rows:
            return False
        changes = [
            (row.path, manager)
            for row in rows
            if row.path not in before and row.live is not MISSING
            for manager in owners_of(live, row.path)[:1]
        ]
        if not changes:
            return False
        known = {undo for undo in state.undos if undo.is_named}
        state.undos = note_undos(state.undos, changes, self._clock.monotonic())
        named = {(undo.path, undo.manager) for undo in state.undos if undo.is_named}
        return not named <= {(undo.path, undo.manager) for undo in known}

    def split(self, state: ObjectState, comparison: Comparison | None) -> Split:
        """Divide a drift into what may be healed now and what backs off."""
        if not state.undos or comparison is None or not comparison.differences:
            return WHOLE
        now_s = self._clock.monotonic()
        until = {
            fight.path: fight.until_s
            for fight in fights(state.undos, self._policy, now_s)
            if fight.until_s > now_s
        }
        held = tuple(row for row in comparison.differences if row.path in until)
        if not held:
            return WHOLE
        return Split(
            held=held,
            is_all=len(held) == len(comparison.differences),
            until_s=min(until[row.path] for row in held),
        )

    def healed(
        self, state: ObjectState, comparison: Comparison | None, held: frozenset[Path]
    ) -> None:
        """Take note of a heal: the pace of each field counts its own heals."""
        if state.undos and comparison is not None:
            paths = {row.path for row in comparison.differences} - held
            now_s = self._clock.monotonic()
            state.undos = note_heal(state.undos, paths, self._policy, now_s)

    def is_only_fought(self, state: ObjectState, comparison: Comparison | None) -> bool:
        """Whether all that was healed is fought over: its pace is the fight's, not the object's."""
        named = {undo.path for undo in state.undos if undo.is_named}
        rows = comparison.differences if comparison is not None else ()
        return bool(rows) and all(row.path in named for row in rows)

    def going_on(self, state: ObjectState) -> tuple[Fight, ...]:
        """Return the fights over an object."""
        if not state.undos:
            return ()
        found = fights(state.undos, self._policy, self._clock.monotonic())
        return tuple(fight for fight in found if not _is_conceded(state, fight)) if found else ()

    def describe(self, state: ObjectState, paths: Collection[Path] | None = None) -> list[str]:
        """Return a sentence for each manager that fights over an object, or these fields of it."""
        found = self.going_on(state)
        if paths is not None:
            found = tuple(fight for fight in found if fight.path in paths)
        if not found or state.live is None:
            return []
        live, now_s = state.live.manifest, self._clock.monotonic()
        return [
            describe(state.key, [f for f in found if f.manager == manager], live, now_s)
            for manager in dict.fromkeys(fight.manager for fight in found)
        ]


def _is_conceded(state: ObjectState, fight: Fight) -> bool:
    """Whether an ignore rule lets the other manager have the field by now."""
    target = state.desired or state.applied
    if target is None or state.live is None:
        return False
    if fight.manager in target.ignored.managers:
        return True
    live, fields = state.live.manifest, FieldSet.of(fight.path)
    seen = without_ignored(live, target.ignored)
    return project(live.tree, fields).is_complete and not project(seen.tree, fields).is_complete
