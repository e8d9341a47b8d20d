"""What the journal promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, text

from holdfast.domain.audit import DriftAttributed
from holdfast.domain.drift import Difference
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.events import Closing, Outcome
from holdfast.domain.identity import AppKey
from holdfast.domain.journal import EpisodeFilter
from holdfast.journal.engines import parse_dsn, writing_engine
from holdfast.journal.migrations import ALL, migrate, version_of
from holdfast.journal.reading import Journal
from holdfast.journal.retention import Retention, forget
from holdfast.journal.tables import METADATA
from holdfast.journal.writer import JournalWriter, WriterSettings
from holdfast.kit.masking import SECRET as MASK
from tests.support import happenings as h
from tests.support.postgres import Postgres, find_programs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import URL

    from holdfast.domain.events import Happening
    from holdfast.domain.journal import DriftStats, Episode

LATER = h.NOON + timedelta(hours=1)
QUICK = WriterSettings(gather_s=0.0, retry_s=0.01)
# Long retention: what is written here is of another year than the clock.
LONG = replace(QUICK, retention=Retention(age=timedelta(days=36500)))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    programs = find_programs()
    if programs is None:
        pytest.skip(
            "PostgreSQL is not installed (initdb, pg_ctl, postgres): its journal was not tested"
        )
    server = Postgres.start(programs)
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    if request.param == "sqlite":
        return parse_dsn(str(tmp_path / "new" / "journal.db"))
    return parse_dsn(request.getfixturevalue("postgres").new_database())


@contextmanager
def writing(
    url: URL, source: str = "https://one argocd", settings: WriterSettings = QUICK
) -> Iterator[JournalWriter]:
    writer = JournalWriter(url, source, lambda: datetime.now(UTC), settings)
    writer.start()
    try:
        yield writer
    finally:
        writer.stop(20)


class Reading:
    """Asks a journal and waits for the answer."""

    def __init__(self, url: URL) -> None:
        self._journal = Journal(url)

    def episodes(self, wanted: EpisodeFilter) -> tuple[Episode, ...]:
        return asyncio.run(self._journal.episodes(wanted))

    def episode(self, episode_id: str) -> Episode:
        return asyncio.run(self._journal.episode(episode_id))

    def stats(self, since: datetime | None) -> DriftStats:
        return asyncio.run(self._journal.stats(since))


def write(url: URL, happenings: Iterable[Happening], source: str = "https://one argocd") -> None:
    with writing(url, source, LONG) as writer:
        for happening in happenings:
            writer.take(happening)
        assert writer.flush(20)
        assert writer.dropped == 0


def test_an_episode_is_read_as_it_was_told(url: URL) -> None:
    episode = h.new_id()
    write(
        url,
        [
            h.opened(episode),
            h.decided(episode, "hold", "paused", "paused by ann: INC-1"),
            h.decided(episode, "heal", ""),
            h.healed(episode, seconds=0.0125, at=LATER),
            h.closed(episode, at=LATER),
        ],
    )
    found = Reading(url).episode(episode)
    assert found.app == h.WEB
    assert found.key == h.DEPLOYMENT
    assert (found.what, found.managers, found.who) == ("changed", ("kubectl-edit",), "kubectl-edit")
    assert [change.to_tree() for change in found.changes] == [
        {
            "path": "spec.replicas",
            "before": 2,
            "after": 5,
            "managers": ["kubectl-edit"],
            "owners": [
                {
                    "manager": "kubectl-edit",
                    "operation": "Update",
                    "time": "2026-01-02T12:00:00Z",
                    "subresource": "",
                }
            ],
        }
    ]
    assert (found.detected_at, found.closed_at) == (h.NOON, LATER)
    assert [(d.decision, d.reason) for d in found.decisions] == [("hold", "paused"), ("heal", "")]
    assert found.took_s == pytest.approx(0.0125)
    assert (found.state, found.is_open) == ("healed", False)
    json.dumps(found.to_tree())


def test_who_is_unknown_when_no_manager_can_be_named(url: URL) -> None:
    """apply.md B2: a removed field and a deletion leave nobody's name."""
    removed, deleted = h.new_id(), h.new_id()
    write(
        url,
        [
            h.opened(removed, h.drift(Difference("metadata.labels.tier", "web", None))),
            h.opened(deleted, h.drift()),
        ],
    )
    found = Reading(url).episodes(EpisodeFilter())
    assert {episode.who for episode in found} == {"unknown"}


