"""The locked requirements match what pyproject.toml asks for, and name no place of download."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tools.locks import GROUPS, header, problems_of

ROOT = Path(__file__).parents[2]
ENTRY = "click==8.1.0 \\\n    --hash=sha256:00ff\n    # via holdfast\n"


@pytest.fixture
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("group", list(GROUPS))
def test_a_committed_lock_matches(group: str, pyproject: dict[str, Any]) -> None:
    lock = (ROOT / "requirements" / f"{group}.txt").read_text()
    assert problems_of(pyproject, group, lock) == []


def test_a_lock_no_longer_matches_when_a_dependency_is_added(pyproject: dict[str, Any]) -> None:
    changed = copy.deepcopy(pyproject)
    changed["project"]["dependencies"].append("leftpad>=1")
    lock = header(pyproject, "run") + ENTRY
    assert problems_of(pyproject, "run", lock) == []
    assert problems_of(changed, "run", lock) == ["doesn't match pyproject.toml; run `make lock`"]


def test_a_change_of_one_group_leaves_the_other_locks_valid(pyproject: dict[str, Any]) -> None:
    changed = copy.deepcopy(pyproject)
    changed["dependency-groups"]["test"].append("leftpad>=1")
    assert header(changed, "run") == header(pyproject, "run")
    assert header(changed, "test") != header(pyproject, "test")


@pytest.mark.parametrize(
    "line",
    ["--index-url somewhere\n", "a @ https://example.test/a.whl --hash=sha256:00\n"],
)
def test_a_lock_that_names_an_index_or_an_address_is_refused(
    line: str, pyproject: dict[str, Any]
) -> None:
    lock = header(pyproject, "run") + line + ENTRY
    assert problems_of(pyproject, "run", lock) == ["names an index or an address"]


def test_a_pin_without_a_hash_is_refused(pyproject: dict[str, Any]) -> None:
    lock = header(pyproject, "run") + "leftpad==1.0\n    # via nothing\n" + ENTRY
    assert problems_of(pyproject, "run", lock) == ["has no hash for leftpad"]
