"""docs/internals/argocd/apply-tests.md has a row for each fact of apply.md; its tests exist."""

import re
from pathlib import Path

import pytest

from tests.scenarios.test_thirteen_rows import ROWS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "internals" / "argocd"
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_LISTED = ("A1", "A3", "A5", "A6")  # whose rows and items are facts of their own


def facts() -> list[tuple[str, str]]:
    """Section and first words of each row, item and rule of apply.md."""
    found, section = [("C2", "rule")], ""  # all of C2 is one rule
    lines = (FOLDER / "apply.md").read_text(encoding="utf-8").splitlines()
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        heading = re.match(r"###? ([A-E]\d?)\b", line)
        if heading:
            section = heading[1]
        elif "**Rule.**" in line:
            found.append((section, "rule"))
        if section == "D" and (item := re.match(r"(\d)\. ", line)):
            found.append((f"D{item[1]}", ""))
        is_row = line.startswith("| ") and not after.startswith("|---")
        if section in _LISTED and (is_row or line.startswith("* ")):
            found.append((section, line[2:]))
    return found


def rows() -> list[tuple[str, str]]:
    """Section and words of the first cell of each row of the table."""
    text = (FOLDER / "apply-tests.md").read_text(encoding="utf-8")
    return re.findall(r"^\| ([A-D]\d)(?: ([^|]+?))? \| ", text, re.MULTILINE)


def named_tests() -> list[tuple[str, str]]:
    return sorted(set(_TEST.findall((FOLDER / "apply-tests.md").read_text(encoding="utf-8"))))


def test_the_facts_are_found() -> None:
    sections = [section for section, _ in facts()]
    assert [sections.count(section) for section in _LISTED] == [12, 7, 14, 7]
    assert [section for section in sections if section[0] == "D"] == [f"D{n}" for n in range(1, 7)]
    assert {"B1", "B2", "B3", "B4", "C1", "C2", "C3", "C4", "C5"} < set(sections)


def test_every_fact_has_its_row() -> None:
    known = rows()
    missing = [
        fact
        for fact in facts()
        if not any(fact[0] == s and fact[1].startswith(w) for s, w in known)
    ]
    assert missing == []


def test_every_row_is_about_a_fact() -> None:
    unknown = [
        row for row in rows() if not any(row[0] == s and w.startswith(row[1]) for s, w in facts())
    ]
    assert unknown == []


@pytest.mark.parametrize(("path", "name"), named_tests())
def test_a_named_test_exists(path: str, name: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def {name}\(", source, re.MULTILINE)


def test_each_of_the_thirteen_is_named() -> None:
    text = (FOLDER / "apply-tests.md").read_text(encoding="utf-8")
    assert [name for name in ROWS if f"[{name}]" not in text] == []
