"""Versions and constraints on them, as the Go library Masterminds/semver reads them.

^1.2  ~1.2.3  1.2.*  >=1.0, <2.0  1.2 - 1.4  !=1.3  *  and  a || b
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import total_ordering

_VERSION = re.compile(
    r"v?(?P<major>0|[1-9]\d*)(?:\.(?P<minor>0|[1-9]\d*))?(?:\.(?P<patch>0|[1-9]\d*))?"
    r"(?:-(?P<pre>[0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?\Z"
)
_TERM = re.compile(
    r"\s*(?P<op>!=|>=|=>|<=|=<|=|>|<|~>|~|\^)?\s*v?(?P<major>\d+|[xX*])"
    r"(?:\.(?P<minor>\d+|[xX*]))?(?:\.(?P<patch>\d+|[xX*]))?"
    r"(?:-(?P<pre>[0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?\s*,?"
)
_RANGE = re.compile(r"(?P<low>\S+)\s+-\s+(?P<high>\S+)")


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A semantic version; build metadata does not count."""

    major: int
    minor: int
    patch: int
    pre: str = ""

    @property
    def _order(self) -> tuple[object, ...]:
        parts = tuple(
            (0, int(part), "") if part.isdigit() else (1, 0, part)
            for part in self.pre.split(".")
            if part
        )
        return (self.major, self.minor, self.patch, not self.pre, parts)

    def __eq__(self, other: object) -> bool:
        """Equal in precedence."""
        return isinstance(other, Version) and self._order == other._order

    def __lt__(self, other: "Version") -> bool:
        """Lower precedence; a pre-release comes before its release."""
        return self._order < other._order

    def __hash__(self) -> int:
        """Hash of what is compared."""
        return hash(self._order)


_SAME = {"=>": ">=", "=<": "<="}

Test = Callable[[Version], bool]


def find_version(text: str) -> Version | None:
    """Return a version (`1.2`, `v1.2.3-rc.1`), or None."""
    match = _VERSION.match(text)
    if match is None:
        return None
    minor, patch = int(match["minor"] or 0), int(match["patch"] or 0)
    return Version(int(match["major"]), minor, patch, match["pre"] or "")


def find_constraint(text: str) -> Test | None:
    """Return a test for versions, or None when the text is no constraint."""
    either: list[list[Test]] = []
    for part in text.split("||"):
        every = _all_of(_RANGE.sub(r">=\g<low>, <=\g<high>", part))
        if every is None:
            return None
        either.append(every)
    return lambda version: any(all(test(version) for test in every) for every in either)


def _all_of(text: str) -> list[Test] | None:
    tests: list[Test] = []
    position = 0
    text = text.strip()
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None or (match["major"] in {"x", "X", "*"} and match["pre"]):
            return None  # `x-feature` is a branch
        tests.append(_term(match))
        position = match.end()
    return tests or None


def _term(match: re.Match[str]) -> Test:
    given = [match[name] for name in ("major", "minor", "patch")]
    wild = next((n for n, part in enumerate(given) if part is None or part in "xX*"), 3)
    numbers = [int(part) for part in given[:wild] if part is not None]
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    low = Version(major, minor, patch, match["pre"] or "")
    high = _upper(match["op"] or "", numbers)
    test = _compare(match["op"] or "", low, high, exact=wild == len(given))
    # A pre-release satisfies a constraint only when the constraint itself names one.
    return lambda version: test(version) and (not version.pre or bool(low.pre))


def _upper(operator: str, numbers: list[int]) -> Version | None:
    """Return the first version above `^`, `~` and wildcards; None for no bound."""
    if not numbers:
        return None
    if operator == "^":
        index = next((n for n, part in enumerate(numbers) if part), len(numbers) - 1)
    elif operator in {"~", "~>"}:
        index = min(1, len(numbers) - 1)
    else:
        index = len(numbers) - 1
    major, minor, patch = [*numbers[:index], numbers[index] + 1, 0, 0][:3]
    return Version(major, minor, patch)


def _compare(operator: str, low: Version, high: Version | None, *, exact: bool) -> Test:
    def within(version: Version) -> bool:
        return version >= low and (high is None or version < high)

    def equal(version: Version) -> bool:
        return version == low if exact else within(version)

    def above(version: Version) -> bool:
        return version > low if exact else high is not None and version >= high

    tests: dict[str, Test] = {
        "": equal,
        "=": equal,
        "!=": lambda version: not equal(version),
        "^": within,
        "~": within,
        "~>": within,
        ">": above,
        "<": lambda version: version < low,
        ">=": lambda version: version >= low,
        "<=": lambda version: not above(version),
    }
    return tests[_SAME.get(operator, operator)]
