"""What kubectl does not show: watches, pages, versions, forms, as every client relies on them."""

from __future__ import annotations

import http.client
import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit

import pytest

from tests.support.kubectl import config_map, deployment
from tests.support.waiting import eventually_now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.kubectl import Kubectl

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


@dataclass
class Watch:
    """An open watch, read line by line."""

    connection: http.client.HTTPSConnection
    response: http.client.HTTPResponse

    @classmethod
    def open(cls, kube: Kubectl, path: str, accept: str = "application/json", **query: str) -> Self:
        """Ask for it; the answer's head is there when this returns."""
        plane = kube.rest.plane
        where = urlsplit(plane.server)
        assert where.hostname is not None
        connection = http.client.HTTPSConnection(
            where.hostname, where.port, context=plane.tls, timeout=20
        )
        target = f"{path}?{urlencode({'watch': 'true'} | query)}"
        connection.request("GET", target, headers=plane.headers | {"Accept": accept})
        return cls(connection, connection.getresponse())

    def next(self) -> Any:
        """Return the next event."""
        line = self.response.readline()
        assert line, "the watch ended"
        return json.loads(line)

    def rest(self) -> list[Any]:
        """Return what comes until the server ends the watch."""
        return [json.loads(line) for line in self.response if line.strip()]

    def close(self) -> None:
        """Leave."""
        self.response.close()
        self.connection.close()


@pytest.fixture
def watches(kube: Kubectl) -> Iterator[list[Watch]]:
    """Watches that the test opened; closed at its end."""
    del kube
    opened: list[Watch] = []
    yield opened
    for watch in opened:
        watch.close()


def _watch(kube: Kubectl, watches: list[Watch], **query: str) -> Watch:
    watches.append(Watch.open(kube, kube.path("configmaps"), **query))
    return watches[-1]


def _put(kube: Kubectl, name: str, **data: str) -> Any:
    path = kube.path("configmaps", name)
    answer = kube.rest.send("PATCH", path, config_map(name, **data), APPLY, fieldManager="t")
    assert answer.status in {200, 201}, answer
    return answer.body


def _without_root(events: list[Any]) -> list[tuple[str, str]]:
    """Types and names, without the certificate that every namespace gets by itself."""
    return [
        (event["type"], event["object"]["metadata"].get("name", ""))
        for event in events
        if event["object"]["metadata"].get("name") != "kube-root-ca.crt"
    ]


@pytest.fixture
def furnished(kube: Kubectl) -> Kubectl:
    """kubectl in a namespace whose own ConfigMap is there already."""
    path = kube.path("configmaps", "kube-root-ca.crt")
    eventually_now(lambda: kube.rest.send("GET", path).status == 200)
    return kube


def test_a_watch_goes_on_after_a_list(furnished: Kubectl, watches: list[Watch]) -> None:
    _put(furnished, "before")
    listed = furnished.rest.send("GET", furnished.path("configmaps")).body
    watch = _watch(furnished, watches, resourceVersion=listed["metadata"]["resourceVersion"])
    _put(furnished, "a", x="1")
    _put(furnished, "a", x="2")
    furnished.rest.send("DELETE", furnished.path("configmaps", "a"))
    events = [watch.next() for _ in range(3)]
    assert _without_root(events) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))
    assert events[2]["object"]["data"] == {"x": "2"}


def test_a_watch_without_a_version_begins_with_what_there_is(
    furnished: Kubectl, watches: list[Watch]
) -> None:
    _put(furnished, "a")
    _put(furnished, "b")
    watch = _watch(furnished, watches)
    events = [watch.next() for _ in range(3)]
    assert sorted(_without_root(events)) == [("ADDED", "a"), ("ADDED", "b")]


def test_a_watch_resumes_from_any_version_it_saw(furnished: Kubectl, watches: list[Watch]) -> None:
    first = _put(furnished, "a", x="1")
    _put(furnished, "a", x="2")
    _put(furnished, "b")
    watch = _watch(furnished, watches, resourceVersion=first["metadata"]["resourceVersion"])
    events = [watch.next(), watch.next()]
    assert _without_root(events) == [("MODIFIED", "a"), ("ADDED", "b")]


