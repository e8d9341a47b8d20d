"""The repository and cluster Secrets of the control namespace, with their real values.

The one exception to sealing (apply.md B3): whoever clones a private repository
needs its password. Only Secrets that Argo CD labels for that purpose are read
(controller.md §10.2), and only `assembly` asks for them.
"""

from urllib.parse import quote

import orjson

from holdfast.cluster.calls import READ_HEADERS, Calls, refusal
from holdfast.domain.manifest import Tree

SECRET_TYPE_LABEL = "argocd.argoproj.io/secret-type"  # noqa: S105 - a label's name
REPOSITORY_TYPES = ("repository", "repo-creds")


async def read_repository_secrets(calls: Calls, namespace: str) -> list[Tree]:
    """Return the repository Secrets of a namespace, unsealed.

    Raises:
        ClusterError: they may not be read, or the server cannot be reached.
    """
    return await read_labelled_secrets(calls, namespace, REPOSITORY_TYPES)


async def read_labelled_secrets(calls: Calls, namespace: str, types: tuple[str, ...]) -> list[Tree]:
    """Return the Secrets of these types (values of Argo CD's label), unsealed.

    Raises:
        ClusterError: they may not be read, or the server cannot be reached.
    """
    selector = quote(f"{SECRET_TYPE_LABEL} in ({','.join(types)})", safe="")
    path = f"/api/v1/namespaces/{namespace}/secrets?labelSelector={selector}"
    answer = await calls.transport.request("GET", path, headers=READ_HEADERS, repeatable=True)
    if answer.status != 200:
        raise refusal(answer, about=f"{types[0]} Secrets in {namespace}")
    items: list[Tree] = orjson.loads(answer.body).get("items") or []
    return [{"apiVersion": "v1", "kind": "Secret", **item} for item in items]
