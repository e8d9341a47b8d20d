"""The route table of docs/internals/argocd/api.md §1.5, read from the document itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT = Path(__file__).parents[2] / "docs/internals/argocd/api.md"
_METHODS = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE)(?:/(?:GET|POST|PUT|PATCH|DELETE))*")
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")


def documented_rows() -> set[tuple[str, str]]:
    """`(method, path)` of every row; each named segment is `{}`, the prefix is written out."""
    text = DOCUMENT.read_text()
    section = text.split("### 1.5 ")[1].split("\n### 1.6 ")[0]
    found: set[tuple[str, str]] = set()
    before: list[str] = []
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if not line.startswith("|") or _METHODS.fullmatch(cells[0]) is None:
            continue
        paths = before if cells[1] == "same" else list(_paths(cells[1], before))
        before = paths
        found.update((method, path) for method in cells[0].split("/") for path in paths)
    return found


def _paths(cell: str, before: list[str]) -> Iterator[str]:
    choices = _BRACES.search(cell)
    if choices is None:
        texts = cell.split(" , ")
    else:
        texts = [cell.replace(choices[0], choice) for choice in choices[1].split(",")]
    for text in texts:
        yield from _spread(text.strip(), before)


def _spread(text: str, before: list[str]) -> Iterator[str]:
    if text.startswith("…"):  # the row before, but for its last segment
        text = before[0].rsplit("/", 1)[0] + text[1:]
    path = re.sub(r"\{[^{}]*\}", "{}", text)
    yield path if path.startswith("/api/") else f"/api/v1{path}"
