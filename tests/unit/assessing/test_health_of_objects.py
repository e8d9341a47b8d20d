"""Golden tables: each row of controller.md §5.2, §5.3 and §5.5 is a row here.

A row has the object's spec and status as the API server serves them, then the health expected.
"""

import json
from typing import Any

import pytest

from holdfast.assessing.assess import assess
from holdfast.domain.health import Health, HealthCode
from holdfast.domain.manifest import Manifest
from tests.support.applications import definition, thing

HEALTHY, PROGRESSING = HealthCode.HEALTHY, HealthCode.PROGRESSING
DEGRADED, SUSPENDED, UNKNOWN = HealthCode.DEGRADED, HealthCode.SUSPENDED, HealthCode.UNKNOWN
Row = dict[str, Any]


def workload(kind: str, spec: Row, status: Row) -> Manifest:
    return thing(kind, api_version="apps/v1", metadata={"generation": 2}, spec=spec, status=status)


def condition(type_: str, status: str = "True", reason: str = "", message: str = "") -> Row:
    return {"type": type_, "status": status, "reason": reason, "message": message}


SEEN = {"observedGeneration": 2}
WAIT = "Waiting for rollout to finish: "


@pytest.mark.parametrize(
    ("spec", "status", "code", "message"),
    [
        pytest.param({"paused": True}, {}, SUSPENDED, "Deployment is paused", id="paused"),
        pytest.param(
            {"replicas": 1},
            {"observedGeneration": 1},
            PROGRESSING,
            WAIT + "observed deployment generation less than desired generation",
            id="not observed",
        ),
        pytest.param(
            {"replicas": 1},
            {
                **SEEN,
                "conditions": [condition("Progressing", "False", "ProgressDeadlineExceeded")],
            },
            DEGRADED,
            'Deployment "web" exceeded its progress deadline',
            id="deadline exceeded",
        ),
        pytest.param(
            {"replicas": 3},
            {**SEEN, "updatedReplicas": 1},
            PROGRESSING,
            WAIT + "1 out of 3 new replicas have been updated...",
            id="updating",
        ),
        pytest.param(
            {"replicas": 3},
            {**SEEN, "updatedReplicas": 3, "replicas": 5},
            PROGRESSING,
            WAIT + "2 old replicas are pending termination...",
            id="old ones are left",
        ),
        pytest.param(
            {"replicas": 3},
            {**SEEN, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 1},
            PROGRESSING,
            WAIT + "1 of 3 updated replicas are available...",
            id="not all available",
        ),
        pytest.param(
            {"replicas": 3},
            {**SEEN, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 3},
            HEALTHY,
            "",
            id="done",
        ),
        pytest.param({"replicas": 0}, SEEN, HEALTHY, "", id="scaled to nothing"),
    ],
)
def test_deployment(spec: Row, status: Row, code: HealthCode, message: str) -> None:
    assert assess(workload("Deployment", spec, status)) == Health(code, message)


ROLLING: Row = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}


