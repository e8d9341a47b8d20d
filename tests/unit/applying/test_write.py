"""One declared object, in as few requests as it takes (apply.md A1, A3, A6)."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from holdfast.applying.write import ObjectWriting, WriteOrder
from holdfast.diffing.compare import compare
from holdfast.diffing.echo import learn
from holdfast.domain.errors import ClusterError, Retry
from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import Manifest
from holdfast.domain.plan import ApplyOptions, Authorized, Purpose, Verb
from holdfast.schema.field_path import field_path
from tests.support.builders import config_map, deployment, namespace
from tests.support.fake_cluster import FakeCluster, refusal
from tests.support.rig import key_of

CM = key_of(config_map())
DEPLOY = key_of(deployment())


def permit_for(tree: dict[str, Any]) -> Authorized:
    return Authorized(key_of(tree), Verb.APPLY, Purpose.HEAL, AppKey("argocd", "web"))


def order(tree: dict[str, Any], live: dict[str, Any] | None = None, **options: Any) -> WriteOrder:
    seen = Manifest(copy.deepcopy(live)) if live is not None else None
    return WriteOrder(Manifest(tree), seen, permit_for(tree), **options)


def writing(cluster: FakeCluster) -> ObjectWriting:
    return ObjectWriting(cluster.reader, cluster.writer)


def verbs(cluster: FakeCluster) -> list[str]:
    return [request.verb for request in cluster.requests]


async def ours(*trees: dict[str, Any]) -> FakeCluster:
    """A cluster in which we have applied some objects."""
    cluster = FakeCluster(namespace())
    cluster.rollout_s = None
    for tree in trees:
        await writing(cluster).write(order(tree))
    cluster.requests.clear()
    return cluster


async def test_a_missing_object_is_created_by_one_apply_without_a_uid() -> None:
    cluster = FakeCluster(namespace())
    await writing(cluster).write(order(config_map()))
    assert verbs(cluster) == ["apply"]
    assert "uid" not in cluster.requests[0].body["metadata"]


async def test_a_change_is_one_apply_that_carries_the_uid() -> None:
    cluster = await ours(config_map(a="1"))
    live = cluster.objects[CM]
    await writing(cluster).write(order(config_map(a="2"), live))
    assert verbs(cluster) == ["apply"]
    assert cluster.requests[0].body["metadata"]["uid"] == live["metadata"]["uid"]


async def test_a_change_of_an_object_that_is_gone_creates_nothing() -> None:
    cluster = await ours(config_map(a="1"))
    live = cluster.objects[CM]
    cluster.remove(CM)
    with pytest.raises(ClusterError) as caught:
        await writing(cluster).write(order(config_map(a="2"), live))
    assert caught.value.code == "HF2003"
    assert CM not in cluster.objects


async def test_a_change_never_touches_the_object_that_took_the_place_of_the_one_seen() -> None:
    cluster = await ours(config_map(a="1"))
    live = cluster.objects[CM]
    cluster.remove(CM)
    cluster.put(config_map(a="theirs"), "kubectl-create")
    before = copy.deepcopy(cluster.objects[CM])
    wanted = order(config_map(a="1"), live, drifted=(field_path("data", "a"),))
    with pytest.raises(ClusterError):
        await writing(cluster).write(wanted)
    assert cluster.objects[CM] == before


async def test_the_entries_of_kubectl_are_followed_once_and_git_can_then_remove_fields() -> None:
    cluster = FakeCluster(namespace())
    cluster.put(config_map(x="1", y="1"), "kubectl-client-side-apply")
    await writing(cluster).write(order(config_map(x="2"), cluster.objects[CM]))
    assert verbs(cluster) == ["take-over", "apply"]
    assert cluster.objects[CM]["data"] == {"x": "2"}
    cluster.edit(CM, lambda tree: tree["data"].update(z="later"), "kubectl-client-side-apply")
    await writing(cluster).write(order(config_map(x="3"), cluster.objects[CM]))
    assert cluster.objects[CM]["data"] == {"x": "3", "z": "later"}


async def test_nobody_is_followed_when_migration_is_switched_off() -> None:
    cluster = FakeCluster(namespace())
    cluster.put(config_map(x="1", y="1"), "argocd-controller")
    await writing(cluster).write(order(config_map(x="2"), cluster.objects[CM], follows=False))
    assert verbs(cluster) == ["apply"]
    assert cluster.objects[CM]["data"] == {"x": "2", "y": "1"}


async def test_following_reads_again_when_the_object_moved_meanwhile() -> None:
    cluster = FakeCluster(namespace())
    cluster.put(config_map(x="1", y="1"), "argocd-controller")
    stale = copy.deepcopy(cluster.objects[CM])
    cluster.edit(CM, lambda tree: tree["metadata"].update(labels={"a": "b"}))
    await writing(cluster).write(order(config_map(x="1"), stale))
    assert verbs(cluster) == ["take-over", "get", "take-over", "apply"] or verbs(cluster) == [
        "get",
        "take-over",
        "apply",
    ]
    assert cluster.objects[CM]["data"] == {"x": "1"}


def one_handler(tree: dict[str, Any]) -> None:
    for container in tree.get("spec", {}).get("template", {}).get("spec", {}).get("containers", ()):
        if len(container.get("livenessProbe") or {}) > 1:
            raise refusal("HF2005", 422, Retry.NEVER, "may not specify more than 1 handler type")


def probed(probe: dict[str, Any]) -> dict[str, Any]:
    tree = deployment()
    tree["spec"]["template"]["spec"]["containers"][0]["livenessProbe"] = probe
    return tree


async def test_an_edit_that_an_apply_cannot_undo_is_taken_over_in_three_requests() -> None:
    """A probe of another type: git's and the person's would stand side by side."""
    wanted = probed({"httpGet": {"port": 80}})
    cluster = await ours(wanted)
    echo = learn(Manifest(cluster.objects[DEPLOY]))
    assert echo is not None
    before = copy.deepcopy(cluster.objects[DEPLOY]["spec"])

    def change(tree: dict[str, Any]) -> None:
        container = tree["spec"]["template"]["spec"]["containers"][0]
        container["livenessProbe"] = {"tcpSocket": {"port": 80}}

    cluster.edit(DEPLOY, change)
    cluster.validators.append(one_handler)
    live = cluster.objects[DEPLOY]
    drifted = tuple(row.path for row in compare(Manifest(live), echo).differences)
    await writing(cluster).write(order(wanted, live, drifted=drifted))
    assert cluster.objects[DEPLOY]["spec"] == before
    assert [verb for verb in verbs(cluster) if verb != "apply"] == ["take-over"]


async def test_a_renamed_container_is_taken_over_without_waiting_for_a_refusal() -> None:
    cluster = await ours(deployment())
    echo = learn(Manifest(cluster.objects[DEPLOY]))
    assert echo is not None
    before = copy.deepcopy(cluster.objects[DEPLOY]["spec"])

    def rename(tree: dict[str, Any]) -> None:
        tree["spec"]["template"]["spec"]["containers"][0]["name"] = "renamed"

    live = cluster.edit(DEPLOY, rename).tree
    found = compare(Manifest(live), echo)
    assert found.is_renamed_element
    wanted = order(
        deployment(),
        live,
        drifted=tuple(row.path for row in found.differences),
        take_over_first=True,
    )
    await writing(cluster).write(wanted)
    assert verbs(cluster) == ["take-over", "apply"]
    assert cluster.objects[DEPLOY]["spec"] == before


async def test_a_refusal_that_remains_after_the_take_over_is_raised() -> None:
    cluster = await ours(config_map(a="1"))
    live = cluster.edit(CM, lambda tree: tree["data"].update(a="edited")).tree
    words = [refusal("HF2007", 422, Retry.NEVER, "immutable") for _ in range(3)]
    cluster.fail("apply", "web", *words)
    wanted = order(config_map(a="1"), live, drifted=(field_path("data", "a"),))
    with pytest.raises(ClusterError, match="immutable"):
        await writing(cluster).write(wanted)
    assert verbs(cluster) == ["take-over"], "the refused applies were not committed"


async def test_a_take_over_reads_again_when_a_status_write_moved_the_object() -> None:
    cluster = await ours(deployment(image="web:1"))
    seen = cluster.edit(DEPLOY, lambda tree: tree["spec"].update(replicas=7), "kubectl-edit").tree
    cluster.set_status(DEPLOY, {"replicas": 1})
    cluster.fail("apply", "web", refusal("HF2005", 422, Retry.NEVER, "not valid"))
    wanted = order(deployment(image="web:1"), seen, drifted=(field_path("spec", "replicas"),))
    await writing(cluster).write(wanted)
    assert verbs(cluster)[-3:] == ["get", "take-over", "apply"]


async def test_a_field_that_git_dropped_goes_even_if_somebody_edited_it() -> None:
    """apply.md A6: `kubectl-edit` owns it by now, so that an apply alone leaves it."""
    cluster = await ours(config_map(x="1", y="1"))
    before = learn(Manifest(cluster.objects[CM]))
    assert before is not None
    live = cluster.edit(CM, lambda tree: tree["data"].update(y="edited")).tree
    wanted = order(config_map(x="1"), live, applied_before=before.field_set)
    await writing(cluster).write(wanted)
    assert cluster.objects[CM]["data"] == {"x": "1"}


async def test_replace_leaves_one_apply_entry_of_ours() -> None:
    cluster = await ours(config_map(x="1", y="1"))
    await writing(cluster).write(order(config_map(x="2"), cluster.objects[CM], replaces=True))
    entries = cluster.objects[CM]["metadata"]["managedFields"]
    assert [(e["manager"], e["operation"]) for e in entries] == [("holdfast", "Apply")]
    assert cluster.objects[CM]["data"] == {"x": "2"}


async def test_force_deletes_and_creates_where_the_server_refuses_the_change() -> None:
    cluster = await ours(config_map(x="1"))
    live = copy.deepcopy(cluster.objects[CM])
    cluster.fail("apply", "web", refusal("HF2007", 422, Retry.NEVER, "immutable"))
    await writing(cluster).write(order(config_map(x="2"), live, recreates=True))
    assert verbs(cluster) == ["delete", "get", "apply"]
    assert cluster.objects[CM]["metadata"]["uid"] != live["metadata"]["uid"]


async def test_an_overloaded_server_is_no_reason_to_delete_and_create() -> None:
    cluster = await ours(config_map(x="1"))
    cluster.fail("apply", "web", refusal("HF2009", 429))
    with pytest.raises(ClusterError):
        await writing(cluster).write(order(config_map(x="2"), cluster.objects[CM], recreates=True))
    assert CM in cluster.objects


async def test_the_options_reach_the_server() -> None:
    cluster = await ours(config_map(x="1"))
    cluster.edit(CM, lambda tree: tree["data"].update(x="theirs"))
    polite = replace(
        order(config_map(x="1"), cluster.objects[CM]), options=ApplyOptions(force=False)
    )
    with pytest.raises(Exception, match="conflict"):
        await writing(cluster).write(polite)


async def test_a_permit_is_for_one_object_alone() -> None:
    cluster = await ours(config_map(x="1"))
    wrong = replace(order(config_map("other")), permit=permit_for(config_map()))
    with pytest.raises(AssertionError, match="permit"):
        await writing(cluster).write(wrong)
