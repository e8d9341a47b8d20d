"""Deployment, ReplicaSet and DaemonSet (controller.md §5.3)."""

from holdfast.assessing.reading import (
    degraded,
    find_condition,
    find_integer,
    healthy,
    integer,
    is_unobserved,
    member,
    progressing,
    suspended,
    text,
)
from holdfast.domain.health import Health
from holdfast.domain.manifest import Manifest

_WAITING = "Waiting for rollout to finish"


def assess_deployment(live: Manifest) -> Health:
    """Assess an apps/v1 Deployment."""
    if live.at("spec", "paused") is True:
        return suspended("Deployment is paused")
    if is_unobserved(live):
        return progressing(
            f"{_WAITING}: observed deployment generation less than desired generation"
        )
    condition = find_condition(live, "Progressing")
    if condition is not None and condition.get("reason") == "ProgressDeadlineExceeded":
        return degraded(f'Deployment "{live.name}" exceeded its progress deadline')
    return _assess_replicas_of_deployment(live)


def _assess_replicas_of_deployment(live: Manifest) -> Health:
    wanted = find_integer(live, "spec", "replicas")
    updated = integer(live, "status", "updatedReplicas")
    existing = integer(live, "status", "replicas")
    available = integer(live, "status", "availableReplicas")
    if wanted is not None and updated < wanted:
        return progressing(
            f"{_WAITING}: {updated} out of {wanted} new replicas have been updated..."
        )
    if existing > updated:
        return progressing(
            f"{_WAITING}: {existing - updated} old replicas are pending termination..."
        )
    if available < updated:
        return progressing(
            f"{_WAITING}: {available} of {updated} updated replicas are available..."
        )
    return healthy()


def assess_replica_set(live: Manifest) -> Health:
    """Assess an apps/v1 ReplicaSet."""
    if is_unobserved(live):
        return progressing(
            f"{_WAITING}: observed replica set generation less than desired generation"
        )
    failure = find_condition(live, "ReplicaFailure")
    if failure is not None and failure.get("status") == "True":
        return degraded(member(failure, "message"))
    wanted = find_integer(live, "spec", "replicas")
    available = integer(live, "status", "availableReplicas")
    if wanted is not None and available < wanted:
        return progressing(f"{_WAITING}: {available} out of {wanted} new replicas are available...")
    return healthy()


def assess_daemon_set(live: Manifest) -> Health:
    """Assess an apps/v1 DaemonSet."""
    if is_unobserved(live):
        return progressing(
            f"{_WAITING}: observed daemon set generation less than desired generation"
        )
    updated = integer(live, "status", "updatedNumberScheduled")
    wanted = integer(live, "status", "desiredNumberScheduled")
    available = integer(live, "status", "numberAvailable")
    if text(live, "spec", "updateStrategy", "type") == "OnDelete":
        return healthy(f"daemon set {updated} out of {wanted} new pods have been updated")
    waiting = f'Waiting for daemon set "{live.name}" rollout to finish'
    if updated < wanted:
        return progressing(f"{waiting}: {updated} out of {wanted} new pods have been updated...")
    if available < wanted:
        return progressing(f"{waiting}: {available} of {wanted} updated pods are available...")
    return healthy()
