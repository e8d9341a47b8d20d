"""`/applications`: all of them, as tiles or as a list."""

from dataclasses import replace

from holdfast.api.page.board import Board, Visit
from holdfast.api.page.catalogue import PAGE_SIZES, SORTS, Wish, list_items
from holdfast.api.page.create_trial import projects_to_create_in
from holdfast.api.page.screen import Screen


async def show(board: Board, visit: Visit) -> Screen:
    """Show the Applications that the query of the URL wants."""
    query = visit.request.query_params
    wish = Wish.parse({name: query.getlist(name) for name in query})
    listing = list_items(await board.items(visit), wish)
    shown = [replace(item, may_sync=board.may_sync(visit, item.app)) for item in listing.items]
    values = {
        "listing": replace(listing, items=tuple(shown)),
        "wish": listing.wish,
        "sorts": SORTS,
        "sizes": PAGE_SIZES,
        "may_create": bool(projects_to_create_in(board, visit)),
        "may_sync": any(item.may_sync for item in shown),
    }
    return Screen("applications.html", values, "Applications", here="applications")
