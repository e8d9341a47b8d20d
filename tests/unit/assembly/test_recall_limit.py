"""A slow journal costs a start one second and the memory of earlier heals, no more (C4)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from holdfast.assembly import journal
from holdfast.domain.errors import ConfigurationError
from tests.support.virtual_time import LoopClock, VirtualLoop

if TYPE_CHECKING:
    import pytest

    from holdfast.domain.journal import Episode, EpisodeFilter
    from holdfast.journal.writer import JournalWriter


EPISODE = cast("Episode", "an episode")


class Writer:
    """As much of a writer as a start asks for."""

    database = "sqlite://"
    source = "https://cluster argocd"


class SlowJournal:
    """Answers after a while, or not at all."""

    takes_s = 0.0
    error: Exception | None = None

    def __init__(self, _url: object) -> None:
        pass

    async def episodes(self, _wanted: EpisodeFilter) -> tuple[Episode, ...]:
        await LoopClock().sleep(self.takes_s)
        if self.error is not None:
            raise self.error
        return (EPISODE,)


def start(monkeypatch: pytest.MonkeyPatch, takes_s: float) -> tuple[tuple[Episode, ...], float]:
    """Returns what is recalled, and how long the start waited for it."""
    monkeypatch.setattr(SlowJournal, "takes_s", takes_s)
    monkeypatch.setattr(journal, "Journal", SlowJournal)

    async def recall() -> tuple[tuple[Episode, ...], float]:
        clock = LoopClock()
        began_s = clock.monotonic()
        found = await journal.recent_episodes(cast("JournalWriter", Writer()), clock)
        return found, clock.monotonic() - began_s

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(recall())


def test_a_start_waits_a_second_for_a_journal_and_no_longer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found, waited_s = start(monkeypatch, takes_s=3600.0)
    assert found == ()
    assert 0.999 < waited_s < 1.001
    assert "the journal was not read within 1 s: heals are paced anew" in caplog.messages


def test_what_a_journal_says_within_the_second_is_recalled(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found, waited_s = start(monkeypatch, takes_s=0.9)
    assert found == (EPISODE,)
    assert 0.899 < waited_s < 0.901
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_broken_journal_costs_a_start_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SlowJournal, "error", ConfigurationError("HF3012", "it is no journal"))
    assert start(monkeypatch, takes_s=0.0) == ((), 0.0)
