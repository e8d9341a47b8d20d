"""Parse arguments as Go's pflag does, since that is what users of `argocd` have in their fingers.

Click's own parser differs in three ways that scripts would notice: its switches take no value
(`--cascade=false`), an option with an optional value swallows the next argument, and lists are not
comma separated. So click keeps help, completion and the tree of commands; parsing is done here.

Forms: `--flag value`, `--flag=value`, `-f value`, `-fvalue`, `-f=value`, `-yf` (grouped switches),
`--switch`, `--switch=false`; `--` ends flags; flags and arguments may be mixed. A switch never
takes the next argument. Lists may be repeated; `STRINGS` also splits at commas, like pflag's
StringSlice, and `LINES` does not, like StringArray.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum


class FlagKind(StrEnum):
    """What a flag takes."""

    SWITCH = "switch"
    TEXT = "string"
    NUMBER = "int"
    COUNT = "uint"
    STRINGS = "strings"
    LINES = "stringArray"


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag of a command.

    Attributes:
        name: Without dashes, as typed: `self-heal`.
        help: One sentence for `--help`.
        kind: What it takes.
        short: One letter, or `""`.
        default: Text of the default as pflag would read it, or `""`.
        choices: Permitted values; empty permits all. They are offered by completion.
        metavar: Shown in help in place of the value.
        hidden: Left out of help (deprecated spellings).
    """

    name: str
    help: str
    kind: FlagKind = FlagKind.TEXT
    short: str = ""
    default: str = ""
    choices: tuple[str, ...] = ()
    metavar: str = ""
    hidden: bool = False


class UsageError(Exception):
    """The arguments cannot be understood; the text is pflag's or cobra's."""


class RefusedError(UsageError):
    """The arguments are well formed, and what they name is not there: no usage line helps."""


_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


class Values:
    """The flags of one call, by name, with defaults filled in."""

    def __init__(self, flags: Iterable[Flag], given: Mapping[str, list[str]]) -> None:
        """Keep the table and what was typed."""
        self._flags = {flag.name: flag for flag in flags}
        self._given = given

    def is_given(self, name: str) -> bool:
        """Whether the flag was typed (pflag's `Changed`)."""
        return name in self._given

    def knows(self, name: str) -> bool:
        """Whether the command has such a flag at all."""
        return name in self._flags

    def any_given(self, names: Iterable[str]) -> bool:
        """Whether one of the flags was typed."""
        return any(name in self._given for name in names)

    def text(self, name: str) -> str:
        """The value of a TEXT flag; the last one wins."""
        return self._raw(name)[-1] if self._raw(name) else ""

    def switch(self, name: str) -> bool:
        """The value of a SWITCH flag."""
        return self.text(name) in _TRUE

    def number(self, name: str) -> int:
        """The value of a NUMBER or COUNT flag; 0 when it has no default."""
        return int(self.text(name) or 0)

    def texts(self, name: str) -> tuple[str, ...]:
        """The values of a list flag."""
        return tuple(self._raw(name))

    def _raw(self, name: str) -> list[str]:
        flag = self._flags[name]
        if name in self._given:
            return self._given[name]
        if not flag.default:
            return []
        return _split(flag, flag.default)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was typed: values of flags, and the arguments in order."""

    values: Values
    arguments: tuple[str, ...]
    wants_help: bool = False


def parse(argv: Sequence[str], flags: Sequence[Flag]) -> Parsed:
    """Parse the arguments of one command.

    Raises:
        UsageError: an unknown flag, a missing value, or a value of the wrong kind.
    """
    longs = {flag.name: flag for flag in flags}
    shorts = {flag.short: flag for flag in flags if flag.short}
    given: dict[str, list[str]] = {}
    arguments: list[str] = []
    wants_help = False
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            arguments.extend(rest)
            break
        if not word.startswith("-") or word == "-":
            arguments.append(word)
        elif word in ("--help", "-h"):
            wants_help = True
        elif word.startswith("--"):
            _long(word, longs, rest, given)
        else:
            _short(word, shorts, rest, given)
    return Parsed(Values(flags, given), tuple(arguments), wants_help)


def _long(
    word: str, flags: Mapping[str, Flag], rest: list[str], given: dict[str, list[str]]
) -> None:
    name, equals, value = word[2:].partition("=")
    flag = flags.get(name)
    if flag is None:
        near = get_close_matches(name, [one.name for one in flags.values() if not one.hidden], n=1)
        also = f"; did you mean --{near[0]}?" if near else ""
        raise UsageError(f"unknown flag: --{name}{also}")
    if not equals:
        if flag.kind is FlagKind.SWITCH:
            value = "true"
        elif rest:
            value = rest.pop(0)
        else:
            raise UsageError(f"flag needs an argument: --{name}")
    _store(flag, value, given)


def _short(
    word: str, flags: Mapping[str, Flag], rest: list[str], given: dict[str, list[str]]
) -> None:
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        flag = flags.get(letter)
        if flag is None:
            raise UsageError(f"unknown shorthand flag: {letter!r} in {word}")
        if letters.startswith("="):
            value, letters = letters[1:], ""
        elif flag.kind is FlagKind.SWITCH:
            value = "true"
        elif letters:
            value, letters = letters, ""
        elif rest:
            value = rest.pop(0)
        else:
            raise UsageError(f"flag needs an argument: {letter!r} in {word}")
        _store(flag, value, given)


def _store(flag: Flag, value: str, given: dict[str, list[str]]) -> None:
    label = f"-{flag.short}, --{flag.name}" if flag.short else f"--{flag.name}"
    if flag.kind is FlagKind.SWITCH and value not in _TRUE | _FALSE:
        raise UsageError(
            f'invalid argument "{value}" for "{label}" flag: it is either true or false'
        )
    if flag.kind is FlagKind.NUMBER and not value.lstrip("+-").isdigit():
        raise UsageError(f'invalid argument "{value}" for "{label}" flag: it is a whole number')
    if flag.kind is FlagKind.COUNT and not value.removeprefix("+").isdigit():
        raise UsageError(
            f'invalid argument "{value}" for "{label}" flag: it is a whole number, 0 or more'
        )
    values = _split(flag, value)
    if flag.choices and any(item not in flag.choices for item in values):
        raise UsageError(
            f'invalid argument "{value}" for "{label}" flag: it is one of {", ".join(flag.choices)}'
        )
    if flag.kind in (FlagKind.STRINGS, FlagKind.LINES):
        given.setdefault(flag.name, []).extend(values)
    else:
        given[flag.name] = values


def _split(flag: Flag, value: str) -> list[str]:
    if flag.kind is not FlagKind.STRINGS:
        return [value]
    return next(csv.reader([value]), []) if value else []
