"""Job, CronJob and Argo's Workflow (controller.md §5.3, §5.5)."""

from holdfast.assessing.reading import (
    conditions,
    degraded,
    find_condition,
    healthy,
    member,
    progressing,
    suspended,
    text,
    unknown,
)
from holdfast.domain.health import Health
from holdfast.domain.manifest import Manifest


def assess_job(live: Manifest) -> Health:
    """Assess a batch/v1 Job.

    Presence of conditions counts, not their status: a job that was resumed still has the condition
    `Suspended` and counts as Healthy while it runs (appendix B 13).
    """
    failed = find_condition(live, "Failed")
    if failed is not None:
        return degraded(member(failed, "message"))
    found = [item for item in conditions(live) if item.get("type") in ("Complete", "Suspended")]
    if any(item["type"] == "Suspended" and item.get("status") == "True" for item in found):
        return suspended()
    return healthy(member(found[-1], "message")) if found else progressing()


def assess_cron_job(live: Manifest) -> Health:
    """Assess a batch/v1 CronJob."""
    if live.at("spec", "suspend") is True:
        return healthy("CronJob is Suspended")
    if live.at("status") is None:
        return progressing("Waiting for CronJob")
    return _assess_schedule(live)


def _assess_schedule(live: Manifest) -> Health:
    scheduled = text(live, "status", "lastScheduleTime")
    succeeded = text(live, "status", "lastSuccessfulTime")
    if not scheduled:
        return healthy("CronJob has not been scheduled yet")
    if not succeeded:
        return healthy("The CronJob never completed successfully. It may not be healthy")
    if live.at("status", "active"):
        return healthy("The job is running. Its last execution may not have been successful")
    if succeeded < scheduled:  # both in one form, UTC with whole seconds, so text order is time's
        return degraded("CronJob has not completed its last execution successfully")
    return healthy("CronJob has completed its last execution successfully")


def assess_workflow(live: Manifest) -> Health:
    """Assess an argoproj.io Workflow."""
    message = text(live, "status", "message")
    match text(live, "status", "phase"):
        case "" | "Pending" | "Running":
            return progressing(message)
        case "Succeeded":
            return healthy(message)
        case "Failed" | "Error":
            return degraded(message)
        case _:
            return unknown(message)
