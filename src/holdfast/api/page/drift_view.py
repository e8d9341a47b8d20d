"""Drift as the page shows it: episodes in words, and as marks on a line of time."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from holdfast.api.page.app_view import AppView
from holdfast.domain.journal import Episode
from holdfast.domain.manifest import JSON, Tree
from holdfast.kit.masking import shown_value

_REASONS = {
    "self-heal-off": "self-heal is off",
    "skip-reconcile": "the application says skip-reconcile",
    "observe-only": "only looked at: Holdfast runs in observe-only",
    "observed": "only looked at",
    "heal-window": "outside of the window in which healing is allowed",
    "no-target": "it is not known yet what git declares",
    "terminating": "the object is being deleted",
    "application-deleting": "the application is being deleted",
    "hook": "it is a hook",
    "finished": "the Job has finished",
    "shared-resource": "two applications claim it",
    "sync-running": "a sync runs",
    "refused": "the API server refuses it",
    "forbidden-by-project": "the project forbids it",
    "prerequisite-missing": "something that it needs is not there",
    "paused": "healing is paused",
    "reverted": "somebody put it back",
    "adopted": "git declares it by now",
    "synced": "put right by a sync",
    "released": "no longer kept by Holdfast",
    "interrupted": "Holdfast was stopped meanwhile",
}
_KINDS = {"changed": "was changed", "missing": "was deleted", "extra": "is too much"}
_LONGEST_VALUE = 300
_WIDTH = 1000
_LEAST_WIDTH = 6.0
_MOST_LANES = 12
_SHARE = 0.8
_SPANS: tuple[tuple[timedelta, int, Callable[[float], str]], ...] = (
    (timedelta(minutes=1), 4, lambda s: f"{s:.0f} s"),
    (timedelta(minutes=3), 3, lambda s: f"{s / 60:.0f} min"),
    (timedelta(minutes=10), 5, lambda s: f"{s / 60:.0f} min"),
    (timedelta(minutes=30), 3, lambda s: f"{s / 60:.0f} min"),
    (timedelta(hours=2), 4, lambda s: f"{s / 60:.0f} min"),
    (timedelta(hours=6), 6, lambda s: f"{s / 3600:.0f} h"),
    (timedelta(days=1), 4, lambda s: f"{s / 3600:.0f} h"),
    (timedelta(days=3), 3, lambda s: f"{s / 86400:.0f} d"),
    (timedelta(days=7), 7, lambda s: f"{s / 86400:.0f} d"),
)
"""How long a line of time may be, in how many parts, and how a part is called."""


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One field, before and after, as text; None where it was absent."""

    path: str
    wanted: str | None
    found: str | None
    who: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened in an episode."""

    at: datetime
    words: str
    took_s: float | None = None
    is_good: bool = False


@dataclass(frozen=True, slots=True)
class EpisodeView:
    """One drift."""

    episode: Episode
    changes: tuple[ChangeView, ...]
    steps: tuple[Step, ...]

    @property
    def state(self) -> str:
        """`open`, `healed` or `over`."""
        if self.episode.is_open:
            return "open"
        return "healed" if self.episode.took_s is not None else "over"

    @property
    def words(self) -> str:
        """What happened to the object."""
        return _KINDS.get(self.episode.what, self.episode.what)

    @property
    def why(self) -> str:
        """Why it is open, or how it ended."""
        return said(self.episode.state)

    @property
    def object_id(self) -> str:
        """As `ObjectView.id`."""
        key = self.episode.key
        return f"{key.group}/{key.kind}/{key.namespace}/{key.name}"

    @property
    def selected(self) -> dict[str, str]:
        """The object as a request names it."""
        key = self.episode.key
        return {
            "group": key.group,
            "kind": key.kind,
            "namespace": key.namespace,
            "name": key.name,
        }

    def heal(self, app: AppView) -> Tree:
        """Return the body of the sync of this object alone, to what was synced last.

        With automatic sync on, a sync may name no revision: it is to the target then.
        """
        body: Tree = {
            "appNamespace": app.key.namespace,
            "project": app.project,
            "resources": [self.selected],
        }
        return body if app.automated else {**body, "revision": app.revision}


def said(word: str) -> str:
    """Return a reason or an ending in words."""
    return _REASONS.get(word, word.replace("-", " "))


def episodes_of(episodes: Iterable[Episode]) -> tuple[EpisodeView, ...]:
    """Return episodes as they are shown: open ones first, then the newest first."""
    shown = [EpisodeView(one, _changes(one), _steps(one)) for one in episodes]
    return tuple(sorted(shown, key=lambda one: not one.episode.is_open))


def _changes(episode: Episode) -> tuple[ChangeView, ...]:
    is_secret = episode.key.kind == "Secret" and not episode.key.group
    found = episode.changes or next((heal.changes for heal in episode.heals if heal.changes), ())
    return tuple(
        ChangeView(
            change.path,
            _text(change.path, change.before, is_secret=is_secret),
            _text(change.path, change.after, is_secret=is_secret),
            ", ".join(change.managers),
        )
        for change in found
    )


def _text(path: str, value: JSON, *, is_secret: bool) -> str | None:
    if value is None:
        return None
    hidden = is_secret and path.startswith(("data", "stringData"))
    shown = shown_value(path, value, is_secret=hidden, longest=_LONGEST_VALUE)
    return shown if isinstance(shown, str) else orjson.dumps(shown).decode()


def _steps(episode: Episode) -> tuple[Step, ...]:
    steps = [
        Step(episode.detected_at, f"seen: the object {_KINDS.get(episode.what, episode.what)}")
    ]
    steps += [
        Step(one.at, f"{one.decision}: {one.detail or said(one.reason)}".rstrip(": "))
        for one in episode.decisions
    ]
    steps += [
        Step(one.at, f"{one.outcome}: {one.message}".rstrip(": "), one.took_s,
             is_good=one.outcome == "healed")
        for one in episode.heals
    ]  # fmt: skip
    if episode.closed_at is not None and episode.closing != "healed":
        steps.append(Step(episode.closed_at, f"over: {said(episode.closing)}"))
    return tuple(sorted(steps, key=lambda step: step.at))


@dataclass(frozen=True, slots=True)
class Mark:
    """An episode on the line of time: `x` and `width` of 1000."""

    view: EpisodeView
    x: float
    width: float
    lane: int


@dataclass(frozen=True, slots=True)
class Strip:
    """A line of time with marks.

    Attributes:
        ticks: Where its parts begin (of 1000), and how long ago that was, in words.
        older: Episodes that ended before it begins.
    """

    marks: tuple[Mark, ...]
    lanes: int
    ticks: tuple[tuple[float, str], ...]
    older: int


def strip_of(views: Sequence[EpisodeView], now: datetime) -> Strip:
    """Place episodes on a line that is as long as most of them need."""
    span, parts, words = _span_of(views, now)
    begin = now - span
    shown = [one for one in views if (one.episode.closed_at or now) > begin]
    keys = sorted({one.object_id for one in shown})[:_MOST_LANES]
    lanes = {key: lane for lane, key in enumerate(keys)}
    marks = []
    for one in shown:
        start = max(0.0, (one.episode.detected_at - begin) / span) * _WIDTH
        end = ((one.episode.closed_at or now) - begin) / span * _WIDTH
        width = min(max(_LEAST_WIDTH, end - start), _WIDTH)
        start = min(start, _WIDTH - width)  # one of this moment is not cut
        lane = lanes.get(one.object_id, _MOST_LANES - 1)
        marks.append(Mark(one, round(start, 1), round(width, 1), lane))
    step = span.total_seconds() / parts
    ticks = tuple(
        (round(n * _WIDTH / parts, 1), words(span.total_seconds() - n * step)) for n in range(parts)
    )
    return Strip(tuple(marks), max(1, len(lanes)), ticks, len(views) - len(shown))


def _span_of(
    views: Sequence[EpisodeView], now: datetime
) -> tuple[timedelta, int, Callable[[float], str]]:
    """Return the shortest span that holds four of five: one of last week hides no others."""
    ages = sorted(now - one.episode.detected_at for one in views)
    needed = ages[max(0, math.ceil(len(ages) * _SHARE) - 1)] if ages else timedelta()
    return next((one for one in _SPANS if one[0] >= needed), _SPANS[-1])
