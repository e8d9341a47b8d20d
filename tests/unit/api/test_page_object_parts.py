"""The pure parts of the object screen: lines of YAML, whose they are, facts of each kind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.api.page.object_facts import facts_of
from holdfast.api.page.object_owners import ownership_of, owns
from holdfast.api.page.object_parts import containers_of, default_container, links_of_object
from holdfast.api.page.object_yaml import MOST_LINES, written
from holdfast.kit import yamlio

Tree = dict[str, Any]


def entry(manager: str, fields: Any, **more: Any) -> Tree:
    return {"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
            "time": "2026-01-02T11:00:00Z", "fieldsV1": fields, **more}  # fmt: skip


def owned(tree: Tree, *entries: Tree) -> dict[str, str]:
    """Return the managers of each line that has some, by its text."""
    found = ownership_of({**tree, "metadata": {"managedFields": list(entries)}})
    names = [owner.manager for owner in found.owners]
    return {
        one.line.text.strip(): " ".join(names[n] for n in one.owners)
        for one in found.lines
        if one.owners
    }


SPEC = {"spec": {"replicas": 2, "selector": {"app": "web"}, "ports": [
    {"port": 80, "protocol": "TCP", "name": "http"}, {"port": 81, "name": "other"}],
    "finalizers": ["a", "b"], "script": "one\ntwo\nthree: 4\n"}}  # fmt: skip


def test_a_field_that_is_owned_as_a_whole_gives_all_its_lines() -> None:
    fields: Tree = {"f:spec": {"f:selector": {}, "f:script": {}}}
    assert owned(SPEC, entry("a", fields)) == {
        "selector:": "a", "app: web": "a", "script: |": "a", "one": "a", "two": "a",
        "three: 4": "a",
    }  # fmt: skip


def test_items_of_lists_are_found_by_their_keys_and_values() -> None:
    fields: Tree = {"f:spec": {
        "f:ports": {'k:{"port":81,"protocol":"TCP"}': {".": {}, "f:name": {}}},
        "f:finalizers": {'v:"b"': {}},
    }}  # fmt: skip
    assert owned(SPEC, entry("a", fields)) == {"- name: other": "a", "- b": "a"}


def test_of_two_owners_the_one_further_inside_counts_and_equals_share() -> None:
    whole: Tree = {"f:spec": {"f:selector": {}, "f:replicas": {}}}
    inside: Tree = {"f:spec": {"f:selector": {"f:app": {}}, "f:replicas": {}}}
    assert owned(SPEC, entry("a", whole), entry("b", inside)) == {
        "replicas: 2": "a b", "selector:": "a", "app: web": "b",
    }  # fmt: skip


def test_the_own_field_of_a_map_gives_its_first_line_alone() -> None:
    fields: Tree = {"f:spec": {"f:selector": {".": {}, "f:gone": {}}}}
    found = ownership_of({**SPEC, "metadata": {"managedFields": [entry("a", fields)]}})
    assert [o.line.text for o in found.lines if o.owners] == ["  selector:"]
    assert (found.owners[0].fields, found.owners[0].unseen) == (1, 1)


@pytest.mark.parametrize("fields", [{"x:y": {}}, {"f:spec": 3}, {"k:{": {}}, "no", None, ["f:a"]])
def test_entries_that_make_no_sense_break_nothing(fields: Any) -> None:
    assert owned(SPEC, entry("a", fields), entry("b", {"f:spec": {"f:replicas": {}}})) == {
        "replicas: 2": "b"
    }


def test_it_is_known_whether_a_manager_holds_a_field() -> None:
    tree = {"metadata": {"managedFields": [
        entry("a", {"f:spec": {"f:replicas": {}, "f:template": {}}}),
        entry("b", {"f:spec": {"f:paused": {}}}, subresource="status"),
    ]}}  # fmt: skip
    assert owns(tree, "a", "spec", "replicas")
    assert owns(tree, "a", "spec", "template", "metadata")
    assert not owns(tree, "a", "spec", "paused")
    assert not owns(tree, "b", "spec", "paused")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), JSON, max_size=4))
def test_the_lines_of_a_tree_are_its_yaml(tree: Tree) -> None:
    text = yamlio.dump(tree)
    assert "".join(line.text + "\n" for line in written(tree).lines).split("\n") == (
        "".join(line + "\n" for line in text.split("\n")[:-1]).split("\n")
    )


def test_a_key_is_told_from_its_value_but_not_inside_a_text() -> None:
    lines = {line.text.strip(): line.key for line in written(SPEC).lines}
    assert lines["app: web"] == "app:"
    assert lines["- name: http"] == "name:"
    assert lines["three: 4"] == ""
    assert lines["- a"] == ""


def test_a_very_long_object_is_cut() -> None:
    page = written({f"k{n}": n for n in range(MOST_LINES + 5)})
    assert (len(page.lines), page.more) == (MOST_LINES, 5)


def facts(api_version: str, kind: str, **rest: Any) -> dict[str, str]:
    found = facts_of({"apiVersion": api_version, "kind": kind, **rest})
    return {fact.label: " | ".join(fact.values) for fact in found}


def test_facts_of_kinds_are_those_of_kubectl() -> None:
    port = {"name": "http", "port": 80, "targetPort": "web"}
    assert facts("v1", "Service", spec={"type": "ClusterIP", "ports": [port]}) == {
        "Type": "ClusterIP", "Ports": "http 80/TCP → web",
    }  # fmt: skip
    assert facts("batch/v1", "CronJob", spec={"schedule": "* * * * *", "suspend": True}) == {
        "Schedule": "* * * * *", "Suspended": "yes",
    }  # fmt: skip
    assert facts("batch/v1", "Job", spec={}, status={"failed": 2}) == {
        "Completions": "1 wanted, 0 succeeded, 2 failed"
    }
    assert facts("v1", "ConfigMap", data={"a": "é"}) == {"Keys": "a (2 bytes)"}
    assert facts("v1", "Secret", type="Opaque", data={"a": "eA=="}) == {
        "Type": "Opaque", "Keys": "a",
    }  # fmt: skip
    keys = facts("v1", "Secret", data={f"k{n:02}": "" for n in range(25)})["Keys"]
    assert keys.endswith("k19 | and 5 more")


KINDS = (("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"),
         ("apps/v1", "ReplicaSet"), ("v1", "Pod"), ("batch/v1", "Job"), ("batch/v1", "CronJob"),
         ("v1", "Service"), ("networking.k8s.io/v1", "Ingress"), ("v1", "ConfigMap"),
         ("v1", "Secret"), ("v1", "PersistentVolumeClaim"), ("v1", "Namespace"),
         ("autoscaling/v2", "HorizontalPodAutoscaler"),
         ("rbac.authorization.k8s.io/v1", "ClusterRole"),
         ("rbac.authorization.k8s.io/v1", "RoleBinding"),
         ("apiextensions.k8s.io/v1", "CustomResourceDefinition"))  # fmt: skip
NAMES = ("spec", "status", "rules", "ports", "template", "metadata", "containers", "subjects",
         "ingress", "loadBalancer", "paths", "http", "data", "selector", "strategy", "versions",
         "names", "tls", "state", "containerStatuses", "lastState")  # fmt: skip


@given(
    st.sampled_from(KINDS),
    st.dictionaries(
        st.sampled_from(NAMES),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
            ),
            max_leaves=10,
        ),
    ),
)
def test_facts_come_from_any_tree(kind: tuple[str, str], tree: Tree) -> None:
    live = {**tree, "apiVersion": kind[0], "kind": kind[1]}
    facts_of(live)
    containers_of(live)
    links_of_object(live)
    default_container(live)


def test_the_addresses_of_an_ingress_are_links_and_scripts_are_none() -> None:
    rule = {"host": "a.example", "http": {"paths": [{"path": "/x"}]}}
    live = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"annotations": {"link.argocd.argoproj.io/Bad": "javascript:alert(1)",
                                         "link.argocd.argoproj.io/Docs": "https://d.example"}},
            "spec": {"rules": [rule, {"host": "*.b.example"}], "tls": [{"hosts": ["a.example"]}]},
            }  # fmt: skip
    assert links_of_object(live) == (
        ("Docs", "https://d.example"), ("https://a.example/x", "https://a.example/x"),
    )  # fmt: skip


def test_the_first_log_is_that_of_the_default_container() -> None:
    template = {"metadata": {"annotations": {"kubectl.kubernetes.io/default-container": "b"}},
                "spec": {"containers": [{"name": "a"}, {"name": "b"}]}}  # fmt: skip
    live: Tree = {"kind": "Deployment", "spec": {"template": template}}
    assert default_container(live) == "b"
    template["metadata"] = {}
    assert default_container(live) == "a"
