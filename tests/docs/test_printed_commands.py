"""A command line that a document, the page or a hint prints can be typed as it stands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from holdfast.cli.command import LazyGroup, PflagCommand
from holdfast.cli.pflag import UsageError, parse
from holdfast.cli.root import root_command

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    ROOT / "README.md",
    *sorted((ROOT / "docs" / "guides").glob("*.md")),
    *sorted((ROOT / "docs" / "reference").glob("*.md")),
)
TEMPLATES = ROOT / "src" / "holdfast" / "api" / "page" / "templates"
CODE = tuple(sorted((ROOT / "src" / "holdfast").rglob("*.py")))
_IN_BLOCK = re.compile(r"^(?:    |\$ |  )*(holdfast (?:[^\n\\]|\\\n)*)", re.MULTILINE)
_IN_PROSE = re.compile(r"`(holdfast [^`\n]*)`")
_ON_THE_PAGE = re.compile(r"<(?:span class=\"mono\"|code)>(holdfast [^<]*)<")
_IN_CODE = re.compile(r"`(holdfast [^`\"]*)`")
_ENDS = re.compile(r"\s(?:\||#|>|&&|2>).*|\)\"$", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}|\{.*?\}|<[a-z]+>")


def printed() -> Iterator[tuple[str, str]]:
    """Yields each place with the command line that it prints."""
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        yield from _found(path, (*_IN_BLOCK.findall(text), *_IN_PROSE.findall(text)))
    for path in sorted(TEMPLATES.glob("*.html")):
        yield from _found(path, _ON_THE_PAGE.findall(path.read_text(encoding="utf-8")))
    for path in CODE:
        # A string over several lines is one text for the reader.
        text = re.sub(r"\"\n\s*f?\"", "", path.read_text(encoding="utf-8"))
        yield from _found(path, _IN_CODE.findall(text))


def _found(path: Path, lines: tuple[str, ...] | list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        bare = _PLACEHOLDER.sub("3", _ENDS.sub("", line.replace("\\\n", " ")))
        yield str(path.relative_to(ROOT)), bare.strip()


def what_is_wrong(line: str) -> str:
    """Return why a command line cannot be typed, or `""`."""
    try:
        words = shlex.split(line)[1:]
    except ValueError as error:
        return str(error)
    command: click.Command | None = root_command()
    while isinstance(command, LazyGroup):
        if not words or words[0].startswith(("-", "[")) or words[0] in ("3", "…", "COMMAND"):
            return ""  # `holdfast app` by itself, or a sentence about any command
        command = command.get_command(click.Context(command), words.pop(0))
    if not isinstance(command, PflagCommand):
        return "there is no such command"
    is_sentence = not words or words[0] == "[flags]" or "…" in words
    return "" if is_sentence else _wrong_arguments(command, words)


def _wrong_arguments(command: PflagCommand, words: list[str]) -> str:
    try:
        parsed = parse(words, command.spec.all_flags)
    except UsageError as error:
        return str(error)
    most = command.spec.most
    if most is not None and len(parsed.arguments) > most:
        return f"it takes {command.spec.usage or 'no arguments'}"
    return ""


@pytest.mark.parametrize("place", ["documents", "page", "code"])
def test_printed_command_lines_are_found(place: str) -> None:
    ends = {"documents": ".md", "page": ".html", "code": ".py"}
    assert sum(1 for path, _ in printed() if path.endswith(ends[place])) >= 5


def test_every_command_line_that_is_printed_can_be_typed() -> None:
    wrong = [
        f"{path}: {line}: {why}"
        for path, line in dict.fromkeys(printed())
        if (why := what_is_wrong(line))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "line",
    [
        "holdfast pause all --reason WHY --for 1h",
        "holdfast drift list web",
        "holdfast app syncc web",
        "holdfast app get web --contxt prod",
    ],
)
def test_a_line_that_cannot_be_typed_is_noticed(line: str) -> None:
    assert what_is_wrong(line)
