"""What the controllers do with workloads, as kubectl sees it: rollouts, waits, Jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.kubectl import deployment
from tests.support.waiting import eventually_now

if TYPE_CHECKING:
    from typing import Any

    from tests.support.kubectl import Kubectl

READY = "--timeout=30s"


def _workload(kind: str, name: str, **spec: Any) -> Any:
    tree = deployment(name)
    del tree["spec"]["replicas"]
    return {**tree, "kind": kind, "spec": {**tree["spec"], **spec}}


def _job(name: str, command: str, **spec: Any) -> Any:
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", command]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    metadata = {"name": name}
    body = {"template": template, **spec}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": body}


def test_a_deployment_becomes_ready(kube: Kubectl) -> None:
    kube.apply(deployment("web", replicas=3))
    said = kube("rollout", "status", "deployment/web", READY)
    assert 'deployment "web" successfully rolled out' in said.out
    status = kube.json("get", "deploy", "web")["status"]
    assert (status["replicas"], status["readyReplicas"], status["updatedReplicas"]) == (3, 3, 3)
    conditions = {row["type"]: row["reason"] for row in status["conditions"]}
    assert conditions == {
        "Available": "MinimumReplicasAvailable",
        "Progressing": "NewReplicaSetAvailable",
    }


def test_a_rollout_makes_a_new_set_and_keeps_the_old_one(kube: Kubectl) -> None:
    kube.apply(deployment("web"))
    kube("rollout", "status", "deployment/web", READY)
    kube("set", "image", "deployment/web", "web=nginx:2")
    kube("rollout", "status", "deployment/web", READY)
    sets = kube.json("get", "rs")["items"]
    sizes = {
        row["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: row["spec"]["replicas"]
        for row in sets
    }
    assert sizes == {"1": 0, "2": 2}
    said = kube("rollout", "history", "deployment/web").lines
    assert [line.split()[0] for line in said[2:] if line] == ["1", "2"]


def test_undo_goes_back_to_the_revision_before(kube: Kubectl) -> None:
    kube.apply(deployment("web"))
    kube("rollout", "status", "deployment/web", READY)
    kube("set", "image", "deployment/web", "web=nginx:2")
    kube("rollout", "status", "deployment/web", READY)
    assert "rolled back" in kube("rollout", "undo", "deployment/web").out
    kube("rollout", "status", "deployment/web", READY)
    containers = kube.json("get", "deploy", "web")["spec"]["template"]["spec"]["containers"]
    assert containers[0]["image"] == "nginx:1"
    said = kube("rollout", "history", "deployment/web").lines
    assert [line.split()[0] for line in said[2:] if line] == ["2", "3"]


def test_restart_replaces_the_pods(kube: Kubectl) -> None:
    kube.apply(deployment("web"))
    kube("rollout", "status", "deployment/web", READY)
    before = set(kube("get", "pods", "-o", "name").lines)
    assert "restarted" in kube("rollout", "restart", "deployment/web").out
    kube("rollout", "status", "deployment/web", READY)
    eventually_now(lambda: not before & set(kube("get", "pods", "-o", "name").lines))


def test_pause_holds_a_rollout(kube: Kubectl) -> None:
    kube.apply(deployment("web"))
    kube("rollout", "status", "deployment/web", READY)
    kube("rollout", "pause", "deployment/web")
    kube("set", "image", "deployment/web", "web=nginx:2")
    path = kube.path("deployments", "web", group="apps/v1")

    def is_observed() -> bool:
        tree = kube.rest.send("GET", path).body
        return bool(tree["status"]["observedGeneration"] == tree["metadata"]["generation"])

    eventually_now(is_observed)
    assert len(kube.json("get", "rs")["items"]) == 1
    kube("rollout", "resume", "deployment/web")
    kube("rollout", "status", "deployment/web", READY)
    assert len(kube.json("get", "rs")["items"]) == 2


def test_an_image_that_does_not_exist_never_becomes_ready(kube: Kubectl) -> None:
    kube.apply(deployment("web", image="nginx:does-not-exist", replicas=1))
    eventually_now(lambda: "ImagePullBackOff" in kube("get", "pods", "--no-headers").out)
    said = kube.try_run("rollout", "status", "deployment/web", "--timeout=1s")
    assert said.code == 1


def test_recreate_never_runs_two_revisions(kube: Kubectl) -> None:
    tree = deployment("web")
    tree["spec"]["strategy"] = {"type": "Recreate"}
    kube.apply(tree)
    kube("rollout", "status", "deployment/web", READY)
    kube("set", "image", "deployment/web", "web=nginx:2")
    kube("rollout", "status", "deployment/web", READY)
    eventually_now(lambda: len(kube("get", "pods", "-o", "name").lines) == 2)
    images = kube("get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].image}").out
    assert images.split() == ["nginx:2", "nginx:2"]


def test_a_stateful_set_names_its_pods(kube: Kubectl) -> None:
    kube.apply(_workload("StatefulSet", "db", serviceName="db", replicas=2))
    kube("rollout", "status", "statefulset/db", READY)
    assert kube("get", "pods", "-o", "name").lines == ["pod/db-0", "pod/db-1"]
    kube("set", "image", "statefulset/db", "web=nginx:2")
    kube("rollout", "status", "statefulset/db", READY)
    images = kube("get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].image}").out
    assert images.split() == ["nginx:2", "nginx:2"]
    said = kube("rollout", "history", "statefulset/db").lines
    assert [line.split()[0] for line in said[2:] if line] == ["1", "2"]


def test_a_daemon_set_runs_on_each_node(kube: Kubectl) -> None:
    kube.apply(_workload("DaemonSet", "agent"))
    kube("rollout", "status", "daemonset/agent", READY)
    nodes = len(kube("get", "nodes", "-o", "name").lines)
    assert len(kube("get", "pods", "-o", "name").lines) == nodes


def test_a_job_completes(kube: Kubectl) -> None:
    kube.apply(_job("good", "echo done", completions=2, parallelism=2))
    kube("wait", "--for=condition=complete", "job/good", READY)
    status = kube.json("get", "job", "good")["status"]
    assert status["succeeded"] == 2
    row = kube("get", "job", "good", "--no-headers").out.split()
    assert row[:3] == ["good", "Complete", "2/2"]


def test_a_job_fails_when_its_command_does(kube: Kubectl) -> None:
    kube.apply(_job("bad", "exit 1", backoffLimit=0))
    kube("wait", "--for=condition=failed", "job/bad", READY)
    conditions = kube.json("get", "job", "bad")["status"]["conditions"]
    failed = next(row for row in conditions if row["type"] == "Failed")
    assert failed["reason"] == "BackoffLimitExceeded"


def test_a_finished_job_goes_after_its_time(kube: Kubectl) -> None:
    kube.apply(_job("brief", "echo done", ttlSecondsAfterFinished=0))
    eventually_now(
        lambda: kube.rest.send("GET", kube.path("jobs", "brief", group="batch/v1")).status == 404
    )


def test_a_cron_job_is_tried_by_hand(kube: Kubectl) -> None:
    said = ("create", "cronjob", "tick", "--image=busybox", "--schedule=0 0 1 1 *", "--", "true")
    kube(*said)
    kube("create", "job", "now", "--from=cronjob/tick")
    kube("wait", "--for=condition=complete", "job/now", READY)
    owner = kube.json("get", "job", "now")["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"]) == ("CronJob", "tick")


def test_wait_sees_conditions_fields_and_deletion(kube: Kubectl) -> None:
    kube.apply(deployment("web", replicas=1))
    kube("wait", "--for=condition=Available", "deployment/web", READY)
    kube("wait", "--for=jsonpath={.status.readyReplicas}=1", "deployment/web", READY)
    kube("delete", "deployment", "web", "--wait=false")
    kube("wait", "--for=delete", "deployment/web", READY)


def test_a_deleted_pod_is_replaced(kube: Kubectl) -> None:
    kube.apply(deployment("web", replicas=1))
    kube("rollout", "status", "deployment/web", READY)
    pod = kube("get", "pods", "-o", "name").lines[0]
    kube("delete", pod)
    kube("rollout", "status", "deployment/web", READY)
    assert kube("get", "pods", "-o", "name").lines != [pod]


def test_a_pod_without_its_account_is_refused(kube: Kubectl) -> None:
    container = {"name": "a", "image": "nginx"}
    spec = {"serviceAccountName": "nobody", "containers": [container]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    refused = kube.rest.send("POST", kube.path("pods"), pod)
    assert refused.status == 403
    assert f"error looking up service account {kube.namespace}/nobody" in refused.message


FIXED = "pod updates may not change fields other than `spec.containers[*].image`"
TOLERATED = "spec.tolerations: Forbidden: existing toleration can not be modified"
LONGER = "spec.activeDeadlineSeconds: Invalid value: 200: must be less than or equal"
GATED = "found new scheduling gate 'a.example/b'"

REFUSED: tuple[tuple[Any, str], ...] = (
    ({"activeDeadlineSeconds": 200}, LONGER),
    ({"activeDeadlineSeconds": None}, "must not update from a positive integer to nil value"),
    ({"activeDeadlineSeconds": 0}, "must be between 1 and 2147483647, inclusive"),
    ({"containers": [{"name": "c", "command": ["b"]}]}, FIXED),
    ({"containers": [{"name": "c", "resources": {"limits": {"cpu": "1"}}}]}, FIXED),
    ({"nodeName": "elsewhere"}, FIXED),
    ({"nodeSelector": {"a": "b"}}, FIXED),
    ({"restartPolicy": "Never"}, FIXED),
    ({"containers": [{"name": "d", "image": "y"}]}, "may not add or remove containers"),
    ({"tolerations": [{"key": "b", "operator": "Exists"}]}, TOLERATED),
    ({"tolerations": None}, TOLERATED),
    ({"schedulingGates": [{"name": "a.example/b"}]}, GATED),
)


def test_a_pod_stays_what_it_was_made(kube: Kubectl) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {
            "activeDeadlineSeconds": 100,
            "containers": [{"name": "c", "image": "x:1", "command": ["a"]}],
            "tolerations": [{"key": "a", "operator": "Exists"}],
        },
    }
    kube.apply(pod)
    kube("wait", "--for=condition=Ready", "pod/p", "--timeout=20s")

    def patched(spec: Any) -> Any:
        kind = "application/strategic-merge-patch+json"
        return kube.rest.send("PATCH", kube.path("pods", "p"), {"spec": spec}, kind)

    for spec, words in REFUSED:
        answer = patched(spec)
        assert (answer.status, words in answer.message) == (422, True), (spec, answer)
    added = [*kube.json("get", "pod", "p")["spec"]["tolerations"], {"key": "b", "value": "c"}]
    for spec in (
        {"containers": [{"name": "c", "image": "x:2"}]},
        {"activeDeadlineSeconds": 50},
        {"tolerations": added},
    ):
        assert patched(spec).status == 200, spec
