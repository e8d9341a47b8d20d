"""Strategic and JSON merge patches do what they do on a real API server."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING

import pytest

from holdfast.domain.identity import GroupVersionKind
from holdfast.schema.defaults import with_defaults
from holdfast.schema.strategic_merge import PatchError, merge_patch, strategic_merge
from holdfast.schema.types import find_type
from tests.support.kube_rest import MERGE_PATCH, STRATEGIC_PATCH, KubeRest, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.domain.manifest import JSON
    from tests.support.plane import RealPlane

KIND = find_type(GroupVersionKind("", "v1", "PodTemplate"))
START: JSON = {
    "apiVersion": "v1",
    "kind": "PodTemplate",
    "metadata": {"name": "x", "finalizers": ["h.dev/a", "h.dev/b"], "labels": {"l": "1"}},
    "template": {
        "metadata": {"labels": {"a": "b", "c": "d"}},
        "spec": {
            "containers": [
                {
                    "name": "a",
                    "image": "1",
                    "args": ["x", "y"],
                    "env": [{"name": "E", "value": "1"}, {"name": "F", "value": "2"}],
                    "ports": [{"containerPort": 80}, {"containerPort": 81}],
                },
                {"name": "b", "image": "1"},
                {"name": "x", "image": "1"},
            ],
            "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "configMap": {"name": "c"}}],
            "tolerations": [{"key": "t"}],
            "nodeSelector": {"n": "1"},
            "imagePullSecrets": [{"name": "p"}],
            "securityContext": {"runAsUser": 1, "fsGroup": 2},
        },
    },
}


def spec(**changes: JSON) -> JSON:
    return {"template": {"spec": changes}}


PATCHES: dict[str, JSON] = {
    "an item changed and one added": spec(
        containers=[{"name": "c", "image": "2"}, {"name": "b", "image": "2"}]
    ),
    "an item deleted": spec(containers=[{"name": "a", "$patch": "delete"}]),
    "all items replaced": spec(containers=[{"name": "z", "image": "z"}, {"$patch": "replace"}]),
    "a map replaced": spec(securityContext={"$patch": "replace", "fsGroup": 3}),
    "a map emptied": spec(nodeSelector={"$patch": "delete"}),
    "nulls": spec(nodeSelector={"n": None}, tolerations=None, hostname=None),
    "a list without a strategy": spec(tolerations=[{"key": "u"}]),
    "a nested list": spec(
        containers=[{"name": "a", "args": ["z"], "env": [{"name": "F", "value": "3"}]}]
    ),
    "an item of a nested list deleted": spec(
        containers=[{"name": "a", "env": [{"name": "E", "$patch": "delete"}]}]
    ),
    "the order set": spec(
        **{
            "$setElementOrder/containers": [{"name": "b"}, {"name": "c"}, {"name": "a"}],
            "containers": [{"name": "c", "image": "2"}],
        }
    ),
    "only the order set": spec(
        **{"$setElementOrder/containers": [{"name": "x"}, {"name": "a"}, {"name": "b"}]}
    ),
    "one member of a union kept": spec(
        volumes=[{"name": "v", "$retainKeys": ["name", "secret"], "secret": {"secretName": "s"}}]
    ),
    "scalars removed": {"metadata": {"$deleteFromPrimitiveList/finalizers": ["h.dev/a"]}},
    "scalars added": {"metadata": {"finalizers": ["h.dev/b", "h.dev/c"]}},
    "scalars ordered": {
        "metadata": {
            "$setElementOrder/finalizers": ["h.dev/c", "h.dev/b"],
            "$deleteFromPrimitiveList/finalizers": ["h.dev/a"],
            "finalizers": ["h.dev/c"],
        }
    },
    "a port by its number": spec(
        containers=[{"name": "a", "ports": [{"containerPort": 81, "name": "m"}]}]
    ),
    "labels": {"metadata": {"labels": {"l": None, "m": "2"}, "annotations": {"k": "v"}}},
    "a new item with directives": spec(
        containers=[
            {
                "name": "n",
                "image": "2",
                "env": [{"name": "G", "value": None}, {"name": "H", "$patch": "delete"}],
            }
        ]
    ),
}
REFUSED: dict[str, JSON] = {
    "an item without its key": spec(containers=[{"image": "i"}]),
    "an unknown directive": spec(nodeSelector={"$patch": "bogus"}),
    "an order that contradicts the list": spec(
        **{
            "$setElementOrder/containers": [{"name": "a"}, {"name": "b"}],
            "containers": [{"name": "b"}, {"name": "a"}],
        }
    ),
}


@pytest.fixture(scope="module")
def rest(real_plane: RealPlane) -> Iterator[KubeRest]:
    client = KubeRest.open(real_plane.kubeconfig)
    yield client
    client.close()


@pytest.fixture(scope="module")
def stored(rest: KubeRest) -> JSON:
    tree = copy.deepcopy(START)
    tree["metadata"]["namespace"] = rest.new_namespace()
    answer = rest.send("POST", path_of(tree, "podtemplates", named=False), tree)
    assert answer.status == 201, answer.message
    return answer.body


def send(rest: KubeRest, stored: JSON, patch: JSON, kind: str) -> tuple[int, JSON]:
    answer = rest.send("PATCH", path_of(stored, "podtemplates"), patch, kind, dryRun="All")
    return answer.status, answer.body


def essence(tree: JSON) -> JSON:
    hidden = ("managedFields", "resourceVersion", "creationTimestamp", "generation")
    metadata = {name: value for name, value in tree["metadata"].items() if name not in hidden}
    return {**tree, "metadata": metadata}


@pytest.mark.parametrize("name", PATCHES)
def test_a_strategic_merge_patch_gives_the_servers_object(
    rest: KubeRest, stored: JSON, name: str
) -> None:
    assert KIND is not None
    status, body = send(rest, stored, PATCHES[name], STRATEGIC_PATCH)
    assert status == 200, json.dumps(body)
    ours = strategic_merge(stored, PATCHES[name], type=KIND)
    assert essence(with_defaults(ours, KIND)) == essence(body)


@pytest.mark.parametrize("name", REFUSED)
def test_a_patch_that_makes_no_sense_is_refused_by_both(
    rest: KubeRest, stored: JSON, name: str
) -> None:
    assert KIND is not None
    status, _ = send(rest, stored, REFUSED[name], STRATEGIC_PATCH)
    assert status >= 400
    with pytest.raises(PatchError):
        strategic_merge(stored, REFUSED[name], type=KIND)


def test_a_json_merge_patch_gives_the_servers_object(rest: KubeRest, stored: JSON) -> None:
    assert KIND is not None
    patch = {
        "metadata": {"labels": {"l": None, "n": "1"}},
        "template": {
            "spec": {"tolerations": None, "containers": [{"name": "q", "image": "q", "args": []}]}
        },
    }
    status, body = send(rest, stored, patch, MERGE_PATCH)
    assert status == 200, json.dumps(body)
    assert essence(with_defaults(merge_patch(stored, patch), KIND)) == essence(body)