@pytest.mark.parametrize(
    ("spec", "status", "code", "message"),
    [
        pytest.param(
            {"replicas": 1},
            {},
            PROGRESSING,
            "Waiting for statefulset spec update to be observed...",
            id="never observed",
        ),
        pytest.param(
            {"replicas": 3},
            {**SEEN, "readyReplicas": 1},
            PROGRESSING,
            "Waiting for 2 pods to be ready...",
            id="not ready",
        ),
        pytest.param(
            {"replicas": 3, "updateStrategy": ROLLING},
            {**SEEN, "readyReplicas": 3, "updatedReplicas": 1},
            PROGRESSING,
            "Waiting for partitioned roll out to finish: 1 out of 2 new pods have been updated...",
            id="partition is rolling",
        ),
        pytest.param(
            {"replicas": 3, "updateStrategy": ROLLING},
            {**SEEN, "readyReplicas": 3, "updatedReplicas": 2},
            HEALTHY,
            "partitioned roll out complete: 2 new pods have been updated...",
            id="partition is done",
        ),
        pytest.param(
            {"replicas": 2, "updateStrategy": {"type": "OnDelete"}},
            {**SEEN, "readyReplicas": 2},
            HEALTHY,
            "statefulset has 2 ready pods",
            id="on delete",
        ),
        pytest.param(
            {"replicas": 2, "updateStrategy": {"type": "RollingUpdate"}},
            {
                **SEEN,
                "readyReplicas": 2,
                "updatedReplicas": 1,
                "updateRevision": "b",
                "currentRevision": "a",
            },
            PROGRESSING,
            "waiting for statefulset rolling update to complete 1 pods at revision b...",
            id="revision is rolling",
        ),
        pytest.param(
            {"replicas": 2},
            {
                **SEEN,
                "readyReplicas": 2,
                "currentReplicas": 2,
                "updateRevision": "b",
                "currentRevision": "b",
            },
            HEALTHY,
            "statefulset rolling update complete 2 pods at revision b...",
            id="revision is done",
        ),
    ],
)
def test_stateful_set(spec: Row, status: Row, code: HealthCode, message: str) -> None:
    assert assess(workload("StatefulSet", spec, status)) == Health(code, message)


@pytest.mark.parametrize(
    ("spec", "status", "code", "message"),
    [
        pytest.param(
            {},
            {},
            PROGRESSING,
            WAIT + "observed daemon set generation less than desired generation",
            id="not observed",
        ),
        pytest.param(
            {"updateStrategy": {"type": "OnDelete"}},
            {**SEEN, "updatedNumberScheduled": 1, "desiredNumberScheduled": 3},
            HEALTHY,
            "daemon set 1 out of 3 new pods have been updated",
            id="on delete",
        ),
        pytest.param(
            {},
            {**SEEN, "updatedNumberScheduled": 1, "desiredNumberScheduled": 3},
            PROGRESSING,
            'Waiting for daemon set "web" rollout to finish: 1 out of 3 new pods have been '
            "updated...",
            id="updating",
        ),
        pytest.param(
            {},
            {
                **SEEN,
                "updatedNumberScheduled": 3,
                "desiredNumberScheduled": 3,
                "numberAvailable": 2,
            },
            PROGRESSING,
            'Waiting for daemon set "web" rollout to finish: 2 of 3 updated pods are available...',
            id="not all available",
        ),
        pytest.param({}, SEEN, HEALTHY, "", id="done"),
    ],
)
def test_daemon_set(spec: Row, status: Row, code: HealthCode, message: str) -> None:
    assert assess(workload("DaemonSet", spec, status)) == Health(code, message)


@pytest.mark.parametrize(
    ("spec", "status", "code", "message"),
    [
        pytest.param(
            {},
            {},
            PROGRESSING,
            WAIT + "observed replica set generation less than desired generation",
            id="not observed",
        ),
        pytest.param(
            {},
            {**SEEN, "conditions": [condition("ReplicaFailure", message="quota")]},
            DEGRADED,
            "quota",
            id="failure",
        ),
        pytest.param(
            {"replicas": 2},
            {**SEEN, "availableReplicas": 1},
            PROGRESSING,
            WAIT + "1 out of 2 new replicas are available...",
            id="not all available",
        ),
        pytest.param({"replicas": 0}, SEEN, HEALTHY, "", id="done"),
    ],
)
def test_replica_set(spec: Row, status: Row, code: HealthCode, message: str) -> None:
    assert assess(workload("ReplicaSet", spec, status)) == Health(code, message)


def container(**members: Any) -> Row:
    return {"name": "app", **members}


def waiting(reason: str, message: str = "m") -> Row:
    return container(state={"waiting": {"reason": reason, "message": message}})


def ended(**members: Any) -> Row:
    return container(state={"terminated": members})


