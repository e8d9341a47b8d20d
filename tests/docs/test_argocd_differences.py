"""docs/reference/argocd-differences.md names every deviation, and only tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "argocd-differences.md"
DELIBERATE = (2, 8, 9, 15, 16, 18, 19, 21, 22, 24, 25)
_ROW = re.compile(r"^\| (\d+) \|", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_deliberate_deviation_has_its_row() -> None:
    assert tuple(int(number) for number in _ROW.findall(page())) == DELIBERATE


def test_every_row_names_the_test_that_shows_it() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| ")]
    heads = {"| No | Argo CD | Holdfast | Shown by |", "| Argo CD | Holdfast | Shown by |"}
    assert [row for row in rows if row not in heads and not _TEST.search(row)] == []


@pytest.mark.parametrize(("path", "name"), _TEST.findall(page()))
def test_a_named_test_exists(path: str, name: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def {name}\(", source, re.MULTILINE)
