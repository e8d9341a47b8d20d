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

from holdfast.domain.audit import DriftAttributed
from holdfast.domain.drift import Difference
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.events import Closing, Outcome
from holdfast.domain.identity import AppKey
from holdfast.domain.journal import EpisodeFilter
from holdfast.journal.engines import Database, DatabaseError, Engine, parse_dsn
from holdfast.journal.migrations import ALL, columns_of, migrate, version_of
from holdfast.journal.reading import Journal
from holdfast.journal.retention import Retention, forget
from holdfast.journal.tables import COLUMNS
from holdfast.journal.writer import JournalWriter, WriterSettings
from holdfast.kit.masking import SECRET as MASK
from tests.support import happenings as h
from tests.support.postgres import Postgres, find_programs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return parse_dsn(str(tmp_path / "new" / "journal.db"))
    return parse_dsn(request.getfixturevalue("postgres").new_database())


@contextmanager
def writing(
    url: Database, source: str = "https://one argocd", settings: WriterSettings = QUICK
) -> Iterator[JournalWriter]:
    writer = JournalWriter(url, source, lambda: datetime.now(UTC), settings)
    writer.start()
    try:
        yield writer
    finally:
        writer.stop(20)


@contextmanager
def opened(url: Database, *, reads_only: bool = False) -> Iterator[Engine]:
    engine = Engine(url, reads_only=reads_only)
    try:
        yield engine
    finally:
        engine.close()


class Reading:
    """Asks a journal and waits for the answer."""

    def __init__(self, url: Database) -> None:
        self._journal = Journal(url)

    def episodes(self, wanted: EpisodeFilter) -> tuple[Episode, ...]:
        return asyncio.run(self._journal.episodes(wanted))

    def episode(self, episode_id: str) -> Episode:
        return asyncio.run(self._journal.episode(episode_id))

    def stats(self, since: datetime | None) -> DriftStats:
        return asyncio.run(self._journal.stats(since))


def write(
    url: Database, happenings: Iterable[Happening], source: str = "https://one argocd"
) -> None:
    with writing(url, source, LONG) as writer:
        for happening in happenings:
            writer.take(happening)
        assert writer.flush(20)
        assert writer.dropped == 0


def test_an_episode_is_read_as_it_was_told(url: Database) -> None:
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


def test_times_are_in_utc_wherever_the_database_thinks_it_is(postgres: Postgres) -> None:
    url = parse_dsn(postgres.new_database())
    with opened(url) as engine, engine.transaction() as transaction:
        name = transaction.value("SELECT current_database()")
        transaction.run(f"ALTER DATABASE {name} SET timezone TO 'Asia/Kolkata'")
    episode = h.new_id()
    write(url, [h.opened(episode)])
    assert Reading(url).episode(episode).to_tree()["detectedAt"] == "2026-01-02T12:00:00.000Z"


def test_who_is_unknown_when_no_manager_can_be_named(url: Database) -> None:
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


def test_an_open_episode_says_why_nothing_was_done(url: Database) -> None:
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


def test_episodes_are_chosen_by_application_time_and_state(url: Database) -> None:
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


def test_of_several_clusters_one_may_be_asked_for(url: Database) -> None:
    mine, other = h.new_id(), h.new_id()
    write(url, [*h.whole(mine), h.synced()], "https://one argocd")
    write(url, [*h.whole(other), h.synced(), h.synced()], "https://two argocd")
    journal = Journal(url, ("https://one argocd", "https://one argocd observing"))
    found = asyncio.run(journal.episodes(EpisodeFilter()))
    assert [episode.id for episode in found] == [mine]
    stats = asyncio.run(journal.stats(h.NOON - timedelta(hours=1)))
    assert (stats.episodes, stats.syncs) == (1, 1)
    assert Reading(url).stats(None).syncs == 3
    assert asyncio.run(journal.episode(other)).id == other  # an id is asked for by name


def test_the_first_digits_of_an_id_are_enough_when_they_are_its_own(url: Database) -> None:
    one, two = "ab" * 8, "ac" * 8
    write(url, [h.opened(one), h.opened(two)])
    assert (Reading(url).episode("ab")).id == one
    with pytest.raises(ConfigurationError, match="several drifts"):
        Reading(url).episode("a")
    for nonsense in ("ff", "%", "x' OR 1=1"):
        with pytest.raises(ConfigurationError, match="no drift has an id"):
            Reading(url).episode(nonsense)


def test_statistics_count_what_happened(url: Database) -> None:
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


def test_no_value_of_a_secret_is_written_not_even_its_hash(url: Database) -> None:
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
    with opened(url) as engine, engine.transaction() as transaction:
        everything = [str(transaction.rows(f"SELECT * FROM {table}")) for table in COLUMNS]
    assert "hunter" not in "".join(everything)
    assert "hmac" not in "".join(everything)


def test_what_was_open_when_holdfast_stopped_is_over_when_it_begins_again(url: Database) -> None:
    mine, another = h.new_id(), h.new_id()
    write(url, [h.opened(another)], source="https://two argocd")
    write(url, [h.opened(mine)])
    with writing(url) as writer:
        writer.resume()
        writer.take(h.synced())
        assert writer.flush(20)
    assert (Reading(url).episode(mine)).closing == Closing.INTERRUPTED
    assert (Reading(url).episode(another)).is_open


