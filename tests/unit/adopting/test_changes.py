"""What counts as a change that git may take, and what does not."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from holdfast.adopting.changes import find_changes, last_written, without_defaults
from holdfast.domain.manifest import Manifest
from holdfast.schema.apply_merge import Writer, record_update, server_side_apply
from holdfast.schema.defaults import with_defaults
from holdfast.schema.projection import MISSING
from holdfast.schema.types import find_type

if TYPE_CHECKING:
    from holdfast.adopting.edit_tree import Change

Tree = dict[str, Any]
THEN, NOW = "2026-01-02T12:00:00Z", "2026-01-02T13:00:00Z"


def deployment(**spec: Any) -> Tree:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
            **spec,
        },
    }


KIND = find_type(Manifest(deployment()).gvk)
assert KIND is not None


def apply(live: Tree | None, tree: Tree) -> Tree:
    """A server-side apply by Holdfast, defaults in place."""
    assert KIND is not None
    writer = Writer("holdfast", "apps/v1", THEN)
    merged = server_side_apply(live, tree, type=KIND, writer=writer, force=True).tree
    return with_defaults(merged, KIND)


def edit(live: Tree, change: Any, manager: str = "kubectl-edit") -> Tree:
    """An update by somebody else, defaults in place."""
    assert KIND is not None
    after = copy.deepcopy(live)
    change(after)
    writer = Writer(manager, "apps/v1", NOW)
    return record_update(live, with_defaults(after, KIND), type=KIND, writer=writer)


def changes(change: Any, manager: str = "kubectl-edit") -> tuple[Change, ...]:
    """The changes after somebody's edit of an object in sync."""
    assert KIND is not None
    kind = KIND
    declared = Manifest(deployment())
    live = edit(apply(None, deployment()), change, manager)
    predicted = Manifest(apply(live, deployment()))
    found = find_changes(declared, Manifest(live), predicted)
    return without_defaults(declared, found, lambda tree: with_defaults(tree, kind))


def pod(tree: Tree) -> Tree:
    spec: Tree = tree["spec"]["template"]["spec"]
    return spec


def places(change: Any, manager: str = "kubectl-edit") -> dict[str, Any]:
    return {item.place: item.after for item in changes(change, manager)}


def test_an_object_that_nobody_changed_has_no_changes() -> None:
    assert changes(lambda tree: None) == ()


def test_a_declared_field_counts_whoever_changed_it() -> None:
    for manager in ("kubectl-edit", "kube-controller-manager"):
        found = places(lambda tree: tree["spec"].update(replicas=5), manager)
        assert found == {"spec.replicas": 5}


def test_what_a_person_adds_counts_and_what_the_server_fills_in_does_not() -> None:
    def change(tree: Tree) -> None:
        pod(tree)["containers"].append({"name": "debug", "image": "debug:1"})

    where = 'spec.template.spec.containers[name="debug"]'
    assert places(change) == {f"{where}.image": "debug:1", f"{where}.name": "debug"}


def test_what_a_controller_adds_is_its_own() -> None:
    assert places(lambda tree: pod(tree).update(nodeName="a"), "scheduler") == {}
    assert places(lambda tree: tree["metadata"].update(labels={"x": "y"}), "operator") == {}


def test_annotations_that_tools_keep_for_themselves_do_not_count() -> None:
    own = {
        "kubectl.kubernetes.io/restartedAt": "now",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "example.org/incident": "123",
    }
    found = places(lambda tree: tree["metadata"].update(annotations=own))
    assert found == {'metadata.annotations["example.org/incident"]': "123"}


def test_a_removed_field_and_a_removed_item_are_missing() -> None:
    def change(tree: Tree) -> None:
        pod(tree)["containers"] = [{"name": "other", "image": "other:1"}]

    found = places(change)
    assert found['spec.template.spec.containers[name="web"]'] is MISSING
    assert found['spec.template.spec.containers[name="other"].image'] == "other:1"


def test_it_is_known_when_somebody_wrote_a_field() -> None:
    live = Manifest(edit(apply(None, deployment()), lambda tree: tree["spec"].update(replicas=5)))
    (changed,) = changes(lambda tree: tree["spec"].update(replicas=5))
    assert last_written(live, changed.path) == NOW
