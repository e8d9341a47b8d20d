"""Clusters: the one that Holdfast runs in (docs/internals/argocd/api.md §1.7).

Others cannot be reached yet, so they can neither be listed nor added: that is answered with 501.
"""

from typing import Any

from holdfast.api.call import Call
from holdfast.api.failures import ApiError, Code, denied
from holdfast.api.models.projects import Cluster, ClusterQuery, ItemList
from holdfast.api.table import Route
from holdfast.domain.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER
from holdfast.domain.errors import HoldfastError
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.queries import GetStatus

_ALL = "/api/v1/clusters"
_ONE = f"{_ALL}/{{id}}"


async def in_cluster(call: Call[Any, Any]) -> Tree:
    """Return the entry of the cluster that Holdfast runs in."""
    connection = {"status": "Successful", "message": ""}
    version = ""
    try:
        status = await call.services.queries.answer(GetStatus(), call.caller.username)
        version = str(status.get("version") or "")
    except HoldfastError as error:
        connection = {"status": "Failed", "message": error.message}
    count = sum(1 for tree in call.services.applications.all() if _is_here(tree))
    return {
        "server": IN_CLUSTER_SERVER,
        "name": IN_CLUSTER_NAME,
        "config": {"tlsClientConfig": {"insecure": False}},
        "info": {
            "connectionState": connection,
            "serverVersion": version,
            "applicationsCount": count,
            "cacheInfo": {},
        },
        "connectionState": connection,
        "serverVersion": version,
    }


def _is_here(tree: Tree) -> bool:
    destination = (tree.get("spec") or {}).get("destination") or {}
    return destination.get("server") == IN_CLUSTER_SERVER or (
        destination.get("name") == IN_CLUSTER_NAME
    )


async def _list(call: Call[ClusterQuery, None]) -> JSON:
    query = call.query
    wanted = query.server in ("", IN_CLUSTER_SERVER) and query.name in ("", IN_CLUSTER_NAME)
    allowed = call.may("clusters", "get", IN_CLUSTER_SERVER)
    items = [await in_cluster(call)] if wanted and allowed and _is_on(call) else []
    return {"metadata": {}, "items": items}


async def _get(call: Call[ClusterQuery, None]) -> Tree:
    name, server = call.path["id"], IN_CLUSTER_SERVER
    by_name = call.query.id_type in ("name", "name_escaped")
    wanted = IN_CLUSTER_NAME if by_name else server
    # A missing one looks like a forbidden one (api.md §3.9).
    if name != wanted or not _is_on(call) or not call.may("clusters", "get", server):
        raise denied()
    return await in_cluster(call)


def _is_on(call: Call[Any, Any]) -> bool:
    return call.services.settings.switch("cluster.inClusterEnabled", default=True)


async def _refuse(call: Call[ClusterQuery, None]) -> JSON:
    action = {"POST": "create", "PUT": "update", "DELETE": "delete"}[call.request.method]
    call.demand("clusters", action, call.path.get("id", ""))
    raise ApiError(
        Code.UNIMPLEMENTED, "clusters other than the one that Holdfast runs in are not built"
    )


ROUTES = (
    Route("GET", _ALL, _list, "List clusters.", query=ClusterQuery, answer=ItemList),
    Route("GET", _ONE, _get, "A cluster, by address or name.", query=ClusterQuery, answer=Cluster),
    Route("POST", _ALL, _refuse, "Not built.", query=ClusterQuery),
    Route("PUT", _ONE, _refuse, "Not built.", query=ClusterQuery),
    Route("DELETE", _ONE, _refuse, "Not built.", query=ClusterQuery),
)  # fmt: skip
