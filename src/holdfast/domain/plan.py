"""Writes, and the permission for each.

`Authorized` is made by `planning.authorize_write` alone and demanded by every writing method of
the cluster port. Our own bookkeeping (status, Events, the lease …) carries a `SystemWrite`.
"""

from dataclasses import dataclass
from enum import StrEnum

from holdfast.domain.identity import AppKey, ResourceKey


class Verb(StrEnum):
    """What a write does to the object."""

    APPLY = "apply"
    CREATE = "create"
    REPLACE = "replace"
    DELETE = "delete"
    TAKE_OVER = "take-over"
    HAND_OVER = "hand-over"
    PATCH = "patch"


class Purpose(StrEnum):
    """Why a write happens; shown in logs and the journal."""

    SYNC = "sync"
    HEAL = "heal"
    HOOK = "hook"
    PRUNE = "prune"
    CASCADE = "cascade"
    NAMESPACE = "namespace"
    HANDOVER = "handover"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Authorized:
    """Permission for one write to one object on behalf of one Application.

    Only `planning.authorize_write` builds it.
    """

    key: ResourceKey
    verb: Verb
    purpose: Purpose
    app: AppKey


@dataclass(frozen=True, slots=True)
class Refused:
    """A write that the project does not permit; the sentence is Argo CD's."""

    key: ResourceKey
    message: str


class SystemWrite(StrEnum):
    """Every write of our own that concerns no declared object."""

    APPLICATION_STATUS = "application-status"
    APPLICATION_OPERATION = "application-operation"
    APPLICATION_METADATA = "application-metadata"
    APPLICATION_SPEC = "application-spec"
    APPLICATION_CREATE = "application-create"
    APPLICATION_DELETE = "application-delete"
    PROJECT = "project"
    PAUSE = "pause"
    EVENT = "event"
    LEASE = "lease"
    CRD = "crd"
    NAMESPACE = "namespace"
    INSTALLATION_KEY = "installation-key"
    NOTIFICATION_TEST = "notification-test"
    REPOSITORY = "repository"
    TRUST = "trust"
    CLUSTER = "cluster"


class PatchKind(StrEnum):
    """How a patch that a person gave is read."""

    JSON = "json"
    MERGE = "merge"
    STRATEGIC = "strategic"


class Propagation(StrEnum):
    """How dependents of a deleted object are treated."""

    FOREGROUND = "Foreground"
    BACKGROUND = "Background"
    ORPHAN = "Orphan"


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How an apply is sent.

    Attributes:
        force: Take fields from other managers.
        dry_run: Ask only.
        validate: `Strict` field validation, or `Ignore` when False.
        manager: Field manager; `holdfast` but for releases (apply.md A4).
    """

    force: bool = True
    dry_run: bool = False
    validate: bool = True
    manager: str = "holdfast"