def test_what_is_too_old_is_forgotten_with_all_that_belongs_to_it(url: Database) -> None:
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
    with opened(url) as engine:
        gone = sum(forget(engine, Retention(age=timedelta(days=90)), h.NOON))
    assert gone == 5
    assert {e.id for e in Reading(url).episodes(EpisodeFilter())} == {young, still_open}
    assert (Reading(url).stats(None)).syncs == 1


def test_what_is_too_much_is_forgotten_oldest_first_in_small_transactions(url: Database) -> None:
    episodes = [h.new_id() for _ in range(1200)]
    write(
        url,
        [
            happening
            for place, episode in enumerate(episodes)
            for happening in h.whole(episode, at=h.NOON + timedelta(seconds=place))
        ],
    )
    keep = Retention(age=timedelta(days=36500), max_bytes=200_000)
    with opened(url) as engine:
        steps = list(forget(engine, keep, h.NOON))
    assert max(steps) <= 500
    left = Reading(url).episodes(EpisodeFilter(limit=10_000))
    assert 0 < len(left) < 1200
    assert {e.id for e in left} == set(episodes[-len(left) :])


def test_the_schema_is_made_once_and_a_newer_one_is_left_alone(url: Database) -> None:
    write(url, [])
    newer = f"has schema {len(ALL) + 1}"
    with opened(url) as engine:
        with engine.transaction() as transaction:
            assert version_of(transaction) == len(ALL)
            assert migrate(transaction, h.NOON) == 0
            assert migrate(transaction, h.NOON, (*ALL, lambda _transaction: None)) == 1
        with engine.transaction() as transaction, pytest.raises(ConfigurationError, match=newer):
            migrate(transaction, h.NOON)
        with engine.transaction() as transaction:
            assert all(columns_of(transaction, table) for table in COLUMNS)


def test_a_journal_of_the_first_schema_is_brought_up_to_date_and_keeps_its_rows(
    url: Database,
) -> None:
    """The tables as the first released step made them."""
    if url.is_sqlite:
        Path(url.path).parent.mkdir(parents=True)
    with opened(url) as engine, engine.transaction() as transaction:
        migrate(transaction, h.NOON, ALL[:1])
        transaction.run("ALTER TABLE heals DROP COLUMN manifest")
        transaction.run("ALTER TABLE heals DROP COLUMN step")
        transaction.run("ALTER TABLE drifts DROP COLUMN object_version")
        assert not columns_of(transaction, "culprits")
        change = {"path": "spec.replicas", "before": 2, "after": 5, "managers": ["kubectl"]}
        transaction.run(
            "INSERT INTO drifts VALUES ('00000000000000aa', 's', 'argocd', 'web', 'apps',"
            " 'Deployment', 'prod', 'web', 'u1', 'changed', ?, '[]', '2026-01-02 12:00:00')",
            [[change]],
        )
    with pytest.raises(ConfigurationError, match="it has schema 1"):
        Reading(url).episode("aa")
    episode = h.new_id()
    write(url, h.whole(episode))
    assert Reading(url).episode(episode).heals[0].outcome == "healed"
    old = Reading(url).episode("00000000000000aa")
    assert old.changes[0].managers == ("kubectl",)
    assert old.changes[0].owners == ()


def test_who_made_a_drift_may_be_known_later(url: Database) -> None:
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


def test_drifts_whose_author_is_unknown_are_found_again_after_a_restart(url: Database) -> None:
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


def test_several_writers_may_begin_at_once(url: Database) -> None:
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


def test_a_reader_does_not_stop_the_writer(url: Database) -> None:
    write(url, [])
    reading, done = threading.Event(), threading.Event()

    def look() -> None:
        with opened(url, reads_only=True) as engine, engine.transaction() as transaction:
            transaction.rows("SELECT count(*) FROM drifts")
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
    assert len(Reading(url).episodes(EpisodeFilter())) == 1


def test_who_reads_cannot_write(url: Database) -> None:
    write(url, [])
    with (
        opened(url, reads_only=True) as engine,
        pytest.raises(DatabaseError, match=r"read-?only"),
        engine.transaction() as transaction,
    ):
        transaction.run("DELETE FROM drifts")


def test_what_breaks_in_the_middle_was_never_written(url: Database) -> None:
    write(url, [])
    rows = [{"episode": "aa", "how": how, "at": h.NOON} for how in ("healed", None)]
    with opened(url) as engine:
        with pytest.raises(DatabaseError) as failure, engine.transaction() as transaction:
            transaction.add("closings", rows)
        with engine.transaction() as transaction:
            assert transaction.value("SELECT count(*) FROM closings") == 0
    assert "aa" not in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_file_becomes_smaller_when_rows_are_forgotten(tmp_path: Path) -> None:
    url = parse_dsn(str(tmp_path / "journal.db"))
    write(url, [row for _ in range(600) for row in h.whole(h.new_id())])
    with opened(url) as engine:
        before = _pages(engine)
        sum(forget(engine, Retention(max_bytes=50_000), h.NOON))
        assert _pages(engine) < before / 2


def _pages(engine: Engine) -> int:
    with engine.transaction() as transaction:
        return int(transaction.value("PRAGMA page_count"))


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
