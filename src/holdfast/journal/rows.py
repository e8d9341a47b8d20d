"""From a happening to a row: what is kept, what is cut, what is masked. Pure.

No value of a Secret gets here but as a token of the cluster room; the journal holds not even that,
since equal tokens would tell equal values. What looks like a credential in another kind is masked
as well (`kit.masking`).
"""

from dataclasses import dataclass
from typing import Any, assert_never

from holdfast.domain.audit import DriftAttributed
from holdfast.domain.drift import Difference, Drift, FieldOwner
from holdfast.domain.events import (
    DriftClosed,
    DriftDecided,
    DriftOpened,
    Happening,
    HealAttempted,
    SyncEnded,
)
from holdfast.journal import tables
from holdfast.kit.masking import shown_text, shown_value

MOST_CHANGES = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One row to be added."""

    table: str
    values: dict[str, Any]


def row_of(happening: Happening, source: str) -> Row:
    """Return the row of a happening; `source` says which Holdfast saw it."""
    match happening:
        case DriftOpened():
            return Row(tables.DRIFTS, _drift(happening, source))
        case DriftDecided():
            return Row(
                tables.DECISIONS,
                {
                    "episode": happening.episode,
                    "decision": happening.decision,
                    "reason": happening.reason,
                    "detail": shown_text(happening.detail),
                    "at": happening.at,
                },
            )
        case HealAttempted():
            return Row(
                tables.HEALS,
                {
                    "episode": happening.episode,
                    "outcome": happening.outcome.value,
                    "took_s": happening.seconds,
                    "message": shown_text(happening.message),
                    "changes": _changes(happening.drift),
                    "manifest": happening.manifest,
                    "step": happening.step,
                    "at": happening.at,
                },
            )
        case DriftClosed():
            return Row(
                tables.CLOSINGS,
                {"episode": happening.episode, "how": happening.how.value, "at": happening.at},
            )
        case SyncEnded():
            return Row(tables.SYNCS, _sync(happening, source))
        case _:
            assert_never(happening)


def _drift(opened: DriftOpened, source: str) -> dict[str, Any]:
    key, drift = opened.drift.key, opened.drift
    return {
        "id": opened.episode,
        "source": source,
        "app_namespace": opened.app.namespace,
        "app": opened.app.name,
        "object_group": key.group,
        "object_kind": key.kind,
        "object_namespace": key.namespace,
        "object_name": key.name,
        "object_uid": opened.uid,
        "object_version": opened.version,
        "what": drift.kind.value,
        "changes": _changes(drift),
        "managers": sorted({m for row in drift.differences for m in row.managers}),
        "detected_at": opened.detected_at,
    }


def _sync(ended: SyncEnded, source: str) -> dict[str, Any]:
    return {
        "source": source,
        "app_namespace": ended.app.namespace,
        "app": ended.app.name,
        "revisions": list(ended.revisions),
        "phase": ended.phase,
        "message": shown_text(ended.message),
        "initiated_by": ended.initiated_by,
        "is_selective": ended.is_selective,
        "started_at": ended.started_at,
        "finished_at": ended.finished_at,
    }


def _changes(drift: Drift) -> list[dict[str, Any]]:
    rows = [_change(row, drift) for row in drift.differences[:MOST_CHANGES]]
    left = len(drift.differences) - len(rows)
    if left > 0:
        rows.append({"path": f"… {left} more fields", "before": None, "after": None,
                     "managers": [], "owners": []})  # fmt: skip
    return rows


def _change(row: Difference, drift: Drift) -> dict[str, Any]:
    is_secret = drift.hides(row.path)
    return {
        "path": row.path,
        "before": shown_value(row.path, row.desired, is_secret=is_secret),
        "after": shown_value(row.path, row.live, is_secret=is_secret),
        "managers": list(row.managers),
        "owners": [_owner(owner) for owner in row.owners],
    }


def _owner(owner: FieldOwner) -> dict[str, str]:
    return {
        "manager": owner.manager,
        "operation": owner.operation,
        "time": owner.time,
        "subresource": owner.subresource,
    }


def culprit_row(attributed: DriftAttributed) -> Row:
    """Return the row that says who made a drift."""
    request = attributed.request
    return Row(
        tables.CULPRITS,
        {
            "episode": attributed.episode,
            "username": request.username,
            "impersonator": request.impersonator,
            "user_agent": request.user_agent,
            "source_ip": request.source_ip,
            "verb": request.verb,
            "subresource": request.subresource,
            "audit_id": request.audit_id,
            "matched_by": attributed.matched_by,
            "at": request.at,
        },
    )
