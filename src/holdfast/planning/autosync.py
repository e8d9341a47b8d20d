"""Whether a comparison starts an operation by itself (controller.md §7.2).

In:  the Application, a `Comparison` (what the last comparison found) and the present moment.
Out: exactly one of `Skip`, `Refuse`, `Start`, `HealBackoff`.

First matching rule wins; the numbers are the rows of §7.2:
  1  automatic sync is off                                   -> Skip
  2  an operation is requested already                       -> Skip
  3  the Application is being deleted                        -> Skip
  4  sync status is not OutOfSync                            -> Skip
  5  prune is off and nothing but prunes is left             -> Skip
  6a this revision was tried and did not succeed             -> Refuse
  6b tried, succeeded, and no object that git dropped is to be pruned -> Skip
  6c tried, succeeded, such extras, backoff not over         -> HealBackoff
  7  prune is on and everything would be removed             -> Refuse, until a person approves
  7b more than half, and at least 5 objects, would be removed -> Refuse, until a person approves
  6d extras of a revision that was synced                    -> Start, selective, prunes alone
  8  otherwise                                               -> Start

Objects that changed or vanished after a success are not here: the heal lane puts them back one by
one (DESIGN §4.3). It never deletes, so extras stay with this lane, as rows 6c and 6d.
Hook entries (empty status) are not counted by the guards 5 and 7 (appendix B 15).
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from holdfast.domain.application import Application, Automated
from holdfast.domain.drift import SyncCode
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.operation import Phase
from holdfast.planning.prune import is_approved
from holdfast.planning.times import find_time

AUTO_SYNC_RETRY_LIMIT = 5
HEAL_BASE = timedelta(seconds=2)
HEAL_FACTOR = 3
HEAL_CAP = timedelta(seconds=300)
PRUNE_BUDGET_SHARE = 0.5
"""Automatic prune removes at most this share of an Application's objects at once …"""
PRUNE_BUDGET_OBJECTS = 5
"""… when it concerns at least this many."""


class SkipReason(StrEnum):
    """Why nothing is started; for logs and `status`, not for conditions."""

    OFF = "automatic sync is off"
    REQUESTED = "an operation is requested already"
    DELETING = "the Application is being deleted"
    NOT_OUT_OF_SYNC = "the Application is not OutOfSync"
    ONLY_PRUNES = "only objects to prune are left, and automatic prune is off"
    ATTEMPTED = "this revision was synced; drift belongs to the heal lane"


@dataclass(frozen=True, slots=True)
class Skip:
    """Start nothing; a `SyncError` condition goes away."""

    reason: SkipReason


@dataclass(frozen=True, slots=True)
class Refuse:
    """Start nothing; `message` becomes a `SyncError` condition."""

    message: str


@dataclass(frozen=True, slots=True)
class HealBackoff:
    """Start nothing yet; compare again at `until`. A `SyncError` condition goes away."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Start:
    """Write `operation`; `event` is the text of the Event `OperationStarted`."""

    operation: Tree
    event: str


Decision: TypeAlias = Skip | Refuse | HealBackoff | Start


@dataclass(frozen=True, slots=True)
class ComparedResource:
    """One entry of `status.resources`, as far as this decision needs it.

    Attributes:
        status: None for hooks and other entries without status.
        requires_pruning: Live, ours, and not declared any more.
        is_protected: `Prune=false` stands on it: no operation would remove it.
    """

    key: ResourceKey
    status: SyncCode | None
    requires_pruning: bool = False
    is_protected: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the last comparison found.

    Attributes:
        status: Sync status of the Application.
        revisions: Resolved revisions, one for each source.
        resources: All entries, hooks too.
        may_have_changed: False when it is proven that the revisions hold the same manifests.
    """

    status: SyncCode
    revisions: tuple[str, ...]
    resources: tuple[ComparedResource, ...]
    may_have_changed: bool = True


_NOT_AGAIN = (
    ". It is not tried again by itself at this revision: correct the cause, then run `app sync` "
    "or commit"
)


def decide_auto_sync(app: Application, comparison: Comparison, now: datetime) -> Decision:
    """Return what automatic sync does after a comparison."""
    automated = app.sync_policy.automated
    reason = _find_skip(app, automated, comparison)
    if automated is None or reason is not None:
        return Skip(reason or SkipReason.OFF)
    extras: list[ComparedResource] = []
    if was_attempted(app, comparison):
        extras = _prunable_extras(comparison)
        held = _after_attempt(app, comparison, extras, now)
        if held is not None:
            return held
    too_much = _removes_too_much(app, automated, comparison) if automated.prune else ""
    if too_much:
        return Refuse(
            f"Skipping sync attempt to {_listed(comparison.revisions)}: {too_much}; nothing is "
            f"pruned until `app sync {app.key.name} --prune` or "
            f"`app confirm-deletion {app.key.name}`"
        )
    return _start(app, comparison, automated, extras)


def was_attempted(app: Application, comparison: Comparison) -> bool:
    """Whether the last operation was for these revisions and these sources."""
    state = app.operation_state
    if state is None:
        return False
    result = state.get("syncResult")
    if not isinstance(result, dict) or not result:
        return _is_completed(state.get("phase"))
    if comparison.may_have_changed and _revisions(result) != comparison.revisions:
        return False
    if app.is_multi_source:
        return _same(result.get("sources"), [source.tree for source in app.sources])
    return bool(app.sources) and _same(result.get("source"), app.sources[0].tree)


