"""Writes that must not undo what happens at the same time (apply.md A1, A4)."""

import copy
from dataclasses import replace

import pytest

from holdfast.diffing.ignore import IgnoredPaths
from holdfast.domain.errors import ClusterError, Retry
from holdfast.schema.field_path import field_path
from tests.support.builders import deployment
from tests.support.fake_cluster import refusal
from tests.unit.applying.test_write import DEPLOY, order, ours, verbs, writing

REPLICAS = IgnoredPaths(paths=(("spec", "replicas"),))


async def test_a_take_over_that_loses_each_time_applies_nothing() -> None:
    """An apply would leave the renamed element beside ours, and look like a heal."""
    cluster = await ours(deployment(image="web:1"))
    seen = cluster.edit(DEPLOY, lambda tree: tree["spec"].update(replicas=7), "kubectl-edit").tree
    lost = [refusal("HF2004", 409, Retry.NOW, "moved") for _ in range(3)]
    cluster.fail("take-over", "web", *lost)
    wanted = order(
        deployment(image="web:1", replicas=1),
        seen,
        drifted=(field_path("spec", "replicas"),),
        take_over_first=True,
    )
    with pytest.raises(ClusterError, match="each of 3 tries") as caught:
        await writing(cluster).write(wanted)
    assert caught.value.retry is Retry.NOW
    assert "apply" not in verbs(cluster)


async def test_an_ignored_field_of_ours_is_sent_as_it_is_live_at_that_version() -> None:
    cluster = await ours(deployment(replicas=4))
    live = copy.deepcopy(cluster.objects[DEPLOY])
    await writing(cluster).write(replace(order(deployment(replicas=1), live), ignored=REPLICAS))
    body = cluster.requests[-1].body
    assert body["spec"]["replicas"] == 4
    assert body["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]


async def test_an_object_that_moved_is_read_again_before_its_live_values_are_sent() -> None:
    cluster = await ours(deployment(replicas=4))
    live = copy.deepcopy(cluster.objects[DEPLOY])
    cluster.edit(DEPLOY, lambda tree: tree["spec"].update(replicas=9), "scaler")
    cluster.fail("apply", "web", refusal("HF2004", 409, Retry.NOW, "moved"))
    await writing(cluster).write(replace(order(deployment(replicas=1), live), ignored=REPLICAS))
    assert verbs(cluster) == ["get", "apply"]
    assert "replicas" not in cluster.requests[-1].body["spec"], "it is the scaler's by now"
    assert cluster.objects[DEPLOY]["spec"]["replicas"] == 9


async def test_a_new_object_has_ignored_fields_as_declared() -> None:
    cluster = await ours()
    await writing(cluster).write(replace(order(deployment(replicas=3)), ignored=REPLICAS))
    assert cluster.objects[DEPLOY]["spec"]["replicas"] == 3
