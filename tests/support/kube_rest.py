"""A bare REST client for contract tests that compare our own functions with a real API server.

Deliberately not the program's client: it shows what the server does and hides nothing.
"""

from __future__ import annotations

import http.client
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from tests.support.waiting import eventually_now
from tools.generate_schema_tables import Plane

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from holdfast.domain.manifest import JSON

APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    body: JSON

    @property
    def message(self) -> str:
        """The message of a Status."""
        return str(self.body.get("message", "")) if isinstance(self.body, dict) else ""


@dataclass(slots=True)
class KubeRest:
    """One keep-alive connection to the API server of a kubeconfig."""

    plane: Plane
    _connection: http.client.HTTPSConnection | None = field(default=None)

    @classmethod
    def open(cls, kubeconfig: Path) -> KubeRest:
        """Return a client for the current context of a kubeconfig."""
        return cls(Plane(kubeconfig))

    def send(
        self,
        method: str,
        path: str,
        body: JSON = None,
        content_type: str = "application/json",
        **query: str,
    ) -> Answer:
        """Send one request and return the answer, whatever its status."""
        if self._connection is None:
            where = urlsplit(self.plane.server)
            assert where.hostname is not None
            self._connection = http.client.HTTPSConnection(
                where.hostname, where.port, context=self.plane.tls, timeout=30
            )
        headers: Mapping[str, str] = self.plane.headers | {"Content-Type": content_type}
        target = f"{path}?{urlencode(query)}" if query else path
        data = None if body is None else json.dumps(body)
        self._connection.request(method, target, body=data, headers=dict(headers))
        answer = self._connection.getresponse()
        text = answer.read()
        try:
            return Answer(answer.status, json.loads(text))
        except ValueError:
            return Answer(answer.status, {"message": text.decode(errors="replace")})

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def install_crd(self, crd: JSON) -> None:
        """Create a CRD if it is missing, and wait until its kind is served."""
        root = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        spec = crd["spec"]
        path = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"

        def is_served() -> bool:
            if self.send("GET", path, limit="1").status != 200:
                return False
            return _is_established(self.send("GET", f"{root}/{crd['metadata']['name']}"))

        if not is_served():
            made = self.send("POST", root, crd)
            assert made.status in (201, 409), made
            eventually_now(is_served)

    def new_namespace(self) -> str:
        """Create a namespace with a name of its own, and return the name."""
        name = f"schema-{uuid.uuid4().hex[:10]}"
        made = self.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        assert made.status == 201, made
        return name


def _is_established(answer: Answer) -> bool:
    conditions = answer.body.get("status", {}).get("conditions", ())
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


def path_of(tree: JSON, plural: str, *, named: bool = True, subresource: str = "") -> str:
    """Return the REST path of an object, or of its collection."""
    root = "/api" if "/" not in tree["apiVersion"] else "/apis"
    namespace = tree["metadata"].get("namespace")
    parts = [root, tree["apiVersion"]]
    if namespace:
        parts += ["namespaces", namespace]
    parts.append(plural)
    if named:
        parts.append(tree["metadata"]["name"])
    if subresource:
        parts.append(subresource)
    return "/".join(parts)