def heal_pause(attempts: int) -> timedelta:
    """Return Argo CD's pause after so many self-heals: 0, 2, 6, 18, 54, 162, 300 s (§7.3)."""
    if attempts <= 0:
        return timedelta(0)
    growth: int = HEAL_FACTOR ** min(attempts - 1, 10)
    return min(HEAL_BASE * growth, HEAL_CAP)


def _find_skip(
    app: Application, automated: Automated | None, comparison: Comparison
) -> SkipReason | None:
    changed = _changed(comparison)
    rules = (
        (automated is None, SkipReason.OFF),
        (app.operation is not None, SkipReason.REQUESTED),
        (app.is_deleting, SkipReason.DELETING),
        (comparison.status is not SyncCode.OUT_OF_SYNC, SkipReason.NOT_OUT_OF_SYNC),
        (
            automated is not None
            and not automated.prune
            and all(resource.requires_pruning for resource in changed),
            SkipReason.ONLY_PRUNES,
        ),
    )
    return next((reason for applies, reason in rules if applies), None)


def _changed(comparison: Comparison) -> list[ComparedResource]:
    return [
        resource
        for resource in comparison.resources
        if resource.status is not None and resource.status is not SyncCode.SYNCED
    ]


def _prunable_extras(comparison: Comparison) -> list[ComparedResource]:
    return [
        resource
        for resource in _changed(comparison)
        if resource.requires_pruning and not resource.is_protected
    ]


def _would_remove_all(comparison: Comparison) -> bool:
    return all(
        resource.requires_pruning
        for resource in comparison.resources
        if resource.status is not None
    )


def _removes_too_much(app: Application, automated: Automated, comparison: Comparison) -> str:
    """Return why automatic prune would remove too much at once, or `""` (DESIGN §8.8).

    A moved folder or a broken generator looks like a wish to delete. A person's word lifts it:
    `app sync --prune`, or an approval newer than the last operation.
    """
    finished = find_time((app.operation_state or {}).get("finishedAt"))
    if finished is not None and is_approved(app, finished):
        return ""
    if not automated.allow_empty and _would_remove_all(comparison):
        return "auto-sync will wipe out all resources"
    listed = [resource for resource in comparison.resources if resource.status is not None]
    extras = _prunable_extras(comparison)
    if len(extras) < PRUNE_BUDGET_OBJECTS or len(extras) <= len(listed) * PRUNE_BUDGET_SHARE:
        return ""
    return f"automatic prune would remove {len(extras)} of {len(listed)} objects, more than half"


def _after_attempt(
    app: Application, comparison: Comparison, extras: list[ComparedResource], now: datetime
) -> Decision | None:
    state = app.operation_state or {}
    automated = app.sync_policy.automated
    if _phase(state.get("phase")) is not Phase.SUCCEEDED:
        names = _listed(comparison.revisions)
        said = str(state.get("message") or "").removesuffix(".")
        return Refuse(f"Failed last sync attempt to {names}: {said}{_NOT_AGAIN}")
    prunes = automated is not None and automated.self_heal and automated.prune
    if not prunes or not extras:
        return Skip(SkipReason.ATTEMPTED)
    finished = find_time(state.get("finishedAt"))
    if finished is None or finished > now:
        return None  # the clock was set back: what lies in the future says nothing about a wait
    until = finished + heal_pause(_attempts(app))
    return HealBackoff(until) if until > now else None


def _start(
    app: Application,
    comparison: Comparison,
    automated: Automated,
    extras: list[ComparedResource],
) -> Start:
    sync: Tree = {}
    if app.is_multi_source:
        sync["sources"] = [source.tree for source in app.sources]
        sync["revisions"] = list(comparison.revisions)
    else:
        sync["source"] = app.sources[0].tree
        sync["revision"] = comparison.revisions[0] if comparison.revisions else ""
    if automated.prune:
        sync["prune"] = True
    if app.sync_policy.options:
        sync["syncOptions"] = list(app.sync_policy.options)
    if extras:
        sync["autoHealAttemptsCount"] = _attempts(app) + 1
        sync["resources"] = [_selected(item.key) for item in extras]
    operation: Tree = {"sync": sync, "initiatedBy": {"automated": True}, "retry": _retry(app)}
    return Start(operation, f"Initiated automated sync to '{', '.join(comparison.revisions)}'")


def _selected(key: ResourceKey) -> Tree:
    """With the namespace, unlike Argo CD (appendix B 2): a prune must never hit a namesake."""
    entry = {"group": key.group, "kind": key.kind, "name": key.name, "namespace": key.namespace}
    return {field: value for field, value in entry.items() if value}


def _retry(app: Application) -> Tree:
    retry = app.manifest.at("spec", "syncPolicy", "retry")
    return dict(retry) if isinstance(retry, dict) else {"limit": AUTO_SYNC_RETRY_LIMIT}


def _attempts(app: Application) -> int:
    sync = ((app.operation_state or {}).get("operation") or {}).get("sync") or {}
    attempts = sync.get("autoHealAttemptsCount")
    return attempts if isinstance(attempts, int) else 0


def _revisions(result: Tree) -> tuple[str, ...]:
    several = result.get("revisions")
    if isinstance(several, list) and several:
        return tuple(str(revision) for revision in several)
    return (str(result.get("revision") or ""),)


def _phase(value: JSON) -> Phase | None:
    return next((phase for phase in Phase if phase.value == value), None)


def _is_completed(value: JSON) -> bool:
    phase = _phase(value)
    return phase is not None and phase.is_completed


def _listed(revisions: tuple[str, ...]) -> str:
    return f"[{' '.join(revisions)}]"


def _same(left: JSON, right: JSON) -> bool:
    """Compare as canonical JSON, so that `1` and `true` stay different."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
