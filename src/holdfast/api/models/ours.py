"""Shapes of `/api/holdfast/v1`."""

from datetime import datetime

from pydantic import Field

from holdfast.api.models.base import JsonObject, OurShape, Switch
from holdfast.domain.pause import PauseScope


class DriftQuery(OurShape):
    """`GET /drift`: which episodes, newest first."""

    app: str = ""
    since: datetime | None = None
    open: Switch = False
    limit: int = Field(100, ge=1, le=1000)


class StatsQuery(OurShape):
    """`GET /drift-stats`."""

    since: datetime | None = None


class NoQuery(OurShape):
    """No parameters."""


class AppQuery(OurShape):
    """Which Application is meant."""

    app_namespace: str = Field("", alias="appNamespace")
    project: str = ""


class PreviewQuery(AppQuery):
    """`GET /applications/{name}/preview`: what a sync to a revision would change."""

    revision: str = ""
    revisions: tuple[str, ...] = ()


class HandOverBody(OurShape):
    """`POST /applications/{name}/handover`."""

    dry_run: bool = Field(False, alias="dryRun")


class PausesQuery(OurShape):
    """`GET /pauses`."""

    app: str = ""
    app_namespace: str = Field("", alias="appNamespace")
    ended: Switch = False


class ObjectBody(OurShape):
    """One object."""

    group: str = ""
    kind: str
    namespace: str = ""
    name: str


class PauseBody(OurShape):
    """`POST /pauses`: give `until`, or `untilResumed`."""

    scope: PauseScope
    target: str = Field("", max_length=2048)
    app_namespace: str = Field("", alias="appNamespace", max_length=63)
    reason: str = Field(max_length=1024)
    until: datetime | None = None
    until_resumed: bool = Field(False, alias="untilResumed")
    resource: ObjectBody | None = None


class AdoptPlanBody(OurShape):
    """`POST /applications/{name}/adopt/plan`: all objects, or these."""

    resources: tuple[ObjectBody, ...] = ()


class AdoptBody(AdoptPlanBody):
    """`POST /applications/{name}/adopt`."""

    message: str = Field(min_length=1, max_length=10_000)
    author: str = Field("", max_length=200)
    branch: str = Field("", max_length=200)
    push: bool = False


# --- answers -----------------------------------------------------------------------------------


class EpisodeShape(OurShape):
    """One drift of one object."""

    id: str
    source: str
    app: JsonObject
    object: JsonObject
    what: str
    changes: tuple[JsonObject, ...]
    managers: tuple[str, ...]
    culprit: JsonObject | None
    detected_at: str = Field(alias="detectedAt")
    closed_at: str | None = Field(alias="closedAt")
    state: str
    took_ms: float | None = Field(alias="tookMs")
    decisions: tuple[JsonObject, ...]
    heals: tuple[JsonObject, ...]


class EpisodeList(OurShape):
    """`GET /drift`."""

    items: tuple[EpisodeShape, ...]


class StatsShape(OurShape):
    """`GET /drift-stats`."""

    since: str | None
    episodes: int
    open: int
    heals: int
    syncs: int
    heal_ms: dict[str, float] = Field(alias="healMs")
    by_state: dict[str, int] = Field(alias="byState")
    by_what: dict[str, int] = Field(alias="byWhat")
    by_app: dict[str, int] = Field(alias="byApp")
    by_manager: dict[str, int] = Field(alias="byManager")
    by_user: dict[str, int] = Field(alias="byUser")


class ObjectList(OurShape):
    """A list of objects as Kubernetes has them."""

    items: tuple[JsonObject, ...]


class PauseEventShape(OurShape):
    """What became of a pause: `ADDED`, `MODIFIED`, or `DELETED` when it ended."""

    type: str
    pause: JsonObject


class DoneShape(OurShape):
    """What came of a command."""

    outcome: str
    object: JsonObject | None
    notes: tuple[str, ...]


class AdoptionPlan(OurShape, extra="allow"):
    """What an adoption would commit."""

    diff: str
    adopted: tuple[JsonObject, ...]
    refused: tuple[JsonObject, ...]


class PreviewShape(OurShape):
    """`GET /applications/{name}/preview`."""

    creates: int
    changes: int
    prunes: int
    items: tuple[JsonObject, ...]


class StatusShape(OurShape, extra="allow"):
    """How Holdfast does."""

    connected: bool
    version: str
