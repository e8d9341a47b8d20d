"""Long streams end when their reader loses the right to them (DESIGN §8.7).

At each word of `News` (a token revoked, a policy or an account changed) and when the token expires,
the token is asked about again, and so is every right that the handler asked for before the stream
began. What a stream asks for each item is its own business.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

from holdfast.api.call import Call
from holdfast.api.failures import ApiError, denied, unauthenticated
from holdfast.api.news import News


def demand_standing(call: Call[Any, Any]) -> None:
    """Refuse a caller whose token or rights are gone since the stream began.

    Raises:
        ApiError: 401 or 403.
    """
    if not call.services.sign_in.is_still_good(call.caller):
        raise unauthenticated("the session has ended")
    if call.caller.is_trusted:
        return
    allows = call.services.roles.allows
    if not all(allows(call.caller, *right) for right in call.granted):
        raise denied()


async def guarded(
    items: AsyncIterator[Any], check: Callable[[], None], news: News, seconds: float | None
) -> AsyncGenerator[Any, None]:
    """Yield the items for as long as `check` raises nothing.

    Args:
        items: The stream; it is closed at the end.
        check: Raises `ApiError` when the reader may read no more.
        news: When to check.
        seconds: How long the token lasts, None for ever.

    Raises:
        ApiError: as `check`.
    """
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + seconds if seconds is not None else None
    refusals: list[ApiError] = []
    waiting: list[asyncio.Timeout] = []

    def look() -> None:
        try:
            check()
        except ApiError as error:
            refusals.append(error)
            for scope in waiting:
                scope.reschedule(loop.time())

    stop = news.listen(look)
    try:
        while True:
            if refusals:
                raise refusals[0]
            scope = asyncio.timeout_at(ends_at)
            waiting[:] = [scope]
            try:
                async with scope:
                    item = await anext(items)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if not scope.expired():
                    raise
                raise (refusals or [unauthenticated("the session has ended")])[0] from None
            finally:
                waiting.clear()
            yield item
    finally:
        stop()
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()
