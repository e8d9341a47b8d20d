"""Times and durations as people type and read them: `30m`, `1h30m`, `2026-01-02T15:04:05Z`."""

import re
from datetime import UTC, datetime, timedelta

from holdfast.cli.pflag import UsageError

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")


def parse_duration(text: str, flag: str) -> timedelta:
    """Read `30m`, `1h30m`, `2d`.

    Raises:
        UsageError: it has another form, or is not above zero.
    """
    parts = _PART.findall(text)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text or seconds <= 0:
        raise UsageError(f'--{flag} "{text}": give a duration such as 30m, 1h30m or 2d')
    try:
        return timedelta(seconds=seconds)
    except OverflowError as error:
        raise UsageError(f'--{flag} "{text}" is too long') from error


def parse_moment(text: str, now: datetime, flag: str) -> datetime:
    """Read an RFC 3339 time, or `15:04` for the next time a clock in UTC shows that.

    Raises:
        UsageError: it has another form, or lacks a zone.
    """
    clock = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text)
    if clock:
        moment = now.astimezone(UTC).replace(
            hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0
        )
        return moment if moment > now else moment + timedelta(days=1)
    found = _find_moment(text)
    if found is None:
        raise UsageError(
            f'--{flag} "{text}": give a time with its zone, such as 2026-01-02T15:04:05Z, or '
            "15:04 for a time of today or tomorrow in UTC"
        )
    return found


def _find_moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None


def utc(moment: datetime) -> str:
    """`2026-01-02 15:04:05 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def span(seconds: float) -> str:
    """Return a length of time in its two largest units: `12s`, `5m`, `1h30m`, `2d3h`."""
    left = max(0, round(seconds))
    if left >= 120:
        left = round(left / 60) * 60  # minutes say enough
    words = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            words.append(f"{count}{unit}")
    return "".join(words[:2]) or "0s"


def milliseconds(seconds: float) -> str:
    """`8.4 ms`, `1.2 s`, `3m5s`."""
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else span(seconds)
