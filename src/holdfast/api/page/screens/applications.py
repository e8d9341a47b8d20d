"""`/applications`: all of them, as tiles or as a list."""

from holdfast.api.page.board import Board, Visit
from holdfast.api.page.catalogue import PAGE_SIZES, SORTS, Wish, list_items
from holdfast.api.page.screen import Screen


async def show(board: Board, visit: Visit) -> Screen:
    """Show the Applications that the query of the URL wants."""
    query = visit.request.query_params
    wish = Wish.parse({name: query.getlist(name) for name in query})
    listing = list_items(await board.items(visit), wish)
    values = {
        "listing": listing,
        "wish": listing.wish,
        "sorts": SORTS,
        "sizes": PAGE_SIZES,
        "may_sync": any(item.may_sync for item in listing.items),
    }
    return Screen("applications.html", values, "Applications", here="applications")
