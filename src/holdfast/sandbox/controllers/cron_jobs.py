"""CronJobs: Jobs by the clock."""

import datetime
import zoneinfo
from dataclasses import dataclass, field

from cronsim import CronSim, CronSimError

from holdfast.domain.manifest import Tree
from holdfast.sandbox.controllers.access import Access, owner_reference, value
from holdfast.sandbox.controllers.conditions import is_true
from holdfast.sandbox.controllers.engine import Wakes, own_key, owner_keys
from holdfast.sandbox.controllers.jobs import JOBS
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.plane import parse_time, timestamp
from holdfast.sandbox.store.objects import Key

CRON_JOBS = ResourceId("batch", "cronjobs")
_SOURCE = "cronjob-controller"

_SHORTCUTS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(slots=True)
class CronJobs:
    """Reconciles CronJobs."""

    name: str = "cronjob"
    wakes: dict[ResourceId | None, Wakes] = field(
        default_factory=lambda: {CRON_JOBS: own_key, JOBS: owner_keys("CronJob")}
    )

    def reconcile(self, access: Access, key: Key) -> float | None:
        """Start the Job that is due; return seconds until the next one."""
        owner = access.find(CRON_JOBS, key)
        if owner is None or owner["metadata"].get("deletionTimestamp"):
            return None
        self._tidy(access, owner)
        owner = self._note(access, owner, None)
        if value(owner, "spec", "suspend", default=False):
            return None
        now = access.plane.clock.now()
        since = value(owner, "status", "lastScheduleTime") or owner["metadata"]["creationTimestamp"]
        due = _last_due(owner, parse_time(since), now)
        if due is not None:
            self._run(access, owner, due)
        following = next_time(owner, now)
        return max((following - now).total_seconds(), 0.01) if following else None

    def _run(self, access: Access, owner: Tree, due: datetime.datetime) -> None:
        active = _active(access, owner)
        policy = value(owner, "spec", "concurrencyPolicy", default="Allow")
        if active and policy == "Forbid":
            text = (
                "Not starting job because prior execution is running and concurrency policy is "
                "Forbid"
            )
            access.emit(owner, "Normal", "JobAlreadyActive", text, _SOURCE)
            return
        if policy == "Replace":
            for job in active:
                access.delete(JOBS, job)
        metadata = owner["metadata"]
        template = value(owner, "spec", "jobTemplate", default={})
        name = f"{metadata['name']}-{int(due.timestamp()) // 60}"
        if access.find(JOBS, (metadata["namespace"], name)) is None:
            annotations = {
                **(value(template, "metadata", "annotations") or {}),
                "batch.kubernetes.io/cronjob-scheduled-timestamp": timestamp(due),
            }
            made: Tree = {
                "name": name,
                "annotations": annotations,
                "ownerReferences": [owner_reference(owner)],
            }
            labels = value(template, "metadata", "labels")
            if labels:
                made["labels"] = labels
            fresh: Tree = {"metadata": made, "spec": dict(template.get("spec") or {})}
            access.create(JOBS, metadata["namespace"], fresh)
            access.emit(owner, "Normal", "SuccessfulCreate", f"Created job {name}", _SOURCE)
        self._note(access, owner, due)

    @staticmethod
    def _note(access: Access, owner: Tree, due: datetime.datetime | None) -> Tree:
        key = (owner["metadata"]["namespace"], owner["metadata"]["name"])
        owner = access.find(CRON_JOBS, key) or owner
        status = dict(owner.get("status") or {})
        if due is not None:
            status["lastScheduleTime"] = timestamp(due)
        status.pop("active", None)
        active = [
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "name": job["metadata"]["name"],
                "namespace": job["metadata"]["namespace"],
                "uid": job["metadata"]["uid"],
                "resourceVersion": job["metadata"]["resourceVersion"],
            }
            for job in _active(access, owner)
        ]
        if active:
            known = {row["uid"]: row for row in (owner.get("status") or {}).get("active") or []}
            status["active"] = [known.get(row["uid"], row) for row in active]
        ends = [
            value(job, "status", "completionTime")
            for job in access.owned(owner, JOBS)
            if value(job, "status", "completionTime")
        ]
        if ends:
            status["lastSuccessfulTime"] = max([*ends, status.get("lastSuccessfulTime") or ""])
        return access.set_status(CRON_JOBS, owner, status)

    @staticmethod
    def _tidy(access: Access, owner: Tree) -> None:
        jobs = access.owned(owner, JOBS)
        for kind, limit_name, most in (
            ("Complete", "successfulJobsHistoryLimit", 3),
            ("Failed", "failedJobsHistoryLimit", 1),
        ):
            ended = [job for job in jobs if is_true(value(job, "status", "conditions"), kind)]
            ended.sort(key=lambda job: str(value(job, "status", "startTime")))
            limit = int(value(owner, "spec", limit_name, default=most))
            for job in ended[: max(0, len(ended) - limit)]:
                access.delete(JOBS, job)


def _active(access: Access, owner: Tree) -> list[Tree]:
    found = []
    for job in access.owned(owner, JOBS):
        rows = value(job, "status", "conditions")
        if not is_true(rows, "Complete") and not is_true(rows, "Failed"):
            found.append(job)
    return found


def next_time(owner: Tree, after: datetime.datetime) -> datetime.datetime | None:
    """Return the first time of the schedule after a moment; None when it cannot be read."""
    schedule = str(value(owner, "spec", "schedule", default=""))
    zone = value(owner, "spec", "timeZone") or "UTC"
    try:
        local = after.astimezone(zoneinfo.ZoneInfo(zone))
        found: datetime.datetime = next(CronSim(_SHORTCUTS.get(schedule, schedule), local))
    except (CronSimError, StopIteration, zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None
    return found.astimezone(datetime.UTC)


def _last_due(
    owner: Tree, since: datetime.datetime, now: datetime.datetime
) -> datetime.datetime | None:
    """Return the newest time of the schedule that has passed since the last run."""
    deadline = value(owner, "spec", "startingDeadlineSeconds")
    earliest = since
    if deadline is not None:
        earliest = max(since, now - datetime.timedelta(seconds=int(deadline)))
    due: datetime.datetime | None = None
    moment = next_time(owner, earliest)
    for _ in range(100):
        if moment is None or moment > now:
            return due
        due = moment
        moment = next_time(owner, moment)
    return due
