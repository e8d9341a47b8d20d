"""Secrets that hold settings of ours, with their real values: `argocd-secret` above all.

Beside the repository Secrets the only exception to sealing (apply.md B3): sign-in needs the hash
of a password and the key of tokens. Only `assembly` asks, and only by name.
"""

import base64
import binascii
from typing import TYPE_CHECKING

import orjson

from holdfast.cluster.calls import JSON_HEADERS, MERGE_HEADERS, READ_HEADERS, Calls, refusal
from holdfast.cluster.system import SYSTEM_MANAGER

if TYPE_CHECKING:
    from holdfast.domain.manifest import Tree

_QUERY = f"?fieldManager={SYSTEM_MANAGER}"


async def read_secret(
    calls: Calls, namespace: str, name: str, *, label: tuple[str, str] | None = None
) -> dict[str, bytes] | None:
    """Return the values of a Secret, None when there is none.

    Args:
        calls: The API server.
        namespace: Of the Secret.
        name: Of the Secret.
        label: That it must carry; without it the Secret counts as missing.

    Raises:
        ClusterError: it may not be read, or the server cannot be reached.
    """
    path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
    answer = await calls.transport.request("GET", path, headers=READ_HEADERS, repeatable=True)
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise refusal(answer, about=f"Secret {namespace}/{name}")
    tree: Tree = orjson.loads(answer.body)
    labels = (tree.get("metadata") or {}).get("labels") or {}
    if label is not None and labels.get(label[0]) != label[1]:
        return None
    data: Tree = tree.get("data") or {}
    return {key: _decoded(value) for key, value in data.items()}


async def create_secret(
    calls: Calls, namespace: str, name: str, values: dict[str, bytes], labels: dict[str, str]
) -> None:
    """Create a Secret.

    Raises:
        ClusterError: HF2011, there is one already; others as they come.
    """
    tree = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "data": {key: base64.b64encode(value).decode() for key, value in values.items()},
    }
    path = f"/api/v1/namespaces/{namespace}/secrets{_QUERY}"
    body = orjson.dumps(tree)
    answer = await calls.transport.request("POST", path, headers=JSON_HEADERS, body=body)
    if answer.status not in (200, 201):
        raise refusal(answer, about=f"Secret {namespace}/{name}")


async def merge_secret(
    calls: Calls, namespace: str, name: str, changes: dict[str, bytes | None]
) -> None:
    """Set keys of a Secret, or remove those that are None; all others stay as they are.

    Raises:
        ClusterError: HF2003, there is none; others as they come.
    """
    data = {
        key: base64.b64encode(value).decode() if value is not None else None
        for key, value in changes.items()
    }
    path = f"/api/v1/namespaces/{namespace}/secrets/{name}{_QUERY}"
    body = orjson.dumps({"data": data})
    answer = await calls.transport.request("PATCH", path, headers=MERGE_HEADERS, body=body)
    if answer.status != 200:
        raise refusal(answer, about=f"Secret {namespace}/{name}")


def _decoded(value: object) -> bytes:
    try:
        return base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError):
        return b""
