"""`/api/badge`: health and sync of an Application as a picture (api.md §1.7)."""

import re
from xml.sax.saxutils import escape

from pydantic import Field
from starlette.responses import PlainTextResponse, Response

from holdfast.api.applications import key_of, project_of
from holdfast.api.call import Call
from holdfast.api.models.base import Shape, Switch
from holdfast.api.table import Needs, Route
from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import Tree

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_COLOURS = {
    "Healthy": "rgb(11,97,42)",
    "Synced": "rgb(11,97,42)",
    "Progressing": "rgb(16,61,102)",
    "Degraded": "rgb(167,46,38)",
    "OutOfSync": "rgb(189,115,0)",
    "Suspended": "rgb(41,52,61)",
}
_UNKNOWN = "rgb(115,31,77)"
_PLAIN, _WITH_REVISION, _WITH_WHOLE_REVISION, _HEIGHT = 131, 192, 400, 20
_HEADERS = {"Cache-Control": "private, no-store", "Access-Control-Allow-Origin": "*"}
_WORST = ("Unknown", "Missing", "Degraded", "Progressing", "Suspended", "Healthy")


class BadgeQuery(Shape):
    """What the picture shows."""

    name: str = ""
    namespace: str = ""
    project: tuple[str, ...] = ()
    revision: Switch = False
    keep_full_revision: Switch = Field(False, alias="keepFullRevision")
    show_app_name: Switch = Field(False, alias="showAppName")
    width: int = Field(0, ge=0, le=2000)


async def _badge(call: Call[BadgeQuery, None]) -> Response:
    query = call.query
    if any(text and not _NAME.fullmatch(text) for text in (query.name, query.namespace)):
        return PlainTextResponse("name and namespace must be names of Kubernetes\n", 400)
    if any(not _NAME.fullmatch(text) for text in query.project):
        return PlainTextResponse("a project must be a name of Kubernetes\n", 400)
    health, sync, revision = "Unknown", "Unknown", ""
    if call.services.settings.switch("statusbadge.enabled"):
        trees = await _chosen(call)
        if not trees:
            health, sync = "Not Found", ""
        else:
            health, sync = _worst(trees)
            revision = _revision(trees[0], query) if query.name else ""
    title = query.name if query.show_app_name else ""
    content = _draw(health, sync, revision, title, query)
    return Response(content, media_type="image/svg+xml", headers=_HEADERS)


async def _chosen(call: Call[BadgeQuery, None]) -> list[Tree]:
    query, live = call.query, call.services.applications
    if query.name:
        namespace = query.namespace or call.services.facts.control_namespace
        found = live.find(AppKey(namespace, query.name))
        return [found] if found is not None else []
    return [
        tree
        async for tree in live.each()
        if project_of(tree) in query.project
        and (not query.namespace or key_of(tree).namespace == query.namespace)
    ]


def _worst(trees: list[Tree]) -> tuple[str, str]:
    healths, syncs = set(), set()
    for tree in trees:
        status = tree.get("status") or {}
        healths.add(str((status.get("health") or {}).get("status") or "Unknown"))
        syncs.add(str((status.get("sync") or {}).get("status") or "Unknown"))
    health = next((name for name in _WORST if name in healths), "Unknown")
    sync = next((name for name in ("Unknown", "OutOfSync", "Synced") if name in syncs), "Unknown")
    return health, sync


def _revision(tree: Tree, query: BadgeQuery) -> str:
    if not query.revision:
        return ""
    found = str(((tree.get("status") or {}).get("sync") or {}).get("revision") or "")
    return found if query.keep_full_revision else found[:7]


def _draw(health: str, sync: str, revision: str, title: str, query: BadgeQuery) -> str:
    width = _PLAIN
    if revision:
        width = _WITH_WHOLE_REVISION if query.keep_full_revision else _WITH_REVISION
    width = query.width or width
    parts = [(health, _COLOURS.get(health, _UNKNOWN)), (sync, _COLOURS.get(sync, _UNKNOWN))]
    if revision:
        parts.append((revision, "rgb(41,52,61)"))
    parts = [part for part in parts if part[0]]
    each = width / len(parts)
    top = _HEIGHT if title else 0
    drawn = [f'<text x="4" y="14" fill="#333">{escape(title)}</text>'] if title else []
    for number, (text, colour) in enumerate(parts):
        left, middle = number * each, (number + 0.5) * each
        drawn.append(
            f'<rect x="{left:g}" y="{top}" width="{each:g}" height="{_HEIGHT}" fill="{colour}"/>'
            f'<text x="{middle:g}" y="{top + 14}" fill="#fff" text-anchor="middle">'
            f"{escape(text)}</text>"
        )
    words = escape(", ".join(text for text, _ in parts), {'"': "&quot;"})
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top + _HEIGHT}" '
        f'role="img" aria-label="{words}" font-family="Verdana,sans-serif" font-size="11">'
        f"{''.join(drawn)}</svg>"
    )


ROUTES = (
    Route("GET", "/api/badge", _badge, "Health and sync as a picture.",
          query=BadgeQuery, needs=Needs.NOTHING),
)  # fmt: skip
