"""Compare given manifests with what is live, by the API server's dry run (api.md §1.6.10)."""

import orjson

from holdfast.api.applications import demand_application, key_of, which
from holdfast.api.call import Call
from holdfast.api.failures import invalid
from holdfast.api.models.applications import DiffQuery, ServerSideDiff
from holdfast.api.routes.applications.reading import as_text
from holdfast.api.table import Route
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.queries import CompareManifests, ManagedResources, Query

_MOST_MANIFESTS = 500


async def _diff(call: Call[DiffQuery, None]) -> JSON:
    tree = await demand_application(call, "get", which(call, call.query))
    app = key_of(tree)
    given = call.query.target_manifests
    question: Query = ManagedResources(app)
    if given:
        question = CompareManifests(app, tuple(_parsed(given)))
    records = await call.services.queries.answer(question, call.caller.username)
    items = [as_text(item) for item in records if not item["hook"]]
    return {"items": items, "modified": any(item["modified"] for item in items)}


def _parsed(texts: tuple[str, ...]) -> list[Tree]:
    if len(texts) > _MOST_MANIFESTS:
        raise invalid(f"targetManifests: give at most {_MOST_MANIFESTS}")
    found = []
    for text in texts:
        try:
            tree = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise invalid(f"targetManifests: {error}") from error
        if not isinstance(tree, dict):
            raise invalid("targetManifests: each is one object as JSON")
        found.append(tree)
    return found


ROUTES = (
    Route("GET", "/api/v1/applications/{name}/server-side-diff", _diff,
          "What manifests would change; without any, what git declares would.",
          query=DiffQuery, answer=ServerSideDiff),
)  # fmt: skip
