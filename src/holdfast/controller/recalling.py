"""After a start: learn what had been applied, so that drift in the gap is healed (DESIGN §4.3).

The truth of the heal lane lives in the process. After a start it comes from the last sync that
succeeded as a whole: from the file of hints at once, else by rendering that revision again. Never
in the middle of an operation, and never what a later operation has touched: it would bring an
older revision back.
"""

import logging
from dataclasses import dataclass

from holdfast.controller.desired import DesiredStates, Wanted
from holdfast.controller.heal_lane import HealLane, note_drift
from holdfast.controller.hints import Hints, Known
from holdfast.controller.run_state import restore_run
from holdfast.controller.state import AppState, Desired, Registry
from holdfast.controller.watches import Watches
from holdfast.domain.application import Application
from holdfast.domain.errors import ClusterError, HoldfastError
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.operation import Operation, Phase
from holdfast.domain.ports import Clock
from holdfast.domain.source import Source

log = logging.getLogger(__name__)

_TOGETHER = 10  # Applications whose hints are unpacked before others may run


@dataclass(frozen=True, slots=True)
class Recalling:
    """Brings back what was known before a start."""

    registry: Registry
    desired: DesiredStates
    watches: Watches
    lane: HealLane
    clock: Clock
    hints: Hints

    async def begin(self) -> None:
        """Heal what the file of hints knows, before git is read."""
        await self.hints.load()
        try:
            count = await self._at_start()
        except ClusterError as error:
            log.warning("git is read before anything is healed code=%s %s", error.code, error)
        else:
            if count:
                log.info("known from the last run objects=%d", count)
        finally:
            self.hints.close()

    async def _at_start(self) -> int:
        known: list[tuple[AppState, Known]] = []
        for place, state in enumerate(list(self.registry.apps.values())):
            if place % _TOGETHER == 0:
                await self.clock.sleep(0)
            app = state.application
            synced = self._last_synced(state) if app.self_heals else None
            if synced is None:
                continue
            hint = self.hints.find(state, synced)
            if hint is not None and hint.targets:
                known.append((state, hint))
        kinds = {(t.gvk, key.namespace) for _, hint in known for key, t in hint.targets.items()}
        await self.watches.ensure_kinds(kinds)
        count = 0
        for state, hint in known:
            synced = self._last_synced(state)
            if synced is None or state.is_loaded or state.key not in self.registry.apps:
                continue  # something has begun while the kinds were listed
            count += self._take(state, synced.revisions, hint)
            await self.clock.sleep(0)
        return count

    async def recall(self, state: AppState) -> None:
        """Learn from the last successful sync what had been applied, once for each Application.

        Only for objects of which nothing else is known. Without self-heal it only tells drift from
        what git has changed since; where that revision cannot be read any more, what differs
        counts as behind git.
        """
        app = state.application
        if state.is_loaded or state.desired is None:
            return
        if restore_run(app, self.clock.now()) is not None:
            return  # the round after its end recalls
        synced = last_synced(app)
        if synced is None:
            state.is_loaded = True
            return
        desired = state.desired
        if synced.revisions != desired.revisions or synced.sources != app.sources:
            before = await self._load(state, synced)
            if before is None:
                return
            desired = before
            await self.watches.ensure(desired)
        self._take(state, synced.revisions, Known(desired.manifests, {}), considers=False)
        state.is_loaded = True

    def note(self, state: AppState) -> None:
        """A round has compared an Application: keep what it stands at for the next start."""
        synced = last_synced(state.application)
        if synced is not None and synced.sources == state.application.sources:
            self.hints.note(state, synced)

    def _last_synced(self, state: AppState) -> Wanted | None:
        app = state.application
        if app.is_deleting or restore_run(app, self.clock.now()) is not None:
            return None
        synced = last_synced(app)
        return synced if synced is not None and synced.sources == app.sources else None

    def _take(
        self,
        state: AppState,
        revisions: tuple[str, ...],
        known: Known,
        *,
        considers: bool = True,
    ) -> int:
        touched = _touched_since(state.application, revisions)
        count = 0
        for key, target in known.targets.items():
            found = self.registry.object(key)
            if key in touched or found.applied is not None or found.app not in (None, state.key):
                continue
            found.app = state.key
            self.registry.hold(state, found)
            found.applied = target
            echo = known.echoes.get(key)
            if echo is not None and found.echoed is None:
                found.keep_echo(target, echo)
            note_drift(found)
            count += 1
            if considers:
                self.lane.consider(found)
        return count

    async def _load(self, state: AppState, synced: Wanted) -> Desired | None:
        """Return what was synced last; None where nothing is healed and it cannot be read."""
        app = state.application
        if not app.self_heals and state.unrecalled == synced.revisions:
            return None  # it could not be read before: that is not tried in each round
        try:
            return await self.desired.load(app, synced, state.desired)
        except HoldfastError as error:
            if app.self_heals:
                raise
            log.info("last sync is not known app=%s code=%s %s", app.key, error.code, error)
            state.unrecalled = synced.revisions
            return None


def last_synced(app: Application) -> Wanted | None:
    """Return sources and revisions of the last sync that succeeded as a whole.

    The history knows; where none is kept it is the last operation, unless that was a dry run or
    a part. A self-heal counts: it repeats the revision of the sync before it.
    """
    entry: JSON = app.history[-1] if app.history else None
    if entry is None:
        state = app.operation_state or {}
        operation = Operation.parse(state.get("operation") or {})
        is_part = operation.is_selective and not operation.heal_attempts
        if state.get("phase") == Phase.SUCCEEDED.value and not (operation.dry_run or is_part):
            entry = state.get("syncResult")
    if not isinstance(entry, dict):
        return None
    revisions = tuple(entry.get("revisions") or ()) or (str(entry.get("revision") or ""),)
    trees = entry.get("sources") or [entry.get("source") or {}]
    sources = tuple(Source.parse(tree) for tree in trees if isinstance(tree, dict))
    if not all(revisions) or len(sources) != len(revisions) or not sources[0].repo_url:
        return None
    return Wanted(sources, revisions)


def _touched_since(app: Application, revisions: tuple[str, ...]) -> set[ResourceKey]:
    """Return what the last operation applied at other revisions than these."""
    state = app.operation_state or {}
    operation = Operation.parse(state.get("operation") or {})
    result = state.get("syncResult")
    if not isinstance(result, dict) or operation.dry_run:
        return set()
    its = tuple(result.get("revisions") or ()) or (str(result.get("revision") or ""),)
    if its == revisions:
        return set()
    return {
        ResourceKey(*(str(row.get(name) or "") for name in ("group", "kind", "namespace", "name")))
        for row in _mappings(result.get("resources"))
        if row.get("status") == "Synced"
    }


def _mappings(value: JSON) -> tuple[Tree, ...]:
    return (
        tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
    )
