"""Give the objects of an Application back to Argo CD, so that removals work there (apply.md A6).

  1. nobody takes them again at once: paused, not automatic, or no controller runs
  2. each object whose fields are ours is read; one request makes our entries Argo CD's and writes
     down what we declared last
No value changes. An object that another Application owns, or that is too large for the annotation,
is named with the reason.
"""

import json
from dataclasses import dataclass
from datetime import timedelta

from holdfast.controller.pauses import holds
from holdfast.controller.requests.lookup import Lookup
from holdfast.controller.requests.managed import ManagedObjects
from holdfast.controller.requests.operations import check_idle
from holdfast.controller.requests.parallel import for_each
from holdfast.controller.requests.pauses import PauseReads
from holdfast.controller.requests.rendering import Rendering
from holdfast.domain.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER, Application
from holdfast.domain.commands import Done, HandOver
from holdfast.domain.errors import ClusterError, ConfigurationError
from holdfast.domain.identity import GroupVersionKind, ResourceKey
from holdfast.domain.kinds import LEASE
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.plan import Authorized, Purpose, Refused, Verb
from holdfast.domain.ports import Clock, ClusterReader, ClusterWriter, Kinds
from holdfast.healing.hand_over import find_our_entry, handed_over, last_applied
from holdfast.planning.authorize import WriteScope, authorize_write
from holdfast.planning.options import resource_options
from holdfast.planning.times import find_time
from holdfast.planning.tracking import TrackingId

_SERVER_SIDE = "ServerSideApply=true"
_TRACKING = "argocd.argoproj.io/tracking-id"
_LEASE_NAME = "holdfast"
_TRIES = 5
_CONFLICT = "HF2004"
_LONGEST_ANNOTATION = 200 * 1024  # the API server takes 256 KiB for all annotations of an object


@dataclass(frozen=True, slots=True)
class HandingOver:
    """Carries `HandOver` out."""

    lookup: Lookup
    reader: ClusterReader
    writer: ClusterWriter
    kinds: Kinds
    rendering: Rendering
    clock: Clock

    async def carry_out(self, command: HandOver) -> Done:
        """Hand over, or say why not.

        Raises:
            ConfigurationError: HF3003, HF3004, no such Application or project; HF3005, an
                operation runs; HF3006, the controller would take the objects again.
        """
        app = await self.lookup.application(command.app)
        check_idle(app)
        if not command.dry_run:
            await self._check_held(app)
        project = await self.lookup.project(app.project)
        scope = WriteScope(app.key, project, IN_CLUSTER_SERVER, IN_CLUSTER_NAME)
        managed = ManagedObjects(self.reader, self.writer, self.kinds, self.rendering)

        async def one(key: ResourceKey) -> Tree:
            outcome, reason = await self._hand_over(app, managed, scope, key, command)
            return {
                "group": key.group,
                "kind": key.kind,
                "namespace": key.namespace,
                "name": key.name,
                "outcome": outcome,
                "reason": reason,
            }

        objects = await for_each(managed.keys_in_status(app), one)
        return Done("handed over", {"objects": list(objects)})

    async def _check_held(self, app: Application) -> None:
        """Make sure that no controller takes the objects again with its next heal or sync.

        Raises:
            ConfigurationError: HF3006.
        """
        if app.skips_reconcile or (app.sync_policy.automated is None and not app.self_heals):
            return
        pauses = await PauseReads(self.reader, self.lookup, self.clock).all()
        now = self.clock.now()
        if any(pause.is_active(now) and holds(pause, app) for pause in pauses):
            return
        holder = await self._find_holder()
        if not holder:
            return
        raise ConfigurationError(
            "HF3006",
            f"Holdfast ({holder}) heals this application and would take its objects again at once",
            about=app.key,
            hint=f"pause it first: `holdfast app pause {app.key.name} --until-resumed --reason "
            '"back to Argo CD"`; hand over; then stop Holdfast and start Argo CD',
        )

    async def _find_holder(self) -> str:
        """Return who leads at present, or `""` when nobody does."""
        lease = await self.reader.get(LEASE, self.lookup.control_namespace, _LEASE_NAME)
        if lease is None:
            return ""
        renewed = find_time(lease.at("spec", "renewTime"))
        seconds = lease.at("spec", "leaseDurationSeconds")
        lasts = timedelta(seconds=seconds if isinstance(seconds, int) else 0)
        if renewed is None or renewed + lasts < self.clock.now():
            return ""
        return str(lease.at("spec", "holderIdentity") or "")

    async def _hand_over(
        self,
        app: Application,
        managed: ManagedObjects,
        scope: WriteScope,
        key: ResourceKey,
        command: HandOver,
    ) -> tuple[str, str]:
        for attempt in range(_TRIES):
            live = await self._read(managed, key)
            if live is None:
                return "skipped", "it is not there"
            entry = find_our_entry(live)
            if entry is None:
                return "unchanged", ""
            owner = self._find_other_owner(app, live)
            if owner:
                return "skipped", f"application {owner} owns it"
            permit = authorize_write(
                scope, key, Verb.HAND_OVER, Purpose.HANDOVER, self.kinds.find(live.gvk)
            )
            if isinstance(permit, Refused):
                return "skipped", permit.message
            if command.dry_run:
                return "would be handed over", ""
            try:
                return await self._write(app, live, entry, permit)
            except ClusterError as error:
                if error.code != _CONFLICT or attempt == _TRIES - 1:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _write(
        self, app: Application, live: Manifest, entry: Tree, permit: Authorized
    ) -> tuple[str, str]:
        options = {*app.sync_policy.options, *resource_options(live)}
        operation = "Apply" if _SERVER_SIDE in options else "Update"
        text = json.dumps(last_applied(live, entry), separators=(",", ":"), ensure_ascii=False)
        reason = ""
        if len(text.encode()) > _LONGEST_ANNOTATION:
            text, operation = "", "Apply"
            reason = f"too large for client-side apply; Argo CD needs {_SERVER_SIDE} for it"
        await self.writer.hand_over(live, handed_over(live, operation), text, permit)
        return "handed over", reason

    async def _read(self, managed: ManagedObjects, key: ResourceKey) -> Manifest | None:
        """Return the live object in the version of which our entry speaks."""
        live = await managed.find_live(key)
        entry = find_our_entry(live) if live is not None else None
        if live is None or entry is None or entry.get("apiVersion") == live.api_version:
            return live
        group, _, version = str(entry.get("apiVersion") or "").rpartition("/")
        return await managed.find_live(key, GroupVersionKind(group, version, key.kind))

    def _find_other_owner(self, app: Application, live: Manifest) -> str:
        found = TrackingId.find(live.annotation(_TRACKING))
        own = app.key.instance_name(self.lookup.control_namespace)
        return "" if found is None or found.instance == own else found.instance
