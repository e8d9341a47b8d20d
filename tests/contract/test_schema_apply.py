"""Our own server-side apply does what a real API server does, step by step.

Each sequence is sent to the server, and after each step our functions get the server's object
from before it: they must give the same managedFields (times aside), the same values, or the
same refusal in the same words. Only kinds that no controller of the plane writes to are used.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from holdfast.domain.identity import GroupVersionKind
from holdfast.schema.apply_merge import (
    ApplyConflict,
    Merged,
    TypedPatchError,
    Writer,
    record_update,
    server_side_apply,
)
from holdfast.schema.defaults import with_defaults
from holdfast.schema.kinds import crd_reset_fields, find_builtin_kind, reset_fields
from holdfast.schema.structural import shape_custom
from holdfast.schema.types import Type, find_type, type_from_crd_schema
from tests.support.kube_rest import (
    APPLY_PATCH,
    JSON_PATCH,
    MERGE_PATCH,
    STRATEGIC_PATCH,
    Answer,
    KubeRest,
    path_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.domain.manifest import JSON
    from tests.support.plane import RealPlane

KINDS = {
    "ConfigMap": ("v1", "configmaps"),
    "Gadget": ("schema.holdfast.dev/v1", "gadgets"),
    "Ingress": ("networking.k8s.io/v1", "ingresses"),
    "Service": ("v1", "services"),
    "Secret": ("v1", "secrets"),
    "PodTemplate": ("v1", "podtemplates"),
}
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True)
class Step:
    """One write."""

    verb: str
    manager: str
    body: JSON
    force: bool = False
    subresource: str = ""


def apply(manager: str, body: JSON, *, force: bool = False) -> Step:
    return Step("apply", manager, body, force)


def container(name: str = "c", **more: JSON) -> JSON:
    return {"name": name, "image": "i", **more}


def template(*containers: JSON, **spec: JSON) -> JSON:
    pod = {"containers": list(containers or [container()]), **spec}
    return {"metadata": {"labels": {"a": "b"}}, "spec": pod}


def ingress(service: str, port: int) -> JSON:
    backend = {"service": {"name": service, "port": {"number": port}}}
    return {"defaultBackend": backend, "rules": [{"host": "h"}]}


GROUP = "schema.holdfast.dev"
GADGET_SCHEMA: JSON = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "replicas": {"type": "integer"},
                "port": {"x-kubernetes-int-or-string": True},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "template": {
                    "type": "object",
                    "x-kubernetes-embedded-resource": True,
                    "x-kubernetes-preserve-unknown-fields": True,
                },
                "whole": {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "x-kubernetes-map-type": "atomic",
                },
                "tags": {
                    "type": "array",
                    "items": {"type": "string"},
                    "x-kubernetes-list-type": "set",
                },
                "rules": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name", "proto"],
                    "items": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {
                            "name": {"type": "string"},
                            "proto": {"type": "string", "default": "TCP"},
                            "port": {"type": "integer"},
                        },
                    },
                },
            },
        },
        "status": {"type": "object", "properties": {"phase": {"type": "string"}}},
    },
}
GADGET_CRD: JSON = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"gadgets.{GROUP}"},
    "spec": {
        "group": GROUP,
        "names": {"kind": "Gadget", "plural": "gadgets"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": GADGET_SCHEMA},
                "subresources": {"status": {}},
            }
        ],
    },
}


SEQUENCES: dict[str, tuple[str, list[Step]]] = {
    "two appliers share, fight and give up the keys of a map": (
        "ConfigMap",
        [
            apply("a", {"data": {"x": "1", "y": "2"}}),
            apply("a", {"data": {"x": "1", "y": "2"}}),
            apply("b", {"data": {"y": "2", "z": "3"}}),
            apply("b", {"data": {"x": "9"}}),
            apply("b", {"data": {"x": "9", "z": "3"}}, force=True),
            apply("a", {"data": {"y": "2"}}),
            Step("merge", "p", {"data": {"y": "5", "q": "1"}, "metadata": {"labels": {"l": "1"}}}),
            apply("a", {"data": {"y": "2"}}),
            apply("a", {"data": {"y": "2", "q": "7", "z": "8"}}),
            apply("a", {"data": {"y": "2"}}, force=True),
            apply("a", {}, force=True),
            apply("b", {}, force=True),
        ],
    ),
    "empty maps, sets and nulls": (
        "ConfigMap",
        [
            apply(
                "a", {"metadata": {"labels": {"l": "1"}, "finalizers": ["x/y"], "annotations": {}}}
            ),
            apply("a", {"metadata": {"labels": {"m": "1"}, "finalizers": ["x/z"]}}),
            apply("a", {"data": {"k": None}, "metadata": {"labels": None}}),
            apply("b", {"metadata": {"annotations": {"b": "<&>"}}}),
            apply("a", {"metadata": {"finalizers": []}}),
        ],
    ),
    "what cannot be expressed": (
        "ConfigMap",
        [
            apply("a", {"bogus": 1}),
            apply("a", {"data": {"x": 1}}),
            apply("a", {"data": {"x": True}}),
            apply("a", {"data": ["x"]}),
            apply("a", {"data": "x"}),
            apply("a", {"metadata": {"finalizers": ["x/z", "x/z"]}}),
            apply("a", {"immutable": "yes"}),
        ],
    ),
    "an object that was written without apply": (
        "ConfigMap",
        [
            Step("create", "c", {"data": {"x": "1"}, "metadata": {"labels": {"a": "b"}}}),
            Step("merge", "c", {"data": {"x": "2"}}),
            Step("merge", "d", {"data": {"x": "3", "w": "1"}}),
            Step("json", "e", [{"op": "remove", "path": "/data/w"}]),
            apply("c", {"data": {"x": "3"}}),
            apply("c", {"data": {"x": "4"}}),
            Step("merge", "f", {"metadata": {"managedFields": [{}]}}),
            Step("merge", "f", {"data": {"g": "1"}}),
            apply("h", {"data": {"g": "2", "x": "3"}}),
            apply("h", {"data": {"g": "2", "x": "3"}}, force=True),
        ],
    ),
    "kubectl takes over from its own client-side apply": (
        "ConfigMap",
        [
            Step(
                "create",
                "kubectl-client-side-apply",
                {
                    "data": {"x": "1"},
                    "metadata": {
                        "annotations": {
                            LAST_APPLIED: '{"apiVersion":"v1","kind":"ConfigMap","data":{"x":"1"}}'
                        }
                    },
                },
            ),
            apply("kubectl", {"data": {"x": "2"}}),
            Step("merge", "d", {"data": {"x": "3"}}),
            apply("kubectl", {"data": {"x": "4"}}),
        ],
    ),
    "containers, env and ports by their keys": (
        "PodTemplate",
        [
            apply("a", {"template": template(container(env=[{"name": "A", "value": "1"}]))}),
            apply(
                "a",
                {
                    "template": template(
                        container(
                            env=[{"name": "A", "value": "1"}, {"name": "B<&>"}],
                            ports=[
                                {"containerPort": 80},
                                {"containerPort": 80, "protocol": "UDP"},
                            ],
                            resources={"limits": {"cpu": "1000m"}},
                        ),
                        volumes=[{"name": "v", "emptyDir": {}}],
                    )
                },
            ),
            Step(
                "strategic",
                "kubectl-edit",
                {
                    "template": {
                        "spec": {
                            "containers": [
                                {
                                    "name": "c",
                                    "image": "j",
                                    "env": [{"name": "Z", "value": "9"}],
                                },
                                {"name": "side", "image": "s"},
                            ]
                        }
                    }
                },
            ),
            apply("a", {"template": template(container(env=[{"name": "A"}]), container("d"))}),
            apply(
                "a",
                {
                    "template": template(
                        container(env=[{"name": "B", "value": "1"}, {"name": "A"}]), container("d")
                    )
                },
                force=True,
            ),
            apply(
                "a",
                {
                    "template": template(
                        container("d"),
                        container(),
                        initContainers=[container("i1"), container("i2")],
                    )
                },
                force=True,
            ),
            apply(
                "a",
                {
                    "template": template(
                        container(),
                        container("d"),
                        initContainers=[container("i2"), container("x"), container("i1")],
                        nodeSelector={},
                        tolerations=[],
                    )
                },
                force=True,
            ),
            apply("a", {"template": template(container(env=[{"name": "A"}, {"name": "A"}]))}),
            apply("a", {"template": template(container(args=[1]))}),
            apply("a", {"template": template(foo=1)}),
            apply("a", {"template": {"spec": {"containers": "x"}}}),
            apply("a", {"template": template(container("only"))}, force=True),
        ],
    ),
    "status of a built-in kind": (
        "Ingress",
        [
            apply("a", {"spec": ingress("svc", 80)}),
            apply("a", {"spec": ingress("svc", 80), "status": {"loadBalancer": {"ingress": [{}]}}}),
            Step(
                "merge",
                "st",
                {
                    "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}},
                    "spec": ingress("other", 81),
                    "metadata": {"labels": {"x": "y"}},
                },
                subresource="status",
            ),
            apply("b", {"spec": {"ingressClassName": "b"}}),
            apply("a", {"spec": ingress("svc", 81)}),
            Step("merge", "m", {"spec": ingress("svc", 82)}),
            apply("a", {"spec": ingress("svc", 81)}),
        ],
    ),
    "a custom resource": (
        "Gadget",
        [
            apply("a", {"spec": {"replicas": 1, "rules": [{"name": "x"}], "tags": ["t"]}}),
            apply("a", {"spec": {"replicas": 1, "rules": [{"name": "x"}], "tags": ["t"]}}),
            apply("b", {"spec": {"replicas": 2, "free": {"a": {"b": [1]}}}}),
            apply("b", {"spec": {"replicas": 2, "free": {"a": {"b": [1]}}}}, force=True),
            apply("b", {"spec": {"free": {"a": {"c": 1.0}}}}),
            apply("a", {"spec": {"rules": [{"name": "x", "proto": "UDP"}, {"name": "x"}]}}),
            apply("a", {"spec": {"rules": [{"name": "x"}, {"name": "x", "proto": "TCP"}]}}),
            apply("a", {"spec": {"rules": [{"name": "x", "port": 1}], "whole": {"k": "v"}}}),
            Step(
                "merge",
                "m",
                {"spec": {"whole": {"l": "w"}, "template": {"apiVersion": "v1", "kind": "X"}}},
            ),
            apply("a", {"spec": {"rules": [{"name": "x", "port": 1}], "whole": {"k": "v"}}}),
            apply("a", {"spec": {"rules": [{"name": "x"}], "whole": {"k": "v"}}}, force=True),
            apply("a", {"spec": {"port": "http", "unknown": 1}}),
            apply("a", {"spec": {"port": "http"}}),
            apply("a", {"spec": {"port": 80}, "status": {"phase": "x"}}),
            Step(
                "merge", "s", {"status": {"phase": "y"}, "spec": {"port": 1}}, subresource="status"
            ),
            apply("a", {}),
        ],
    ),
    "a custom resource made by POST": (
        "Gadget",
        [
            Step("create", "c", {"spec": {"rules": [{"name": "x"}], "free": {"a": 1}}}),
            Step("merge", "m", {"spec": {"free": {"a": {"b": 1}}, "rules": None}}),
            Step("merge", "m", {"spec": {"free": {"a": [1]}}, "metadata": {"labels": {"x": "y"}}}),
            apply("a", {"spec": {"free": {"a": "x"}}}),
            apply("a", {"spec": {"free": {"a": "x"}}}, force=True),
        ],
    ),
    "a template made by POST": (
        "PodTemplate",
        [
            Step(
                "create",
                "cr",
                {
                    "template": template(
                        container(
                            env=[{"name": "A", "value": ""}],
                            ports=[{"containerPort": 80}],
                            resources={"requests": {"cpu": "1000m"}},
                        ),
                        volumes=[{"name": "v", "emptyDir": {}}],
                        terminationGracePeriodSeconds=0,
                    )
                },
            ),
            Step("json", "e", [{"op": "remove", "path": "/template/spec/volumes"}]),
            Step("strategic", "e2", {"template": {"metadata": {"annotations": {"x": "y"}}}}),
            apply("a", {"template": template(container(image="k"))}),
            apply("a", {"template": template(container(image="k"))}, force=True),
        ],
    ),
    "ports of a Service": (
        "Service",
        [
            apply("a", {"spec": {"ports": [{"port": 80, "name": "x"}], "selector": {"a": "b"}}}),
            apply(
                "a",
                {
                    "spec": {
                        "ports": [
                            {"port": 80, "name": "x"},
                            {"port": 81, "name": "y", "protocol": "UDP"},
                        ],
                        "selector": {"a": "c"},
                    }
                },
            ),
            Step("strategic", "e", {"spec": {"ports": [{"port": 80, "targetPort": "http"}]}}),
            apply("a", {"spec": {"ports": [{"port": 80, "name": "x"}]}}),
            apply("a", {"spec": {"ports": [{"port": 80, "name": "x", "targetPort": 8080}]}}),
            apply(
                "b",
                {
                    "metadata": {
                        "ownerReferences": [
                            {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1-2"}
                        ]
                    }
                },
            ),
        ],
    ),
    "a Secret with stringData": (
        "Secret",
        [
            apply("a", {"stringData": {"x": "1"}, "data": {"y": "Cg=="}}),
            apply("a", {"stringData": {"x": "2"}}),
            apply("b", {"type": "Opaque", "immutable": False}),
        ],
    ),
}


@pytest.fixture(scope="module")
def rest(real_plane: RealPlane) -> Iterator[KubeRest]:
    client = KubeRest.open(real_plane.kubeconfig)
    client.install_crd(GADGET_CRD)
    yield client
    client.close()


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_sequence_of_writes_gives_the_servers_managed_fields(rest: KubeRest, name: str) -> None:
    kind, steps = SEQUENCES[name]
    api_version, plural = KINDS[kind]
    replay = Replay(rest, kind, api_version, plural, rest.new_namespace())
    for number, step in enumerate(steps, 1):
        replay.take(step, f"step {number}: {step}")


class Replay:
    """Sends steps to the server and repeats each with our functions."""

    def __init__(
        self, rest: KubeRest, kind: str, api_version: str, plural: str, namespace: str
    ) -> None:
        self.rest = rest
        self.plural = plural
        self.gvk = GroupVersionKind.parse(api_version, kind)
        self.kind = find_type(self.gvk) or type_from_crd_schema(GADGET_SCHEMA)
        self.base: dict[str, JSON] = {
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {"name": "x", "namespace": namespace},
        }

    def take(self, step: Step, note: str) -> None:
        stored = self.rest.send("GET", path_of(self.base, self.plural))
        before = stored.body if stored.status == 200 else None
        answer = self.send(step)
        found = find_builtin_kind(self.gvk)
        kind, reset = self.kind, crd_reset_fields(status=True, subresource=step.subresource)
        if found is not None:
            reset = reset_fields(found, step.subresource)
        writer = Writer(
            step.manager,
            self.base["apiVersion"],
            datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            step.subresource,
            reset,
        )
        if step.verb == "apply":
            self.check_apply(before, step, answer, writer, note)
            return
        assert answer.status in (200, 201), note
        after = copy.deepcopy(answer.body)
        after["metadata"].pop("managedFields", None)
        wish = step.body.get("metadata", {}) if isinstance(step.body, dict) else {}
        if "managedFields" in wish:
            after["metadata"]["managedFields"] = wish["managedFields"]
        ours = record_update(before, after, type=kind, writer=writer)
        assert entries(ours) == entries(answer.body), note

    def check_apply(
        self, before: JSON, step: Step, answer: Answer, writer: Writer, note: str
    ) -> None:
        outcome = self.attempt(before, step, self.kind, writer)
        if isinstance(outcome, ApplyConflict):
            assert (answer.status, answer.message) == (409, str(outcome)), note
            causes = answer.body["details"]["causes"]
            told = {(cause["message"], cause["field"]) for cause in causes}
            assert told == {(cause.message, cause.field) for cause in outcome.causes}, note
        elif isinstance(outcome, TypedPatchError):
            assert (answer.status, answer.message) == (500, str(outcome)), note
        else:
            assert answer.status in (200, 201), (note, answer)
            assert entries(outcome.tree) == entries(answer.body), note
            assert values(self.as_stored(outcome.tree)) == values(answer.body), note

    def as_stored(self, tree: JSON) -> JSON:
        if find_type(self.gvk) is None:
            return shape_custom(tree, GADGET_SCHEMA).tree
        return with_defaults(tree, self.kind)

    def attempt(
        self, before: JSON, step: Step, kind: Type, writer: Writer
    ) -> Merged | ApplyConflict | TypedPatchError:
        try:
            return server_side_apply(
                before, self.complete(step.body), type=kind, writer=writer, force=step.force
            )
        except (ApplyConflict, TypedPatchError) as refusal:
            return refusal

    def send(self, step: Step) -> Answer:
        if step.verb == "create":
            path = path_of(self.base, self.plural, named=False)
            return self.rest.send("POST", path, self.complete(step.body), fieldManager=step.manager)
        path = path_of(self.base, self.plural, subresource=step.subresource)
        types = {"merge": MERGE_PATCH, "json": JSON_PATCH, "strategic": STRATEGIC_PATCH}
        if step.verb != "apply":
            return self.rest.send(
                "PATCH", path, step.body, types[step.verb], fieldManager=step.manager
            )
        query = {"fieldManager": step.manager} | ({"force": "true"} if step.force else {})
        return self.rest.send("PATCH", path, self.complete(step.body), APPLY_PATCH, **query)

    def complete(self, body: JSON) -> dict[str, JSON]:
        metadata = self.base["metadata"] | body.get("metadata", {})
        return {**self.base, **body, "metadata": metadata}


def entries(tree: JSON) -> list[JSON]:
    """Return managedFields without times."""
    kept = [
        {name: value for name, value in entry.items() if name != "time"}
        for entry in tree["metadata"].get("managedFields", ())
    ]
    return sorted(kept, key=lambda entry: json.dumps(entry, sort_keys=True))


def values(tree: JSON) -> JSON:
    """Return all but managedFields and what the server alone gives out."""
    hidden = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")
    metadata = {name: value for name, value in tree["metadata"].items() if name not in hidden}
    spec = tree.get("spec")
    if tree["kind"] == "Service" and spec is not None:
        allocated = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")
        spec = {name: value for name, value in spec.items() if name not in allocated}
    return {**tree, "metadata": metadata, "spec": spec}
