"""Values of Secrets that a configuration of ours refers to by `$secret-name:key`.

An exception to sealing (apply.md B3), as repository Secrets are: what signs a message must be
known. Only Secrets that carry Argo CD's label for this purpose are read (api.md §2.7): whoever may
write a ConfigMap must not be able to have any Secret sent anywhere. Only `assembly` asks.
"""

import base64
import binascii
from urllib.parse import quote

import orjson

from holdfast.cluster.calls import READ_HEADERS, Calls, refusal

LABEL, VALUE = "app.kubernetes.io/part-of", "argocd"


async def read_secret_values(calls: Calls, namespace: str, name: str) -> dict[str, str]:
    """Return the texts of a Secret by key; nothing when there is none, or none with the label.

    Raises:
        ClusterError: it may not be read, or the server cannot be reached.
    """
    path = f"/api/v1/namespaces/{quote(namespace, safe='')}/secrets/{quote(name, safe='')}"
    answer = await calls.transport.request("GET", path, headers=READ_HEADERS, repeatable=True)
    if answer.status == 404:
        return {}
    if answer.status != 200:
        raise refusal(answer, about=f"Secret {namespace}/{name}")
    tree = orjson.loads(answer.body)
    if ((tree.get("metadata") or {}).get("labels") or {}).get(LABEL) != VALUE:
        return {}
    return {key: _decoded(value) for key, value in (tree.get("data") or {}).items()}


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
