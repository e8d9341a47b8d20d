"""One object of an Application: read, patch, delete, act on it (api.md §1.6.11).

The object must belong to the Application: one that its status names, or one that grew out of one of
those. Every write passes the gate of its project (`planning.authorize_write`), as healing does.
"""

from dataclasses import dataclass

from holdfast.controller.requests.lookup import Lookup
from holdfast.controller.requests.managed import ManagedObjects
from holdfast.controller.requests.masking import mask_one
from holdfast.controller.requests.resource_tree import Trees
from holdfast.domain.application import (
    APPLICATION,
    IN_CLUSTER_NAME,
    IN_CLUSTER_SERVER,
    Application,
)
from holdfast.domain.commands import DeleteResource, Done, PatchResource, RunAction
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.identity import GroupVersionKind, ResourceKey
from holdfast.domain.kinds import EVENT, SECRET, KindInfo
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.domain.plan import (
    Authorized,
    PatchKind,
    Propagation,
    Purpose,
    Refused,
    SystemWrite,
    Verb,
)
from holdfast.domain.ports import Clock, ClusterReader, Kinds, RequestWriter, SystemWriter
from holdfast.domain.queries import GetResource, ListActions, ListEvents
from holdfast.planning.actions import Change, find_actions, plan_action
from holdfast.planning.authorize import WriteScope, authorize_write

_SHORTEST_MASK = 8


@dataclass(frozen=True, slots=True)
class ResourceReads:
    """Reads objects of an Application."""

    reader: ClusterReader
    kinds: Kinds
    managed: ManagedObjects

    async def get(self, app: Application, query: GetResource) -> Tree:
        """Return an object, Secret values masked."""
        return mask_one(await self.live(app, query.key, query.version))

    async def actions(self, app: Application, query: ListActions) -> list[Tree]:
        """Return what can be done with an object."""
        live = await self.live(app, query.key, query.version)
        return [action.to_tree() for action in find_actions(live)]

    async def events(self, app: Application, query: ListEvents) -> list[Tree]:
        """Return the Events of the Application, or of one of its objects.

        Raises:
            ConfigurationError: HF3009, the object is none of the Application's.
        """
        if not (query.name or query.uid):
            key = app.manifest.key
            return await events_about(self.reader, key.namespace, key.kind, key.name, "")
        tree = await Trees(self.reader, self.kinds, self.managed).build(app)
        for node in tree["nodes"]:
            if (query.name, query.namespace) == (node["name"], node["namespace"]) and (
                query.uid in ("", node.get("uid"))
            ):
                namespace = query.namespace or "default"
                return await events_about(
                    self.reader, namespace, node["kind"], query.name, query.uid
                )
        raise _not_found(app, ResourceKey("", "object", query.namespace, query.name))

    async def live(self, app: Application, key: ResourceKey, version: str) -> Manifest:
        """Return a live object of an Application, sealed.

        Raises:
            ConfigurationError: HF3009, it is none of the Application's, or is not there.
        """
        if key == app.manifest.key:
            return app.manifest
        if key not in self.managed.keys_in_status(app):
            tree = await Trees(self.reader, self.kinds, self.managed).build(app)
            if not any(_is(node, key) for node in tree["nodes"]):
                raise _not_found(app, key)
        gvk = GroupVersionKind(key.group, version, key.kind) if version else None
        live = await self.managed.find_live(key, gvk)
        if live is None:
            raise _not_found(app, key)
        return live


