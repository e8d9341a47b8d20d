"""Somebody who works on a cluster by hand: plain HTTP requests, nothing of our own client.

What kubectl does is told by its field manager: `kubectl-edit` sends an update, `kubectl-patch` a
patch, `kubectl-client-side-apply` a patch with a last-applied annotation.
"""

from __future__ import annotations

import contextlib
import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import aiohttp

from tests.support.leaving import what_to_delete
from tools.generate_schema_tables import Plane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

Tree = dict[str, Any]

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"

_IRREGULAR = {
    "NetworkPolicy": "networkpolicies",
    "Ingress": "ingresses",
    "IngressClass": "ingressclasses",
    "StorageClass": "storageclasses",
    "PriorityClass": "priorityclasses",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
}


class Ref(NamedTuple):
    """Where an object is; `namespace` is `""` for cluster-scoped kinds."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @property
    def collection(self) -> str:
        root = "/apis" if "/" in self.api_version else "/api"
        inside = f"/namespaces/{self.namespace}" if self.namespace else ""
        plural = _IRREGULAR.get(self.kind, f"{self.kind.lower()}s")
        return f"{root}/{self.api_version}{inside}/{plural}"

    @property
    def path(self) -> str:
        return f"{self.collection}/{self.name}"


def ref_of(tree: Tree) -> Ref:
    metadata = tree["metadata"]
    return Ref(tree["apiVersion"], tree["kind"], metadata.get("namespace", ""), metadata["name"])


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    body: Any

    @property
    def message(self) -> str:
        return str(self.body.get("message", "")) if isinstance(self.body, dict) else str(self.body)

    @property
    def tree(self) -> Tree:
        """The object; the request must have worked."""
        assert self.status < 300, (self.status, self.message)
        tree: Tree = self.body
        return tree


class WatchEvent(NamedTuple):
    """One event of a watch."""

    type: str
    object: Tree


class Person:
    """Sends requests to one cluster. Use as `async with Person(kubeconfig) as person`."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self._plane = Plane(kubeconfig)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._plane.tls, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, headers=self._plane.headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        **query: str,
    ) -> Answer:
        """Sends one request and returns the answer, whatever its status."""
        assert self._session is not None
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type}
        async with self._session.request(
            method, self._plane.server + path, data=data, headers=headers, params=query
        ) as response:
            text = await response.text()
            try:
                return Answer(response.status, json.loads(text))
            except ValueError:
                return Answer(response.status, text)

    async def find(self, ref: Ref) -> Tree | None:
        answer = await self.send("GET", ref.path)
        return None if answer.status == 404 else answer.tree

    async def get(self, ref: Ref) -> Tree:
        return (await self.send("GET", ref.path)).tree

    async def create(self, tree: Tree, manager: str = "kubectl-create") -> Tree:
        return (await self.send("POST", ref_of(tree).collection, tree, fieldManager=manager)).tree

    async def patch(
        self,
        ref: Ref,
        body: Any,
        content_type: str = MERGE,
        manager: str = "kubectl-patch",
        subresource: str = "",
    ) -> Tree:
        path = f"{ref.path}/{subresource}" if subresource else ref.path
        return (await self.send("PATCH", path, body, content_type, fieldManager=manager)).tree

    async def apply(self, tree: Tree, manager: str = "kubectl", *, force: bool = True) -> Tree:
        """kubectl apply --server-side."""
        return (
            await self.send(
                "PATCH",
                ref_of(tree).path,
                tree,
                APPLY,
                fieldManager=manager,
                force=str(force).lower(),
            )
        ).tree

    async def edit(
        self, ref: Ref, change: Callable[[Tree], object], manager: str = "kubectl-edit"
    ) -> Tree:
        """kubectl edit: read, change, write; again when another writer was faster."""
        for _ in range(20):
            tree = await self.get(ref)
            edited = copy.deepcopy(tree)
            change(edited)
            answer = await self.send("PUT", ref.path, edited, fieldManager=manager)
            if answer.status != 409:
                return answer.tree
        raise AssertionError(f"{ref} moves all the time")

    async def delete(self, ref: Ref, propagation: str = "Background") -> bool:
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        answer = await self.send("DELETE", ref.path, options)
        if answer.status == 404:
            return False
        assert answer.status < 300, answer
        return True

    async def leave(self, *namespaces: str) -> None:
        """Ends what goes on in namespaces of a test."""
        for namespace in namespaces:
            for path in what_to_delete(namespace):
                answer = await self.send("DELETE", path, propagationPolicy="Background")
                assert answer.status < 300 or answer.status == 404, answer

    async def client_side_apply(self, tree: Tree) -> Tree:
        """kubectl apply of an object that is not there, or with the same fields as before."""
        manager = "kubectl-client-side-apply"
        applied = copy.deepcopy(tree)
        annotations = applied["metadata"].setdefault("annotations", {})
        annotations["kubectl.kubernetes.io/last-applied-configuration"] = json.dumps(tree)
        if await self.find(ref_of(tree)) is None:
            return await self.create(applied, manager)
        return await self.patch(ref_of(tree), applied, STRATEGIC, manager)

    @contextlib.asynccontextmanager
    async def watch(
        self, ref: Ref, version: str, *, every: bool = False
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:
        """The events of one object, or of every one beside it, after a version."""
        assert self._session is not None
        query = {"watch": "true", "resourceVersion": version}
        if not every:
            query["fieldSelector"] = f"metadata.name={ref.name}"
        async with self._session.get(
            self._plane.server + ref.collection,
            params=query,
            timeout=aiohttp.ClientTimeout(total=None),
            read_bufsize=2**24,
        ) as response:
            assert response.status == 200, await response.text()

            async def events() -> AsyncIterator[WatchEvent]:
                async for line in response.content:
                    event = json.loads(line)
                    yield WatchEvent(event["type"], event["object"])

            yield events()
