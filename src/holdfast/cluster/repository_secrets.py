"""The repository Secrets of the control namespace, with their real values.

The one exception to sealing (apply.md B3): whoever clones a private repository
needs its password. Only Secrets that Argo CD labels for that purpose are read
(controller.md §10.2), and only `assembly` asks for them.
"""

import orjson

from holdfast.cluster.calls import READ_HEADERS, Calls, refusal
from holdfast.domain.manifest import Tree

SECRET_TYPE_LABEL = "argocd.argoproj.io/secret-type"  # noqa: S105 - a label's name
_SELECTOR = "argocd.argoproj.io%2Fsecret-type%20in%20%28repository%2Crepo-creds%29"


async def read_repository_secrets(calls: Calls, namespace: str) -> list[Tree]:
    """Return the repository Secrets of a namespace, unsealed.

    Raises:
        ClusterError: they may not be read, or the server cannot be reached.
    """
    path = f"/api/v1/namespaces/{namespace}/secrets?labelSelector={_SELECTOR}"
    answer = await calls.transport.request("GET", path, headers=READ_HEADERS, repeatable=True)
    if answer.status != 200:
        raise refusal(answer, about=f"repository Secrets in {namespace}")
    items: list[Tree] = orjson.loads(answer.body).get("items") or []
    return items
