"""Which journal is meant when none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from holdfast.assembly.journal import default_journal, find_journal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def made(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return str(path)


def test_the_environment_names_one(tmp_path: Path) -> None:
    made(tmp_path / "journal.db")
    environ = {"HOLDFAST_JOURNAL": "postgresql://db/holdfast", "KUBECONFIG": str(tmp_path / "k")}
    assert find_journal("", environ) == "postgresql://db/holdfast"


def test_the_one_beside_the_kubeconfig_belongs_to_that_cluster(tmp_path: Path) -> None:
    """`holdfast up` leaves it there."""
    made(tmp_path / "state" / "holdfast" / "journal.db")
    beside = made(tmp_path / "up" / "journal.db")
    kubeconfig = str(tmp_path / "up" / "kubeconfig")
    assert find_journal("", {"KUBECONFIG": kubeconfig}) == beside
    assert find_journal(kubeconfig, {}) == beside


def test_else_the_usual_place_even_when_nothing_is_there_yet(tmp_path: Path) -> None:
    usual = str(tmp_path / "state" / "holdfast" / "journal.db")
    assert find_journal("", {}) == usual
    assert default_journal() == usual


def test_a_data_folder_holds_its_own(tmp_path: Path) -> None:
    assert default_journal(tmp_path) == str(tmp_path / "journal.db")
