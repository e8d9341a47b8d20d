"""What kinds refuse to change, and what they refuse to be, in the server's words."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tests.support.kubectl import deployment

if TYPE_CHECKING:
    from tests.support.kubectl import Kubectl

MERGE = "application/merge-patch+json"
FIXED = "field is immutable"


def _classes(name: str) -> tuple[tuple[str, str, Any], ...]:
    """API, plural and object of kinds that others refer to."""
    meta = {"metadata": {"name": name}}
    volume = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/a"},
    }
    return (
        ("storage.k8s.io/v1", "storageclasses", {**meta, "provisioner": "x.example/a"}),
        ("scheduling.k8s.io/v1", "priorityclasses", {**meta, "value": 4}),
        ("networking.k8s.io/v1", "ingressclasses", {**meta, "spec": {"controller": "x.io/a"}}),
        ("node.k8s.io/v1", "runtimeclasses", {**meta, "handler": "runc"}),
        ("v1", "persistentvolumes", {**meta, "spec": volume}),
    )


CHANGES: tuple[tuple[str, Any, str], ...] = (
    ("storageclasses", {"provisioner": "y"}, f'provisioner: Invalid value: "y": {FIXED}'),
    ("storageclasses", {"parameters": {"a": "b"}}, 'parameters: Invalid value: {"a":"b"}'),
    ("storageclasses", {"reclaimPolicy": "Retain"}, FIXED),
    ("storageclasses", {"volumeBindingMode": "WaitForFirstConsumer"}, FIXED),
    ("storageclasses", {"allowVolumeExpansion": True}, ""),
    ("priorityclasses", {"value": 5}, "value: Forbidden: may not be changed in an update."),
    ("priorityclasses", {"preemptionPolicy": "Never"}, f'"Never": {FIXED}'),
    ("priorityclasses", {"description": "x"}, ""),
    ("ingressclasses", {"spec": {"controller": "y.io/b"}}, 'spec.controller: Invalid value: "y'),
    ("runtimeclasses", {"handler": "other"}, f'handler: Invalid value: "other": {FIXED}'),
    (
        "persistentvolumes",
        {"spec": {"hostPath": {"path": "/b"}}},
        "spec.persistentvolumesource is immutable after creation",
    ),
    ("persistentvolumes", {"spec": {"volumeMode": "Block"}}, 'volumeMode: Invalid value: "Block"'),
    ("persistentvolumes", {"spec": {"capacity": {"storage": "2Gi"}}}, ""),
)


def test_what_others_refer_to_keeps_its_meaning(kube: Kubectl) -> None:
    name = f"fixed-{uuid.uuid4().hex[:8]}"
    paths = {}
    for api, plural, tree in _classes(name):
        root = f"/api/{api}" if api == "v1" else f"/apis/{api}"
        paths[plural] = f"{root}/{plural}/{name}"
        assert kube.rest.send("POST", f"{root}/{plural}", tree).status == 201
    try:
        for plural, patch, words in CHANGES:
            answer = kube.rest.send("PATCH", paths[plural], patch, MERGE)
            assert answer.status == (422 if words else 200), (plural, patch, answer)
            assert not words or words in answer.message, (plural, patch, answer)
    finally:
        for path in paths.values():
            kube.rest.send("DELETE", path)


def _container(**more: Any) -> Any:
    return {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "x", **more}]}}}}


MISTAKES: tuple[tuple[str, str, Any, str], ...] = (
    (
        "apps/v1", "deployments",
        _container(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
        'resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ),
    (
        "apps/v1", "deployments",
        _container(resources={"requests": {"memory": "-1Mi"}}),
        'resources.requests[memory]: Invalid value: "-1Mi": must be greater than or equal to 0',
    ),
    (
        "apps/v1", "deployments", {"spec": {"progressDeadlineSeconds": 5, "minReadySeconds": 5}},
        "spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds",
    ),
    (
        "batch/v1", "cronjobs", {"spec": {"concurrencyPolicy": "Both"}},
        'Unsupported value: "Both": supported values: "Allow", "Forbid", "Replace"',
    ),
    (
        "batch/v1", "cronjobs", {"spec": {"successfulJobsHistoryLimit": -1}},
        "spec.successfulJobsHistoryLimit: Invalid value: -1: must be greater than or equal to 0",
    ),
    (
        "networking.k8s.io/v1", "ingresses", {"spec": {"rules": [{"http": {"paths": []}}]}},
        "spec.rules[0].http.paths: Required value",
    ),
    (
        "rbac.authorization.k8s.io/v1", "roles",
        {"rules": [{"verbs": [], "apiGroups": [""], "resources": ["pods"]}]},
        "rules[0].verbs: Required value: verbs must contain at least one value",
    ),
    (
        "rbac.authorization.k8s.io/v1", "roles", {"rules": [{"verbs": ["get"]}]},
        "rules[0].resources: Required value: resource rules must supply at least one resource",
    ),
    (
        "rbac.authorization.k8s.io/v1", "roles",
        {"rules": [{"verbs": ["get"], "nonResourceURLs": ["/a"]}]},
        "namespaced rules cannot apply to non-resource URLs",
    ),
    (
        "discovery.k8s.io/v1", "endpointslices", {"addressType": "IPv6"},
        'addressType: Invalid value: "IPv6": field is immutable',
    ),
)  # fmt: skip


def _good() -> tuple[tuple[str, str, Any], ...]:
    meta = {"metadata": {"name": "a"}}
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}}
    job = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template}}}
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
    slices = {"addressType": "IPv4", "endpoints": [{"addresses": ["10.1.2.3"]}]}
    return (
        ("apps/v1", "deployments", deployment("a", replicas=0)),
        ("batch/v1", "cronjobs", {**meta, "spec": job}),
        ("networking.k8s.io/v1", "ingresses", {**meta, "spec": {"defaultBackend": backend}}),
        ("rbac.authorization.k8s.io/v1", "roles", {**meta, "rules": [rule]}),
        ("discovery.k8s.io/v1", "endpointslices", {**meta, **slices}),
    )


def test_a_mistake_in_an_object_is_named(kube: Kubectl) -> None:
    for api, plural, tree in _good():
        answer = kube.rest.send("POST", kube.path(plural, group=api), tree)
        assert answer.status == 201, answer
    for api, plural, patch, words in MISTAKES:
        answer = kube.rest.send("PATCH", kube.path(plural, "a", group=api), patch, MERGE)
        assert answer.status == 422, (plural, patch, answer)
        assert words in answer.message, (plural, patch, answer)
