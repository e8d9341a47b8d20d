"""What kubectl writes: create, apply, diff, delete, edit, patch, scale, label, annotate."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.kubectl import config_map, deployment
from tests.support.waiting import eventually_now

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.kubectl import Kubectl


@pytest.mark.parametrize(
    ("arguments", "made"),
    [
        (("configmap", "x", "--from-literal=a=1"), "configmap/x"),
        (("secret", "generic", "x", "--from-literal=a=1"), "secret/x"),
        (("deployment", "x", "--image=nginx"), "deployment.apps/x"),
        (("service", "clusterip", "x", "--tcp=80"), "service/x"),
        (("job", "x", "--image=busybox", "--", "true"), "job.batch/x"),
        (
            ("cronjob", "x", "--image=busybox", "--schedule=0 0 1 1 *", "--", "true"),
            "cronjob.batch/x",
        ),
        (("role", "x", "--verb=get", "--resource=pods"), "role.rbac.authorization.k8s.io/x"),
        (
            ("rolebinding", "x", "--role=x", "--user=me"),
            "rolebinding.rbac.authorization.k8s.io/x",
        ),
        (("serviceaccount", "x"), "serviceaccount/x"),
        (("ingress", "x", "--rule=a.example/=b:80"), "ingress.networking.k8s.io/x"),
        (
            ("poddisruptionbudget", "x", "--selector=a=b", "--min-available=1"),
            "poddisruptionbudget.policy/x",
        ),
        (("quota", "x", "--hard=pods=100"), "resourcequota/x"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_create_makes(kube: Kubectl, arguments: tuple[str, ...], made: str) -> None:
    assert kube("create", *arguments).out == f"{made} created\n"
    again = kube.try_run("create", *arguments)
    assert "already exists" in again.err


def test_create_fills_a_generated_name(kube: Kubectl) -> None:
    tree = config_map("")
    tree["metadata"] = {"generateName": "made-"}
    names = {kube("create", "-f", "-", "-o", "name", stdin=json.dumps(tree)).out for _ in range(2)}
    assert len(names) == 2
    assert all(name.startswith("configmap/made-") for name in names)


def test_create_keeps_nothing_in_a_dry_run(kube: Kubectl) -> None:
    said = kube("create", "configmap", "x", "--from-literal=a=1", "--dry-run=server")
    assert said.out == "configmap/x created (server dry run)\n"
    assert kube.try_run("get", "cm", "x").code == 1


def test_create_refuses_names_that_are_none(kube: Kubectl) -> None:
    said = kube.try_run("create", "configmap", "Not_A_Name")
    assert "a lowercase RFC 1123 subdomain must consist of" in said.err


def test_create_refuses_unknown_fields(kube: Kubectl) -> None:
    tree = deployment("x")
    tree["spec"]["nonsense"] = 1
    said = kube.try_run("create", "-f", "-", stdin=json.dumps(tree))
    assert 'strict decoding error: unknown field "spec.nonsense"' in said.err
    said = kube("create", "-f", "-", "--validate=warn", stdin=json.dumps(tree))
    assert said.err == 'Warning: unknown field "spec.nonsense"\n'


def test_apply_creates_changes_and_leaves_alone(kube: Kubectl) -> None:
    assert kube.apply(config_map("x", a="1")).out == "configmap/x created\n"
    assert kube.apply(config_map("x", a="1")).out == "configmap/x unchanged\n"
    assert kube.apply(config_map("x", a="2")).out == "configmap/x configured\n"
    kube.apply(config_map("x", b="3"))
    assert kube.json("get", "cm", "x")["data"] == {"b": "3"}


def test_apply_merges_lists_by_their_keys(kube: Kubectl) -> None:
    kube.apply(deployment("web", replicas=0))
    kube("set", "env", "deployment/web", "BY_HAND=1")
    kube.apply(deployment("web", image="nginx:2", replicas=0))
    container = kube.json("get", "deploy", "web")["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "nginx:2"
    assert container["env"] == [{"name": "BY_HAND", "value": "1"}]


def test_apply_refuses_unknown_kinds(kube: Kubectl) -> None:
    tree = {"apiVersion": "no.example/v1", "kind": "Nothing", "metadata": {"name": "x"}}
    said = kube.try_run("apply", "-f", "-", stdin=json.dumps(tree))
    assert 'no matches for kind "Nothing" in version "no.example/v1"' in said.err
    assert "ensure CRDs are installed first" in said.err


def test_apply_on_the_server_owns_its_fields(kube: Kubectl) -> None:
    options = ("--server-side", "--field-manager=one")
    assert kube.apply(config_map("x", a="1"), options=options).out == (
        "configmap/x serverside-applied\n"
    )
    entries = kube.json("get", "cm", "x")["metadata"]["managedFields"]
    assert [entry["manager"] for entry in entries] == ["one"]
    assert entries[0]["operation"] == "Apply"
    assert entries[0]["fieldsV1"] == {"f:data": {"f:a": {}}}


def test_apply_on_the_server_twice_writes_once(kube: Kubectl) -> None:
    kube.apply(deployment("x", replicas=0), options=("--server-side",))
    eventually_now(lambda: "observedGeneration" in kube.json("get", "deploy", "x")["status"])
    before = kube.json("get", "deploy", "x")["metadata"]
    kube.apply(deployment("x", replicas=0), options=("--server-side",))
    assert kube.json("get", "deploy", "x")["metadata"] == before


def test_apply_on_the_server_names_conflicts(kube: Kubectl) -> None:
    kube.apply(config_map("x", a="1"), options=("--server-side", "--field-manager=one"))
    other = ("--server-side", "--field-manager=two")
    text = json.dumps(config_map("x", a="2"))
    said = kube.try_run("apply", "-f", "-", *other, stdin=text)
    assert 'Apply failed with 1 conflict: conflict with "one": .data.a' in said.err
    kube("apply", "-f", "-", *other, "--force-conflicts", stdin=text)
    assert kube.json("get", "cm", "x")["data"] == {"a": "2"}


def test_apply_on_the_server_removes_what_it_no_longer_says(kube: Kubectl) -> None:
    kube.apply(config_map("x", a="1", b="2"), options=("--server-side",))
    kube.apply(config_map("x", a="1"), options=("--server-side",))
    assert kube.json("get", "cm", "x")["data"] == {"a": "1"}


def test_diff_shows_what_would_change(kube: Kubectl) -> None:
    kube.apply(config_map("x", a="1"))
    assert kube("diff", "-f", "-", stdin=json.dumps(config_map("x", a="1"))).out == ""
    said = kube.try_run("diff", "-f", "-", stdin=json.dumps(config_map("x", a="2")))
    assert said.code == 1
    assert '-  a: "1"' in said.lines
    assert '+  a: "2"' in said.lines


def test_diff_on_the_server_shows_what_would_change(kube: Kubectl) -> None:
    kube.apply(deployment("x", replicas=0), options=("--server-side",))
    text = json.dumps(deployment("x", image="nginx:9", replicas=0))
    said = kube.try_run("diff", "--server-side", "-f", "-", stdin=text)
    assert said.code == 1
    assert "+      - image: nginx:9" in said.lines


def test_edit_writes_what_the_editor_leaves(kube: Kubectl, tmp_path: Path) -> None:
    kube.apply(config_map("x", a="before"))
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/before/after/' \"$1\"\n")
    editor.chmod(0o755)
    assert kube("edit", "cm", "x", KUBE_EDITOR=str(editor)).out == "configmap/x edited\n"
    assert kube.json("get", "cm", "x")["data"] == {"a": "after"}


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        (
            "strategic",
            {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "n:2"}]}}}},
        ),
        (
            "merge",
            {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "n:2"}]}}}},
        ),
        (
            "json",
            [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "n:2"}],
        ),
    ],
    ids=["strategic", "merge", "json"],
)
def test_patch_changes_an_object(kube: Kubectl, kind: str, patch: object) -> None:
    kube.apply(deployment("web", replicas=0))
    said = kube("patch", "deploy", "web", f"--type={kind}", "-p", json.dumps(patch))
    assert said.out == "deployment.apps/web patched\n"
    container = kube.json("get", "deploy", "web")["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "n:2"
    assert ("ports" in container) == (kind != "merge")
    same = kube("patch", "deploy", "web", f"--type={kind}", "-p", json.dumps(patch))
    assert same.out == "deployment.apps/web patched (no change)\n"


def test_patch_of_a_list_can_delete_an_element(kube: Kubectl) -> None:
    kube.apply(deployment("web", replicas=0))
    kube("set", "env", "deployment/web", "A=1", "B=2")
    environment = [{"name": "A", "$patch": "delete"}]
    containers = [{"name": "web", "env": environment}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    kube("patch", "deploy", "web", "-p", json.dumps(patch))
    container = kube.json("get", "deploy", "web")["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "B", "value": "2"}]


def test_patch_names_what_cannot_change(kube: Kubectl) -> None:
    kube.apply(deployment("web", replicas=0))
    labels = {"app": "other"}
    patch = {
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}},
        }
    }
    said = kube.try_run("patch", "deploy", "web", "-p", json.dumps(patch))
    assert 'spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable' in (
        said.err
    )


def test_replace_is_refused_when_another_writer_was_faster(kube: Kubectl) -> None:
    kube.apply(config_map("x", a="1"))
    old = kube.json("get", "cm", "x")
    kube.apply(config_map("x", a="2"))
    old["data"] = {"a": "3"}
    said = kube.try_run("replace", "-f", "-", stdin=json.dumps(old))
    assert (
        "the object has been modified; please apply your changes to the latest version" in said.err
    )


def test_scale_sets_replicas(kube: Kubectl) -> None:
    kube.apply(deployment("web", replicas=0))
    assert kube("scale", "deployment/web", "--replicas=3").out == "deployment.apps/web scaled\n"
    tree = kube.json("get", "deploy", "web")
    assert tree["spec"]["replicas"] == 3
    entries = [
        row for row in tree["metadata"]["managedFields"] if row.get("subresource") == "scale"
    ]
    assert entries[0]["fieldsV1"] == {"f:spec": {"f:replicas": {}}}


def test_label_and_annotate_set_overwrite_and_remove(kube: Kubectl) -> None:
    kube.apply(config_map("x"))
    assert kube("label", "cm", "x", "tier=front").out == "configmap/x labeled\n"
    assert "--overwrite is false" in kube.try_run("label", "cm", "x", "tier=back").err
    kube("label", "cm", "x", "tier=back", "--overwrite")
    assert kube("label", "cm", "x", "tier-").out == "configmap/x unlabeled\n"
    assert kube("annotate", "cm", "x", "note=hello").out == "configmap/x annotated\n"
    assert kube.json("get", "cm", "x")["metadata"]["annotations"]["note"] == "hello"


def test_expose_makes_a_service_with_endpoints(kube: Kubectl) -> None:
    kube.apply(deployment("web", replicas=1))
    assert kube("expose", "deployment", "web", "--port=80").out == "service/web exposed\n"
    tree = kube.json("get", "service", "web")
    assert tree["spec"]["clusterIP"].startswith("10.96.")
    assert tree["spec"]["selector"] == {"app": "web"}

    def has_address() -> bool:
        slices = kube.json("get", "endpointslices")["items"]
        return any(row["endpoints"] for row in slices if row["endpoints"])

    eventually_now(has_address)


def test_apply_prunes_what_a_set_no_longer_holds(kube: Kubectl) -> None:
    one, two = config_map("a"), config_map("b")
    for tree in (one, two):
        tree["metadata"]["labels"] = {"set": kube.namespace}
    kube.apply(one, two)
    options = ("--prune", "-l", f"set={kube.namespace}", "--prune-allowlist=core/v1/ConfigMap")
    assert "configmap/b pruned" in kube.apply(one, options=options).lines
