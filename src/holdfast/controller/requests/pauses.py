"""Make, end and list pauses.

A pause is an object in the control namespace. It is made with a reason, an author (who the API
server takes us for) and an end; it may lack an end only when somebody says so. What it must name
has to exist: in an emergency a pause of a misspelt name would hold nothing.
"""

import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from holdfast.controller.pauses import holds
from holdfast.controller.requests.lookup import Lookup
from holdfast.domain.application import (
    APPLICATION,
    IN_CLUSTER_NAME,
    IN_CLUSTER_SERVER,
    Application,
)
from holdfast.domain.commands import Done, PauseHealing, ResumeHealing
from holdfast.domain.errors import ConfigurationError, HoldfastError
from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.pause import LONGEST, PAUSE, Pause, PauseScope, pause_tree
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import Clock, ClusterReader, SystemWriter
from holdfast.domain.queries import ListPauses

_KEPT = timedelta(days=1)  # a pause that ended stays to be seen for so long
_SLUG = 40
_SLACK = timedelta(minutes=1)  # `--for 7d` is measured by two clocks


@dataclass(frozen=True, slots=True)
class PauseReads:
    """Reads pauses."""

    reader: ClusterReader
    lookup: Lookup
    clock: Clock

    async def select(self, query: ListPauses) -> list[Tree]:
        """Return Pause objects, the one that ends first at the beginning."""
        found = await self.all()
        if not query.ended:
            now = self.clock.now()
            found = [pause for pause in found if pause.is_active(now)]
        if query.app is not None and found:
            app = await self.lookup.application(query.app)
            found = [p for p in found if holds(p, app) or p.holds_objects_of(app.key)]
        return [pause.manifest.tree for pause in found]

    async def all(self) -> list[Pause]:
        """Return every pause; none where the cluster does not know the kind."""
        if self.lookup.kinds.find(PAUSE) is None:
            return []
        listed = await self.reader.list(PAUSE, self.lookup.control_namespace)
        pauses = [pause for item in listed.items if (pause := Pause.parse(item)) is not None]
        return sorted(pauses, key=lambda p: (p.until or datetime.max.replace(tzinfo=UTC), p.id))


@dataclass(frozen=True, slots=True)
class PauseWrites:
    """Writes pauses."""

    system: SystemWriter
    reader: ClusterReader
    lookup: Lookup
    clock: Clock
    whoami: Callable[[], Awaitable[str]]

    @property
    def _reads(self) -> PauseReads:
        return PauseReads(self.reader, self.lookup, self.clock)

    async def carry_out(self, command: PauseHealing | ResumeHealing, who: str) -> Done:
        """Do it, or say why not."""
        if isinstance(command, PauseHealing):
            return await self.pause(command, who)
        return await self.resume(command)

    async def pause(self, command: PauseHealing, who: str) -> Done:
        """Make a pause.

        Raises:
            ConfigurationError: HF3009 reason, end or cluster cannot be used, HF3003 or HF3004
                its target does not exist, HF3010 the kind is not installed.
        """
        now = self.clock.now()
        _check(command, now)
        await self._check_installed()
        notes = await self._check_target(command)
        resource = command.resource
        spec: Tree = {
            "scope": (PauseScope.OBJECT if resource else command.scope).value,
            "target": command.target,
            "applicationNamespace": command.app_namespace,
            "reason": command.reason.strip(),
            "author": who or await self.whoami(),
            "until": f"{command.until:%Y-%m-%dT%H:%M:%SZ}" if command.until else None,
            "untilResumed": True if command.until is None else None,
            "resource": None
            if resource is None
            else {
                "group": resource.group,
                "kind": resource.kind,
                "namespace": resource.namespace,
                "name": resource.name,
            },
        }
        tree = pause_tree(_name(command), self.lookup.control_namespace, spec)
        made = await self.system.create(Manifest(tree), SystemWrite.PAUSE)
        await self._tidy(now)
        return Done("paused", made.tree, notes)

    async def resume(self, command: ResumeHealing) -> Done:
        """End pauses; `tree.resumed` names them, notes name what still holds.

        Raises:
            ConfigurationError: HF3006, there is none to end.
        """
        pauses = await self._reads.all()
        now = self.clock.now()
        chosen = [pause for pause in pauses if is_meant(pause, command)]
        active = [pause for pause in chosen if pause.is_active(now)]
        left = [p for p in pauses if p.is_active(now) and p not in active]
        holding = await self._holding(command, left)
        if not active and command.scope is not None:
            raise ConfigurationError(
                "HF3006",
                f"{words_of(command)} is not paused by itself",
                hint="; ".join(f"it is {pause.describe()}" for pause in holding)
                or "`holdfast pauses` shows what is paused",
            )
        if not chosen and command.pause_id:
            raise ConfigurationError(
                "HF3006",
                f'there is no pause "{command.pause_id}"',
                hint="`holdfast pauses` shows them",
            )
        for pause in chosen:
            await self._remove(pause)
        tree: Tree = {"resumed": [pause.manifest.tree for pause in chosen]}
        return Done("resumed", tree, tuple(f"still {pause.describe()}" for pause in holding))

    async def notes_on(self, app: AppKey) -> tuple[str, ...]:
        """Return a sentence for each pause that stays although a person asked for something.

        A request that was carried out must not fail because pauses cannot be read.
        """
        try:
            held = await self._reads.select(ListPauses(app))
        except HoldfastError:
            return ()
        pauses = [pause for tree in held if (pause := Pause.parse(Manifest(tree))) is not None]
        return tuple(
            f"note: {_object_words(pause)}{pause.describe()}; what you asked for goes on, the "
            "pause stays"
            for pause in pauses
        )

    async def _check_installed(self) -> None:
        kinds = self.lookup.kinds
        if kinds.find(PAUSE) is None:
            await kinds.refresh()
        if kinds.find(PAUSE) is None:
            raise ConfigurationError(
                "HF3010",
                "this cluster does not know pauses.holdfast.dev yet",
                hint="`holdfast run` installs what is missing, or: "
                "holdfast install --crds-only | kubectl apply --server-side -f -",
            )

    async def _check_target(self, command: PauseHealing) -> tuple[str, ...]:
        """Make sure that there is something to hold; return sentences about it."""
        match command.scope:
            case PauseScope.APPLICATION | PauseScope.OBJECT:
                namespace = command.app_namespace or self.lookup.control_namespace
                app = await self.lookup.application(AppKey(namespace, command.target))
                return _check_resource(app, command)
            case PauseScope.PROJECT:
                await self.lookup.project(command.target)
            case PauseScope.CLUSTER:
                await self._check_cluster(command.target.rstrip("/"))
            case PauseScope.ALL:
                pass
        return ()

    async def _check_cluster(self, server: str) -> None:
        known = {IN_CLUSTER_SERVER, IN_CLUSTER_NAME}
        for item in (await self.reader.list(APPLICATION)).items:
            destination = Application.parse(item).destination
            known |= {destination.server.rstrip("/"), destination.name} - {""}
        if server not in known:
            raise ConfigurationError(
                "HF3009",
                f'no Application deploys to a cluster "{server}"',
                hint=f"known are {', '.join(sorted(known))}",
            )

    async def _holding(self, command: ResumeHealing, left: list[Pause]) -> list[Pause]:
        """Return what holds the Application still, when the command is about one."""
        if command.scope is not PauseScope.APPLICATION or not left:
            return []
        key = AppKey(command.app_namespace or self.lookup.control_namespace, command.target)
        app = await self.lookup.application(key)
        return [pause for pause in left if holds(pause, app) or pause.holds_objects_of(key)]

    async def _tidy(self, now: datetime) -> None:
        """Remove what ended long ago; a pause was made, whatever becomes of this."""
        try:
            for pause in await self._reads.all():
                if pause.until is not None and pause.until + _KEPT < now:
                    await self._remove(pause)
        except HoldfastError:
            return

    async def _remove(self, pause: Pause) -> None:
        await self.system.delete(PAUSE, pause.manifest.namespace, pause.id, SystemWrite.PAUSE)


