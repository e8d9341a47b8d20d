"""Whether an Application needs a comparison, and how deep (controller.md §7.4)."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from holdfast.domain.application import REFRESH_ANNOTATION, Application
from holdfast.domain.manifest import JSON
from holdfast.planning.times import find_time


class RefreshType(StrEnum):
    """Whether caches of manifests may be used."""

    NORMAL = "normal"
    HARD = "hard"


class Level(IntEnum):
    """How deep a comparison goes."""

    NOTHING = 0  # tree only
    RECENT = 1  # at the revisions that were compared last
    LATEST = 2  # target revisions, cached resolution allowed
    LATEST_FORCED = 3  # target revisions, resolved anew


@dataclass(frozen=True, slots=True)
class Refresh:
    """A comparison is due; `reason` is for the log."""

    type: RefreshType
    level: Level
    reason: str


@dataclass(frozen=True, slots=True)
class Expiry:
    """After how long a comparison is repeated by itself; zero or less means never.

    Attributes:
        soft: `timeout.reconciliation` with this Application's jitter.
        hard: `timeout.hard.reconciliation`.
    """

    soft: timedelta
    hard: timedelta = timedelta(0)


def find_refresh(
    app: Application, now: datetime, expiry: Expiry, queued: Level | None = None
) -> Refresh | None:
    """Return the comparison that is due, or None.

    Args:
        app: The Application as last read.
        now: The present moment.
        expiry: Timeouts.
        queued: Level of a request in the queue, None for none.
    """
    compared = (app.status.get("sync") or {}).get("comparedTo") or {}
    return (
        _find_requested(app)
        or _find_changed_source(app, compared)
        or _find_expired(app, now, expiry)
        or _find_changed_spec(app, compared)
        or _find_queued(queued)
    )


def _find_requested(app: Application) -> Refresh | None:
    annotation = app.manifest.annotation(REFRESH_ANNOTATION)
    if annotation is None:
        return None
    wanted = RefreshType.HARD if annotation == "hard" else RefreshType.NORMAL
    return Refresh(wanted, Level.LATEST_FORCED, f"{wanted} refresh requested")


def _find_changed_source(app: Application, compared: JSON) -> Refresh | None:
    current = app.compared_to()
    if _differ(compared, current, "source") or _differ(compared, current, "sources"):
        return Refresh(RefreshType.NORMAL, Level.LATEST_FORCED, "spec.source differs")
    return None


def _find_changed_spec(app: Application, compared: JSON) -> Refresh | None:
    current = app.compared_to()
    if _differ(compared, current, "destination"):
        what = "spec.destination"
    elif _namespace_metadata_differs(app):
        what = "spec.syncPolicy.managedNamespaceMetadata"
    elif _differ(compared, current, "ignoreDifferences"):
        what = "spec.ignoreDifferences"
    else:
        return None
    return Refresh(RefreshType.NORMAL, Level.LATEST, f"{what} differs")


def _find_queued(queued: Level | None) -> Refresh | None:
    if queued is None:
        return None
    return Refresh(RefreshType.NORMAL, queued, f"requested, level {queued.value}")


def _find_expired(app: Application, now: datetime, expiry: Expiry) -> Refresh | None:
    reconciled = find_time(app.status.get("reconciledAt"))
    if reconciled is None:
        return Refresh(RefreshType.NORMAL, Level.LATEST, "never compared")
    age = now - reconciled
    if expiry.hard > timedelta(0) and age > expiry.hard:
        return Refresh(RefreshType.HARD, Level.LATEST, "comparison expired, hard timeout")
    if expiry.soft > timedelta(0) and age > expiry.soft:
        return Refresh(RefreshType.NORMAL, Level.LATEST, "comparison expired")
    return None


def _namespace_metadata_differs(app: Application) -> bool:
    result = (app.operation_state or {}).get("syncResult")
    if not isinstance(result, dict):
        return False
    recorded = result.get("managedNamespaceMetadata")
    return not _same(recorded or None, app.sync_policy.managed_namespace_metadata or None)


def _differ(compared: JSON, current: JSON, field: str) -> bool:
    return not _same(compared.get(field) or None, current.get(field) or None)


def _same(left: JSON, right: JSON) -> bool:
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
