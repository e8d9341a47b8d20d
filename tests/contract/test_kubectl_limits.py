"""What a namespace may hold: quotas and limit ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.kubectl import config_map, deployment
from tests.support.waiting import eventually_now

if TYPE_CHECKING:
    from tests.support.kubectl import Kubectl


def _quota(**hard: str) -> Any:
    return {
        "metadata": {"name": "q"},
        "spec": {"hard": {k.replace("_", "."): v for k, v in hard.items()}},
    }


def _pod(name: str, **resources: Any) -> Any:
    container = {"name": "a", "image": "b", "resources": resources}
    return {"metadata": {"name": name}, "spec": {"containers": [container]}}


def _make_quota(kube: Kubectl, quota: Any) -> None:
    path = kube.path("resourcequotas", "q")
    assert kube.rest.send("POST", kube.path("resourcequotas"), quota).status == 201
    eventually_now(lambda: "used" in kube.rest.send("GET", path).body.get("status", {}))


def test_a_quota_counts_objects(kube: Kubectl) -> None:
    eventually_now(
        lambda: kube.rest.send("GET", kube.path("configmaps", "kube-root-ca.crt")).status == 200
    )
    _make_quota(kube, _quota(configmaps="2"))
    assert kube.rest.send("POST", kube.path("configmaps"), config_map("a")).status == 201
    path = kube.path("resourcequotas", "q")
    eventually_now(
        lambda: kube.rest.send("GET", path).body["status"]["used"] == {"configmaps": "2"}
    )
    refused = kube.rest.send("POST", kube.path("configmaps"), config_map("b"))
    assert refused.status == 403
    assert refused.message == (
        'configmaps "b" is forbidden: exceeded quota: q, requested: configmaps=1, '
        "used: configmaps=2, limited: configmaps=2"
    )


def test_a_quota_of_a_resource_wants_every_pod_to_say_what_it_needs(kube: Kubectl) -> None:
    _make_quota(kube, _quota(requests_cpu="1"))
    refused = kube.rest.send("POST", kube.path("pods"), _pod("p"))
    assert (refused.status, refused.message) == (
        403,
        'pods "p" is forbidden: failed quota: q: must specify requests.cpu for: a',
    )
    first = _pod("p", requests={"cpu": "600m"})
    assert kube.rest.send("POST", kube.path("pods"), first).status == 201
    refused = kube.rest.send("POST", kube.path("pods"), _pod("o", requests={"cpu": "600m"}))
    assert refused.message == (
        'pods "o" is forbidden: exceeded quota: q, requested: requests.cpu=600m, '
        "used: requests.cpu=600m, limited: requests.cpu=1"
    )


def test_a_deployment_says_why_its_pods_are_missing(kube: Kubectl) -> None:
    _make_quota(kube, _quota(pods="0"))
    kube.apply(deployment("web", replicas=1))
    eventually_now(lambda: "exceeded quota" in kube("get", "events").out)


def _limit_range(**item: Any) -> Any:
    return {"metadata": {"name": "l"}, "spec": {"limits": [item]}}


def _make_limits(kube: Kubectl, limits: Any) -> None:
    assert kube.rest.send("POST", kube.path("limitranges"), limits).status == 201

    def is_known() -> bool:
        tried = kube.rest.send("POST", kube.path("pods"), _pod("probe"), dryRun="All").body
        annotations = tried["metadata"].get("annotations") or {}
        return "kubernetes.io/limit-ranger" in annotations

    eventually_now(is_known)


def test_a_limit_range_gives_containers_their_defaults(kube: Kubectl) -> None:
    _make_limits(
        kube, _limit_range(type="Container", default={"cpu": "2"}, defaultRequest={"memory": "1Mi"})
    )
    made = kube.rest.send("POST", kube.path("pods"), _pod("p")).body
    assert made["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "2"},
        "requests": {"cpu": "2", "memory": "1Mi"},
    }
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu, memory request for container a; cpu limit for container a"
    )


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ({"limits": {"cpu": "2"}}, "maximum cpu usage per Container is 1, but limit is 2"),
        (
            {"requests": {"cpu": "10m"}},
            "minimum cpu usage per Container is 50m, but request is 10m",
        ),
    ],
)
def test_a_limit_range_refuses_too_much_and_too_little(
    kube: Kubectl, resources: Any, words: str
) -> None:
    _make_limits(
        kube,
        _limit_range(
            type="Container", default={"cpu": "500m"}, max={"cpu": "1"}, min={"cpu": "50m"}
        ),
    )
    refused = kube.rest.send("POST", kube.path("pods"), _pod("p", **resources))
    assert (refused.status, refused.message) == (403, f'pods "p" is forbidden: {words}')
