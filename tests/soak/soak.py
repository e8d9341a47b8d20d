"""One soak from its beginning to its verdict."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.memory import tree_pss_mb
from holdfast.domain.journal import EpisodeFilter
from holdfast.journal.engines import parse_dsn
from holdfast.journal.reading import Journal
from tests.soak.adversary import Adversary, all_work
from tests.soak.declared import as_file, declared
from tests.soak.oracle import Oracle
from tests.support.person import Ref
from tests.support.site import at_work
from tests.support.waiting import eventually, quiet_for, until

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.domain.journal import Episode
    from tests.support.site import Site, SiteApp

APPS, WORKERS = 4, 4
MEASURE_EVERY_S = 1.0
WARM_UP = 0.4
"""This share of the time is warm-up: caches fill, the interpreter takes its memory."""
GROWTH_LIMIT_MB = 5.0
"""Growth of PSS after warm-up, by the fitted line: noise of the measure, and nothing more."""
SETTLE_S = 90.0


class SoakError(AssertionError):
    """The soak failed; the text has the seed and the history of what went wrong."""


@dataclass
class Report:
    """What a soak found.

    Attributes:
        actions: How many of each sort.
        drifting: Actions that could be drift; some came while the object drifted already.
        drifts, episodes: By the API server's history, and by the journal.
        memory: Seconds since the beginning, and MB.
    """

    seed: int
    seconds: float
    actions: dict[str, int] = field(default_factory=dict)
    drifting: int = 0
    drifts: int = 0
    episodes: int = 0
    memory: list[tuple[float, float]] = field(default_factory=list)

    @property
    def growth_mb(self) -> float:
        """How much the fitted line grows from the end of the warm-up to the end."""
        return growth_of([point for point in self.memory if point[0] > self.seconds * WARM_UP])

    def describe(self) -> str:
        """For people."""
        kinds = ", ".join(f"{what} {count}" for what, count in sorted(self.actions.items()))
        steady = self.memory[-1][1] if self.memory else 0.0
        return (
            f"seed {self.seed}: {sum(self.actions.values())} actions in {self.seconds:g} s "
            f"({kinds})\n{self.drifting} of them against git made {self.drifts} drifts; the "
            f"journal has {self.episodes} episodes\nmemory {steady:.1f} MB (PSS), after warm-up "
            f"{self.growth_mb:+.2f} MB"
        )


def growth_of(points: list[tuple[float, float]]) -> float:
    """What the least-squares line through the points grows by from the first to the last."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    return slope * (points[-1][0] - points[0][0])


async def soak(kubeconfig: Path, folder: Path, *, seconds: float, seed: int) -> Report:
    """Runs the adversary for so long, and judges.

    Raises:
        SoakError: something was lost, told twice, or grew.
    """
    report = Report(seed, seconds)
    journal = folder / "journal.db"
    async with at_work(kubeconfig, folder, "--journal", str(journal), is_fresh=True) as site:
        apps = [
            await site.deploy(f"app-{number}", {f"{n}.yaml": as_file(tree) for n, tree
                                                in enumerate(declared())})
            for number in range(APPS)
        ]  # fmt: skip
        oracle = Oracle(site.person)
        adversary = Adversary(site.person, oracle)
        try:
            await oracle.begin({_ref(app, tree): tree for app in apps for tree in declared()})
            await _harm(site, adversary, report)
            await _equal_to_git(oracle, adversary, apps, report)
            await _told_exactly_once(Journal(parse_dsn(str(journal))), oracle, adversary, report)
        finally:
            await oracle.end()
    if report.growth_mb > GROWTH_LIMIT_MB:
        raise SoakError(f"memory grew\n{report.describe()}\n{report.memory}")
    return report


def _ref(app: SiteApp, tree: dict[str, object]) -> Ref:
    metadata = tree["metadata"]
    assert isinstance(metadata, dict)
    return Ref(str(tree["apiVersion"]), str(tree["kind"]), app.namespace, metadata["name"])