def test_an_open_episode_says_why_nothing_was_done(url: URL) -> None:
    held, refused = h.new_id(), h.new_id()
    write(
        url,
        [
            h.opened(held),
            h.decided(held, "hold", "paused", "until noon"),
            h.opened(refused),
            h.healed(refused, outcome=Outcome.REFUSED, message="HF2013 no"),
        ],
    )
    found = {e.id: e for e in Reading(url).episodes(EpisodeFilter(open_only=True))}
    assert found[held].state == "paused"
    assert found[refused].state == "refused"
    assert found[refused].took_s is None


def test_episodes_are_chosen_by_application_time_and_state(url: URL) -> None:
    old, new, other = h.new_id(), h.new_id(), h.new_id()
    write(
        url,
        [
            *h.whole(old, at=h.NOON - timedelta(days=1)),
            h.opened(new),
            h.opened(other, app=AppKey("team-b", "web")),
        ],
    )

    def ids(**wanted: object) -> set[str]:
        return {e.id for e in Reading(url).episodes(EpisodeFilter(**wanted))}  # type: ignore[arg-type]

    assert ids() == {old, new, other}
    assert ids(app="web") == {old, new, other}
    assert ids(app="team-b/web") == {other}
    assert ids(app="argocd/web", open_only=True) == {new}
    assert ids(since=h.NOON - timedelta(hours=1), app="argocd/web") == {new}
    assert ids(app="shop") == set()
    assert [e.id for e in Reading(url).episodes(EpisodeFilter(limit=1))] != [old]


def test_the_first_digits_of_an_id_are_enough_when_they_are_its_own(url: URL) -> None:
    one, two = "ab" * 8, "ac" * 8
    write(url, [h.opened(one), h.opened(two)])
    assert (Reading(url).episode("ab")).id == one
    with pytest.raises(ConfigurationError, match="several drifts"):
        Reading(url).episode("a")
    for nonsense in ("ff", "%", "x' OR 1=1"):
        with pytest.raises(ConfigurationError, match="no drift has an id"):
            Reading(url).episode(nonsense)


def test_statistics_count_what_happened(url: URL) -> None:
    first, second, third = h.new_id(), h.new_id(), h.new_id()
    write(
        url,
        [
            *h.whole(first, seconds=0.004),
            *h.whole(second, seconds=0.020),
            h.opened(third, h.drift()),
            h.decided(third, "hold", "self-heal-off"),
            h.synced(),
            h.synced(at=h.NOON - timedelta(days=3)),
        ],
    )
    stats = Reading(url).stats(h.NOON - timedelta(hours=1))
    assert (stats.episodes, stats.open, stats.heals, stats.syncs) == (3, 1, 2, 1)
    assert stats.by_state == {"healed": 2, "self-heal-off": 1}
    assert stats.by_what == {"changed": 2, "missing": 1}
    assert stats.by_manager == {"kubectl-edit": 2, "unknown": 1}
    assert stats.by_app == {"argocd/web": 3}
    assert stats.heal_ms["max"] == pytest.approx(20.0)


def test_no_value_of_a_secret_is_written_not_even_its_hash(url: URL) -> None:
    token = "hmac-sha256:" + "a1" * 32
    episode = h.new_id()
    seen = h.drift(Difference("data.password", token, "hmac-sha256:" + "b2" * 32), key=h.SECRET)
    write(
        url,
        [
            h.opened(episode, seen),
            h.opened(
                h.new_id(),
                h.drift(
                    Difference(
                        'spec.template.spec.containers[name="web"].env[name="DB_PASSWORD"].value',
                        "hunter-two",
                        "hunter-three",
                    ),
                    Difference("spec.template.spec.containers", None, [
                        {"name": "web", "env": [{"name": "API_TOKEN", "value": "hunter-two"}]}
                    ]),
                    Difference("data.url", None, "https://ann:hunter-two@example.com"),
                ),
            ),
        ],
    )  # fmt: skip
    found = Reading(url).episode(episode)
    assert (found.changes[0].before, found.changes[0].after) == (MASK, MASK)
    engine = writing_engine(url)
    with engine.connect() as connection:
        everything = [
            str(connection.execute(table.select()).all()) for table in METADATA.tables.values()
        ]
    engine.dispose()
    assert "hunter" not in "".join(everything)
    assert "hmac" not in "".join(everything)