ALWAYS, NEVER = "Always", "Never"
IGNORED = {"argocd.argoproj.io/ignore-restart-policy": "true"}


@pytest.mark.parametrize(
    ("policy", "annotations", "status", "code", "message"),
    [
        pytest.param(
            ALWAYS,
            {},
            {"phase": "Pending", "containerStatuses": [waiting("ErrImagePull")]},
            DEGRADED,
            "m",
            id="waits with Err…",
        ),
        pytest.param(
            ALWAYS,
            {},
            {
                "phase": "Running",
                "containerStatuses": [
                    waiting("CrashLoopBackOff", "a"),
                    waiting("RunContainerError", "b"),
                    waiting("ContainerCreating", "c"),
                ],
            },
            DEGRADED,
            "a, b",
            id="waits with …BackOff and …Error",
        ),
        pytest.param(
            ALWAYS,
            {},
            {"phase": "Pending", "initContainerStatuses": [waiting("CrashLoopBackOff")]},
            PROGRESSING,
            "",
            id="init containers do not count",
        ),
        pytest.param(
            NEVER,
            {},
            {"phase": "Pending", "containerStatuses": [waiting("CrashLoopBackOff")]},
            PROGRESSING,
            "",
            id="a pod that ends is not stuck",
        ),
        pytest.param(
            NEVER,
            IGNORED,
            {"phase": "Pending", "containerStatuses": [waiting("CrashLoopBackOff")]},
            DEGRADED,
            "m",
            id="the restart policy is ignored on request",
        ),
        pytest.param(
            NEVER,
            {**IGNORED, "argocd.argoproj.io/hook": "PreSync"},
            {"phase": "Running"},
            PROGRESSING,
            "",
            id="but not for hooks",
        ),
        pytest.param(
            ALWAYS, {}, {"phase": "Pending", "message": "p"}, PROGRESSING, "p", id="pending"
        ),
        pytest.param(ALWAYS, {}, {"phase": "Succeeded"}, HEALTHY, "", id="succeeded"),
        pytest.param(
            NEVER, {}, {"phase": "Failed", "message": "f"}, DEGRADED, "f", id="failed, says why"
        ),
        pytest.param(
            NEVER,
            {},
            {
                "phase": "Failed",
                "initContainerStatuses": [ended(exitCode=0)],
                "containerStatuses": [ended(exitCode=3)],
            },
            DEGRADED,
            'container "app" failed with exit code 3',
            id="failed by exit code",
        ),
        pytest.param(
            NEVER,
            {},
            {"phase": "Failed", "containerStatuses": [ended(reason="OOMKilled", exitCode=137)]},
            DEGRADED,
            "OOMKilled",
            id="failed by memory",
        ),
        pytest.param(
            NEVER,
            {},
            {"phase": "Failed", "containerStatuses": [ended(message="t", exitCode=1)]},
            DEGRADED,
            "t",
            id="failed, the container says why",
        ),
        pytest.param(NEVER, {}, {"phase": "Failed"}, DEGRADED, "", id="failed without a word"),
        pytest.param(
            ALWAYS,
            {},
            {"phase": "Running", "conditions": [condition("Ready")]},
            HEALTHY,
            "",
            id="ready",
        ),
        pytest.param(
            ALWAYS,
            {},
            {
                "phase": "Running",
                "containerStatuses": [container(lastState={"terminated": {"exitCode": 1}})],
            },
            DEGRADED,
            "",
            id="has crashed before and is not ready",
        ),
        pytest.param(ALWAYS, {}, {"phase": "Running"}, PROGRESSING, "", id="starting"),
        pytest.param(
            NEVER,
            {},
            {"phase": "Running", "conditions": [condition("Ready")]},
            PROGRESSING,
            "",
            id="a pod that ends is not done while it runs",
        ),
        pytest.param(ALWAYS, {}, {"phase": "Odd"}, UNKNOWN, "", id="another phase"),
        pytest.param(ALWAYS, {}, {}, UNKNOWN, "", id="no phase"),
    ],
)
def test_pod(policy: str, annotations: Row, status: Row, code: HealthCode, message: str) -> None:
    live = thing("Pod", annotations=annotations, spec={"restartPolicy": policy}, status=status)
    assert assess(live) == Health(code, message)


