"""Time limits of commands that wait, streams that end with the command, and what silence means."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from holdfast.cli.command import Call
from holdfast.cli.session import Link
from holdfast.domain.errors import ClusterError, HoldfastError
from holdfast.domain.identity import AppKey
from holdfast.domain.queries import GetStatus

SILENCE_S = 5.0
"""After so long a person wonders whether anything will happen."""

T = TypeVar("T")


@asynccontextmanager
async def closing(values: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Close a stream in the end, however the loop over it is left."""
    try:
        yield values
    finally:
        close = getattr(values, "aclose", None)
        if close is not None:
            await close()


async def within(work: Awaitable[T], seconds: float, message: str) -> T:
    """Wait for work, at most so many seconds; 0 is for ever.

    Raises:
        ClusterError: HF2010 with the given message when the time is over.
    """
    try:
        async with asyncio.timeout(seconds or None):
            return await work
    except TimeoutError as error:
        raise ClusterError(
            "HF2010",
            message,
            hint="is the controller running? `holdfast status` tells; without one, nothing answers",
        ) from error


@asynccontextmanager
async def noticing_silence(call: Call, link: Link) -> AsyncIterator[None]:
    """Say once that nothing will come, when the wait is long and no controller runs."""

    async def notice() -> None:
        await asyncio.sleep(SILENCE_S)  # noqa: TID251 - a person's patience, in real time
        status = await link.queries.answer(GetStatus(), "")
        if not status.get("leader"):
            call.note(
                "nothing happens: no Holdfast controller runs in namespace "
                f"{status.get('namespace')}"
            )
            call.hint("`holdfast run` starts one; `holdfast status` tells who leads")

    silence = asyncio.ensure_future(notice())
    try:
        yield
    finally:
        silence.cancel()
        await asyncio.wait({silence})
        if not silence.cancelled() and silence.exception() is not None:
            call.note(f"the state of the controller is not known: {silence.exception()}")


async def explain_silence(link: Link, asked: AppKey | None = None) -> str:
    """Return a hint when no controller runs, `""` when one does or nobody can tell.

    Args:
        link: To the cluster.
        asked: The Application of which an operation was asked for: that stays asked for.
    """
    try:
        status = await link.queries.answer(GetStatus(), "")
    except HoldfastError:
        return ""
    if status.get("leader"):
        return ""
    stays = f", and does this then; `holdfast app terminate-op {asked}` takes it back" * bool(asked)
    return (
        f"no Holdfast controller runs in namespace {status.get('namespace')}; "
        f"`holdfast run` starts one{stays}"
    )
