"""An admission webhook on the loopback that refuses writes in one namespace."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

from tests.support.certificates import write_certificates
from tests.support.person import Ref
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.support.person import Person

NAME = "labels.policy.example"


class RefusingWebhook:
    """Refuses ConfigMaps of one namespace, or their deletion; `async with` installs and removes it.

    Attributes:
        asked: How many writes it was asked about.
    """

    def __init__(
        self, person: Person, namespace: str, words: str, *, deletions: bool = False
    ) -> None:
        self._person = person
        self._namespace = namespace
        self._words = words
        self._operations = ["DELETE"] if deletions else ["CREATE", "UPDATE"]
        self._folder = TemporaryDirectory(prefix="holdfast-webhook-")
        self._server: asyncio.Server | None = None
        self.asked = 0

    @property
    def ref(self) -> Ref:
        name = f"{NAME}.{self._namespace}"
        return Ref("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "", name)

    async def __aenter__(self) -> Self:
        folder = Path(self._folder.name)
        await asyncio.to_thread(write_certificates, folder)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        port = self._server.sockets[0].getsockname()[1]
        authority = base64.b64encode((folder / "ca.crt").read_bytes()).decode()
        await self._person.create(self._configuration(f"https://127.0.0.1:{port}/", authority))
        await self._is_in_force()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._person.delete(self.ref)
        assert self._server is not None
        self._server.close()
        self._folder.cleanup()

    def _configuration(self, url: str, authority: str) -> dict[str, Any]:
        return {
            "apiVersion": self.ref.api_version,
            "kind": self.ref.kind,
            "metadata": {"name": self.ref.name},
            "webhooks": [
                {
                    "name": NAME,
                    "clientConfig": {"url": url, "caBundle": authority},
                    "rules": [
                        {
                            "apiGroups": [""],
                            "apiVersions": ["v1"],
                            "resources": ["configmaps"],
                            "operations": self._operations,
                        }
                    ],
                    "namespaceSelector": {
                        "matchLabels": {"kubernetes.io/metadata.name": self._namespace}
                    },
                    "failurePolicy": "Fail",
                    "sideEffects": "None",
                    "admissionReviewVersions": ["v1"],
                    "timeoutSeconds": 5,
                }
            ],
        }

    async def _is_in_force(self) -> None:
        """The API server learns of webhooks by a watch of its own; until then all passes."""
        tree = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "probe", "namespace": self._namespace},
        }
        collection = f"/api/v1/namespaces/{self._namespace}/configmaps"

        async def was_asked() -> bool:
            if "DELETE" in self._operations:
                await self._person.send("DELETE", f"{collection}/kube-root-ca.crt", dryRun="All")
            else:
                await self._person.send("POST", collection, tree, dryRun="All")
            return self.asked > 0

        await eventually(was_asked)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        review = json.loads(await reader.readexactly(length))
        self.asked += 1
        answer = {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": {
                "uid": review["request"]["uid"],
                "allowed": False,
                "status": {"code": 403, "message": self._words},
            },
        }
        body = json.dumps(answer).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()
