"""What the deletion of an Application removes next (controller.md §9.2 step 4).

First matching rule wins:
  1. no resources finalizer                                 -> Finished (objects stay)
  2. some object of the Application is already going away   -> WaitGone
  3. some object asks for confirmation and there is none    -> WaitConfirmation
  4. objects that may go are left                           -> DeleteWave, the highest wave alone
  5. otherwise                                              -> Finished: the finalizer may go

Never removed: CRDs, the Application itself, `Delete=false`, `helm.sh/resource-policy: keep`.
An unknown destination cluster is the caller's to report with `unreachable_destination`: the
finalizers stay (appendix B 18).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from holdfast.domain.application import APPLICATION, RESOURCES_FINALIZER, Application
from holdfast.domain.condition import Condition, ConditionType
from holdfast.domain.hooks import sync_wave
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import Manifest
from holdfast.domain.plan import Propagation
from holdfast.planning.definitions import is_crd
from holdfast.planning.options import (
    Removal,
    deletion_choice,
    requires_deletion_confirmation,
)
from holdfast.planning.prune import is_approved
from holdfast.planning.times import find_time


@dataclass(frozen=True, slots=True)
class WaitGone:
    """Objects are terminating; look again when one of them is gone."""

    keys: tuple[ResourceKey, ...]


@dataclass(frozen=True, slots=True)
class WaitConfirmation:
    """A person must approve (`argocd.argoproj.io/deletion-approved`) before anything goes."""

    keys: tuple[ResourceKey, ...]


@dataclass(frozen=True, slots=True)
class DeleteWave:
    """Delete these objects in parallel, then decide again."""

    wave: int
    objects: tuple[Manifest, ...]
    propagation: Propagation


@dataclass(frozen=True, slots=True)
class Finished:
    """Nothing is left to remove; drop `finalizers` from the Application."""

    finalizers: tuple[str, ...]


CascadeStep: TypeAlias = WaitGone | WaitConfirmation | DeleteWave | Finished


def next_cascade_step(app: Application, live: Iterable[Manifest]) -> CascadeStep:
    """Return the next step of a deletion.

    Args:
        app: The Application, with its deletion asked for.
        live: Its managed live objects that the project permits.
    """
    propagation = app.cascade_propagation
    if propagation is None:
        return Finished(())
    objects = sorted(live, key=lambda manifest: manifest.key)
    going = tuple(manifest.key for manifest in objects if manifest.is_terminating)
    if going:
        return WaitGone(going)
    unconfirmed = _unconfirmed(app, objects)
    if unconfirmed:
        return WaitConfirmation(unconfirmed)
    deletable = [manifest for manifest in objects if is_deletable(app, manifest)]
    if not deletable:
        return Finished(cascade_finalizers(app))
    wave = max(sync_wave(manifest) for manifest in deletable)
    last = tuple(manifest for manifest in deletable if sync_wave(manifest) == wave)
    return DeleteWave(wave, last, Propagation(propagation))


def is_deletable(app: Application, live: Manifest) -> bool:
    """Whether deletion of the Application removes this object."""
    if is_crd(live) or _is_itself(app, live):
        return False
    return deletion_choice(live, app.sync_policy.options) is not Removal.NEVER


def cascade_finalizers(app: Application) -> tuple[str, ...]:
    """Return the finalizers that stand for the removal of objects."""
    return tuple(
        finalizer
        for finalizer in app.manifest.finalizers
        if finalizer == RESOURCES_FINALIZER or finalizer.startswith(f"{RESOURCES_FINALIZER}/")
    )


def unreachable_destination(reason: str) -> Condition:
    """Return the condition of a deletion whose cluster is not known; the finalizers stay."""
    message = (
        f"{reason}; the objects on it were not deleted and the finalizers stay. Correct "
        "spec.destination, or remove the finalizers to leave the objects behind"
    )
    return Condition(ConditionType.DELETION_ERROR, message)


def _unconfirmed(app: Application, objects: list[Manifest]) -> tuple[ResourceKey, ...]:
    since = find_time(app.manifest.deletion_timestamp)
    if since is not None and is_approved(app, since):
        return ()
    options = app.sync_policy.options
    return tuple(
        manifest.key
        for manifest in objects
        if requires_deletion_confirmation(None, manifest, options)
    )


def _is_itself(app: Application, live: Manifest) -> bool:
    key = live.key
    return (
        key.group == APPLICATION.group
        and key.kind == APPLICATION.kind
        and key.namespace == app.key.namespace
        and key.name == app.key.name
    )
