"""`…/sync`: revision, options, objects, and what would change."""

from holdfast.api.page.board import Board, Visit
from holdfast.api.page.object_view import objects_of
from holdfast.api.page.screen import Screen
from holdfast.api.page.screens.frame import frame_of, screen
from holdfast.api.page.screens.preview import changes
from holdfast.domain.application import Application
from holdfast.domain.manifest import Manifest

_LONGEST_REVISION = 300
OPTIONS = (
    ("CreateNamespace=true", "Create the namespace", "when it is not there"),
    ("ApplyOutOfSyncOnly=true", "Only what differs", "objects in sync are not applied again"),
    ("PruneLast=true", "Prune last", "after everything else is healthy"),
    ("RespectIgnoreDifferences=true", "Keep ignored fields", "as they are in the cluster"),
    ("ServerSideApply=true", "Server-side apply", "as Holdfast does anyway"),
    ("Validate=false", "Skip validation", "let the server drop what it does not know"),
    ("Replace=true", "Replace", "delete and create what cannot be changed"),
)


async def show(board: Board, visit: Visit) -> Screen:
    """Show the panel; `preview` asks the API server what a sync would change."""
    tree, app, values = await frame_of(board, visit, "sync")
    query = visit.request.query_params
    revision = query.get("revision", "").strip()[:_LONGEST_REVISION]
    policy = Application.parse(Manifest(tree)).sync_policy
    values |= {
        "revision_wanted": revision,
        "options": OPTIONS,
        "set_options": policy.options,
        "objects": [item for item in objects_of(tree, ()) if not item.is_hook],
        "wants_preview": "preview" in query,
        "outcomes": {},
        "diffs": (),
        "trouble": "",
        "replace_allowed": board.services.settings.switch(
            "server.sync.replace.allowed", default=True
        ),
    }
    if "preview" in query:
        found, trouble = await changes(board, tree, app, (revision,) if revision else ())
        values |= {
            "diffs": found,
            "trouble": trouble,
            "outcomes": {one.id: one.outcome for one in found},
        }
    return screen("sync.html", app, values, "Sync")
