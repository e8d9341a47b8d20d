"""Which journal is meant, opened for writing (the controller) or for reading (the command line)."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from holdfast.assembly.places import sandbox_data, state_home
from holdfast.cluster.kubeconfig import find_access
from holdfast.domain.errors import ConfigurationError, HoldfastError
from holdfast.domain.events import DriftOpened
from holdfast.domain.journal import Episode, EpisodeFilter
from holdfast.domain.ports import Clock
from holdfast.journal.attribution import AttributionSettings
from holdfast.journal.engines import parse_dsn
from holdfast.journal.reading import Journal
from holdfast.journal.writer import JournalWriter

log = logging.getLogger(__name__)

_RECALL_S = 1.0
_RECALLED = timedelta(hours=1)
_MOST_RECALLED = 2000
FILE = "journal.db"
OFF = "off"
VARIABLE = "HOLDFAST_JOURNAL"


def default_journal(data: Path | None = None) -> str:
    """Return the journal that is written when none is named: in the data folder if one is given."""
    return str((data or state_home()) / FILE)


@asynccontextmanager
async def writing_journal(
    dsn: str, source: str, clock: Clock
) -> AsyncIterator[JournalWriter | None]:
    """Write a journal while the block runs; yield None when it is `off`.

    Args:
        dsn: As `--journal` takes it.
        source: Server and control namespace.
        clock: For the thread.

    Raises:
        ConfigurationError: HF3012, it is no DSN. A database that does not answer is no failure.
    """
    if dsn == OFF:
        yield None
        return
    writer = JournalWriter(parse_dsn(dsn), source, clock.now)
    writer.start()
    try:
        yield writer
    finally:
        await asyncio.to_thread(writer.stop)


async def recent_episodes(writer: JournalWriter, clock: Clock) -> tuple[Episode, ...]:
    """Return what a journal knows of the last hour of this very Holdfast, for a start.

    A second at most: what is broken or slow then costs that memory and nothing else (apply.md C4).
    """
    since = clock.now() - _RECALLED
    wanted = EpisodeFilter(since=since, limit=_MOST_RECALLED, source=writer.source)
    try:
        async with asyncio.timeout(_RECALL_S):
            return await Journal(writer.database).episodes(wanted)
    except TimeoutError:
        log.warning("the journal was not read within %g s: heals are paced anew", _RECALL_S)
    except HoldfastError as error:
        log.info("no earlier heals are known code=%s %s", error.code, error)
    return ()


async def unattributed_drifts(writer: JournalWriter, clock: Clock) -> tuple[DriftOpened, ...]:
    """Return the drifts of the last minute whose authors are not known, for a start.

    The batch that proves who it was may be on its way still. A second at most, as above.
    """
    since = clock.now() - timedelta(seconds=AttributionSettings().settle_s)
    try:
        async with asyncio.timeout(_RECALL_S):
            return await Journal(writer.database).unattributed(writer.source, since)
    except TimeoutError:
        log.warning("the journal was not read within %g s: drifts stay unattributed", _RECALL_S)
    except HoldfastError as error:
        log.info("no earlier drifts are known code=%s %s", error.code, error)
    return ()


def source_name(server: str, namespace: str, *, observes: bool = False) -> str:
    """Return whose episodes a journal holds: one journal may be that of several clusters."""
    return f"{server} {namespace}" + (" observing" * observes)


def open_journal(dsn: str, source: str = "") -> Journal:
    """Return a journal to be read.

    Args:
        dsn: As `--journal` takes it.
        source: Tell only what the Holdfast of this name saw; `""` is all.

    Raises:
        ConfigurationError: HF3012, it is no DSN.
    """
    return Journal(parse_dsn(dsn), (source,) if source else ())


def journal_of(kubeconfig: str, context: str, namespace: str) -> Journal:
    """Return the journal that belongs to a cluster.

    In the usual place every cluster of this account has its drifts in one file: only those of
    the cluster that is meant are told. Nothing is asked of the cluster itself.

    Args:
        kubeconfig: As `--kubeconfig` takes it.
        context: As `--kube-context` takes it.
        namespace: The control namespace.

    Raises:
        ConfigurationError: HF3012, `$HOLDFAST_JOURNAL` is no DSN.
    """
    place = find_journal(kubeconfig, os.environ)
    if place != default_journal():
        return Journal(parse_dsn(place))
    try:
        server = find_access(kubeconfig or None, context).server
    except ConfigurationError:
        return Journal(parse_dsn(place))  # no cluster is meant: all that is known here
    both = (source_name(server, namespace), source_name(server, namespace, observes=True))
    return Journal(parse_dsn(place), both)


def find_journal(kubeconfig: str, environ: Mapping[str, str]) -> str:
    """Return the journal that a person most likely means.

    `holdfast up` keeps its journal beside its kubeconfig: whoever uses that one means that one.
    """
    named = environ.get(VARIABLE)
    if named:
        return named
    config = kubeconfig or environ.get("KUBECONFIG", "")
    beside = [Path(config).absolute().parent / FILE] if config else []
    usual = Path(default_journal())
    for place in (*beside, usual, sandbox_data() / FILE):
        if place.exists():
            return str(place)
    return str(usual)
