"""Credentials for many repositories (docs/internals/argocd/api.md §1.5, §1.7)."""

from typing import Any

from holdfast.api import own_client
from holdfast.api.call import Call
from holdfast.api.failures import denied, invalid
from holdfast.api.models.base import Nothing
from holdfast.api.models.projects import ItemList
from holdfast.api.models.repositories import RepoCreds, RepoCredsBody, UpsertQuery, UrlQuery
from holdfast.api.routes.repositories import REPOSITORIES
from holdfast.api.table import KIB, Route
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.stored_settings import DeleteRepoCreds, ListRepoCreds, PutRepoCreds

_ALL = "/api/v1/repocreds"
_ONE = f"{_ALL}/{{url}}"
_BODY = 1024 * KIB


async def _list(call: Call[UrlQuery, None]) -> JSON:
    found = await call.services.queries.answer(ListRepoCreds(), call.caller.username)
    items = [
        tree
        for tree in found
        if call.query.url in ("", tree["url"]) and call.may(REPOSITORIES, "get", tree["url"])
    ]
    return {"metadata": {}, "items": items}


async def _create(call: Call[UpsertQuery, RepoCredsBody]) -> Tree:
    body = call.body
    if not body.url:
        raise invalid("url: give the beginning of the URLs that the credentials are for")
    call.demand(REPOSITORIES, "create", body.url)
    if call.query.upsert:
        call.demand(REPOSITORIES, "update", body.url)
    command = PutRepoCreds(body.values(), upsert=call.query.upsert)
    done = await call.services.commands.carry_out(command, call.caller.username)
    return done.tree or {}


async def _update(call: Call[Nothing, RepoCredsBody]) -> Tree:
    url = call.path["url"]
    call.demand(REPOSITORIES, "update", url)
    await _demand_known(call, url)
    command = PutRepoCreds({**call.body.values(), "url": url}, must_exist=True)
    done = await call.services.commands.carry_out(command, call.caller.username)
    return done.tree or {}


async def _delete(call: Call[Nothing, None]) -> Tree:
    url = call.path["url"]
    call.demand(REPOSITORIES, "delete", url)
    await _demand_known(call, url)
    await call.services.commands.carry_out(DeleteRepoCreds(url), call.caller.username)
    return {}


async def _demand_known(call: Call[Any, Any], url: str) -> None:
    if own_client.speaks_ours(call.request):
        return  # it is told by the command itself that there are none
    found = await call.services.queries.answer(ListRepoCreds(), call.caller.username)
    if all(tree["url"] != url for tree in found):
        raise denied()


ROUTES = (
    Route("GET", _ALL, _list, "List credentials.", query=UrlQuery, answer=ItemList),
    Route("POST", _ALL, _create, "Keep credentials for all repositories below a URL.",
          query=UpsertQuery, body=RepoCredsBody, answer=RepoCreds, body_bytes=_BODY),
    Route("PUT", _ONE, _update, "Change credentials.",
          body=RepoCredsBody, answer=RepoCreds, body_bytes=_BODY),
    Route("DELETE", _ONE, _delete, "Forget credentials.", answer=Nothing),
)  # fmt: skip