@pytest.mark.parametrize(
    ("conditions", "code", "message"),
    [
        pytest.param([], PROGRESSING, "", id="none"),
        pytest.param([condition("Failed", message="late")], DEGRADED, "late", id="failed"),
        pytest.param(
            [condition("Failed", "False", message="x")], DEGRADED, "x", id="failed, any status"
        ),
        pytest.param(
            [condition("Complete"), condition("Failed")], DEGRADED, "", id="failed beats complete"
        ),
        pytest.param([condition("Suspended")], SUSPENDED, "", id="suspended"),
        pytest.param([condition("Suspended", "False")], HEALTHY, "", id="resumed (B 13)"),
        pytest.param([condition("Complete")], HEALTHY, "", id="complete"),
        pytest.param([condition("SuccessCriteriaMet")], PROGRESSING, "", id="another condition"),
    ],
)
def test_job(conditions: list[Row], code: HealthCode, message: str) -> None:
    live = thing("Job", api_version="batch/v1", status={"conditions": conditions})
    assert assess(live) == Health(code, message)


LATE, EARLY = "2026-01-01T10:00:00Z", "2026-01-01T09:00:00Z"


@pytest.mark.parametrize(
    ("spec", "status", "code", "message"),
    [
        pytest.param({"suspend": True}, {}, HEALTHY, "CronJob is Suspended", id="suspended"),
        pytest.param({}, None, PROGRESSING, "Waiting for CronJob", id="no status"),
        pytest.param({}, {}, HEALTHY, "CronJob has not been scheduled yet", id="never scheduled"),
        pytest.param(
            {},
            {"lastScheduleTime": LATE},
            HEALTHY,
            "The CronJob never completed successfully. It may not be healthy",
            id="never succeeded",
        ),
        pytest.param(
            {},
            {"lastScheduleTime": LATE, "lastSuccessfulTime": EARLY, "active": [{"name": "a"}]},
            HEALTHY,
            "The job is running. Its last execution may not have been successful",
            id="running",
        ),
        pytest.param(
            {},
            {"lastScheduleTime": LATE, "lastSuccessfulTime": EARLY},
            DEGRADED,
            "CronJob has not completed its last execution successfully",
            id="last run failed",
        ),
        pytest.param(
            {},
            {"lastScheduleTime": EARLY, "lastSuccessfulTime": LATE},
            HEALTHY,
            "CronJob has completed its last execution successfully",
            id="last run succeeded",
        ),
    ],
)
def test_cron_job(spec: Row, status: Row | None, code: HealthCode, message: str) -> None:
    members: Row = {"spec": spec} if status is None else {"spec": spec, "status": status}
    live = thing("CronJob", api_version="batch/v1", **members)
    assert assess(live) == Health(code, message)