def _check(command: PauseHealing, now: datetime) -> None:
    if not command.reason.strip():
        raise ConfigurationError(
            "HF3009",
            "a pause needs a reason: whoever finds it must know why",
            hint='--reason "INC-123"',
        )
    if command.until is None:
        return
    if command.until <= now:
        raise ConfigurationError("HF3009", f"the end of the pause, {command.until}, is over")
    if command.until > now + LONGEST + _SLACK:
        raise ConfigurationError(
            "HF3009",
            f"a pause with an end lasts {LONGEST.days} days at most",
            hint="--until-resumed has no end; nobody will remind you of it",
        )


def _check_resource(app: Application, command: PauseHealing) -> tuple[str, ...]:
    wanted = command.resource
    if wanted is None:
        return ()
    managed = app.status.get("resources") or []
    for item in managed:
        if (
            str(item.get("group") or "") == wanted.group
            and item.get("kind") == wanted.kind
            and item.get("name") == wanted.name
            and wanted.namespace in ("", str(item.get("namespace") or ""))
        ):
            return ()
    raise ConfigurationError(
        "HF3009",
        f"the application manages no {wanted}",
        about=app.key,
        hint=f"`holdfast app resources {app.key.name}` shows what it manages",
    )


def is_meant(pause: Pause, command: ResumeHealing) -> bool:
    """Whether a command ends this pause."""
    if command.pause_id:
        return pause.id == command.pause_id
    if command.scope is None:
        return True
    if command.scope is not PauseScope.APPLICATION:
        return pause.scope is command.scope and _same(pause, command)
    in_namespace = pause.app_namespace in ("", command.app_namespace)
    if pause.target != command.target or not in_namespace:
        return False
    if command.resource is None:
        return pause.scope in (PauseScope.APPLICATION, PauseScope.OBJECT)
    wanted = command.resource
    return pause.resource is not None and (
        pause.resource == wanted
        or (not wanted.namespace and replace(pause.resource, namespace="") == wanted)
    )


def _same(pause: Pause, command: ResumeHealing) -> bool:
    names = {pause.target.rstrip("/"), command.target.rstrip("/")}
    in_cluster = names <= {IN_CLUSTER_NAME, IN_CLUSTER_SERVER}
    return len(names) == 1 or (pause.scope is PauseScope.CLUSTER and in_cluster)


def _name(command: PauseHealing) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", (command.target or "all").lower().split("://")[-1])
    slug = words.strip("-")[:_SLUG].strip("-") or command.scope.value.lower()
    return f"{slug}-{uuid.uuid4().hex[:6]}"


def words_of(command: ResumeHealing) -> str:
    """Return what a command is about, for a message."""
    scope = command.scope.value.lower() if command.scope else ""
    about = f"{command.resource} of " if command.resource else ""
    return f"{about}{scope} '{command.target}'" if command.target else f"{about}{scope}"


def _object_words(pause: Pause) -> str:
    return f"{pause.resource} is " if pause.resource is not None else ""
