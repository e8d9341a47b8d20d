"""What happens to Applications, for those who listen: Kubernetes Events, log, metrics, journal.

Reasons and texts: docs/internals/argocd/controller.md §11.1.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from holdfast.domain.identity import AppKey, Uid


class Reason(StrEnum):
    """Why an Event is written."""

    STATUS_REFRESHED = "StatusRefreshed"
    RESOURCE_CREATED = "ResourceCreated"
    RESOURCE_UPDATED = "ResourceUpdated"
    RESOURCE_DELETED = "ResourceDeleted"
    RESOURCE_ACTION_RAN = "ResourceActionRan"
    OPERATION_STARTED = "OperationStarted"
    OPERATION_COMPLETED = "OperationCompleted"


@dataclass(frozen=True, slots=True)
class AppEvent:
    """One thing that happened to an Application.

    Attributes:
        app, uid, resource_version: The Application.
        reason: What kind of thing.
        message: The sentence people read.
        warning: Type Warning instead of Normal.
        dest_server, dest_namespace: Where the Application deploys to.
        user: Who asked for it, or `""`.
    """

    app: AppKey
    uid: Uid
    reason: Reason
    message: str
    warning: bool = False
    resource_version: str = ""
    dest_server: str = ""
    dest_namespace: str = ""
    user: str = ""


class EventRecorder(Protocol):
    """Takes note of what happened; never waits and never fails."""

    def record(self, event: AppEvent) -> None:
        """Note what happened; returns at once."""
        ...
