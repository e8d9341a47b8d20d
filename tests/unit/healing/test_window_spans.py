"""When a window is active within a stretch of time: what the week calendar shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from holdfast.healing.windows import is_active, parse_window, spans

MONDAY = datetime(2026, 3, 23, tzinfo=UTC)
NEXT = MONDAY + timedelta(days=7)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


def test_a_window_that_began_before_is_cut_and_so_is_one_that_goes_on() -> None:
    window = parse_window({"kind": "deny", "schedule": "0 22 * * 0,6", "duration": "4h"})
    assert spans(window, MONDAY, NEXT) == [
        (MONDAY, at(0, 2)),
        (at(5, 22), at(6, 2)),
        (at(6, 22), NEXT),
    ]


def test_what_touches_is_one() -> None:
    window = parse_window({"kind": "allow", "schedule": "*/5 8-9 * * 1", "duration": "10m"})
    assert spans(window, MONDAY, NEXT) == [(at(0, 8), at(0, 10, 5))]
    always = parse_window({"kind": "allow", "schedule": "* * * * *", "duration": "1h"})
    assert spans(always, MONDAY, NEXT) == [(MONDAY, NEXT)]


def test_hours_are_those_of_the_zone_also_when_its_clock_changes() -> None:
    window = parse_window(
        {"kind": "allow", "schedule": "0 8 * * *", "duration": "1h", "timeZone": "Europe/Berlin"}
    )
    found = spans(window, MONDAY, NEXT)
    assert found[0] == (at(0, 7), at(0, 8))
    assert found[6] == (at(6, 6), at(6, 7))  # from this Sunday on it is summer there
    assert all(is_active(window, begin + timedelta(minutes=1)) for begin, _ in found)
