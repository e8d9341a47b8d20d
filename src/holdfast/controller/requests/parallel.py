"""Ask for many things, a few at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

AT_ONCE = 8
"""Requests in flight for one question: more would only queue at the API server."""

A = TypeVar("A")
B = TypeVar("B")


async def for_each(arguments: Iterable[A], ask: Callable[[A], Awaitable[B]]) -> list[B]:
    """Return the answers in the order of the arguments.

    Raises:
        Exception: the first failure, as it is; the other questions are dropped.
    """
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(argument: A) -> B:
        async with limit:
            return await ask(argument)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(argument)) for argument in arguments]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