@pytest.mark.parametrize(
    ("live", "code"),
    [
        pytest.param(thing("Service", spec={"type": "ClusterIP"}), HEALTHY, id="service"),
        pytest.param(
            thing("Service", spec={"type": "LoadBalancer"}, status={"loadBalancer": {}}),
            PROGRESSING,
            id="load balancer without address",
        ),
        pytest.param(
            thing(
                "Service",
                spec={"type": "LoadBalancer"},
                status={"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}},
            ),
            HEALTHY,
            id="load balancer with address",
        ),
        pytest.param(
            thing("Ingress", api_version="networking.k8s.io/v1"), PROGRESSING, id="ingress, none"
        ),
        pytest.param(
            thing(
                "Ingress",
                api_version="extensions/v1beta1",
                status={"loadBalancer": {"ingress": [{"hostname": "h"}]}},
            ),
            HEALTHY,
            id="ingress of any version with address",
        ),
        pytest.param(
            thing("PersistentVolumeClaim", status={"phase": "Lost"}), DEGRADED, id="claim lost"
        ),
        pytest.param(
            thing("PersistentVolumeClaim", status={"phase": "Pending"}),
            PROGRESSING,
            id="claim pending",
        ),
        pytest.param(
            thing("PersistentVolumeClaim", status={"phase": "Bound"}), HEALTHY, id="claim bound"
        ),
        pytest.param(thing("PersistentVolumeClaim"), UNKNOWN, id="claim without phase"),
    ],
)
def test_networking_and_storage(live: Manifest, code: HealthCode) -> None:
    assert assess(live) == Health(code)


@pytest.mark.parametrize(
    ("conditions", "code", "message"),
    [
        pytest.param([], PROGRESSING, "Waiting to Autoscale", id="none"),
        pytest.param(
            [condition("AbleToScale", "False", "FailedGetScale", "no scale")],
            DEGRADED,
            "no scale",
            id="cannot scale",
        ),
        pytest.param(
            [
                condition("AbleToScale", message="able"),
                condition("ScalingActive", "False", "FailedGetResourceMetric", "no metrics"),
            ],
            DEGRADED,
            "no metrics",
            id="a failure beats what is able",
        ),
        pytest.param([condition("AbleToScale", message="able")], HEALTHY, "able", id="able"),
        pytest.param([condition("ScalingLimited", message="max")], HEALTHY, "max", id="limited"),
        pytest.param(
            [condition("ScalingActive", reason="ValidMetricFound")],
            PROGRESSING,
            "Waiting to Autoscale",
            id="active alone says nothing",
        ),
    ],
)
def test_horizontal_pod_autoscaler(conditions: list[Row], code: HealthCode, message: str) -> None:
    current = thing(
        "HorizontalPodAutoscaler", api_version="autoscaling/v2", status={"conditions": conditions}
    )
    written = json.dumps(conditions)
    old = thing(
        "HorizontalPodAutoscaler",
        api_version="autoscaling/v1",
        annotations={"autoscaling.alpha.kubernetes.io/conditions": written},
    )
    assert assess(current) == assess(old) == Health(code, message)


@pytest.mark.parametrize(
    ("live", "code", "message"),
    [
        pytest.param(
            thing("APIService", api_version="apiregistration.k8s.io/v1"),
            PROGRESSING,
            "Waiting to be processed",
            id="api service, nothing yet",
        ),
        pytest.param(
            thing(
                "APIService",
                api_version="apiregistration.k8s.io/v1",
                status={"conditions": [condition("Available", "True", "Local", "ok")]},
            ),
            HEALTHY,
            "Local: ok",
            id="api service available",
        ),
        pytest.param(
            thing(
                "APIService",
                api_version="apiregistration.k8s.io/v1",
                status={"conditions": [condition("Available", "False", "Missing", "gone")]},
            ),
            PROGRESSING,
            "Missing: gone",
            id="api service not available",
        ),
        pytest.param(
            thing("PodDisruptionBudget", api_version="policy/v1"),
            PROGRESSING,
            "Waiting for status",
            id="budget, nothing yet",
        ),
        pytest.param(
            thing(
                "PodDisruptionBudget",
                api_version="policy/v1",
                status={"conditions": [condition("DisruptionAllowed", "False", "SyncFailed")]},
            ),
            DEGRADED,
            "PodDisruptionBudget has SyncFailed",
            id="budget failed",
        ),
        pytest.param(
            thing(
                "PodDisruptionBudget",
                api_version="policy/v1",
                status={
                    "conditions": [condition("DisruptionAllowed", "False", "InsufficientPods")]
                },
            ),
            HEALTHY,
            "PodDisruptionBudget has InsufficientPods",
            id="budget without spare pods",
        ),
        pytest.param(
            thing(
                "Workflow",
                api_version="argoproj.io/v1alpha1",
                status={"phase": "Failed", "message": "step 2"},
            ),
            DEGRADED,
            "step 2",
            id="workflow failed",
        ),
        pytest.param(
            thing("Workflow", api_version="argoproj.io/v1alpha1"), PROGRESSING, "", id="workflow"
        ),
        pytest.param(
            thing("Deployment", api_version="apps/v1beta1"),
            UNKNOWN,
            "unsupported Deployment GVK: apps/v1beta1, Kind=Deployment",
            id="unsupported version",
        ),
        pytest.param(
            thing("HorizontalPodAutoscaler", api_version="autoscaling/v2beta2"),
            UNKNOWN,
            "unsupported HPA GVK: autoscaling/v2beta2, Kind=HorizontalPodAutoscaler",
            id="unsupported autoscaler",
        ),
    ],
)
def test_other_kinds(live: Manifest, code: HealthCode, message: str) -> None:
    assert assess(live) == Health(code, message)


@pytest.mark.parametrize(
    ("conditions", "code", "message"),
    [
        pytest.param([], PROGRESSING, "Status conditions not found", id="none"),
        pytest.param(
            [condition("Established"), condition("Terminating")],
            PROGRESSING,
            "CRD is being terminated",
            id="terminating",
        ),
        pytest.param(
            [condition("NamesAccepted", "False", message="taken")],
            DEGRADED,
            "CRD names have not been accepted: taken",
            id="names taken",
        ),
        pytest.param(
            [condition("Established"), condition("NonStructuralSchema", message="bad")],
            DEGRADED,
            "Schema violations found: bad",
            id="schema",
        ),
        pytest.param(
            [condition("Established", "False", "Installing")],
            PROGRESSING,
            "CRD is being installed",
            id="installing",
        ),
        pytest.param(
            [condition("NamesAccepted")], DEGRADED, "CRD is not established", id="not established"
        ),
        pytest.param([condition("Established")], HEALTHY, "CRD is healthy", id="healthy"),
    ],
)
def test_custom_resource_definition(conditions: list[Row], code: HealthCode, message: str) -> None:
    live = Manifest({**definition("Order").tree, "status": {"conditions": conditions}})
    assert assess(live) == Health(code, message)


@pytest.mark.parametrize(
    "live",
    [
        thing("ConfigMap"),
        thing("Secret"),
        thing("Namespace", namespace=""),
        thing("Application", api_version="argoproj.io/v1alpha1"),
        thing("AppProject", api_version="argoproj.io/v1alpha1"),
        thing("Deployment", api_version="extensions/v1beta1"),
    ],
    ids=lambda live: f"{live.api_version} {live.kind}",
)
def test_these_kinds_have_no_health(live: Manifest) -> None:
    assert assess(live) is None


def test_deletion_beats_every_table() -> None:
    live = thing(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    assert assess(live) == Health(PROGRESSING, "Pending deletion")


def test_a_hook_that_is_kept_for_its_result_is_still_assessed() -> None:
    live = thing(
        "Job",
        api_version="batch/v1",
        metadata={
            "deletionTimestamp": "2026-01-01T00:00:00Z",
            "finalizers": ["argocd.argoproj.io/hook-finalizer"],
        },
        status={"conditions": [condition("Complete")]},
    )
    assert assess(live) == Health(HEALTHY)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"])
@pytest.mark.parametrize("junk", [None, 3, "x", [], [1], {"conditions": 5, "replicas": "many"}])
def test_a_malformed_status_never_raises(kind: str, junk: object) -> None:
    live = thing(kind, api_version="apps/v1", spec={"replicas": 1}, status=junk)
    assert assess(live) is not None
