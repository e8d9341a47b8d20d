"""Definitions are read where fitting a manifest takes them, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.controller.definitions import Definitions
from holdfast.domain.errors import ClusterError
from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.kinds import CRD, KindInfo
from holdfast.domain.manifest import Manifest
from tests.support import builders

GEAR = GroupVersionKind("x.example", "v1", "Gear")


def definition(field: str = "size") -> Manifest:
    schema = {"type": "object", "properties": {field: {"type": "integer"}}}
    version = {"name": "v1", "schema": {"openAPIV3Schema": schema}}
    spec = {"group": "x.example", "names": {"kind": "Gear"}, "versions": [version]}
    tree = {"apiVersion": "apiextensions.k8s.io/v1", "kind": CRD.kind, "spec": spec}
    return Manifest({**tree, "metadata": {"name": "gears.x.example"}})


def gear() -> Manifest:
    meta = {"name": "g", "namespace": "prod"}
    return Manifest({"apiVersion": "x.example/v1", "kind": "Gear", "metadata": meta, "size": 1})


class Cluster:
    """Serves Gears, and answers with what it is told to."""

    def __init__(self, answer: Manifest | ClusterError | None) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def find(self, gvk: GroupVersionKind) -> KindInfo | None:
        return KindInfo(gvk, "gears", True, ("get",)) if gvk == GEAR else None

    async def get(self, gvk: GroupVersionKind, namespace: str, name: str) -> Manifest | None:
        assert (gvk, namespace) == (CRD, "")
        self.asked.append(name)
        if isinstance(self.answer, ClusterError):
            raise self.answer
        return self.answer


async def types(cluster: Any, *rendered: Manifest, lenient: bool = True) -> Any:
    found = await Definitions(cluster, cluster).types_of(rendered, lenient=lenient)
    return {gvk: sorted(kind.fields) for gvk, kind in found.items()}


async def test_the_definition_in_the_cluster_is_read() -> None:
    cluster = Cluster(definition())
    assert await types(cluster, gear()) == {GEAR: ["apiVersion", "kind", "metadata", "size"]}
    assert cluster.asked == ["gears.x.example"]


async def test_the_definition_among_the_manifests_counts_first() -> None:
    cluster = Cluster(definition())
    found = await types(cluster, gear(), definition("weight"))
    assert "weight" in found[GEAR]
    assert cluster.asked == []


@pytest.mark.parametrize("lenient", [False, True])
async def test_nothing_is_asked_without_need(lenient: bool) -> None:
    cluster = Cluster(definition())
    rendered = (Manifest(builders.config_map()), Manifest(builders.deployment()))
    assert await types(cluster, *rendered, lenient=lenient) == {}
    assert await types(cluster, gear(), lenient=False) == {}
    assert cluster.asked == []


async def test_a_definition_that_may_not_be_read_is_left_out() -> None:
    assert await types(Cluster(ClusterError("HF2002", "Forbidden.")), gear()) == {}
    assert await types(Cluster(None), gear()) == {}


async def test_an_api_server_that_is_away_is_an_error() -> None:
    with pytest.raises(ClusterError):
        await types(Cluster(ClusterError("HF2001", "Away.")), gear())