def test_a_watch_by_label_sees_objects_come_and_go(
    furnished: Kubectl, watches: list[Watch]
) -> None:
    tree = _put(furnished, "a")
    version = tree["metadata"]["resourceVersion"]
    watch = _watch(furnished, watches, resourceVersion=version, labelSelector="seen=yes")
    path = furnished.path("configmaps", "a")
    for value in ("yes", "no"):
        patch = {"metadata": {"labels": {"seen": value}}}
        furnished.rest.send("PATCH", path, patch, MERGE)
    events = [watch.next(), watch.next()]
    assert [event["type"] for event in events] == ["ADDED", "DELETED"]
    assert events[1]["object"]["metadata"]["labels"] == {"seen": "yes"}


def test_a_watch_of_one_name_sees_that_one_alone(furnished: Kubectl, watches: list[Watch]) -> None:
    version = _put(furnished, "a")["metadata"]["resourceVersion"]
    selector = "metadata.name=a"
    watch = _watch(furnished, watches, resourceVersion=version, fieldSelector=selector)
    _put(furnished, "b")
    _put(furnished, "a", x="1")
    assert _without_root([watch.next()]) == [("MODIFIED", "a")]


def test_a_streamed_list_ends_with_a_bookmark(furnished: Kubectl, watches: list[Watch]) -> None:
    _put(furnished, "a")
    watch = _watch(
        furnished,
        watches,
        sendInitialEvents="true",
        resourceVersionMatch="NotOlderThan",
        allowWatchBookmarks="true",
    )
    events = [watch.next(), watch.next(), watch.next()]
    assert sorted(event["type"] for event in events[:2]) == ["ADDED", "ADDED"]
    bookmark = events[2]
    assert bookmark["type"] == "BOOKMARK"
    metadata = bookmark["object"]["metadata"]
    assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(metadata["resourceVersion"]) >= max(
        int(event["object"]["metadata"]["resourceVersion"]) for event in events[:2]
    )
    _put(furnished, "b")
    assert _without_root([watch.next()]) == [("ADDED", "b")]


def test_a_watch_ends_when_its_time_is_over(furnished: Kubectl, watches: list[Watch]) -> None:
    version = _put(furnished, "a")["metadata"]["resourceVersion"]
    watch = _watch(furnished, watches, resourceVersion=version, timeoutSeconds="1")
    assert watch.rest() == []


@pytest.fixture
def new_kind(kube: Kubectl) -> Iterator[str]:
    """The path of a kind that was defined a moment ago: its history begins after version 1.

    A built-in kind of a plane that has just started may still remember version 1.
    """
    group = f"g{uuid.uuid4().hex[:8]}.example.com"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    names = {"plural": "notes", "kind": "Note"}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"notes.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert kube.rest.send("POST", definitions, definition).status == 201
    path = f"/apis/{group}/v1/namespaces/default/notes"
    eventually_now(lambda: kube.rest.send("GET", path).status == 200)
    yield path
    kube.rest.send("DELETE", f"{definitions}/notes.{group}")


def test_a_watch_from_a_forgotten_version_says_so(
    kube: Kubectl, new_kind: str, watches: list[Watch]
) -> None:
    watch = Watch.open(kube, new_kind, resourceVersion="1")
    watches.append(watch)
    assert watch.response.status == 200
    event = watch.next()
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert event["object"]["message"].startswith("too old resource version: 1 (")


def test_a_watch_can_be_of_metadata_alone(furnished: Kubectl, watches: list[Watch]) -> None:
    version = _put(furnished, "a")["metadata"]["resourceVersion"]
    accept = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
    path = furnished.path("configmaps")
    watch = Watch.open(furnished, path, accept, resourceVersion=version)
    watches.append(watch)
    _put(furnished, "a", x="1")
    tree = watch.next()["object"]
    assert (tree["kind"], tree["apiVersion"]) == ("PartialObjectMetadata", "meta.k8s.io/v1")
    assert set(tree) == {"kind", "apiVersion", "metadata"}


