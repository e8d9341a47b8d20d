"""Sync windows of a week as a calendar: days across, hours down, drawn by the server.

Each window has a colour by its kind and a lane of its own in every day that several share, so that
none hides another. All times are UTC.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from holdfast.api.page.app_view import block, blocks, moment, text
from holdfast.domain.manifest import JSON, Tree

DAY_W, HOUR_H = 118, 15
LEFT, TOP = 40, 26
WIDTH, HEIGHT = LEFT + 7 * DAY_W + 1, TOP + 24 * HOUR_H + 1
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_GAP = 3
_LEAST_H = 3.0
_WORDS_H = 16.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One stretch of a window within a day."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    number: int
    words: str

    @property
    def has_room(self) -> bool:
        """Whether its number can be written in it."""
        return self.height >= _WORDS_H


@dataclass(frozen=True, slots=True)
class WindowView:
    """One sync window.

    Attributes:
        number: From 1, as the calendar writes it.
        about: Which Applications, namespaces and clusters it is about, in words.
        is_active: At this moment.
        problem: Why it cannot be read, `""` when it can.
    """

    number: int
    kind: str
    schedule: str
    duration: str
    zone: str
    about: str
    manual: bool
    description: str
    is_active: bool
    problem: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """A week; `now_x` and `now_y` say where this moment is, None outside of the week."""

    start: datetime
    days: tuple[tuple[float, str, bool], ...]
    hours: tuple[tuple[float, str], ...]
    bars: tuple[Bar, ...]
    windows: tuple[WindowView, ...]
    now_x: float | None
    now_y: float | None

    width = WIDTH
    height = HEIGHT
    left = LEFT
    top = TOP
    day_width = DAY_W

    @property
    def end(self) -> datetime:
        """The last day."""
        return self.start + _WEEK - _DAY


def week_start(now: datetime, offset: int = 0) -> datetime:
    """Return the Monday, 0:00 UTC, of a moment's week, so many weeks away."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday()) + offset * _WEEK


def calendar_of(weeks: Iterable[Tree], start: datetime, now: datetime) -> Calendar:
    """Return the drawing of what `GetWindowWeek` answers."""
    found = list(weeks)
    pieces = [
        (number, text(block(one, "window"), "kind"), begin, end)
        for number, one in enumerate(found, 1)
        for begin, end in _by_day(_spans(one))
    ]
    bars: list[Bar] = []
    for index in range(7):
        day = start + index * _DAY
        here = [piece for piece in pieces if day <= piece[2] < day + _DAY]
        lanes = sorted({piece[0] for piece in here})
        bars += [_bar(piece, index, lanes.index(piece[0]), len(lanes), day) for piece in here]
    inside = start <= now < start + _WEEK
    since = now - start
    return Calendar(
        start=start,
        days=tuple(
            (LEFT + index * DAY_W, f"{start + index * _DAY:%a %-d}",
             start + index * _DAY <= now < start + (index + 1) * _DAY)
            for index in range(7)
        ),
        hours=tuple((TOP + hour * HOUR_H, f"{hour}:00") for hour in range(0, 25, 3)),
        bars=tuple(bars),
        windows=tuple(_window(number, one, now) for number, one in enumerate(found, 1)),
        now_x=LEFT + since.days * DAY_W if inside else None,
        now_y=TOP + since.seconds / 3600 * HOUR_H if inside else None,
    )  # fmt: skip


def _spans(tree: Tree) -> list[tuple[datetime, datetime]]:
    found = [(moment(one.get("start")), moment(one.get("end"))) for one in blocks(tree, "spans")]
    return [(begin, end) for begin, end in found if begin is not None and end is not None]


def _by_day(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    pieces = []
    for begin, end in spans:
        at = begin.astimezone(UTC)
        while at < end:
            midnight = at.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
            pieces.append((at, min(midnight, end)))
            at = midnight
    return pieces


def _bar(
    piece: tuple[int, str, datetime, datetime], index: int, lane: int, lanes: int, day: datetime
) -> Bar:
    number, kind, begin, end = piece
    width = (DAY_W - 2 * _GAP) / lanes
    top = (begin - day).total_seconds() / 3600
    hours = (end - begin).total_seconds() / 3600
    last = "24:00" if end - day == _DAY else f"{end:%H:%M}"
    return Bar(
        x=round(LEFT + index * DAY_W + _GAP + lane * width, 1),
        y=round(TOP + top * HOUR_H, 1),
        width=round(width - 1, 1),
        height=round(max(_LEAST_H, hours * HOUR_H - 1), 1),
        kind=kind,
        number=number,
        words=f"Window {number}, {kind}: {begin:%A} {begin:%H:%M} to {last} UTC",
    )


def _window(number: int, tree: Tree, now: datetime) -> WindowView:
    window = block(tree, "window")
    parts = [
        f"{name} {', '.join(values)}"
        for name in ("applications", "namespaces", "clusters")
        if (values := _texts(window.get(name)))
    ]
    joiner = " and " if window.get("andOperator") is True else " or "
    return WindowView(
        number=number,
        kind=text(window, "kind"),
        schedule=text(window, "schedule"),
        duration=text(window, "duration"),
        zone=text(window, "timeZone") or "UTC",
        about=joiner.join(parts) or "every application",
        manual=window.get("manualSync") is True,
        description=text(window, "description"),
        is_active=any(begin <= now < end for begin, end in _spans(tree)),
        problem=text(tree, "problem"),
    )


def _texts(value: JSON) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
