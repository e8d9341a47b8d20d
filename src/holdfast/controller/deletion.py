"""Deletion of an Application: with a finalizer its objects go first, wave by wave (§9.2).

The targets of all objects are forgotten before the first delete is sent, so that the heal lane
finds nothing to put back.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import assert_never

from holdfast.controller.objects import Objects
from holdfast.controller.permits import Permits
from holdfast.controller.state import AppState, ObjectState, Registry
from holdfast.controller.status_writer import StatusWriter
from holdfast.controller.sync_lane import former_kinds
from holdfast.controller.watches import Watches
from holdfast.domain.application import (
    APPLICATION,
    IN_CLUSTER_NAME,
    IN_CLUSTER_SERVER,
    Application,
)
from holdfast.domain.condition import Condition, ConditionType
from holdfast.domain.errors import ClusterError
from holdfast.domain.events import Reason
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.plan import Purpose, Refused, SystemWrite, Verb
from holdfast.domain.ports import Clock, ClusterWriter, SystemWriter
from holdfast.planning.cascade import (
    DeleteWave,
    Finished,
    WaitConfirmation,
    WaitGone,
    next_cascade_step,
    unreachable_destination,
)
from holdfast.planning.conditions import replace_conditions
from holdfast.planning.permits import is_live_permitted
from holdfast.planning.tracking import is_self_referencing
from holdfast.planning.validate import resolve_destination

log = logging.getLogger(__name__)

_RETRY_S = 5.0
_RECHECK_S = 30.0
_CONFLICT = "HF2004"
_GONE = "HF2003"


@dataclass(frozen=True, slots=True)
class DeletionParts:
    """The collaborators of a deletion."""

    registry: Registry
    objects: Objects
    watches: Watches
    permits: Permits
    writer: ClusterWriter
    system: SystemWriter
    status: StatusWriter
    clock: Clock


class Deletion:
    """Removes the objects of Applications that are being deleted."""

    def __init__(self, parts: DeletionParts) -> None:
        """Keep the collaborators."""
        self._parts = parts

    async def step(self, state: AppState) -> float | None:
        """Take the next step.

        Returns:
            Seconds after which to look again at the latest; None when nothing is left to do.
        """
        app = state.application
        if app.cascade_propagation is None:
            return None
        found = resolve_destination(app.destination)
        if isinstance(found, str):
            await self._say(state, unreachable_destination(found))
            return _RECHECK_S
        await self._parts.watches.ensure_kinds(former_kinds(app))
        await self._stop_healing(state)
        objects = self._managed(state)
        lives = [item.live.manifest for item in objects if item.live is not None]
        step = next_cascade_step(app, lives)
        match step:
            case WaitGone() | WaitConfirmation():
                return _RECHECK_S
            case DeleteWave():
                return await self._delete(state, step)
            case Finished(finalizers):
                return await self._release(app, finalizers)
            case _:
                assert_never(step)

    async def _stop_healing(self, state: AppState) -> None:
        """Forget all targets; a heal that is on its way ends first, and what it made goes too."""
        for item in self._parts.registry.objects_of(state):
            if item.app != state.key:
                continue
            async with item.lock:
                self._parts.objects.forget_target(item)

    def _managed(self, state: AppState) -> list[ObjectState]:
        project = self._parts.registry.projects.get(state.application.project)
        found = []
        for item in self._parts.registry.objects_of(state):
            if item.live is None or not item.live.is_root or item.app != state.key:
                continue
            live = item.live.manifest
            if not is_self_referencing(live, None, self._parts.objects.tracking):
                continue
            if project is None or is_live_permitted(
                project, item.key, IN_CLUSTER_SERVER, IN_CLUSTER_NAME
            ):
                found.append(item)
        return found

    async def _delete(self, state: AppState, step: DeleteWave) -> float:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._delete_one(state, manifest, step))
                for manifest in step.objects
            ]
        errors = [task.result() for task in tasks if task.result()]
        if not errors:
            return _RECHECK_S
        text = "; ".join(sorted(set(errors)))
        await self._say(state, Condition(ConditionType.DELETION_ERROR, text))
        message = f"Unable to delete application resources: {text}"
        self._parts.status.tell(state, Reason.STATUS_REFRESHED, message, warning=True)
        return _RETRY_S

    async def _delete_one(self, state: AppState, manifest: Manifest, step: DeleteWave) -> str:
        app = state.application
        permit = self._parts.permits.permit(
            app, manifest.gvk, manifest.key, Purpose.CASCADE, Verb.DELETE
        )
        if isinstance(permit, Refused):
            return permit.message
        held = self._parts.registry.object(manifest.key)
        async with held.lock:
            self._parts.objects.forget_target(held)
            try:
                await self._parts.writer.delete(
                    manifest.gvk, permit, uid=manifest.uid, propagation=step.propagation
                )
            except ClusterError as error:
                return error.message
        log.info("deleted object=%s app=%s", manifest.key, app.key)
        return ""

    async def _release(self, app: Application, finalizers: tuple[str, ...]) -> float | None:
        """Drop our finalizers; somebody else's stay."""
        if not finalizers:
            return None
        kept = [item for item in app.manifest.finalizers if item not in finalizers]
        patch: list[Tree] = [
            {
                "op": "test",
                "path": "/metadata/resourceVersion",
                "value": app.manifest.resource_version,
            },
            {"op": "add", "path": "/metadata/finalizers", "value": kept},
        ]
        key = app.key
        try:
            await self._parts.system.json_patch(
                APPLICATION, key.namespace, key.name, patch, SystemWrite.APPLICATION_METADATA
            )
        except ClusterError as error:
            if error.code == _GONE:
                return None
            log.info("finalizer stays app=%s code=%s %s", key, error.code, error)
            return 0.2 if error.code == _CONFLICT else _RETRY_S
        log.info("application deleted app=%s", key)
        return None

    async def _say(self, state: AppState, condition: Condition) -> None:
        current = state.application.status.get("conditions")
        conditions = replace_conditions(
            [item for item in current if isinstance(item, dict)]
            if isinstance(current, list)
            else [],
            frozenset({ConditionType.DELETION_ERROR}),
            [condition],
            self._parts.clock.now(),
        )
        await self._parts.status.write_status(state, {"conditions": conditions})
