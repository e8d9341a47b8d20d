"""Lines that containers print, each with its time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

_SECONDS_END = len("2026-01-02T15:04:05")
_NANO_DIGITS = 9
_NANOS: int = 10**9


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a container's log.

    Attributes:
        text: The line, without its newline; when `is_problem`, why there are no more lines.
        pod: Name of the pod.
        at: When it was printed, RFC 3339 with up to nine digits after the point; `""` is unknown.
        moment: The same in nanoseconds since 1970; 0 is unknown.
        is_problem: No line: this pod's log cannot be read, others can.
    """

    text: str
    pod: str
    at: str = ""
    moment: int = 0
    is_problem: bool = False

    @classmethod
    def parse(cls, raw: str, pod: str) -> Self:
        """Take a line as the API server gives it with `timestamps=true`: time, blank, text."""
        at, _, text = raw.partition(" ")
        moment = nanoseconds(at)
        return cls(text, pod, at, moment) if moment else cls(raw, pod)


def nanoseconds(at: str) -> int:
    """Return nanoseconds since 1970 of an RFC 3339 time, 0 for anything else.

    `datetime` knows microseconds only: two lines of one pod often share one.
    """
    whole, rest = at[:_SECONDS_END], at[_SECONDS_END:]
    fraction = ""
    if rest.startswith("."):
        rest = rest[1:]
        zone = rest.lstrip("0123456789")
        fraction, rest = rest[: len(rest) - len(zone)], zone
    try:
        seconds = datetime.fromisoformat(whole + rest)
    except ValueError:
        return 0
    if seconds.tzinfo is None:
        return 0
    nanos = int(fraction[:_NANO_DIGITS].ljust(_NANO_DIGITS, "0")) if fraction else 0
    return int(seconds.timestamp()) * _NANOS + nanos
