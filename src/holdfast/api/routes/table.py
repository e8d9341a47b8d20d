"""All rows of the API."""

from functools import cache

from holdfast.api.routes import (
    account,
    application_sets,
    badge,
    certificates,
    clusters,
    project_tokens,
    projects,
    repocreds,
    repositories,
    session,
    settings,
    system,
    unbuilt,
    webhook,
)
from holdfast.api.routes.applications import (
    comparing,
    details,
    logs,
    operations,
    reading,
    resources,
    watching,
    writing,
)
from holdfast.api.routes.ours import applications as our_applications
from holdfast.api.routes.ours import drift, pauses
from holdfast.api.routes.system import document_route
from holdfast.api.table import Route, Table

_MODULES = (
    reading,
    comparing,
    writing,
    operations,
    watching,
    resources,
    details,
    logs,
    our_applications,
    drift,
    pauses,
    projects,
    project_tokens,
    clusters,
    repositories,
    repocreds,
    certificates,
    webhook,
    badge,
    session,
    account,
    settings,
    application_sets,
    unbuilt,
    system,
)


@cache
def all_routes() -> tuple[Route, ...]:
    """Return every row, the document of all of them included: made once, it takes 0.1 s."""
    rows: list[Route] = [row for module in _MODULES for row in module.ROUTES]
    return (*rows, document_route(Table(rows)))
