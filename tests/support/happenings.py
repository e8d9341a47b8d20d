"""What a lane would tell the journal, in one line each."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from holdfast.domain.audit import AuditedRequest
from holdfast.domain.drift import Difference, Drift, DriftKind, FieldOwner
from holdfast.domain.events import (
    Closing,
    DriftClosed,
    DriftDecided,
    DriftOpened,
    HealAttempted,
    Outcome,
    SyncEnded,
)
from holdfast.domain.identity import AppKey, ResourceKey, Uid

if TYPE_CHECKING:
    from holdfast.domain.events import Happening

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
WEB = AppKey("argocd", "web")
DEPLOYMENT = ResourceKey("apps", "Deployment", "prod", "web")
SECRET = ResourceKey("", "Secret", "prod", "web")
EDITED = FieldOwner("kubectl-edit", "Update", "2026-01-02T12:00:00Z")
REPLICAS = Difference("spec.replicas", 2, 5, ("kubectl-edit",), (EDITED,))
_numbers = itertools.count(1)


def new_id() -> str:
    """An id that no other test has."""
    return f"{next(_numbers):016x}"


def drift(*differences: Difference, key: ResourceKey = DEPLOYMENT) -> Drift:
    kind = DriftKind.CHANGED if differences else DriftKind.MISSING
    return Drift(key, kind, differences)


def opened(
    episode: str,
    seen: Drift | None = None,
    *,
    app: AppKey = WEB,
    at: datetime = NOON,
    version: int = 0,
    after: int = 0,
) -> DriftOpened:
    return DriftOpened(episode, app, seen or drift(REPLICAS), Uid("u1"), at, version, after)


def decided(
    episode: str, decision: str, reason: str, detail: str = "", at: datetime = NOON
) -> DriftDecided:
    return DriftDecided(episode, WEB, DEPLOYMENT, decision, reason, detail, at)


def healed(
    episode: str,
    *,
    seconds: float = 0.008,
    outcome: Outcome = Outcome.HEALED,
    message: str = "",
    at: datetime = NOON,
) -> HealAttempted:
    return HealAttempted(episode, WEB, drift(REPLICAS), outcome, seconds, message, at)


def closed(episode: str, how: Closing = Closing.HEALED, at: datetime = NOON) -> DriftClosed:
    return DriftClosed(episode, WEB, DEPLOYMENT, how, at)


def whole(episode: str, at: datetime = NOON, **heal: Any) -> list[Happening]:
    """A drift from its beginning to its end."""
    after = at + timedelta(milliseconds=9)
    return [opened(episode, at=at), healed(episode, at=after, **heal), closed(episode, at=after)]


def synced(at: datetime = NOON, **changes: Any) -> SyncEnded:
    fields: dict[str, Any] = {
        "app": WEB,
        "revisions": ("a" * 40,),
        "phase": "Succeeded",
        "message": "successfully synced (all tasks run)",
        "started_at": at,
        "finished_at": at,
        "initiated_by": "",
        "is_selective": False,
    }
    return SyncEnded(**{**fields, **changes})


def asked(**changes: Any) -> AuditedRequest:
    """A request of the audit log: ann deletes the Deployment."""
    fields: dict[str, Any] = {
        "audit_id": "a-1",
        "username": "ann",
        "impersonator": "",
        "user_agent": "kubectl/v1.36.3 (linux/amd64)",
        "source_ip": "10.0.0.7",
        "verb": "delete",
        "group": "apps",
        "resource": "deployments",
        "namespace": "prod",
        "name": "web",
        "subresource": "",
        "manager": "kubectl",
        "uid": Uid(""),
        "version": 0,
        "at": NOON,
    }
    return AuditedRequest(**{**fields, **changes})
