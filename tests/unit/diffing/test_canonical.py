"""The form that is hashed, compared and applied (apply.md A5)."""

from holdfast.diffing.canonical import canonicalise, manifest_hash
from holdfast.domain.manifest import Manifest
from tests.support.builders import config_map, deployment, secret, service


def test_what_the_server_writes_is_dropped() -> None:
    tree = deployment()
    tree["metadata"] |= {"resourceVersion": "1", "uid": "u", "managedFields": [], "generation": 3}
    tree["metadata"] |= {"creationTimestamp": None, "selfLink": "/x", "labels": {"a": "b"}}
    tree["status"] = {"replicas": 1}
    result = canonicalise(Manifest(tree)).tree
    assert result["metadata"] == {"name": "web", "namespace": "prod", "labels": {"a": "b"}}
    assert "status" not in result


def test_nulls_go_at_every_depth_and_lists_keep_their_length() -> None:
    tree = {**config_map(), "spec": {"a": None, "b": [{"c": None}, 1]}, "x": None}
    result = canonicalise(Manifest(tree)).tree
    assert result["spec"] == {"b": [{}, 1]}
    assert "x" not in result


def test_null_values_of_config_maps_and_secrets_are_empty_texts() -> None:
    tree = {**config_map(), "data": {"k": None}, "binaryData": {"b": None}}
    assert canonicalise(Manifest(tree)).tree["data"] == {"k": ""}
    assert canonicalise(Manifest(tree)).tree["binaryData"] == {"b": ""}
    hidden = {**secret(), "data": {"k": None}}
    assert canonicalise(Manifest(hidden)).tree["data"] == {"k": ""}


def test_rules_go_beside_an_aggregation_rule_only() -> None:
    head: dict[str, object] = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    head |= {"metadata": {"name": "x"}}
    aggregated = {**head, "aggregationRule": {"clusterRoleSelectors": []}, "rules": []}
    assert "rules" not in canonicalise(Manifest(aggregated)).tree
    assert "rules" in canonicalise(Manifest({**head, "rules": []})).tree


def test_a_node_port_of_zero_is_left_to_the_server() -> None:
    tree = service("web", {"port": 80, "nodePort": 0}, {"port": 81, "nodePort": 30081})
    canonical = canonicalise(Manifest(tree)).tree
    assert canonical["spec"]["ports"] == [{"port": 80}, {"port": 81, "nodePort": 30081}]
    assert tree["spec"]["ports"][0] == {"port": 80, "nodePort": 0}


def test_the_given_manifest_is_left_alone() -> None:
    tree = {**deployment(), "status": {"replicas": None}}
    canonicalise(Manifest(tree))
    assert tree["status"] == {"replicas": None}


def test_canonical_is_canonical() -> None:
    once = canonicalise(Manifest({**deployment(), "status": {}, "x": None}))
    assert canonicalise(once) == once


def test_the_order_of_keys_does_not_change_the_hash() -> None:
    tree = config_map(a="1", b="2")
    turned = dict(reversed(list(tree.items())))
    turned["data"] = dict(reversed(list(tree["data"].items())))
    assert manifest_hash(Manifest(tree)) == manifest_hash(Manifest(turned))


def test_another_value_changes_the_hash() -> None:
    assert manifest_hash(Manifest(config_map(a="1"))) != manifest_hash(Manifest(config_map(a="2")))
