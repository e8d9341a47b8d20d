"""Put operations on Applications, and stop them."""

from dataclasses import dataclass, replace
from typing import TypeAlias, assert_never

from holdfast.controller.requests.locking import locked
from holdfast.controller.requests.lookup import Lookup
from holdfast.controller.requests.operations import (
    build_rollback,
    build_sync,
    check_idle,
    check_sync,
)
from holdfast.controller.requests.rendering import Rendering
from holdfast.domain.application import APPLICATION, Application
from holdfast.domain.commands import (
    Done,
    RollBackApplication,
    SyncApplication,
    TerminateOperation,
)
from holdfast.domain.errors import ClusterError, ConfigurationError, HoldfastError, RepositoryError
from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.operation import Phase
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import Clock, SystemWriter
from holdfast.planning.times import format_time

OperationCommand: TypeAlias = SyncApplication | RollBackApplication | TerminateOperation
_TRIES = 10
_UNREACHABLE_FROM_HERE = frozenset({"HF1001", "HF1009"})


@dataclass(frozen=True, slots=True)
class OperationWrites:
    """Writes `operation` and the phase `Terminating`, nothing else."""

    system: SystemWriter
    lookup: Lookup
    rendering: Rendering
    clock: Clock

    async def carry_out(self, command: OperationCommand, who: str) -> Done:
        """Do it, or say why not."""
        match command:
            case SyncApplication():
                return await self._sync(command, who)
            case RollBackApplication():
                return await self._roll_back(command, who)
            case TerminateOperation():
                return await self._terminate(command.app)
            case _:
                assert_never(command)

    async def _sync(self, command: SyncApplication, who: str) -> Done:
        app = await self.lookup.application(command.app)
        if command.local:
            manifests = await self.rendering.local_manifests(app, command.local)
            command = replace(command, manifests=manifests)
        check_sync(app, command)
        check_idle(app)
        revisions, notes = await self._revisions(app, command)
        operation = build_sync(app, command, revisions, who)
        written = await self._put(app, operation)
        partial = "partial " if command.resources else ""
        where = ", ".join(revisions) or "local manifests"
        await self._record(written, f"initiated {partial}sync to {where}", who)
        return Done("requested", written.tree, notes)

    async def _revisions(
        self, app: Application, command: SyncApplication
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the commit of each source, and sentences about what was left to the controller."""
        if command.manifests is not None:
            return (), ()
        asked = command.revisions or ((command.revision,) if command.revision else ())
        try:
            return await self.rendering.resolve(app, asked), ()
        except RepositoryError as error:
            if error.code not in _UNREACHABLE_FROM_HERE:
                raise
            # The controller may reach what this machine does not: a folder, a private repository.
            left = tuple(
                (asked[place] if place < len(asked) else "") or source.target_revision or "HEAD"
                for place, source in enumerate(app.sources)
            )
            return left, (f"the controller resolves the revision, since {error.message}",)

    async def _roll_back(self, command: RollBackApplication, who: str) -> Done:
        app = await self.lookup.application(command.app)
        operation = build_rollback(app, command, who)
        written = await self._put(app, operation)
        await self._record(written, f"initiated rollback to {command.history_id}", who)
        return Done("requested", written.tree)

    async def _put(self, app: Application, operation: Tree) -> Manifest:
        """Set `operation` and clear the state of the one before, in one write."""
        for _ in range(_TRIES):
            check_idle(app)
            steps: list[Tree] = [{"op": "add", "path": "/operation", "value": operation}]
            if app.status.get("operationState") is not None:
                steps.append({"op": "remove", "path": "/status/operationState"})
            try:
                return await self._patch(app.manifest, steps)
            except ClusterError as error:
                if error.code != "HF2004":
                    raise
            app = await self.lookup.application(app.key)
        raise _too_fast(app.key)

    async def _terminate(self, key: AppKey) -> Done:
        for _ in range(_TRIES):
            app = await self.lookup.application(key)
            if not app.manifest.tree.get("operation"):
                raise ConfigurationError(
                    "HF3006",
                    "Unable to terminate operation. No operation is in progress",
                    about=key,
                )
            step: Tree = {"op": "remove", "path": "/operation"}  # nobody has begun it
            if app.operation_state is not None:
                path = "/status/operationState/phase"
                step = {"op": "add", "path": path, "value": Phase.TERMINATING.value}
            try:
                written = await self._patch(app.manifest, [step])
            except ClusterError as error:
                if error.code != "HF2004":
                    raise
                continue
            return Done("requested", written.tree)
        raise _too_fast(key)

    async def _patch(self, before: Manifest, steps: list[Tree]) -> Manifest:
        return await self.system.json_patch(
            APPLICATION,
            before.namespace,
            before.name,
            locked(before, steps),
            SystemWrite.APPLICATION_OPERATION,
        )

    async def _record(self, app: Manifest, message: str, who: str) -> None:
        """Leave an Event on the Application; that it failed is no reason to fail the command."""
        now = self.clock.now()
        stamp = format_time(now)
        nanoseconds = int(now.timestamp() * 1e9)
        event = Manifest(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"{app.name}.{nanoseconds:x}", "namespace": app.namespace},
                "involvedObject": {
                    "apiVersion": APPLICATION.api_version,
                    "kind": APPLICATION.kind,
                    "namespace": app.namespace,
                    "name": app.name,
                    "uid": app.uid,
                    "resourceVersion": app.resource_version,
                },
                "type": "Normal",
                "reason": "OperationStarted",
                "message": f"{who or 'Unknown user'} {message}",
                "source": {"component": "holdfast"},
                "firstTimestamp": stamp,
                "lastTimestamp": stamp,
                "count": 1,
            }
        )
        try:
            await self.system.create(event, SystemWrite.EVENT)
        except HoldfastError:
            return


def _too_fast(key: AppKey) -> ClusterError:
    return ClusterError(
        "HF2004", "the application changes faster than it can be written; try again", about=key
    )
