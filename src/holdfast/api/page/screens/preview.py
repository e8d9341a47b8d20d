"""What a sync or a rollback would change: the API server's own dry run, as lines."""

import asyncio

from holdfast.api.page.app_view import AppView
from holdfast.api.page.board import Board
from holdfast.api.page.diff_view import ObjectDiff, diffs_of
from holdfast.domain.application import Application
from holdfast.domain.errors import HoldfastError
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.queries import ManagedResources


async def changes(
    board: Board, tree: Tree, app: AppView, revisions: tuple[str, ...] = (), *, whole: bool = False
) -> tuple[tuple[ObjectDiff, ...], str]:
    """Return what would change at a revision, and why that cannot be said.

    Args:
        board: For questions.
        tree: The Application object.
        app: Its view.
        revisions: One for each source; empty for the target revisions.
        whole: With all lines, the same ones included.
    """
    asked = revisions if len(revisions) > 1 else ()
    query = ManagedResources(app.key, "".join(revisions[:1]) if not asked else "", revisions=asked)
    try:
        records = await board.services.queries.answer(query, "")
    except HoldfastError as error:
        return (), f"{error.message}. {error.hint}" if error.hint else error.message
    rules = Application.parse(Manifest(tree)).ignore_rules
    return await asyncio.to_thread(diffs_of, records, rules, whole=whole), ""
