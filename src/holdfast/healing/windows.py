"""Heal windows: when healing is allowed by the calendar (grammar of sync windows, §12).

`holdfast.dev/heal-windows` on an Application or AppProject holds a JSON list of
`{kind: allow|deny, schedule, duration, timeZone, applications, namespaces, clusters, andOperator}`.

First matching rule wins (controller.md §12.4, for automation):
  1. no window matches the Application  -> open
  2. a deny window is active            -> closed
  3. an allow window is active          -> open
  4. there are allow windows, none active -> closed
  5. otherwise                          -> open
The end of a window is a moment to look again; `until` says which one comes first.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from holdfast.domain.application import Application
from holdfast.domain.globs import matches_glob
from holdfast.domain.manifest import JSON
from holdfast.domain.operation import parse_duration_s

WINDOWS_ANNOTATION = "holdfast.dev/heal-windows"


@dataclass(frozen=True, slots=True)
class HealWindow:
    """One window.

    Attributes:
        allows: Whether it is of kind `allow`.
        schedule: Five cron fields.
        duration: How long it lasts from each fire.
        zone: IANA name; the schedule is read on the clock of that zone.
    """

    allows: bool
    schedule: str
    duration: timedelta
    zone: str
    applications: tuple[str, ...]
    namespaces: tuple[str, ...]
    clusters: tuple[str, ...]
    needs_all: bool

    def matches(self, app: Application) -> bool:
        """Whether it is about this Application; a window without lists is about all."""
        destination = app.destination
        checks = [
            (self.applications, (app.key.name,)),
            (self.clusters, (destination.name, destination.server)),
            (self.namespaces, (destination.namespace,)),
        ]
        verdicts = [
            any(matches_glob(pattern, value) for pattern in patterns for value in values if value)
            for patterns, values in checks
            if patterns
        ]
        if not verdicts:
            return True
        return all(verdicts) if self.needs_all else any(verdicts)


@dataclass(frozen=True, slots=True)
class WindowState:
    """Whether healing is allowed, why not, and when that may change."""

    is_open: bool
    detail: str = ""
    until: datetime | None = None


OPEN = WindowState(True)


def parse_windows(text: str | None) -> tuple[HealWindow, ...]:
    """Read the annotation.

    Raises:
        ValueError: it is no JSON list of windows; says which member is wrong.
    """
    if not text:
        return ()
    try:
        items = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{WINDOWS_ANNOTATION} is not JSON: {error}") from error
    if not isinstance(items, list):
        raise ValueError(f"{WINDOWS_ANNOTATION} must be a JSON list")
    try:
        return tuple(parse_window(item) for item in items)
    except ValueError as error:
        raise ValueError(f"{WINDOWS_ANNOTATION}: {error}") from error


def window_state(windows: tuple[HealWindow, ...], app: Application, now: datetime) -> WindowState:
    """Return whether an Application may be healed at a moment."""
    matching = [window for window in windows if window.matches(app)]
    if not matching:
        return OPEN
    active = [window for window in matching if _end_if_active(window, now) is not None]
    until = min(_next_change(window, now) for window in matching)
    denying = [window for window in active if not window.allows]
    if denying:
        return WindowState(False, f"a deny window ({denying[0].schedule}) is active", until)
    if any(window.allows for window in active):
        return OPEN
    allowing = [window for window in matching if window.allows]
    if allowing:
        return WindowState(False, f"no allow window ({allowing[0].schedule}) is active", until)
    return OPEN


def parse_window(item: JSON) -> HealWindow:
    """Read one window; sync windows of projects have the same grammar.

    Raises:
        ValueError: it cannot be read; says why.
    """
    if not isinstance(item, dict) or item.get("kind") not in ("allow", "deny"):
        raise ValueError("each window needs kind allow or deny")
    window = HealWindow(
        allows=item["kind"] == "allow",
        schedule=str(item.get("schedule") or ""),
        duration=timedelta(seconds=parse_duration_s(str(item.get("duration") or ""))),
        zone=str(item.get("timeZone") or "UTC"),
        applications=_texts(item, "applications"),
        namespaces=_texts(item, "namespaces"),
        clusters=_texts(item, "clusters"),
        needs_all=item.get("andOperator") is True,
    )
    try:
        next(CronSim(window.schedule, datetime(2026, 1, 1, tzinfo=UTC)))
        _find_zone(window.zone)
    except (CronSimError, StopIteration, KeyError, ValueError) as error:
        raise ValueError(
            f"schedule {window.schedule!r} in zone {window.zone!r} cannot be read: {error}"
        ) from error
    return window


def is_active(window: HealWindow, now: datetime) -> bool:
    """Whether a moment lies in the window."""
    return _end_if_active(window, now) is not None


def spans(
    window: HealWindow, start: datetime, end: datetime, most: int = 11_000
) -> list[tuple[datetime, datetime]]:
    """Return when a window is active between two moments, cut to them; what touches is one.

    Args:
        window: The window.
        start: Aware.
        end: Aware.
        most: So many fires are looked at; a window of each minute has 10,080 in a week.
    """
    found: list[tuple[datetime, datetime]] = []
    # One iterator: making one anew for each fire would take five times as long.
    fires = CronSim(window.schedule, (start - window.duration).astimezone(_find_zone(window.zone)))
    for fire in islice((moment.astimezone(UTC) for moment in fires), most):
        if fire >= end:
            break
        begins, ends = max(fire, start), min(fire + window.duration, end)
        if found and begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        else:
            found.append((begins, ends))
    return found


def _end_if_active(window: HealWindow, now: datetime) -> datetime | None:
    """Return when an active window ends; None when it is not active (§12.3)."""
    fire = _next_fire(window, now - window.duration)
    return fire + window.duration if fire < now else None


def _next_change(window: HealWindow, now: datetime) -> datetime:
    return _end_if_active(window, now) or _next_fire(window, now)


def _next_fire(window: HealWindow, after: datetime) -> datetime:
    fire: datetime = next(CronSim(window.schedule, after.astimezone(_find_zone(window.zone))))
    return fire.astimezone(UTC)


def _texts(item: Mapping[str, JSON], name: str) -> tuple[str, ...]:
    value = item.get(name)
    return tuple(str(text) for text in value) if isinstance(value, list) else ()


def _find_zone(name: str) -> tzinfo:
    """Return a zone. UTC, the default, needs no database of zones: small images have none."""
    return UTC if name == "UTC" else ZoneInfo(name)  # kept by zoneinfo: a file is read once
