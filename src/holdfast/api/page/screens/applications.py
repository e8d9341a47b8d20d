"""`/applications`: all of them, as tiles or as a list."""

import asyncio
from dataclasses import replace

from holdfast.api.page.board import Board, Visit
from holdfast.api.page.catalogue import PAGE_SIZES, SORTS, Wish, list_items
from holdfast.api.page.create_trial import projects_to_create_in
from holdfast.api.page.screen import Screen

# So many cost half of what the loop may be held, 10 ms: to choose among, and to draw.
_MANY, _DRAWN_AT_ONCE = 100, 30


async def show(board: Board, visit: Visit) -> Screen:
    """Show the Applications that the query of the URL wants."""
    query = visit.request.query_params
    wish = Wish.parse({name: query.getlist(name) for name in query})
    items = await board.items(visit)
    if len(items) > _MANY:
        listing = await asyncio.to_thread(list_items, items, wish)
    else:
        listing = list_items(items, wish)
    shown = [replace(item, may_sync=board.may_sync(visit, item.app)) for item in listing.items]
    values = {
        "listing": replace(listing, items=tuple(shown)),
        "wish": listing.wish,
        "sorts": SORTS,
        "sizes": PAGE_SIZES,
        "may_create": bool(projects_to_create_in(board, visit)),
        "may_sync": any(item.may_sync for item in shown),
    }
    is_large = len(shown) > _DRAWN_AT_ONCE
    return Screen(
        "applications.html", values, "Applications", here="applications", is_large=is_large
    )
