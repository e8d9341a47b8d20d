"""Clusters (docs/internals/argocd/api.md §1.7): where Holdfast runs, and those that Secrets name.

Holdfast deploys to its own cluster alone; the others are kept, shown and tried.
"""

from typing import Any
from urllib.parse import unquote_plus

from holdfast.api.call import Call
from holdfast.api.failures import ApiError, Code, denied, invalid
from holdfast.api.models.base import Nothing
from holdfast.api.models.clusters import ClusterBody, ClusterUpdateQuery
from holdfast.api.models.projects import Cluster, ClusterQuery, ItemList
from holdfast.api.models.repositories import UpsertQuery
from holdfast.api.table import KIB, Route
from holdfast.domain.application import IN_CLUSTER_SERVER
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.stored_settings import (
    DeleteCluster,
    ListClusters,
    PutCluster,
    count_applications,
)

CLUSTERS = "clusters"
_ALL = "/api/v1/clusters"
_ONE = f"{_ALL}/{{id}}"
_PATIENCE_S = 12.0
_BODY = 1024 * KIB


async def permitted(call: Call[Any, Any], patience_s: float = _PATIENCE_S) -> list[Tree]:
    """Return the clusters that the caller may see; the one Holdfast runs in is the first."""
    # Applications are counted here, from the live copies: listing a thousand takes a while.
    question = ListClusters(patience_s, counts=False)
    found: list[Tree] = await call.services.queries.answer(question, call.caller.username)
    shown = [tree for tree in found if call.may(CLUSTERS, "get", rbac_object(tree))]
    apps = [
        {"spec": {"destination": (tree.get("spec") or {}).get("destination")}}
        async for tree in call.services.applications.each()
    ]
    count_applications(shown, apps)
    return shown


def rbac_object(tree: Tree) -> str:
    """Return the object of a cluster as roles name it (api.md §3.5)."""
    project, server = str(tree.get("project") or ""), str(tree["server"])
    return f"{project}/{server}" if project else server


async def _list(call: Call[ClusterQuery, None]) -> JSON:
    query = call.query
    wanted = {query.id_type: query.id_value} if query.id_value else {}
    name = query.name or wanted.get("name", "") or unquote_plus(wanted.get("name_escaped", ""))
    server = query.server or wanted.get("server", "") or wanted.get("", "")
    items = [
        tree
        for tree in await permitted(call)
        if name in ("", tree["name"]) and server in ("", tree["server"])
    ]
    return {"metadata": {}, "items": items}


async def _named(call: Call[Any, Any], patience_s: float = 0.0) -> Tree:
    """Return the cluster of the path.

    Raises:
        ApiError: 403: a missing one looks like a forbidden one (api.md §3.9).
    """
    value, kind = call.path["id"], call.query.id_type
    if kind == "name_escaped":
        value = unquote_plus(value)
    key = "name" if kind in ("name", "name_escaped") else "server"
    for tree in await permitted(call, patience_s):
        if tree[key].rstrip("/") == value.rstrip("/"):
            return tree
    raise denied()


async def _get(call: Call[ClusterQuery, None]) -> Tree:
    return await _named(call, _PATIENCE_S)


async def _create(call: Call[UpsertQuery, ClusterBody]) -> Tree:
    tree = call.body.tree()
    if not tree.get("server"):
        raise invalid("server: give the address of the cluster's API server")
    call.demand(CLUSTERS, "create", rbac_object(tree))
    if call.query.upsert:
        call.demand(CLUSTERS, "update", rbac_object(tree))
    await _demand_existing(call, str(tree["server"]))
    command = PutCluster(tree, upsert=call.query.upsert)
    done = await call.services.commands.carry_out(command, call.caller.username)
    return done.tree or {}


async def _demand_existing(call: Call[UpsertQuery, ClusterBody], server: str) -> None:
    """One that is there may be another project's: who may not change that one, may not here.

    Raises:
        ApiError: 403.
    """
    question = ListClusters(0.0, counts=False)
    for known in await call.services.queries.answer(question, call.caller.username):
        if known["server"].rstrip("/") == server.rstrip("/"):
            call.demand(CLUSTERS, "update" if call.query.upsert else "get", rbac_object(known))


async def _update(call: Call[ClusterUpdateQuery, ClusterBody]) -> Tree:
    before = await _named(call)
    call.demand(CLUSTERS, "update", rbac_object(before))
    tree = {**call.body.tree(), "server": before["server"]}
    if tree.get("project"):
        call.demand(CLUSTERS, "update", rbac_object(tree))
    command = PutCluster(tree, fields=call.query.updated_fields)
    done = await call.services.commands.carry_out(command, call.caller.username)
    return done.tree or {}


async def _delete(call: Call[ClusterQuery, None]) -> Tree:
    found = await _named(call)
    call.demand(CLUSTERS, "delete", rbac_object(found))
    if found["server"] == IN_CLUSTER_SERVER:
        raise invalid("the cluster that Holdfast runs in cannot be removed")
    await call.services.commands.carry_out(DeleteCluster(found["server"]), call.caller.username)
    return {}


def _not_built(words: str) -> Any:
    async def refuse(call: Call[ClusterQuery, None]) -> JSON:
        call.demand(CLUSTERS, "update", call.path["id"])
        raise ApiError(Code.UNIMPLEMENTED, words)

    return refuse


ROUTES = (
    Route("GET", _ALL, _list, "List clusters.", query=ClusterQuery, answer=ItemList),
    Route("GET", _ONE, _get, "A cluster, by address or name.", query=ClusterQuery, answer=Cluster),
    Route("POST", _ALL, _create, "Keep a cluster; Holdfast does not deploy to it yet.",
          query=UpsertQuery, body=ClusterBody, answer=Cluster, body_bytes=_BODY),
    Route("PUT", _ONE, _update, "Change a cluster.",
          query=ClusterUpdateQuery, body=ClusterBody, answer=Cluster, body_bytes=_BODY),
    Route("DELETE", _ONE, _delete, "Forget a cluster.", query=ClusterQuery, answer=Nothing),
    Route("POST", f"{_ONE}/rotate-auth",
          _not_built("the rotation of a cluster's credentials is not built"),
          "Not built.", query=ClusterQuery),
    Route("POST", f"{_ONE}/invalidate-cache",
          _not_built("there is no cache to drop: watches keep what is known of a cluster true"),
          "Not built.", query=ClusterQuery),
)  # fmt: skip
