"""A client as thin as it can be: raw aiohttp and orjson against one API server."""

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson

Tree = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """Where the API server is and how to sign in."""

    url: str
    token: str
    ca_file: str


class Api:
    """Requests and watches, without any comfort."""

    def __init__(self, server: Server, limit: int = 100) -> None:
        """Open nothing before the first request."""
        context = ssl.create_default_context(cafile=server.ca_file)
        connector = aiohttp.TCPConnector(ssl=context, limit=limit)
        headers = {"Authorization": f"Bearer {server.token}"}
        self.session = aiohttp.ClientSession(
            base_url=server.url, connector=connector, headers=headers, read_bufsize=2**22
        )

    async def request(
        self, method: str, path: str, body: Tree | None = None, content_type: str = ""
    ) -> tuple[int, Tree]:
        """Return status and body; nothing is raised for refusals."""
        headers = {"Content-Type": content_type or "application/json"} if body is not None else {}
        data = orjson.dumps(body) if body is not None else None
        async with self.session.request(method, path, data=data, headers=headers) as answer:
            raw = await answer.read()
            try:
                return answer.status, orjson.loads(raw)
            except orjson.JSONDecodeError:
                return answer.status, {"message": raw.decode(errors="replace")}

    async def apply(self, path: str, body: Tree, manager: str) -> tuple[int, Tree]:
        """Server-side apply with force."""
        where = f"{path}?fieldManager={manager}&force=true"
        return await self.request("PATCH", where, body, "application/apply-patch+yaml")

    async def watch(self, path: str, version: str) -> AsyncIterator[Tree]:
        """Yield the events after a version."""
        where = f"{path}{'&' if '?' in path else '?'}watch=1&resourceVersion={version}"
        timeout = aiohttp.ClientTimeout(total=None)
        async with self.session.get(where, timeout=timeout) as answer:
            buffer = b""
            async for chunk in answer.content.iter_any():
                buffer += chunk
                *lines, buffer = buffer.split(b"\n")
                for line in lines:
                    if line:
                        yield orjson.loads(line)

    async def close(self) -> None:
        """Close all connections."""
        await self.session.close()


def deployment(namespace: str, name: str) -> Tree:
    """Return a small Deployment without pods: the benchmark is about us, not about kubelets."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": {"bench": "yes"}},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "containers": [
                        {
                            "name": "main",
                            "image": "registry.example/app:1",
                            "ports": [{"containerPort": 8080, "name": "http"}],
                            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
                        }
                    ]
                },
            },
        },
    }


def form_of(live: Tree) -> tuple[str, str, int]:
    """Return what the benchmark changes: image, label and replicas of a Deployment."""
    spec = live["spec"]
    image = spec["template"]["spec"]["containers"][0]["image"]
    return image, live["metadata"].get("labels", {}).get("bench", ""), spec.get("replicas", 1)


def load_server(kubeconfig: Path) -> Server:
    """Read the parts of a kubeconfig that the plane of the tests writes."""
    import base64
    import tempfile

    import yaml

    config = yaml.safe_load(kubeconfig.read_text())
    cluster = config["clusters"][0]["cluster"]
    user = config["users"][0]["user"]
    ca_file = cluster.get("certificate-authority", "")
    if not ca_file:
        with tempfile.NamedTemporaryFile(suffix=".pem", delete=False) as file:
            file.write(base64.b64decode(cluster["certificate-authority-data"]))
        ca_file = file.name
    elif not Path(ca_file).is_absolute():
        ca_file = str(kubeconfig.parent / ca_file)
    return Server(cluster["server"], user["token"], ca_file)
