"""What the controller remembers, all of it in memory and all of it rebuilt from the cluster.

    Registry
    ├── apps      AppKey      -> AppState       the Application, its targets, its last round
    ├── objects   ResourceKey -> ObjectState    one managed or tracked object
    └── projects  name        -> Project

Nothing here is a source of truth: after a restart everything comes back from lists and git.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from holdfast.controller.indexes import ObjectIndex
from holdfast.controller.packing import (
    PackedApplication,
    PackedEcho,
    at_rest,
    share_key,
)
from holdfast.controller.rare import Rare
from holdfast.controller.remembered import KeptEcho, LiveObject, Target
from holdfast.controller.sighting import Sighting
from holdfast.diffing.compare import EQUAL, Comparison
from holdfast.diffing.echo import Echo
from holdfast.domain.application import Application
from holdfast.domain.condition import Condition
from holdfast.domain.divergence import Divergences
from holdfast.domain.drift import DriftKind, SyncCode
from holdfast.domain.identity import AppKey, GroupKind, ResourceKey, Uid
from holdfast.domain.manifest import Manifest
from holdfast.domain.operation import SelectedResource
from holdfast.domain.source import SourceType
from holdfast.healing.fights import Undo
from holdfast.healing.memory import HealMemory
from holdfast.schema.field_path import Path

if TYPE_CHECKING:
    from holdfast.domain.pause import Pause
    from holdfast.domain.project import Project
    from holdfast.healing.recall import Past


NO_PATHS: frozenset[Path] = frozenset()  # Python makes a new empty one of 216 bytes each time
NO_FIGHTS: frozenset[str] = frozenset()
_NO_HEALS = HealMemory()


@dataclass(slots=True)
class ObjectState:
    """One object that an Application declares, or that carries a tracking id.

    Attributes:
        app: The Application that owns it (first to claim it), or None.
        holders: Applications that have it among their `keys`; changed by `Registry` alone.
        desired: What git declares now; None for an extra object.
        applied: What was last applied successfully, or found equal: the heal lane's truth.
        echoed: The target whose echo is known: what the server made of it; None: none is known.
        own_echo: That echo, where the live object is not (any more) what the server made of
            `echoed`; None: it is, and `live` says all.
        lost_echo: That of an object that is gone: it says what differs in one that somebody else
            creates in its place.
        live: The object, None while it is missing.
        fence: Events at or below this version are our own past (apply.md A2).
        in_flight: Writes of ours that have been sent and not answered.
        parked: The newest event that came while a write was in flight.
        sync: Against `desired`; None before the first comparison.
        is_unjudged: Since `sync` was computed, the object or what is desired has changed.
        claimed_by_sync: A running operation still has to touch it.
        waits_for: What must come back before a heal makes sense, or None.
        last_finished: The object that is gone was a Job that had finished.
        is_dirty: Something came while the lock was held: look again.
        view: The entry of `status.resources` and what it was made of (see `status`), or None.
        episode: The drift that is open, or None.
        drifted_since_s: When the present drift was first seen (monotonic seconds), or None.
        differing: Paths that differed when the object was last seen.
        undos: Who changed which field after our applies.
        drift: How live differs from `applied`, as it was last decided upon; None: it does not.
        was_paused: A pause held the present drift.
        resumed_s: When that was seen to be over (monotonic seconds), None before.
        unhealed: A drift that is about to be healed, as it was seen; None: nothing is sent for.
    """

    key: ResourceKey
    app: AppKey | None = None
    holders: tuple[AppKey, ...] = ()
    desired: Target | None = None
    applied: Target | None = None
    echoed: Target | None = None
    live: LiveObject | None = None
    fence: int = 0
    sync: SyncCode | None = None
    rare: dict[str, Any] | None = None

    # What an object at rest does not have (see `rare`): no annotation, so no slot.
    comparison = Rare[Comparison](EQUAL)
    is_unjudged = Rare[bool](False)
    own_echo = Rare[PackedEcho | None](None)
    lost_echo = Rare[KeptEcho | None](None)
    unhealed = Rare[Sighting | None](None)
    in_flight = Rare[int](0)
    parked = Rare["ParkedEvent | None"](None)
    claimed_by_sync = Rare[bool](False)
    waits_for = Rare[ResourceKey | None](None)
    last_finished = Rare[bool](False)
    is_dirty = Rare[bool](False)
    view = Rare[tuple[object, Any] | None](None)
    episode = Rare["OpenEpisode | None"](None)
    drifted_since_s = Rare[float | None](None)
    differing = Rare[frozenset[Path]](NO_PATHS)
    undos = Rare[tuple[Undo, ...]](())
    drift = Rare[DriftKind | None](None)
    was_paused = Rare[bool](False)
    resumed_s = Rare[float | None](None)
    memory = Rare[HealMemory](_NO_HEALS)
    own_lock = Rare[asyncio.Lock | None](None)
    lock_users = Rare[int](0)

    @property
    def lock(self) -> "ObjectLock":
        """Held by whoever writes the object: `async with state.lock`."""
        return ObjectLock(self)

    @property
    def kept_echo(self) -> KeptEcho | None:
        """What the server made of `echoed`, and of which object; None: not known."""
        source = self.own_echo or self.live
        if self.echoed is None or source is None:
            return None
        return KeptEcho(self.echoed, source)

    @property
    def echo(self) -> Echo | None:
        """What the server made of `echoed`, unpacked anew at each call; None: not known."""
        kept = self.kept_echo
        return kept.unpack() if kept is not None else None

    def keep_echo(self, target: Target, echo: Echo) -> None:
        """Remember what the server made of a target."""
        self.echoed = target
        self.own_echo = PackedEcho.pack(echo, self.key.group_kind)

    def find_in_live(self, target: Target) -> None:
        """What the server made of a target is what the live object says, as it is now."""
        self.echoed, self.own_echo = target, None

    def forget_echo(self) -> None:
        """Nothing is known of what the server makes of a target."""
        self.echoed = self.own_echo = None

    def declare(self, target: Target | None) -> None:
        """Take what git declares now."""
        if target is None or not target.is_like(self.desired):
            self.is_unjudged = True
        self.desired = target
        if target is not None and target.is_like(self.applied):
            self.applied = target  # its rules may have changed: ignored, strictness
        if target is not None and target.is_like(self.echoed):
            self.echoed = target

    @property
    def is_locked(self) -> bool:
        """Whether somebody writes the object at present."""
        return self.own_lock is not None and self.own_lock.locked()

    def has_echo(self, target: Target | None) -> bool:
        """Whether there is an echo that belongs to this target and to the live object."""
        if target is None or self.live is None or not target.is_like(self.echoed):
            return False
        return self.own_echo is None or self.own_echo.uid == self.live.uid

    def find_echo(self, target: Target | None) -> Echo | None:
        """Return the echo if it belongs to this target and to the live object."""
        return self.echo if self.has_echo(target) else None


@dataclass(frozen=True, slots=True)
class ObjectLock:
    """The lock of one object. It exists while somebody holds it or waits for it."""

    state: ObjectState

    async def __aenter__(self) -> None:
        """Wait until nobody else writes the object."""
        state = self.state
        if state.own_lock is None:
            state.own_lock = asyncio.Lock()
        state.lock_users += 1
        try:
            await state.own_lock.acquire()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        """Let the next one write it."""
        assert self.state.own_lock is not None  # noqa: S101 - it has a user: this one
        self.state.own_lock.release()
        self._leave()

    def _leave(self) -> None:
        self.state.lock_users -= 1
        if not self.state.lock_users:
            self.state.own_lock = None


@dataclass(frozen=True, slots=True)
class OpenEpisode:
    """A drift that is not over.

    Attributes:
        decision: What was decided last, and why.
        target: Hash of what should have been there when it was seen.
        told: The fields of which the listeners know.
    """

    id: str
    app: AppKey
    decision: tuple[str, str]
    target: str = ""
    told: frozenset[Path] = frozenset()


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """The newest event of an object while our write was in flight; `manifest` None: deleted."""

    manifest: Manifest | None
    uid: Uid
    version: int


@dataclass(frozen=True, slots=True)
class HealedObject:
    """One heal, for the status that follows."""

    resource: SelectedResource
    version: str
    message: str
    started: datetime
    finished: datetime


@dataclass(slots=True)
class Desired:
    """What git declares for an Application: the outcome of the last successful render."""

    revisions: tuple[str, ...]
    manifests: dict[ResourceKey, Target]
    hooks: tuple[Manifest, ...]
    source_types: tuple[SourceType, ...]
    conditions: tuple[Condition, ...]
    fingerprint: str


@dataclass(slots=True)
class AppState:
    """One Application.

    Attributes:
        key: Namespace and name.
        packed: The Application as it is kept; `application` unpacks it.
        alone: Its key as the only holder of an object: one tuple for all its objects.
        desired: The last render, None before the first.
        keys: Objects that belong to it: declared or tracked; changed by `Registry` alone. A dict
            takes half of what a set does.
        conditions: Conditions of the last round.
        healed: Heals that status does not show yet.
        heal_attempts: Self-heals since the last sync.
        reconciled_at: When it was last compared with a fresh revision.
        git_seen_s: When the last look at git began that asked the remote (monotonic seconds).
        is_loaded: Whether what had been applied before a start has been recalled.
        next_wave_at: When the next wave of a running operation may begin (monotonic seconds).
        failures: Rounds in a row that ended with a mistake of ours.
        fights_told: Fights for which an Event was written.
        observed: With `--observe`: what was last said about it in the log.
        divergences: Its objects that are behind git, and those that drifted; None before the
            first comparison.
        unrecalled: Revisions of the last sync that could not be read when they were asked for.
        makes_way_since_s: Since when its status waits for heals (monotonic seconds), or None.
    """

    key: AppKey
    packed: PackedApplication
    alone: tuple[AppKey]
    desired: Desired | None = None
    keys: dict[ResourceKey, None] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    healed: list[HealedObject] = field(default_factory=list)
    heal_attempts: int = 0
    reconciled_at: datetime | None = None
    git_seen_s: float = float("-inf")
    reconciled_at_written: datetime | None = None
    is_loaded: bool = False
    last_error: str = ""
    next_wave_at: float = 0.0
    failures: int = 0
    fights_told: frozenset[str] = NO_FIGHTS
    observed: str = ""
    divergences: Divergences | None = None
    unrecalled: tuple[str, ...] = ()
    makes_way_since_s: float | None = None

    @classmethod
    def of(cls, app: Application) -> "AppState":
        """Begin with an Application of which nothing else is known."""
        return cls(app.key, at_rest(app), (app.key,))

    @property
    def application(self) -> Application:
        """The newest form of it that is known."""
        return self.packed.unpack()

    @application.setter
    def application(self, app: Application) -> None:
        self.packed = at_rest(app)


class Registry:
    """All that is known, by key."""

    def __init__(self, control_namespace: str) -> None:
        """Start empty."""
        self.control_namespace = control_namespace
        self.apps: dict[AppKey, AppState] = {}
        self.objects: dict[ResourceKey, ObjectState] = {}
        self.projects: dict[str, Project] = {}
        # By name; None while they cannot be read, and then nothing is healed.
        self.pauses: dict[str, Pause] | None = {}
        # Live objects of watched kinds that nobody declared so far: a new target may be there.
        self.untracked: set[ResourceKey] = set()
        # From the journal: heals and fights of the last process, each until its object is seen.
        self.pasts: dict[ResourceKey, Past] = {}
        # Name -> whether it is being deleted; None while the cluster does not let us see them.
        self.namespaces: dict[str, bool] | None = None
        self.index: ObjectIndex[ObjectState] = ObjectIndex()
        self._by_instance: dict[str, AppKey] = {}

    def add_app(self, app: Application) -> AppState:
        """Remember an Application, or its new form."""
        state = self.apps.get(app.key)
        if state is None:
            state = self.apps[app.key] = AppState.of(app)
            instance = app.key.instance_name(self.control_namespace)
            self._by_instance[instance] = app.key
            for found in self.index.take_unowned(instance):
                self.hold(state, found)
        else:
            state.application = app
        return state

    def remove_app(self, key: AppKey) -> AppState | None:
        """Forget an Application; its objects lose their owner and stay where they are."""
        state = self.apps.pop(key, None)
        if state is None:
            return None
        instance = key.instance_name(self.control_namespace)
        self._by_instance.pop(instance, None)
        for found in [self.objects[key] for key in state.keys if key in self.objects]:
            found.holders = tuple(holder for holder in found.holders if holder != key)
            if found.live is not None and found.live.is_root and found.live.tracking == instance:
                self.index.disown(found, instance)
            if found.app == key:
                found.app = found.applied = None
                found.declare(None)
                found.forget_echo()
                if found.live is None or not found.live.tracking:
                    self.drop(found)
        return state

    def hold(self, app: AppState, found: ObjectState) -> None:
        """An object belongs to an Application from now on: it is declared or tracked."""
        app.keys[found.key] = None
        if app.key not in found.holders:
            found.holders = (*found.holders, app.key) if found.holders else app.alone

    def release(self, app: AppState, key: ResourceKey) -> None:
        """An object belongs to an Application no longer."""
        app.keys.pop(key, None)
        found = self.objects.get(key)
        if found is not None:
            found.holders = tuple(holder for holder in found.holders if holder != app.key)

    def drop(self, found: ObjectState) -> None:
        """Forget an object; where it is still there, whoever declares it must read it first."""
        self.objects.pop(found.key, None)
        self.index.set_waiting(found, None)
        if found.live is not None:
            self.index.own(found, found.live.tracking)
        for holder in found.holders:
            if holder in self.apps:
                self.apps[holder].keys.pop(found.key, None)
        found.holders = ()
        if found.live is not None:
            self.untracked.add(found.key)

    def find_owner(self, instance: str) -> AppKey | None:
        """Return the Application of an instance name."""
        return self._by_instance.get(instance) if instance else None

    def object(self, key: ResourceKey) -> ObjectState:
        """Return the state of an object, made empty when it is new."""
        found = self.objects.get(key)
        if found is None:
            key = share_key(key)
            found = self.objects[key] = ObjectState(key)
            past = self.pasts.pop(key, None)
            if past is not None:
                found.memory, found.undos = past.memory, past.undos
                found.differing = past.differing
        return found

    def of_kind(self, kind: GroupKind) -> list[ObjectState]:
        """Return the objects of a kind, in whatever version."""
        name, group = kind.kind, kind.group
        return [
            found for key, found in self.objects.items() if key.kind == name and key.group == group
        ]

    def objects_of(self, app: AppState) -> list[ObjectState]:
        """Return the objects of an Application, sorted by key."""
        return [self.objects[key] for key in sorted(app.keys) if key in self.objects]
