"""All screens: which path shows what, as rows of the API's own kind of table."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from starlette.responses import RedirectResponse, Response

from holdfast.api.call import Stream
from holdfast.api.page.board import Board, Visit
from holdfast.api.page.live import Live
from holdfast.api.page.look import segment
from holdfast.api.page.screens import (
    acts,
    application,
    applications,
    certificates,
    create,
    diff,
    drift,
    edit,
    events,
    history,
    object_edit,
    parameters,
    pauses,
    project_edit,
    settings,
    settings_projects,
    sign_in,
    sync,
)
from holdfast.api.page.screens import object as one_object
from holdfast.api.table import Needs, Route

_APP = "/applications/{namespace}/{name}"


def rows(board: Board, live: Live) -> Iterable[Route]:
    """Return every row of the page."""

    def get(path: str, show: Any, needs: Needs = Needs.SIGN_IN) -> Route:
        return Route("GET", path, partial(show, board), "", needs=needs)

    async def follow(visit: Visit) -> Stream:
        return Stream(live.follow(visit), wrapped=False)

    return (
        get("/", _home),
        Route("GET", "/live", follow, ""),
        get("/login", sign_in.show, Needs.NOTHING),
        get("/applications", applications.show),
        get("/applications/new", create.show),
        Route("POST", "/applications/new", partial(create.submit, board), ""),
        get("/applications/{name}", _in_control_namespace),
        get(_APP, application.show),
        get(f"{_APP}/edit", edit.show),
        Route("POST", f"{_APP}/edit", partial(edit.submit, board), ""),
        get(f"{_APP}/object", one_object.show),
        Route("POST", f"{_APP}/object", partial(object_edit.submit, board), ""),
        get(f"{_APP}/parameters", parameters.show),
        Route("POST", f"{_APP}/parameters", partial(parameters.submit, board), ""),
        get(f"{_APP}/diff", diff.show),
        get(f"{_APP}/history", history.show),
        get(f"{_APP}/sync", sync.show),
        get(f"{_APP}/drift", drift.show),
        get(f"{_APP}/pause", pauses.show),
        get(f"{_APP}/events", events.show),
        get("/drift", drift.show_all),
        get("/pauses", pauses.show_all),
        get("/settings", settings.home),
        get("/settings/repositories", settings.show_repositories),
        get("/settings/clusters", settings.show_clusters),
        get("/settings/accounts", settings.show_accounts),
        get("/settings/health", settings.show_health),
        get("/settings/projects", settings_projects.show_all),
        get("/settings/projects/{name}", settings_projects.show_one),
        get("/settings/projects/{name}/{part}", project_edit.show),
        Route("POST", "/settings/projects/{name}/{part}", partial(project_edit.submit, board), ""),
        get("/settings/new-project", project_edit.show_new),
        Route("POST", "/settings/new-project", partial(project_edit.create, board), ""),
        get("/settings/certificates", certificates.show),
        Route("POST", "/settings/certificates", partial(certificates.submit, board), ""),
        Route("POST", f"{_APP}/pause", partial(acts.pause, board), ""),
        Route("POST", f"{_APP}/adopt", partial(acts.adopt, board), ""),
        Route("DELETE", "/pauses/{id}", partial(acts.resume, board), ""),
    )


async def _home(board: Board, visit: Visit) -> Response:
    del board, visit
    return RedirectResponse("/applications", 303)


async def _in_control_namespace(board: Board, visit: Visit) -> Response:
    namespace, name = board.services.facts.control_namespace, visit.path["name"]
    return RedirectResponse(f"/applications/{segment(namespace)}/{segment(name)}", 303)
