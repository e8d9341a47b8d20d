"""Compare all objects of an Application with what git declares, with as few requests as possible.

1. verdict known for this target and this live version   nothing to do
2. the echo of this target is known                       compare, no request
3. everything declared is live by value                   equal, no request   (apply.md C3)
4. otherwise                                              one dry run, at most 8 at a time
"""

import asyncio
import logging

from holdfast.controller.objects import Objects
from holdfast.controller.packing import learned
from holdfast.controller.remembered import Target
from holdfast.controller.state import ObjectState
from holdfast.diffing.cold_start import declared_is_live, drops_live_fields
from holdfast.diffing.compare import (
    EQUAL,
    Comparison,
    FieldDifference,
    belongs_to,
)
from holdfast.diffing.echo import Echo, borrow, learn
from holdfast.diffing.ignore import without_ignored
from holdfast.diffing.strictness import compare_strictly
from holdfast.domain.errors import ClusterError
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.ports import ClusterReader, ClusterWriter
from holdfast.schema.field_path import field_path
from holdfast.schema.projection import differences, project

log = logging.getLogger(__name__)

_NOISE = frozenset(
    {"creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"}
)
_UNREACHABLE = frozenset({"HF2001", "HF2009", "HF2010"})
SOMEHOW = Comparison(differences=(FieldDifference(field_path("metadata"), None, None),))
"""Differs, but nobody can say where: the server refused the dry run, or may not be asked."""


class Comparing:
    """Judges objects."""

    def __init__(
        self,
        objects: Objects,
        reader: ClusterReader,
        writer: ClusterWriter,
        *,
        parallel: int,
        may_ask: bool,
    ) -> None:
        """Keep the ports.

        Args:
            objects: Keeps what is found.
            reader: For what was seen in a version that git does not declare.
            writer: For dry runs.
            parallel: Dry runs in flight.
            may_ask: False with `--observe`: no dry run is sent; what only a dry run could tell
                counts as different.
        """
        self._objects = objects
        self._reader = reader
        self._writer = writer
        self._limit = asyncio.Semaphore(parallel)
        self._may_ask = may_ask

    async def judge(self, states: list[ObjectState]) -> None:
        """Make `sync` true for every object that git declares and that is live.

        Raises:
            ClusterError: the API server cannot be asked at present.
        """
        for state in states:
            await self._see_as_declared(state)
        unclear = [state for state in states if not self._judge_locally(state)]
        if not unclear:
            return
        if not self._may_ask:
            for state in unclear:
                self._objects.judge(state, SOMEHOW)
            return
        try:
            async with asyncio.TaskGroup() as group:
                for state in unclear:
                    group.create_task(self._ask(state))
        except* ClusterError as group_error:
            raise group_error.exceptions[0] from None

    async def _see_as_declared(self, state: ObjectState) -> None:
        """Read an object in the version that git declares.

        Before git was read for the first time, a watch may have brought it in another: another
        Application declares the same kind so (apply.md A5).
        """
        target, seen = state.desired, state.live
        if target is None or seen is None or seen.gvk == target.gvk:
            return
        live = await self._reader.get(target.gvk, state.key.namespace, state.key.name)
        if live is not None and state.live is seen and state.desired is target:
            self._objects.saw(state, live)

    def _judge_locally(self, state: ObjectState) -> bool:
        target = state.desired
        if target is None or state.live is None or self._objects.is_judged(state):
            return True
        live = without_ignored(state.live.manifest, target.ignored)
        echo = state.find_echo(target)
        if echo is not None:
            found = compare_strictly(live, echo, target.ignored.managers, target.strictness)
            self._objects.judge(state, found)
            return True
        declared = without_ignored(target.manifest, target.ignored)
        before = state.echo.field_set if state.echo is not None else None
        if live.gvk == target.gvk and declared_is_live(declared, live, before):
            self._objects.found_equal(state, target, learned(live), is_live=True)
            self._objects.judge(state, EQUAL)
            return True
        return False

    async def _ask(self, state: ObjectState) -> None:
        target, seen = state.desired, state.live
        if target is None or seen is None:
            return
        live = without_ignored(seen.manifest, target.ignored)
        # All of it: without an ignored field that is ours the answer would be a reset (A4).
        declared = target.manifest
        async with self._limit:
            try:
                answer = await self._writer.dry_run(declared)
            except ClusterError as error:
                if error.code in _UNREACHABLE:
                    raise
                log.info("dry run refused object=%s code=%s %s", state.key, error.code, error)
                self._objects.judge(state, SOMEHOW)
                return
        if state.desired is not target or state.live is None or state.live.uid != seen.uid:
            return  # another object or another commit: the next look judges it
        if state.live is seen:
            self._conclude(state, target, live, answer)
        elif not self._judge_locally(state):
            # Somebody writes it all the time: better a verdict on what was seen than none ever.
            self._conclude(state, target, live, answer)
            state.is_unjudged = True

    def _conclude(
        self, state: ObjectState, target: Target, live: Manifest, answer: Manifest
    ) -> None:
        answer = without_ignored(answer, target.ignored)
        before = state.echo.field_set if state.echo is not None else None
        dropped = before is not None and drops_live_fields(target.manifest, live, before)
        if _substance(answer) == _substance(live) and not dropped:
            self._objects.found_equal(state, target, borrow(answer, live), is_live=False)
            self._objects.judge(state, EQUAL)
            return
        echo = learn(answer)
        rows: tuple[FieldDifference, ...] = ()
        if echo is not None:
            found = differences(echo.projection, project(live.tree, echo.field_set))
            rows = tuple(
                FieldDifference(path, desired, value)
                for path, desired, value in found
                if not belongs_to(target.ignored.managers, live, path)
            )
            if found and not rows and not dropped and not _drops(live, echo):
                self._objects.found_equal(state, target, borrow(answer, live), is_live=False)
                self._objects.judge(state, EQUAL)
                return
        self._objects.judge(state, Comparison(differences=rows) if rows else SOMEHOW)


def _drops(live: Manifest, would_be: Echo) -> bool:
    """Whether our entry in live holds a path that an apply would drop."""
    own = learn(live)
    return own is not None and bool(own.field_set - would_be.field_set)


def _substance(manifest: Manifest) -> Tree:
    tree = {key: value for key, value in manifest.tree.items() if key != "status"}
    tree["metadata"] = {k: v for k, v in manifest.metadata.items() if k not in _NOISE}
    return tree
