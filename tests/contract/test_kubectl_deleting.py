"""What goes, in which order, and what stays: delete, finalizers, owners, namespaces."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.kubectl import config_map, deployment
from tests.support.waiting import eventually_now

if TYPE_CHECKING:
    from typing import Any

    from tests.support.kubectl import Kubectl


def _count(kube: Kubectl, plural: str, group: str = "") -> int:
    return len(kube.rest.send("GET", kube.path(plural, group=group)).body["items"])


def _owned(kube: Kubectl, owner: Any, name: str, **more: Any) -> Any:
    tree = config_map(name)
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"]}
    tree["metadata"]["ownerReferences"] = [{**reference, "uid": owner["metadata"]["uid"], **more}]
    return tree


def test_delete_in_the_background_takes_the_dependents_along(kube: Kubectl) -> None:
    kube.apply(deployment("web"))
    kube("rollout", "status", "deployment/web", "--timeout=30s")
    assert 'deployment.apps "web" deleted' in kube("delete", "deployment", "web").out
    eventually_now(lambda: _count(kube, "replicasets", "apps/v1") == 0)
    eventually_now(lambda: _count(kube, "pods") == 0)


def test_delete_in_the_foreground_ends_with_the_owner(kube: Kubectl) -> None:
    kube.apply(deployment("web"))
    kube("rollout", "status", "deployment/web", "--timeout=30s")
    kube("delete", "deployment", "web", "--cascade=foreground")
    assert _count(kube, "replicasets", "apps/v1") == 0
    assert _count(kube, "pods") == 0


def test_delete_orphaning_leaves_the_dependents(kube: Kubectl) -> None:
    kube.apply(deployment("web"))
    kube("rollout", "status", "deployment/web", "--timeout=30s")
    kube("delete", "deployment", "web", "--cascade=orphan")
    sets = kube.json("get", "rs")["items"]
    assert len(sets) == 1
    assert "ownerReferences" not in sets[0]["metadata"]
    kube.apply(deployment("web"))
    uid = kube.json("get", "deploy", "web")["metadata"]["uid"]
    eventually_now(
        lambda: (
            [
                row["uid"]
                for row in kube.json("get", "rs")["items"][0]["metadata"]["ownerReferences"]
            ]
            == [uid]
        )
    )


def test_a_finalizer_holds_an_object_until_it_is_gone(kube: Kubectl) -> None:
    tree = config_map("held")
    tree["metadata"]["finalizers"] = ["tests.example/hold"]
    kube.apply(tree)
    kube("delete", "cm", "held", "--wait=false")
    left = kube.json("get", "cm", "held")["metadata"]
    assert left["deletionTimestamp"]
    assert left["deletionGracePeriodSeconds"] == 0
    more = {"metadata": {"finalizers": ["tests.example/hold", "tests.example/more"]}}
    said = kube.try_run("patch", "cm", "held", "--type=merge", "-p", json.dumps(more))
    assert "no new finalizers can be added if the object is being deleted" in said.err
    kube("patch", "cm", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert kube.try_run("get", "cm", "held").code == 1


def test_an_apply_changes_a_terminating_object_and_does_not_undelete_it(kube: Kubectl) -> None:
    tree = config_map("held", a="1")
    tree["metadata"]["finalizers"] = ["tests.example/hold"]
    kube.apply(tree, options=("--server-side",))
    kube("delete", "cm", "held", "--wait=false")
    tree["data"] = {"a": "2"}
    kube.apply(tree, options=("--server-side",))
    left = kube.json("get", "cm", "held")
    assert left["data"] == {"a": "2"}
    assert left["metadata"]["deletionTimestamp"]
    kube("patch", "cm", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


def _is_gone(kube: Kubectl, name: str) -> bool:
    return kube.rest.send("GET", kube.path("configmaps", name)).status == 404


def test_an_object_of_two_owners_stays_until_both_are_gone(kube: Kubectl) -> None:
    kube.apply(config_map("one"), config_map("two"))
    one, two = kube.json("get", "cm", "one"), kube.json("get", "cm", "two")
    child = _owned(kube, one, "child")
    child["metadata"]["ownerReferences"] += _owned(kube, two, "x")["metadata"]["ownerReferences"]
    kube.apply(child)
    kube("delete", "cm", "one")
    eventually_now(lambda: len(kube.json("get", "cm", "child")["metadata"]["ownerReferences"]) == 1)
    (left,) = kube.json("get", "cm", "child")["metadata"]["ownerReferences"]
    assert left["uid"] == two["metadata"]["uid"]
    kube("delete", "cm", "two")
    eventually_now(lambda: _is_gone(kube, "child"))
    assert kube.try_run("get", "cm", "child").code == 1


def test_an_object_whose_owner_never_was_is_collected(kube: Kubectl) -> None:
    owner = {"metadata": {"name": "never", "uid": "00000000-0000-0000-0000-000000000000"}}
    kube.apply(config_map("free"), _owned(kube, owner, "child"))
    eventually_now(lambda: _is_gone(kube, "child"))
    assert kube("get", "cm", "free", "-o", "name").out == "configmap/free\n"


def test_the_foreground_waits_for_blocking_dependents(kube: Kubectl) -> None:
    kube.apply(config_map("owner"))
    child = _owned(kube, kube.json("get", "cm", "owner"), "child", blockOwnerDeletion=True)
    child["metadata"]["finalizers"] = ["tests.example/hold"]
    kube.apply(child)
    kube("delete", "cm", "owner", "--cascade=foreground", "--wait=false")
    eventually_now(lambda: "deletionTimestamp" in kube.json("get", "cm", "child")["metadata"])
    assert kube.json("get", "cm", "owner")["metadata"]["finalizers"] == ["foregroundDeletion"]
    kube("patch", "cm", "child", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    eventually_now(lambda: kube.rest.send("GET", kube.path("configmaps", "owner")).status == 404)


def test_delete_by_label_and_all(kube: Kubectl) -> None:
    one, two = config_map("a"), config_map("b")
    one["metadata"]["labels"] = {"go": "yes"}
    kube.apply(one, two)
    assert kube("delete", "cm", "-l", "go=yes").out.startswith('configmap "a" deleted')
    kube.apply(one)
    path = kube.path("configmaps")
    gone = kube.rest.send("DELETE", path, labelSelector="go=yes")
    assert [row["metadata"]["name"] for row in gone.body["items"]] == ["a"]
    assert kube.try_run("get", "cm", "b").code == 0


def test_delete_holds_preconditions(kube: Kubectl) -> None:
    kube.apply(config_map("x"))
    path = kube.path("configmaps", "x")
    wrong = kube.rest.send("DELETE", path, {"preconditions": {"uid": "another"}})
    assert wrong.status == 409
    assert "the UID in the precondition (another) does not match the UID in record" in wrong.message
    uid = kube.json("get", "cm", "x")["metadata"]["uid"]
    right = kube.rest.send("DELETE", path, {"preconditions": {"uid": uid}})
    assert right.status == 200
    assert right.body["status"] == "Success"
    assert right.body["details"] == {"name": "x", "kind": "configmaps", "uid": uid}


def test_delete_keeps_everything_in_a_dry_run(kube: Kubectl) -> None:
    kube.apply(config_map("x"))
    assert "(server dry run)" in kube("delete", "cm", "x", "--dry-run=server").out
    assert kube.try_run("get", "cm", "x").code == 0


def test_a_namespace_goes_with_its_contents(kube: Kubectl) -> None:
    kube.apply(config_map("x"), deployment("web"))
    namespace = kube.namespace
    kube.namespace = "default"
    kube("delete", "namespace", namespace, "--timeout=40s")
    path = f"/api/v1/namespaces/{namespace}"
    assert kube.rest.send("GET", path).status == 404
    assert kube.rest.send("GET", f"{path}/configmaps").body["items"] == []


def test_a_terminating_namespace_takes_nothing_new(kube: Kubectl) -> None:
    tree = config_map("held")
    tree["metadata"]["finalizers"] = ["tests.example/hold"]
    kube.apply(tree)
    kube("delete", "namespace", kube.namespace, "--wait=false")
    assert kube.json("get", "namespace", kube.namespace)["status"]["phase"] == "Terminating"
    refused = kube.rest.send("POST", kube.path("configmaps"), config_map("late"))
    assert refused.status == 403
    assert refused.message == (
        f'configmaps "late" is forbidden: unable to create new content in namespace '
        f"{kube.namespace} because it is being terminated"
    )
    assert refused.body["details"]["causes"] == [
        {
            "reason": "NamespaceTerminating",
            "message": f"namespace {kube.namespace} is being terminated",
            "field": "metadata.namespace",
        }
    ]
    kube("patch", "cm", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


def test_the_first_namespaces_cannot_be_deleted(bare_kubectl: Kubectl) -> None:
    said = bare_kubectl.try_run("delete", "namespace", "kube-system")
    assert 'namespaces "kube-system" is forbidden: this namespace may not be deleted' in said.err