async def _harm(site: Site, adversary: Adversary, report: Report) -> None:
    rng = random.Random(report.seed)
    refs = list(adversary.oracle.pasts)
    began = time.monotonic()
    measuring = asyncio.create_task(_measure(site, adversary.oracle, began, report))
    try:
        await all_work(adversary, refs, rng, began + report.seconds, WORKERS)
    except* AssertionError as errors:
        stuck = {ref for ref, past in adversary.oracle.pasts.items() if not past.is_equal}
        raise SoakError(_story("not healed", stuck, adversary, report)) from errors
    finally:
        measuring.cancel()
        await asyncio.gather(measuring, return_exceptions=True)
    report.actions, report.drifting = adversary.counts, adversary.drifts


async def _measure(site: Site, oracle: Oracle, began: float, report: Report) -> None:
    while True:
        await quiet_for(MEASURE_EVERY_S, why="memory is measured over time")
        oracle.check()
        pss = await asyncio.to_thread(tree_pss_mb, site.process.process.pid)
        report.memory.append((time.monotonic() - began, pss))


async def _equal_to_git(
    oracle: Oracle, adversary: Adversary, apps: list[SiteApp], report: Report
) -> None:
    try:
        await until(lambda: all(p.is_equal for p in oracle.pasts.values()), seconds=SETTLE_S)
    except AssertionError as error:
        differ = {ref for ref, past in oracle.pasts.items() if not past.is_equal}
        raise SoakError(_story("the cluster is not git", differ, adversary, report)) from error
    for app in apps:
        await app.synced()


async def _told_exactly_once(
    journal: Journal, oracle: Oracle, adversary: Adversary, report: Report
) -> None:
    wanted = Counter({ref: past.drifts for ref, past in oracle.pasts.items() if past.drifts})
    report.drifts = sum(wanted.values())
    last: list[Episode] = []

    async def is_complete() -> bool:
        last[:] = await journal.episodes(EpisodeFilter(limit=1_000_000))
        return _counted(last, wanted) == wanted and not any(one.is_open for one in last)

    try:
        await eventually(is_complete, seconds=15.0)
    except AssertionError as error:
        told = _counted(last, wanted)
        wrong = {ref for ref in {*wanted, *told} if wanted[ref] != told[ref]}
        wrong |= {ref for ref in wanted if any(e.is_open and _is(e, ref) for e in last)}
        episodes = "\n".join(
            f"  {e.key} {e.detected_at:%H:%M:%S.%f} {e.what} {e.state} "
            f"{[(c.path, c.after) for c in e.changes]}"
            for e in reversed(last)
            if any(_is(e, ref) for ref in wrong)
        )
        text = _story("the journal does not tell each drift once", wrong, adversary, report)
        raise SoakError(f"{text}\nepisodes:\n{episodes}") from error
    report.episodes = len(last)


def _counted(episodes: list[Episode], refs: Counter[Ref]) -> Counter[Ref]:
    by_place = {(ref.kind, ref.namespace, ref.name): ref for ref in refs}
    places = ((e.key.kind, e.key.namespace, e.key.name) for e in episodes)
    return Counter(by_place.get(place, Ref("", *place)) for place in places)


def _is(episode: Episode, ref: Ref) -> bool:
    key = episode.key
    return (key.kind, key.namespace, key.name) == (ref.kind, ref.namespace, ref.name)


def _story(what: str, refs: set[Ref], adversary: Adversary, report: Report) -> str:
    """What happened to the objects in question, and to nothing else."""
    lines = [f"{what}; again with --seed {report.seed} --seconds {report.seconds:g}"]
    for ref in sorted(refs):
        past = adversary.oracle.pasts.get(ref)
        lines.append(f"{ref.kind} {ref.namespace}/{ref.name}: {past.drifts if past else 0} drifts")
        lines += [f"    {line}" for line in adversary.done.get(ref, [])]
        lines += [f"  {line}" for line in (past.lines if past else [])]
    return "\n".join(lines)
