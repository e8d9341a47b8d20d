"""What kubectl reads: tables, forms, selectors, watches, documents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.kubectl import config_map, deployment

if TYPE_CHECKING:
    from tests.support.kubectl import Kubectl


def test_version_names_the_server(bare_kubectl: Kubectl) -> None:
    said = json.loads(bare_kubectl("version", "-o", "json").out)
    assert said["serverVersion"]["major"] == "1"
    assert said["serverVersion"]["gitVersion"].startswith("v1.36")


def test_api_resources_lists_kinds_with_short_names(bare_kubectl: Kubectl) -> None:
    rows = [line.split() for line in bare_kubectl("api-resources", "--no-headers").lines]
    assert ["deployments", "deploy", "apps/v1", "true", "Deployment"] in rows
    assert ["configmaps", "cm", "v1", "true", "ConfigMap"] in rows
    assert ["roles", "rbac.authorization.k8s.io/v1", "true", "Role"] in rows


def test_api_versions_lists_the_stable_groups(bare_kubectl: Kubectl) -> None:
    lines = bare_kubectl("api-versions").lines
    assert {"v1", "apps/v1", "batch/v1", "autoscaling/v2", "apiextensions.k8s.io/v1"} <= set(lines)


TABLES = {
    "pods": ["NAME", "READY", "STATUS", "RESTARTS", "AGE"],
    "deployments": ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"],
    "replicasets": ["NAME", "DESIRED", "CURRENT", "READY", "AGE"],
    "services": ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"],
    "configmaps": ["NAME", "DATA", "AGE"],
    "namespaces": ["NAME", "STATUS", "AGE"],
    "nodes": ["NAME", "STATUS", "ROLES", "AGE", "VERSION"],
    "endpointslices": ["NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE"],
    "clusterroles": ["NAME", "CREATED AT"],
}


def test_get_prints_the_columns_of_each_kind(kube: Kubectl) -> None:
    kube.apply(deployment("web"))
    kube("expose", "deployment", "web")
    kube("create", "clusterrole", kube.namespace, "--verb=get", "--resource=pods")
    kube("rollout", "status", "deployment/web", "--timeout=30s")
    kube("wait", "--for=create", "endpointslice", "-l", "app!=x", "--timeout=20s")
    for plural, titles in TABLES.items():
        header = [title.strip() for title in kube("get", plural).header]
        assert header == titles, plural


def test_get_wide_adds_the_wide_columns(kube: Kubectl) -> None:
    kube.apply(deployment("web", replicas=0))
    titles = [title.strip() for title in kube("get", "deploy", "-o", "wide").header]
    assert titles[-3:] == ["CONTAINERS", "IMAGES", "SELECTOR"]
    row = kube("get", "deploy", "web", "-o", "wide", "--no-headers").out.split()
    assert row[:5][:4] == ["web", "0/0", "0", "0"]
    assert row[-3:] == ["web", "nginx:1", "app=web"]


def test_get_writes_yaml_json_jsonpath_and_names(kube: Kubectl) -> None:
    kube.apply(config_map("a", x="1"))
    assert "kind: ConfigMap" in kube("get", "cm", "a", "-o", "yaml").lines
    assert kube.json("get", "cm", "a")["data"] == {"x": "1"}
    assert kube("get", "cm", "a", "-o", "jsonpath={.data.x}").out == "1"
    assert kube("get", "cm", "a", "-o", "name").out == "configmap/a\n"


def test_get_all_namespaces_names_the_namespace(kube: Kubectl) -> None:
    kube.apply(config_map("everywhere"))
    rows = [line.split()[:2] for line in kube("get", "cm", "-A").lines]
    assert rows[0] == ["NAMESPACE", "NAME"]
    assert [kube.namespace, "everywhere"] in rows


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("tier=front", ["a"]),
        ("tier!=front", ["b", "c", "kube-root-ca.crt"]),
        ("tier in (front,back)", ["a", "b"]),
        ("tier notin (front)", ["b", "c", "kube-root-ca.crt"]),
        ("tier", ["a", "b"]),
        ("!tier", ["c", "kube-root-ca.crt"]),
        ("tier=back,app", ["b"]),
    ],
)
def test_get_selects_by_labels(kube: Kubectl, selector: str, names: list[str]) -> None:
    kube("wait", "--for=create", "cm/kube-root-ca.crt", "--timeout=20s")
    one, two, three = config_map("a"), config_map("b"), config_map("c")
    one["metadata"]["labels"] = {"tier": "front"}
    two["metadata"]["labels"] = {"tier": "back", "app": "x"}
    kube.apply(one, two, three)
    said = kube("get", "cm", "-l", selector, "-o", "jsonpath={.items[*].metadata.name}")
    assert said.out.split() == names


def test_get_selects_by_fields(kube: Kubectl) -> None:
    kube.apply(config_map("a"), config_map("b"))
    said = kube("get", "cm", "--field-selector", "metadata.name=b", "-o", "name")
    assert said.lines == ["configmap/b"]
    kube.apply(deployment("web", replicas=1))
    kube("rollout", "status", "deployment/web", "--timeout=30s")
    running = kube("get", "pods", "--field-selector", "status.phase=Running", "-o", "name").lines
    assert len(running) == 1
    assert kube("get", "pods", "--field-selector", "status.phase=Failed", "-o", "name").out == ""


def test_get_says_what_is_missing(kube: Kubectl) -> None:
    said = kube.try_run("get", "cm", "nothing")
    assert said.code == 1
    assert said.err == 'Error from server (NotFound): configmaps "nothing" not found\n'
    said = kube.try_run("get", "nonsense")
    assert 'the server doesn\'t have a resource type "nonsense"' in said.err


def test_get_watch_prints_a_row_for_each_change(kube: Kubectl) -> None:
    kube.apply(config_map("seen", a="1"))
    watching = kube.start(
        "get", "cm", "seen", "-w", "--no-headers", "-o", "jsonpath={.data}{'\\n'}"
    )
    assert watching.stdout is not None
    try:
        assert json.loads(watching.stdout.readline()) == {"a": "1"}
        kube.apply(config_map("seen", a="2"))
        assert json.loads(watching.stdout.readline()) == {"a": "2"}
    finally:
        watching.kill()
        watching.communicate()


def test_get_watch_prints_tables(kube: Kubectl) -> None:
    kube.apply(config_map("seen", a="1"))
    watching = kube.start("get", "cm", "seen", "-w")
    assert watching.stdout is not None
    try:
        assert watching.stdout.readline().split() == ["NAME", "DATA", "AGE"]
        assert watching.stdout.readline().split()[:2] == ["seen", "1"]
        kube.apply(config_map("seen", a="1", b="2"))
        assert watching.stdout.readline().split()[:2] == ["seen", "2"]
    finally:
        watching.kill()
        watching.communicate()


def test_describe_shows_fields_and_events(kube: Kubectl) -> None:
    kube.apply(deployment("web"))
    kube("rollout", "status", "deployment/web", "--timeout=30s")
    said = kube("describe", "deployment", "web").out
    assert "StrategyType:           RollingUpdate" in said
    assert "2 desired | 2 updated | 2 total | 2 available | 0 unavailable" in said
    assert "ScalingReplicaSet" in said
    pod = kube("get", "pods", "-o", "name").lines[0]
    assert "Successfully assigned" in kube("describe", pod).out


def test_events_are_listed_for_an_object(kube: Kubectl) -> None:
    kube.apply(deployment("web", replicas=1))
    kube("rollout", "status", "deployment/web", "--timeout=30s")
    said = kube("events", "--for", "deployment/web").out
    assert "Scaled up replica set" in said


def test_explain_shows_types(bare_kubectl: Kubectl) -> None:
    said = bare_kubectl("explain", "deployment.spec.strategy").out
    assert "FIELD: strategy <DeploymentStrategy>" in said
    assert "rollingUpdate\t<RollingUpdateDeployment>" in said
    said = bare_kubectl("explain", "pods", "--recursive").out
    assert "containerPort\t<integer> -required-" in said


def test_auth_can_i_and_whoami(bare_kubectl: Kubectl) -> None:
    assert bare_kubectl("auth", "can-i", "delete", "pods").out == "yes\n"
    assert "Groups" in bare_kubectl("auth", "whoami").out
    assert "*.*" in bare_kubectl("auth", "can-i", "--list").out


def test_api_health_is_ok(bare_kubectl: Kubectl) -> None:
    for path in ("/healthz", "/readyz", "/livez"):
        assert bare_kubectl("get", "--raw", path).out == "ok"