def test_a_list_comes_in_pages_of_one_moment(furnished: Kubectl) -> None:
    path = furnished.path("configmaps")
    for number in range(5):
        _put(furnished, f"page-{number}")
    first = furnished.rest.send("GET", path, limit="2").body
    assert [row["metadata"]["name"] for row in first["items"]] == ["kube-root-ca.crt", "page-0"]
    assert first["metadata"]["remainingItemCount"] == 4
    _put(furnished, "page-9")
    names = []
    token = first["metadata"]["continue"]
    while token:
        page = furnished.rest.send("GET", path, limit="2", **{"continue": token}).body
        assert page["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        names += [row["metadata"]["name"] for row in page["items"]]
        token = page["metadata"].get("continue", "")
    assert names == ["page-1", "page-2", "page-3", "page-4"]


def test_a_list_can_be_a_table_or_metadata_alone(furnished: Kubectl) -> None:
    _put(furnished, "a", x="1", y="2")
    path = furnished.path("configmaps", "a")
    table = _ask(furnished, path, "application/json;as=Table;v=v1;g=meta.k8s.io")
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert table["rows"][0]["cells"][:2] == ["a", 2]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    listed = _ask(
        furnished,
        furnished.path("configmaps"),
        "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    )
    assert (listed["kind"], listed["apiVersion"]) == (
        "PartialObjectMetadataList",
        "meta.k8s.io/v1",
    )
    assert all("data" not in row for row in listed["items"])


def _ask(kube: Kubectl, path: str, accept: str) -> Any:
    plane = kube.rest.plane
    where = urlsplit(plane.server)
    assert where.hostname is not None
    connection = http.client.HTTPSConnection(where.hostname, where.port, context=plane.tls)
    try:
        connection.request("GET", path, headers=plane.headers | {"Accept": accept})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def test_a_version_ahead_of_the_server_is_refused(kube: Kubectl) -> None:
    refused = kube.rest.send("GET", kube.path("configmaps"), resourceVersion="99999999999")
    assert (refused.status, refused.body["reason"]) == (504, "Timeout")
    assert refused.message.startswith("Timeout: Too large resource version: 99999999999, current:")


def test_a_write_that_changes_nothing_is_no_write(kube: Kubectl) -> None:
    before = _put(kube, "a", x="1")
    assert _put(kube, "a", x="1") == before
    path = kube.path("configmaps", "a")
    assert kube.rest.send("PUT", path, before).body == before
    assert kube.rest.send("PATCH", path, {"data": {"x": "1"}}, MERGE).body == before


def test_the_generation_grows_with_the_spec_alone(kube: Kubectl) -> None:
    path = kube.path("deployments", "web", group="apps/v1")
    tree = deployment("web", replicas=0)
    made = kube.rest.send("PATCH", path, tree, APPLY, fieldManager="t").body
    assert made["metadata"]["generation"] == 1
    labels = {"metadata": {"labels": {"a": "b"}}}
    assert kube.rest.send("PATCH", path, labels, MERGE).body["metadata"]["generation"] == 1
    spec = {"spec": {"minReadySeconds": 1}}
    assert kube.rest.send("PATCH", path, spec, MERGE).body["metadata"]["generation"] == 2


def test_an_apply_with_a_foreign_uid_does_not_create(kube: Kubectl) -> None:
    tree = config_map("a")
    tree["metadata"]["uid"] = "00000000-0000-0000-0000-000000000000"
    path = kube.path("configmaps", "a")
    refused = kube.rest.send("PATCH", path, tree, APPLY, fieldManager="t")
    assert refused.status == 409
    assert "uid mismatch: the provided object specified uid" in refused.message
    _put(kube, "a")
    refused = kube.rest.send("PATCH", path, tree, APPLY, fieldManager="t")
    assert refused.status == 422
    assert "metadata.uid: Invalid value" in refused.message


def test_an_apply_that_creates_ignores_a_version(kube: Kubectl) -> None:
    tree = config_map("a")
    tree["metadata"]["resourceVersion"] = "1"
    path = kube.path("configmaps", "a")
    assert kube.rest.send("PATCH", path, tree, APPLY, fieldManager="t").status == 201
    refused = kube.rest.send("PATCH", path, tree, APPLY, fieldManager="t")
    assert (refused.status, refused.body["reason"]) == (409, "Conflict")


def test_an_apply_without_a_name_is_not_allowed(kube: Kubectl) -> None:
    tree = config_map("")
    tree["metadata"] = {"generateName": "x-"}
    refused = kube.rest.send("PATCH", kube.path("configmaps"), tree, APPLY, fieldManager="t")
    assert refused.status == 405


def test_a_network_policy_with_empty_lists_is_written_by_each_apply(kube: Kubectl) -> None:
    """An apply that no one would call a change is one (docs/internals/argocd/apply.md A5)."""
    path = kube.path("networkpolicies", "p", group="networking.k8s.io/v1")
    tree = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p"},
        "spec": {"podSelector": {}, "ingress": [], "policyTypes": ["Ingress"]},
    }
    made = kube.rest.send("PATCH", path, tree, APPLY, fieldManager="t").body
    again = kube.rest.send("PATCH", path, tree, APPLY, fieldManager="t").body
    assert again["metadata"]["generation"] == made["metadata"]["generation"] + 1


def test_a_dry_run_allocates_nothing(kube: Kubectl) -> None:
    service = {"metadata": {"name": "s"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}}
    tried = kube.rest.send("POST", kube.path("services"), service, dryRun="All").body
    assert tried["spec"]["clusterIP"] == "10.96.0.0"
    assert tried["spec"]["ports"][0]["nodePort"] == 32769
    assert kube.rest.send("GET", kube.path("services", "s")).status == 404


def test_of_two_equal_managers_the_last_counts(kube: Kubectl) -> None:
    """Whoever renames a manager must unite the field sets itself: what the first owned is lost."""
    _put(kube, "a", x="1")
    path = kube.path("configmaps", "a")
    other = config_map("a", y="2")
    made = kube.rest.send("PATCH", path, other, APPLY, fieldManager="u").body
    entries = made["metadata"]["managedFields"]
    for entry in entries:
        entry["manager"] = "t"
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": entries}]
    left = kube.rest.send("PATCH", path, patch, "application/json-patch+json").body
    assert [row["fieldsV1"] for row in left["metadata"]["managedFields"]] == [
        {"f:data": {"f:y": {}}}
    ]
    assert _put(kube, "a", y="2")["data"] == {"x": "1", "y": "2"}


def test_what_cannot_be_expressed_as_an_apply_is_a_500(kube: Kubectl) -> None:
    path = kube.path("deployments", "web", group="apps/v1")
    tree = deployment("web", replicas=0)
    tree["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": "A", "value": "1"},
        {"name": "A", "value": "2"},
    ]
    refused = kube.rest.send("PATCH", path, tree, APPLY, fieldManager="t")
    assert refused.status == 500
    assert "reason" not in refused.body
    assert refused.message.startswith("failed to create typed patch object (")


def test_the_scale_of_a_deployment_carries_its_selector(kube: Kubectl) -> None:
    kube.rest.send("POST", kube.path("deployments", group="apps/v1"), deployment("web", replicas=0))
    path = kube.path("deployments", "web", group="apps/v1") + "/scale"
    scale = kube.rest.send("GET", path).body
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert scale["status"] == {"replicas": 0, "selector": "app=web"}


def test_an_autoscaler_is_served_in_both_versions(kube: Kubectl) -> None:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": reference, "maxReplicas": 3, "targetCPUUtilizationPercentage": 70}
    tree = {"metadata": {"name": "h"}, "spec": spec}
    old = kube.path("horizontalpodautoscalers", group="autoscaling/v1")
    assert kube.rest.send("POST", old, tree).status == 201
    new = kube.path("horizontalpodautoscalers", "h", group="autoscaling/v2")
    metrics = kube.rest.send("GET", new).body["spec"]["metrics"]
    target = {"type": "Utilization", "averageUtilization": 70}
    assert metrics == [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    back = kube.rest.send("GET", f"{old}/h").body
    assert back["spec"]["targetCPUUtilizationPercentage"] == 70
