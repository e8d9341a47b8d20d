"""Defaults of built-in kinds; the full comparison is tests/contract/test_schema_defaults."""

import copy

import pytest

from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.manifest import JSON
from holdfast.schema.defaults import with_defaults
from holdfast.schema.trees import as_stored, empty_object, has_lost_empties
from holdfast.schema.types import Type, find_type


def kind_of(tree: JSON) -> Type:
    found = find_type(GroupVersionKind.parse(tree["apiVersion"], tree["kind"]))
    assert found is not None
    return found


def stored(tree: JSON) -> JSON:
    before = copy.deepcopy(tree)
    made = with_defaults(tree, kind_of(tree))
    assert tree == before, "what was given stays as it is"
    assert with_defaults(made, kind_of(tree)) == made, "defaulting twice is defaulting once"
    return made


def deployment(*containers: JSON, **spec: JSON) -> JSON:
    pod = {"spec": {"containers": list(containers)}}
    tree = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}}
    return {**tree, "spec": {"template": pod, **spec}}


def secret(**body: JSON) -> JSON:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, **body}


def pod_spec_of(tree: JSON) -> JSON:
    return tree["spec"]["template"]["spec"]


def test_a_deployment_gets_the_servers_defaults() -> None:
    spec = stored(deployment({"name": "c", "image": "i"}))["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
    }
    assert spec["template"]["spec"]["containers"] == [
        {
            "name": "c",
            "image": "i",
            "imagePullPolicy": "Always",
            "resources": {},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
        }
    ]


def test_an_explicit_zero_stays_where_the_server_tells_it_from_nothing() -> None:
    spec = stored(deployment(replicas=0, minReadySeconds=0, paused=False))["spec"]
    assert spec["replicas"] == 0
    assert "minReadySeconds" not in spec
    assert "paused" not in spec


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1", "IfNotPresent"),
        ("registry:5000/nginx", "Always"),
        ("registry:5000/nginx:1", "IfNotPresent"),
        ("nginx@sha256:0", "IfNotPresent"),
    ],
)
def test_the_pull_policy_depends_on_the_tag(image: str, policy: str) -> None:
    made = stored(deployment({"name": "c", "image": image}))
    assert pod_spec_of(made)["containers"][0]["imagePullPolicy"] == policy


def test_empty_unknown_and_null_fields_are_gone_and_quantities_canonical() -> None:
    resources = {"limits": {"cpu": "1000m", "memory": "1024Mi"}}
    container = {"name": "c", "args": [], "bogus": 1, "command": None, "resources": resources}
    made = pod_spec_of(stored(deployment(container)))["containers"][0]
    assert made["resources"] == {"limits": {"cpu": "1", "memory": "1Gi"}}
    assert not {"args", "bogus", "command"} & made.keys()


def test_requests_follow_limits_in_a_pod_but_not_in_a_template() -> None:
    container = {"name": "c", "resources": {"limits": {"cpu": "2"}}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"containers": [container]}}
    assert stored(pod)["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "2"}
    templated = pod_spec_of(stored(deployment(container)))["containers"][0]["resources"]
    assert "requests" not in templated


def test_string_data_becomes_data_and_wins() -> None:
    made = stored(secret(stringData={"a": "1"}, data={"a": "Cg==", "b": "Cg==\n"}))
    assert made["data"] == {"a": "MQ==", "b": "Cg=="}
    assert "stringData" not in made
    assert made["type"] == "Opaque"


def test_a_namespace_is_labelled_with_its_name() -> None:
    tree: JSON = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    assert stored(tree)["metadata"]["labels"] == {"kubernetes.io/metadata.name": "n"}


def test_shared_defaults_are_not_shared_between_objects() -> None:
    hook = {"name": "a.b.c"}
    tree: JSON = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "x"},
        "webhooks": [hook],
    }
    one = stored(tree)
    one["webhooks"][0]["namespaceSelector"]["changed"] = True
    assert stored(tree)["webhooks"][0]["namespaceSelector"] == {}


def test_an_empty_object_has_what_the_servers_struct_always_has() -> None:
    tree = deployment()
    empty = empty_object(kind_of(tree), tree)
    assert empty["spec"]["selector"] is None
    assert empty["spec"]["template"]["spec"]["containers"] is None
    assert "replicas" not in empty["spec"]


def test_a_policy_with_empties_is_told_from_a_clean_one() -> None:
    tree: JSON = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "x"},
        "spec": {"podSelector": {}},
    }
    assert not has_lost_empties(tree, kind_of(tree))
    parts: list[JSON] = [{"podSelector": {"matchLabels": {}}}, {"podSelector": {}, "ingress": []}]
    for part in parts:
        assert has_lost_empties({**tree, "spec": part}, kind_of(tree))


def test_what_is_always_written_is_there_even_when_nobody_set_it() -> None:
    role: JSON = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "x"},
        "rules": [],
    }
    assert as_stored(role, kind_of(role))["rules"] is None