def test_what_was_open_when_holdfast_stopped_is_over_when_it_begins_again(url: URL) -> None:
    mine, another = h.new_id(), h.new_id()
    write(url, [h.opened(another)], source="https://two argocd")
    write(url, [h.opened(mine)])
    with writing(url) as writer:
        writer.resume()
        writer.take(h.synced())
        assert writer.flush(20)
    assert (Reading(url).episode(mine)).closing == Closing.INTERRUPTED
    assert (Reading(url).episode(another)).is_open


def test_what_is_too_old_is_forgotten_with_all_that_belongs_to_it(url: URL) -> None:
    old, young, still_open = h.new_id(), h.new_id(), h.new_id()
    long_ago = h.NOON - timedelta(days=100)
    write(
        url,
        [
            *h.whole(old, at=long_ago),
            h.decided(old, "heal", "", at=long_ago),
            h.synced(at=long_ago),
            h.synced(),
            *h.whole(young),
            h.opened(still_open, at=long_ago),
        ],
    )
    engine = writing_engine(url)
    gone = sum(forget(engine, Retention(age=timedelta(days=90)), h.NOON))
    engine.dispose()
    assert gone == 5
    assert {e.id for e in Reading(url).episodes(EpisodeFilter())} == {young, still_open}
    assert (Reading(url).stats(None)).syncs == 1


def test_what_is_too_much_is_forgotten_oldest_first_in_small_transactions(url: URL) -> None:
    episodes = [h.new_id() for _ in range(1200)]
    write(
        url,
        [
            happening
            for place, episode in enumerate(episodes)
            for happening in h.whole(episode, at=h.NOON + timedelta(seconds=place))
        ],
    )
    engine = writing_engine(url)
    keep = Retention(age=timedelta(days=36500), max_bytes=200_000)
    steps = list(forget(engine, keep, h.NOON))
    engine.dispose()
    assert max(steps) <= 500
    left = Reading(url).episodes(EpisodeFilter(limit=10_000))
    assert 0 < len(left) < 1200
    assert {e.id for e in left} == set(episodes[-len(left) :])


def test_the_schema_is_made_once_and_a_newer_one_is_left_alone(url: URL) -> None:
    write(url, [])
    engine = writing_engine(url)
    with engine.begin() as connection:
        assert version_of(connection) == len(ALL)
        assert migrate(connection, h.NOON) == 0
        assert migrate(connection, h.NOON, (*ALL, lambda _connection: None)) == 1
    newer = f"has schema {len(ALL) + 1}"
    with engine.begin() as connection, pytest.raises(ConfigurationError, match=newer):
        migrate(connection, h.NOON)
    assert set(METADATA.tables) <= set(inspect(engine).get_table_names())
    engine.dispose()


def test_a_journal_of_the_first_schema_is_brought_up_to_date_and_keeps_its_rows(url: URL) -> None:
    """The tables as the first released step made them."""
    engine = writing_engine(url)
    place = url.database
    if place and url.drivername == "sqlite":
        Path(place).parent.mkdir(parents=True)
    with engine.begin() as connection:
        migrate(connection, h.NOON, ALL[:1])
        connection.execute(text("ALTER TABLE heals DROP COLUMN manifest"))
        connection.execute(text("ALTER TABLE heals DROP COLUMN step"))
        connection.execute(text("ALTER TABLE drifts DROP COLUMN object_version"))
        assert not inspect(connection).has_table("culprits")
        connection.execute(
            text(
                "INSERT INTO drifts VALUES ('00000000000000aa', 's', 'argocd', 'web', 'apps',"
                " 'Deployment', 'prod', 'web', 'u1', 'changed', :changes, '[]', :at)"
            ),
            {
                "changes": json.dumps(
                    [{"path": "spec.replicas", "before": 2, "after": 5, "managers": ["kubectl"]}]
                ),
                "at": "2026-01-02 12:00:00",
            },
        )
    engine.dispose()
    with pytest.raises(ConfigurationError, match="it has schema 1"):
        Reading(url).episode("aa")
    episode = h.new_id()
    write(url, h.whole(episode))
    assert Reading(url).episode(episode).heals[0].outcome == "healed"
    old = Reading(url).episode("00000000000000aa")
    assert old.changes[0].managers == ("kubectl",)
    assert old.changes[0].owners == ()


