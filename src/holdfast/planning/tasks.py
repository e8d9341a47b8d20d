"""`Task`: one object, one phase, one thing to do (controller.md §6.1)."""

from dataclasses import dataclass
from enum import IntEnum

from holdfast.domain.hooks import sync_wave
from holdfast.domain.identity import GroupVersionKind, ResourceKey
from holdfast.domain.manifest import Manifest
from holdfast.planning.options import SyncOptions


class SyncPhase(IntEnum):
    """Phases of a sync, in their order."""

    PRE_SYNC = -1
    SYNC = 0
    POST_SYNC = 1
    SYNC_FAIL = 2

    def __str__(self) -> str:
        """The name that `syncResult.resources[].syncPhase` holds."""
        return _PHASE_NAMES[self]


_PHASE_NAMES = {
    SyncPhase.PRE_SYNC: "PreSync",
    SyncPhase.SYNC: "Sync",
    SyncPhase.POST_SYNC: "PostSync",
    SyncPhase.SYNC_FAIL: "SyncFail",
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A target beside its live object; one of the two may be missing, not both.

    Attributes:
        is_modified: Whether comparison found a difference (a missing side counts as one).
        is_self_referencing: False when the live object's tracking data is a copy (§2.4).
    """

    target: Manifest | None
    live: Manifest | None
    is_modified: bool = True
    is_self_referencing: bool = True

    @property
    def manifest(self) -> Manifest:
        """The target, or the live object where there is no target.

        Raises:
            ValueError: both sides are missing, a mistake of the caller.
        """
        manifest = self.target if self.target is not None else self.live
        if manifest is None:
            raise ValueError("a pair needs a target or a live object")
        return manifest


@dataclass(frozen=True, slots=True)
class Task:
    """One object in one phase; without a target it is a prune.

    Attributes:
        phase: When it runs.
        wave: Within the phase; for prunes after the mirror swap.
        manifest: The target, or for a prune the live object.
        live: The object in the cluster, if any.
        options: Sync options that hold for it.
        is_prune: Whether the object is to be removed.
        is_modified: False when nothing would change.
        creates_namespace: Whether this is the destination namespace, untracked.
    """

    phase: SyncPhase
    wave: int
    manifest: Manifest
    live: Manifest | None
    options: SyncOptions
    is_prune: bool = False
    is_modified: bool = True
    creates_namespace: bool = False

    @property
    def key(self) -> ResourceKey:
        """Identity of the object."""
        return self.manifest.key

    @property
    def gvk(self) -> GroupVersionKind:
        """Kind and version that results name."""
        return self.manifest.gvk

    @classmethod
    def of(cls, pair: Pair, options: SyncOptions) -> "Task":
        """Build the task of an ordinary resource, in its own wave."""
        manifest = pair.manifest
        return cls(
            phase=SyncPhase.SYNC,
            wave=sync_wave(manifest),
            manifest=manifest,
            live=pair.live,
            options=options,
            is_prune=pair.target is None,
            is_modified=pair.is_modified,
        )
