"""What is known of how repositories answer: believed for a while, and never waited for too long."""

from __future__ import annotations

import asyncio

from holdfast.controller.requests.connection_states import BELIEVED_S, ConnectionStates
from holdfast.domain.errors import RepositoryError
from tests.support.fakes import FakeClock


class Remote:
    """A repository that answers when it is let; `tried` counts."""

    def __init__(self) -> None:
        self.tried = 0
        self.answers = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> str:
        self.tried += 1
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        return "v1"


async def test_what_takes_too_long_goes_on_and_is_known_later() -> None:
    states, remote = ConnectionStates(FakeClock()), Remote()
    first = await states.look({"a": remote}, refresh=False, patience_s=0.01)
    assert first["a"].status == "Unknown"
    again = await states.look({"a": remote}, refresh=True, patience_s=0.01)
    assert (again["a"].status, remote.tried) == ("Unknown", 1)  # it is tried once at a time
    remote.answers.set()
    known = await states.look({"a": remote}, refresh=False, patience_s=None)
    assert (known["a"].status, known["a"].detail, remote.tried) == ("Successful", "v1", 1)


async def test_nothing_is_tried_without_patience() -> None:
    states, remote = ConnectionStates(FakeClock()), Remote()
    found = await states.look({"a": remote}, refresh=False, patience_s=0)
    assert (found["a"].message, remote.tried) == ("not tried yet", 0)


async def test_trouble_is_believed_for_a_shorter_time_than_a_success() -> None:
    clock = FakeClock()
    states, remote = ConnectionStates(clock), Remote()
    remote.answers.set()
    remote.error = RepositoryError("HF1001", "no way in", hint="look at the credentials")

    async def look() -> str:
        found = await states.look({"a": remote}, refresh=False, patience_s=None)
        return f"{found['a'].status} {found['a'].message} {remote.tried}"

    assert await look() == "Failed no way in. Look at the credentials 1"
    assert (await look()).endswith(" 1")
    clock.move(31)
    remote.error = None
    assert await look() == "Successful  2"
    clock.move(BELIEVED_S - 1)
    assert await look() == "Successful  2"
    clock.move(2)
    assert await look() == "Successful  3"
