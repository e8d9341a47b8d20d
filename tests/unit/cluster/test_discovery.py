"""Discovery on servers without the aggregated form, and when answers fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from holdfast.cluster.discovery import Discovery
from holdfast.cluster.transport import Response, Transport
from holdfast.domain.errors import ClusterError
from holdfast.domain.identity import GroupKind, GroupVersionKind
from tests.support.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Mapping

VERBS = ["get", "list", "watch"]
OLD_SERVER: dict[str, Any] = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/api/v1": {
        "resources": [
            {
                "name": "pods",
                "kind": "Pod",
                "namespaced": True,
                "verbs": VERBS,
                "shortNames": ["po"],
            },
            {"name": "pods/log", "kind": "Pod", "namespaced": True, "verbs": ["get"]},
        ]
    },
    "/apis": {
        "kind": "APIGroupList",
        "groups": [
            {
                "name": "autoscaling",
                "versions": [{"version": "v1"}, {"version": "v2"}],
                "preferredVersion": {"version": "v2"},
            },
            {"name": "away.example.com", "versions": [{"version": "v1"}]},
        ],
    },
    "/apis/autoscaling/v1": {"resources": [{"name": "hpas", "kind": "HPA", "verbs": VERBS}]},
    "/apis/autoscaling/v2": {"resources": [{"name": "hpas", "kind": "HPA", "verbs": VERBS}]},
}


class _Server(Transport):
    """Answers from a table; what is not in it is 503."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers

    async def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        repeatable: bool = False,
    ) -> Response:
        del method, body, headers, repeatable
        if path not in self.answers:
            return Response(503, b"away", {})
        return Response(200, orjson.dumps(self.answers[path]), {})


async def test_a_server_without_aggregated_discovery_is_asked_group_by_group() -> None:
    discovery = Discovery(_Server(OLD_SERVER), FakeClock())
    await discovery.refresh()
    pod = discovery.find(GroupVersionKind("", "v1", "Pod"))
    assert pod is not None
    assert (pod.plural, pod.namespaced, pod.subresources) == ("pods", True, ("log",))
    preferred = discovery.find_preferred(GroupKind("autoscaling", "HPA"))
    assert preferred is not None
    assert preferred.gvk.version == "v2"
    assert len(discovery.all()) == 3


async def test_what_was_known_stays_when_the_server_cannot_be_asked() -> None:
    server = _Server(OLD_SERVER)
    discovery = Discovery(server, FakeClock())
    await discovery.refresh()
    server.answers = {}
    with pytest.raises(ClusterError):
        await discovery.refresh()
    assert len(discovery.all()) == 3


async def test_kinds_of_an_aggregated_server_that_is_away_stay() -> None:
    group = {
        "metadata": {"name": "metrics.k8s.io"},
        "versions": [
            {
                "version": "v1",
                "freshness": "Current",
                "resources": [
                    {
                        "resource": "nodes",
                        "responseKind": {"kind": "NodeMetrics"},
                        "scope": "Cluster",
                        "verbs": VERBS,
                    }
                ],
            }
        ],
    }
    empty = {"kind": "APIGroupDiscoveryList", "items": []}
    server = _Server({"/api": empty, "/apis": {**empty, "items": [group]}})
    discovery = Discovery(server, FakeClock())
    changes: list[int] = []
    discovery.on_change(lambda: changes.append(len(discovery.all())))
    await discovery.refresh()
    stale = {"version": "v1", "freshness": "Stale"}
    server.answers["/apis"] = {**empty, "items": [{**group, "versions": [stale]}]}
    await discovery.refresh()
    assert discovery.find(GroupVersionKind("metrics.k8s.io", "v1", "NodeMetrics")) is not None
    assert changes == [1]
