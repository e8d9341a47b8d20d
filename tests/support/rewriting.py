"""An admission webhook on the loopback that rewrites the images of pods, as a mirror's does."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from tests.support.person import Ref
from tests.support.waiting import eventually
from tests.support.webhook import RefusingWebhook

if TYPE_CHECKING:
    import asyncio

    from tests.support.person import Person

MIRROR = "mirror.example/"
_KINDS = ("deployments", "statefulsets", "daemonsets", "jobs", "cronjobs")


class RewritingWebhook(RefusingWebhook):
    """Puts a mirror in front of each image of the workloads of one namespace, and adds a label.

    `async with` installs and removes it.
    """

    def __init__(self, person: Person, namespace: str) -> None:
        super().__init__(person, namespace, "")

    @property
    def ref(self) -> Ref:
        name = f"images.policy.example.{self._namespace}"
        return Ref("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "", name)

    def _configuration(self, url: str, authority: str) -> dict[str, Any]:
        tree = super()._configuration(url, authority)
        tree["webhooks"][0].update(
            name="images.policy.example",
            reinvocationPolicy="IfNeeded",
            rules=[
                {
                    "apiGroups": ["apps", "batch"],
                    "apiVersions": ["v1"],
                    "resources": list(_KINDS),
                    "operations": ["CREATE", "UPDATE"],
                }
            ],
        )
        return tree

    async def _is_in_force(self) -> None:
        tree = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "probe", "namespace": self._namespace},
            "spec": {
                "selector": {"matchLabels": {"a": "b"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "c", "image": "i"}]},
                },
            },
        }
        collection = f"/apis/apps/v1/namespaces/{self._namespace}/deployments"

        async def was_asked() -> bool:
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
        request = json.loads(await reader.readexactly(length))["request"]
        self.asked += 1
        patch = base64.b64encode(json.dumps(_rewrite(request)).encode()).decode()
        answer = {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": {
                "uid": request["uid"],
                "allowed": True,
                "patchType": "JSONPatch",
                "patch": patch,
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


def _rewrite(request: dict[str, Any]) -> list[dict[str, Any]]:
    tree = request["object"]
    inside = "/spec/jobTemplate/spec/template" if tree["kind"] == "CronJob" else "/spec/template"
    template: Any = tree
    for step in inside.split("/")[1:]:
        template = template[step]
    patch: list[dict[str, Any]] = []
    for field in ("initContainers", "containers"):
        for place, container in enumerate(template["spec"].get(field, ())):
            image = container.get("image", "")
            if image and not image.startswith(MIRROR):
                path = f"{inside}/spec/{field}/{place}/image"
                patch.append({"op": "replace", "path": path, "value": MIRROR + image})
    if request["operation"] != "CREATE" or not (template.get("metadata") or {}).get("labels"):
        return patch
    patch.append({"op": "add", "path": f"{inside}/metadata/labels/mirrored", "value": "yes"})
    return patch
