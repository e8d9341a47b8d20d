"""StatefulSet and PersistentVolumeClaim (controller.md §5.3)."""

from holdfast.assessing.reading import (
    degraded,
    find_integer,
    healthy,
    integer,
    is_unobserved,
    progressing,
    text,
    unknown,
)
from holdfast.domain.health import Health
from holdfast.domain.manifest import Manifest


def assess_stateful_set(live: Manifest) -> Health:
    """Assess an apps/v1 StatefulSet."""
    if integer(live, "status", "observedGeneration") == 0 or is_unobserved(live):
        return progressing("Waiting for statefulset spec update to be observed...")
    wanted = find_integer(live, "spec", "replicas")
    ready = integer(live, "status", "readyReplicas")
    if wanted is not None and ready < wanted:
        return progressing(f"Waiting for {wanted - ready} pods to be ready...")
    strategy = text(live, "spec", "updateStrategy", "type")
    if strategy == "RollingUpdate" and live.at("spec", "updateStrategy", "rollingUpdate"):
        return _assess_partition(live, wanted)
    if strategy == "OnDelete":
        return healthy(f"statefulset has {ready} ready pods")
    return _assess_revision(live)


def _assess_partition(live: Manifest, wanted: int | None) -> Health:
    partition = find_integer(live, "spec", "updateStrategy", "rollingUpdate", "partition")
    updated = integer(live, "status", "updatedReplicas")
    if wanted is not None and partition is not None and updated < wanted - partition:
        return progressing(
            f"Waiting for partitioned roll out to finish: {updated} out of "
            f"{wanted - partition} new pods have been updated..."
        )
    return healthy(f"partitioned roll out complete: {updated} new pods have been updated...")


def _assess_revision(live: Manifest) -> Health:
    update = text(live, "status", "updateRevision")
    current = text(live, "status", "currentRevision")
    if update != current:
        updated = integer(live, "status", "updatedReplicas")
        return progressing(
            f"waiting for statefulset rolling update to complete {updated} pods at revision "
            f"{update}..."
        )
    pods = integer(live, "status", "currentReplicas")
    return healthy(f"statefulset rolling update complete {pods} pods at revision {current}...")


def assess_claim(live: Manifest) -> Health:
    """Assess a v1 PersistentVolumeClaim."""
    match text(live, "status", "phase"):
        case "Lost":
            return degraded()
        case "Pending":
            return progressing()
        case "Bound":
            return healthy()
        case _:
            return unknown()
