"""`/settings/…`: repositories, clusters, accounts, and how Holdfast itself does.

What a person may not do is not offered; the API, which carries it out, asks roles again.
"""

from collections import Counter
from typing import Any

from starlette.responses import RedirectResponse, Response

from holdfast.api.page.board import Board, Visit
from holdfast.api.page.screen import Screen
from holdfast.api.page.settings_view import account_of, cluster_of, repository_of
from holdfast.api.routes import clusters, repositories
from holdfast.domain.errors import HoldfastError
from holdfast.domain.manifest import Tree
from holdfast.domain.queries import GetStatus
from holdfast.domain.stored_settings import ListRepoCreds

_SILENT_S = 120.0  # bookmarks come each minute; a watch is opened anew after 100 s of silence
_PATIENCE_S = 0.12  # what has to be tried anew goes on; the screen looks again each five seconds
_TABS = (
    ("repositories", "Repositories"),
    ("clusters", "Clusters"),
    ("projects", "Projects"),
    ("certificates", "Certificates"),
    ("accounts", "Accounts"),
    ("health", "Health"),
)


def settings_screen(template: str, tab: str, values: dict[str, Any], title: str = "") -> Screen:
    """Return a screen below Settings."""
    words = title or dict(_TABS)[tab]
    shared = {"tab": tab, "settings_tabs": _TABS, "trouble": ""}
    return Screen(template, {**shared, **values}, f"{words} · Settings", here="settings")


async def home(board: Board, visit: Visit) -> Response:
    """Lead to the first tab."""
    del board, visit
    return RedirectResponse("/settings/repositories", 303)


async def show_repositories(board: Board, visit: Visit) -> Screen:
    """Show repositories with their state, and credentials for many."""
    user, trouble = visit.caller.username, ""
    trees: list[Tree] = []
    creds: list[Tree] = []
    try:
        trees = await repositories.permitted(visit, patience_s=_PATIENCE_S)
        found = await board.services.queries.answer(ListRepoCreds(), user)
        creds = [one for one in found if visit.may("repositories", "get", one["url"])]
    except HoldfastError as error:
        trouble = error.message
    uses = await _uses(board)
    views = [
        repository_of(
            tree,
            uses[_bare(tree["repo"])],
            may_delete=visit.may("repositories", "delete", _object(tree)),
        )
        for tree in trees
    ]
    values = {
        "repositories": views,
        "creds": [(one, visit.may("repositories", "delete", one["url"])) for one in creds],
        "trouble": trouble,
        "may_create": visit.may("repositories", "create", "*"),
        "projects": _projects_to_add_to(board, visit),
        "adds": visit.request.query_params.get("add", ""),
    }
    return settings_screen("settings_repositories.html", "repositories", values)


def _object(tree: Tree) -> str:
    return repositories.rbac_object(str(tree["repo"]), str(tree.get("project") or ""))


def _projects_to_add_to(board: Board, visit: Visit) -> list[str]:
    names = [str(tree["metadata"]["name"]) for tree in board.services.applications.projects()]
    return [name for name in names if visit.may("repositories", "create", f"{name}/*")]


async def _uses(board: Board) -> Counter[str]:
    """Return how many Applications read from each repository."""
    counts: Counter[str] = Counter()
    async for tree in board.services.applications.each():
        spec = tree.get("spec") or {}
        sources = spec.get("sources") or [spec.get("source") or {}]
        counts.update({_bare(str(one.get("repoURL") or "")) for one in sources})
    return counts


def _bare(url: str) -> str:
    return url.strip().lower().removeprefix("file://").rstrip("/").removesuffix(".git")


async def show_clusters(board: Board, visit: Visit) -> Screen:
    """Show the own cluster and those that are kept."""
    del board
    trouble, trees = "", []
    try:
        trees = await clusters.permitted(visit, _PATIENCE_S)
    except HoldfastError as error:
        trouble = error.message
    views = [
        cluster_of(
            tree, may_delete=visit.may(clusters.CLUSTERS, "delete", clusters.rbac_object(tree))
        )
        for tree in trees
    ]
    may_create = visit.may(clusters.CLUSTERS, "create", "*")
    values = {"clusters": views, "trouble": trouble, "may_create": may_create}
    return settings_screen("settings_clusters.html", "clusters", values)


async def show_accounts(board: Board, visit: Visit) -> Screen:
    """Show local accounts, as far as they may be seen; one's own always."""
    keeping, caller = board.services.accounts, visit.caller
    views = []
    for account in keeping.all() if keeping is not None else ():
        is_self = caller.issuer == "argocd" and caller.subject == account.name
        if is_self or visit.may("accounts", "get", account.name):
            may_change = is_self or visit.may("accounts", "update", account.name)
            views.append(account_of(account, board.now, may_change=may_change, is_self=is_self))
    query = visit.request.query_params
    values = {
        "accounts": views,
        "is_kept": keeping is not None,
        "changes": query.get("password", ""),
        "makes": query.get("token", ""),
        "has_provider": bool(
            board.services.settings.text("oidc.config")
            or board.services.settings.text("dex.config")
        ),
    }
    return settings_screen("settings_accounts.html", "accounts", values)


async def show_health(board: Board, visit: Visit) -> Screen:
    """Show how Holdfast itself does, and what is paused."""
    services, trouble = board.services, ""
    status: Tree = {}
    try:
        status = await services.queries.answer(GetStatus(), visit.caller.username)
    except HoldfastError as error:
        trouble = error.message
    numbers = await services.health.read() if services.health is not None else None
    views = {view.id: view for view in board.views(visit)}
    sees_all = visit.may("applications", "get", "*/*")
    pauses = [
        pause
        for pause in await board.pauses()
        if sees_all or any(board.holds(pause, view) for view in views.values())
    ]
    values = {
        "status": status,
        "trouble": trouble,
        "numbers": numbers,
        "is_beside": services.health is not None,
        "silent_s": _SILENT_S,
        "errors": [one for one in status.get("lastErrors") or () if one.get("app") in views],
        "views": views,
        "pauses": pauses,
        "started": services.facts.started_at,
        "server": services.facts.cluster_server,
    }
    return settings_screen("settings_health.html", "health", values)