@dataclass(frozen=True, slots=True)
class ResourceWrites:
    """Changes objects of an Application at the wish of a person."""

    lookup: Lookup
    reads: ResourceReads
    writer: RequestWriter
    system: SystemWriter
    clock: Clock

    async def carry_out(self, command: PatchResource | DeleteResource | RunAction) -> Done:
        """Do it, or say why not.

        Raises:
            ConfigurationError: HF3009 no such object or action, HF3006 the project refuses.
            ClusterError: the server refuses.
        """
        app = await self.lookup.application(command.app)
        live = await self.reads.live(app, command.key, command.version)
        if isinstance(command, PatchResource):
            return await self._patch(app, live, command.patch, _kind_of(command))
        if isinstance(command, DeleteResource):
            return await self._delete(app, live, command)
        change = plan_action(live, command.action, command.parameters, self.clock.now())
        return await self._change(app, live, change)

    async def _change(self, app: Application, live: Manifest, change: Change) -> Done:
        if change.patch is not None:
            return await self._patch(app, live, change.patch, PatchKind.MERGE)
        made = change.creation or live
        permit = await self._permit(app, made.key, Verb.CREATE, made.gvk)
        return Done("created", mask_one(await self.writer.create(made, permit)))

    async def _patch(self, app: Application, live: Manifest, patch: JSON, kind: PatchKind) -> Done:
        _refuse_masks(live, patch)
        if live.key == app.manifest.key:
            return await self._patch_application(live, patch, kind)
        permit = await self._permit(app, live.key, Verb.PATCH, live.gvk)
        answer = await self.writer.patch(live.gvk, patch, kind, permit)
        return Done("updated", mask_one(answer))

    async def _patch_application(self, live: Manifest, patch: JSON, kind: PatchKind) -> Done:
        """Patch the Application itself; it is ours and no declared object here."""
        where = (APPLICATION, live.namespace, live.name)
        if kind is PatchKind.JSON or not isinstance(patch, dict):
            raise ConfigurationError(
                "HF3009", "an Application is patched here by a merge patch", about=live.key
            )
        answer = await self.system.merge_patch(*where, patch, SystemWrite.APPLICATION_SPEC)
        return Done("updated", answer.tree)

    async def _delete(self, app: Application, live: Manifest, command: DeleteResource) -> Done:
        if live.key == app.manifest.key:
            raise ConfigurationError(
                "HF3009",
                "the Application itself is not deleted as one of its objects",
                about=live.key,
                hint=f"`holdfast app delete {live.name}`",
            )
        permit = await self._permit(app, live.key, Verb.DELETE, live.gvk)
        propagation = Propagation.FOREGROUND
        if command.force or command.background:
            propagation = Propagation.BACKGROUND
        if command.orphan:
            propagation = Propagation.ORPHAN
        await self.writer.delete(
            live.gvk,
            permit,
            uid=live.uid,
            propagation=propagation,
            grace_s=0 if command.force else None,
        )
        return Done("deleted")

    async def _permit(
        self, app: Application, key: ResourceKey, verb: Verb, gvk: GroupVersionKind
    ) -> Authorized:
        project = await self.lookup.project(app.project)
        scope = WriteScope(app.key, project, IN_CLUSTER_SERVER, IN_CLUSTER_NAME)
        kind: KindInfo | None = self.reads.kinds.find(gvk)
        verdict = authorize_write(scope, key, verb, Purpose.REQUEST, kind)
        if isinstance(verdict, Refused):
            raise ConfigurationError("HF3006", verdict.message, about=key)
        return verdict


async def events_about(
    reader: ClusterReader, namespace: str, kind: str, name: str, uid: str
) -> list[Tree]:
    """Return the Events on one object, the newest last."""
    listed = await reader.list(EVENT, namespace)
    found = []
    for item in listed.items:
        about = item.tree.get("involvedObject") or {}
        if (about.get("kind"), about.get("name")) == (kind, name) and (
            not uid or about.get("uid") == uid
        ):
            found.append(item.tree)
    return sorted(found, key=_moment)


def _moment(event: Tree) -> str:
    at = event.get("lastTimestamp") or event.get("eventTime")
    return str(at or (event.get("metadata") or {}).get("creationTimestamp") or "")


def _kind_of(command: PatchResource) -> PatchKind:
    try:
        return PatchKind(command.kind)
    except ValueError as error:
        known = ", ".join(PatchKind)
        raise ConfigurationError(
            "HF3009", f"{command.kind!r} is no kind of patch", hint=f"there are: {known}"
        ) from error


def _refuse_masks(live: Manifest, patch: JSON) -> None:
    """Refuse to write what we showed in place of a Secret's value."""
    if live.key.group_kind == SECRET and _holds_mask(patch):
        raise ConfigurationError(
            "HF3009",
            "the patch holds ++++++++, which stands for a value that is not shown",
            about=live.key,
            hint="leave the values out that shall stay",
        )


def _holds_mask(tree: JSON) -> bool:
    level: list[JSON] = [tree]
    while level:
        item = level.pop()
        if isinstance(item, dict):
            level.extend(item.values())
        elif isinstance(item, list):
            level.extend(item)
        elif isinstance(item, str) and len(item) >= _SHORTEST_MASK and set(item) == {"+"}:
            return True
    return False


def _is(node: Tree, key: ResourceKey) -> bool:
    return (node["group"], node["kind"], node["namespace"], node["name"]) == (
        key.group,
        key.kind,
        key.namespace,
        key.name,
    )


def _not_found(app: Application, key: ResourceKey) -> ConfigurationError:
    return ConfigurationError(
        "HF3009",
        f"{key.kind} {key.group} {key.name} not found as part of application {app.key.name}",
        about=app.key,
        hint=f"`holdfast app resources {app.key.name} --output tree` shows what there is",
    )