def test_who_made_a_drift_may_be_known_later(url: URL) -> None:
    episode, deleted = h.new_id(), h.new_id()
    write(url, [h.opened(episode), h.opened(deleted, h.drift())])
    assert Reading(url).episode(deleted).who == "unknown"
    with writing(url, settings=LONG) as writer:
        writer.attribute(DriftAttributed(episode, h.asked(), "resourceVersion"))
        writer.attribute(DriftAttributed(deleted, h.asked(impersonator="admin"), "uid"))
        assert writer.flush(20)
    assert Reading(url).episode(episode).who == "ann with kubectl-edit"
    found = Reading(url).episode(deleted)
    assert found.who == "ann (impersonated by admin)"
    assert found.to_tree()["culprit"] == {
        "user": "ann",
        "impersonatedBy": "admin",
        "userAgent": "kubectl/v1.36.3 (linux/amd64)",
        "sourceIP": "10.0.0.7",
        "verb": "delete",
        "subresource": "",
        "auditID": "a-1",
        "matchedBy": "uid",
        "at": "2026-01-02T12:00:00.000Z",
    }
    assert Reading(url).stats(None).by_user == {"ann": 1, "ann (impersonated by admin)": 1}


def test_drifts_whose_author_is_unknown_are_found_again_after_a_restart(url: URL) -> None:
    """For requests of the audit log that come later: who wrote that version, that uid."""
    edited, deleted = h.opened(h.new_id(), version=77), h.opened(h.new_id(), h.drift())
    known, old = h.opened(h.new_id()), h.opened(h.new_id(), at=h.NOON - timedelta(minutes=2))
    write(url, [edited, deleted, known, old])
    write(url, [h.opened(h.new_id())], source="https://two argocd")
    with writing(url, settings=LONG) as writer:
        writer.attribute(DriftAttributed(known.episode, h.asked(), "resourceVersion"))
        assert writer.flush(20)
    since = h.NOON - timedelta(seconds=60)
    found = asyncio.run(Journal(url).unattributed("https://one argocd", since))
    told = {drift.episode: drift for drift in found}
    assert set(told) == {edited.episode, deleted.episode}
    again = told[edited.episode]
    assert (again.app, again.drift.key, again.uid, again.version) == (
        h.WEB, h.DEPLOYMENT, "u1", 77,
    )  # fmt: skip
    assert again.drift.kind is edited.drift.kind
    assert [row.managers for row in again.drift.differences] == [("kubectl-edit",)]
    assert told[deleted.episode].drift.kind is deleted.drift.kind


def test_several_writers_may_begin_at_once(url: URL) -> None:
    writers = [JournalWriter(url, f"https://{n} argocd", lambda: h.NOON, QUICK) for n in range(4)]
    for writer in writers:
        writer.start()
        for happening in h.whole(h.new_id()):
            writer.take(happening)
    for writer in writers:
        assert writer.flush(20)
    assert [writer.dropped for writer in writers] == [0, 0, 0, 0]
    for writer in writers:
        writer.stop()


def test_a_reader_does_not_stop_the_writer(url: URL) -> None:
    write(url, [])
    engine = writing_engine(url)
    reading, done = threading.Event(), threading.Event()

    def look() -> None:
        with engine.begin() as connection:
            connection.execute(text("SELECT count(*) FROM drifts")).all()
            reading.set()
            done.wait(20)

    thread = threading.Thread(target=look)
    thread.start()
    reading.wait(20)
    try:
        write(url, h.whole(h.new_id()))
    finally:
        done.set()
        thread.join()
        engine.dispose()
    assert len(Reading(url).episodes(EpisodeFilter())) == 1


def test_a_database_that_comes_back_takes_rows_again(
    postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    url = parse_dsn(postgres.new_database())
    with writing(url) as writer:
        writer.take(h.opened(h.new_id()))
        assert writer.flush(20)
        postgres.end()
        for _ in range(3):
            writer.take(h.opened(h.new_id()))
            assert writer.flush(30)
        assert writer.dropped == 3
        postgres.begin()
        after = h.new_id()
        writer.take(h.opened(after))
        assert writer.flush(30)
        assert writer.dropped == 3
    assert (Reading(url).episode(after)).is_open
    said = [record.message for record in caplog.records]
    assert sum("does not take rows" in line for line in said) == 1
    assert sum("takes rows again; 3 were lost" in line for line in said) == 1
