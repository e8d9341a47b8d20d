"""Repositories (docs/internals/argocd/api.md §1.5, §1.7). What signs in never comes back."""

from collections.abc import Iterable
from typing import Any

from holdfast.api import own_client
from holdfast.api.call import Call
from holdfast.api.failures import ApiError, Code, denied, invalid
from holdfast.api.models.base import Nothing
from holdfast.api.models.projects import ItemList
from holdfast.api.models.repositories import (
    RepositoriesQuery,
    Repository,
    RepositoryBody,
    UpsertQuery,
    ValidateQuery,
)
from holdfast.api.table import KIB, Route
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.stored_settings import (
    CheckRepository,
    DeleteRepository,
    ListRepositories,
    PutRepository,
)

REPOSITORIES = "repositories"
_ALL = "/api/v1/repositories"
_ONE = f"{_ALL}/{{repo}}"
_PATIENCE_S = 20.0
_BODY = 1024 * KIB


def rbac_object(url: str, project: str) -> str:
    """Return the object of a repository as roles name it (api.md §3.5)."""
    return f"{project}/{url}" if project else url


async def permitted(
    call: Call[Any, Any], url: str = "", *, refresh: bool = False, patience_s: float = _PATIENCE_S
) -> list[Tree]:
    """Return the repositories that the caller may see; with a URL that one alone."""
    question = ListRepositories(refresh=refresh, patience_s=patience_s, url=url)
    found = await call.services.queries.answer(question, call.caller.username)
    return [tree for tree in found if call.may(REPOSITORIES, "get", _object(tree))]


def _object(tree: Tree) -> str:
    return rbac_object(str(tree["repo"]), str(tree.get("project") or ""))


def _one_of(trees: Iterable[Tree], url: str, project: str) -> Tree:
    """Return the repository that is meant.

    Raises:
        ApiError: 403, there is none; 500, there are several and `project` names none of them.
    """
    same = [tree for tree in trees if tree["repo"] == url]
    if not same:
        raise denied()
    if len(same) == 1 and not project:
        return same[0]
    for tree in same:
        if str(tree.get("project") or "") == project:
            return tree
    words = f'repository not found for url "{url}" and project "{project}"'
    raise ApiError(Code.UNKNOWN, words)


async def _list(call: Call[RepositoriesQuery, None]) -> JSON:
    query = call.query
    found = await permitted(call, query.repo, refresh=query.force_refresh)
    items = [tree for tree in found if query.app_project in ("", str(tree.get("project") or ""))]
    return {"metadata": {}, "items": items}


async def _get(call: Call[RepositoriesQuery, None]) -> Tree:
    url = call.path["repo"]
    found = await permitted(call, url, refresh=call.query.force_refresh)
    return _one_of(found, url, call.query.app_project)


async def _create(call: Call[UpsertQuery, RepositoryBody]) -> Tree:
    body = call.body
    if not body.repo:
        raise invalid("repo: give the URL of the repository")
    target = rbac_object(body.repo, body.project)
    call.demand(REPOSITORIES, "create", target)
    if call.query.upsert:
        call.demand(REPOSITORIES, "update", target)
    command = PutRepository(body.values(), upsert=call.query.upsert)
    done = await call.services.commands.carry_out(command, call.caller.username)
    return done.tree or {}


async def _update(call: Call[Nothing, RepositoryBody]) -> Tree:
    body, url = call.body, call.path["repo"]
    before = _one_of(await permitted(call, url, patience_s=0.0), url, body.project)
    call.demand(REPOSITORIES, "update", _object(before))
    project = body.project or str(before.get("project") or "")
    call.demand(REPOSITORIES, "update", rbac_object(url, project))
    command = PutRepository({**body.values(), "url": url, "project": project}, must_exist=True)
    done = await call.services.commands.carry_out(command, call.caller.username)
    return done.tree or {}


async def _delete(call: Call[RepositoriesQuery, None]) -> Tree:
    url, project = call.path["repo"], call.query.app_project
    trees = await permitted(call, url, patience_s=0.0)
    if (
        own_client.speaks_ours(call.request)
        and all(tree["repo"] != url for tree in trees)
        and call.may(REPOSITORIES, "delete", f"*/{url}")
    ):  # the command says in our words that there is none, to who may delete any
        trees = [{"repo": url, "project": project}]
    found = _one_of(trees, url, project)
    call.demand(REPOSITORIES, "delete", _object(found))
    command = DeleteRepository(url, str(found.get("project") or ""))
    await call.services.commands.carry_out(command, call.caller.username)
    return {}


async def _validate(call: Call[ValidateQuery, None]) -> Tree:
    url = call.path["repo"]
    call.demand(REPOSITORIES, "create", rbac_object(url, call.query.project))
    command = CheckRepository({**call.query.values(), "url": url})
    await call.services.commands.carry_out(command, call.caller.username)
    return {}


def _not_built(what: str, action: str = "get", target: str = "") -> Any:
    async def refuse(call: Call[Any, Any]) -> Tree:
        call.demand(REPOSITORIES, action, target or call.path.get("repo", ""))
        raise ApiError(Code.UNIMPLEMENTED, f"{what} is not built")

    return refuse


async def _no_hydrator(call: Call[Any, Any]) -> Tree:
    action = {"POST": "create", "PUT": "update", "DELETE": "delete"}.get(call.request.method, "get")
    call.demand("write-repositories", action, call.path.get("repo", call.path.get("url", "")))
    raise ApiError(Code.UNIMPLEMENTED, "hydrator is disabled")


ROUTES = (
    Route("GET", _ALL, _list, "List repositories.", query=RepositoriesQuery, answer=ItemList),
    Route("POST", _ALL, _create, "Keep a repository, once it could be read.",
          query=UpsertQuery, body=RepositoryBody, answer=Repository, body_bytes=_BODY),
    Route("GET", _ONE, _get, "A repository.", query=RepositoriesQuery, answer=Repository),
    Route("PUT", _ONE, _update, "Change a repository.",
          body=RepositoryBody, answer=Repository, body_bytes=_BODY),
    Route("DELETE", _ONE, _delete, "Forget a repository.",
          query=RepositoriesQuery, answer=Nothing),
    Route("POST", f"{_ONE}/validate", _validate, "Try to read a repository.",
          query=ValidateQuery, answer=Nothing),
    Route("GET", f"{_ONE}/refs", _not_built("the list of branches and tags"), "Not built."),
    Route("GET", f"{_ONE}/helmcharts", _not_built("the list of Helm charts"), "Not built."),
    Route("GET", f"{_ONE}/oci-tags", _not_built("the list of OCI tags"), "Not built."),
    Route("GET", f"{_ONE}/apps", _not_built("finding applications in a repository"),
          "Not built."),
    Route("POST", f"{_ONE}/appdetails", _not_built("the detail of a source"), "Not built."),
    *(
        Route(method, path, _no_hydrator, "Not built: there is no hydrator.")
        for path, methods in (
            ("/api/v1/write-repositories", ("GET", "POST")),
            ("/api/v1/write-repositories/{repo}", ("GET", "PUT", "DELETE")),
            ("/api/v1/write-repocreds", ("GET", "POST")),
            ("/api/v1/write-repocreds/{url}", ("PUT", "DELETE")),
        )
        for method in methods
    ),
)  # fmt: skip
